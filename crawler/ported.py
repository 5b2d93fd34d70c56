"""Functions that ported code calls and that have no other place here: the few of Scrapy's ``utils`` that projects use.

Nothing in the crawler uses them. ``crawler.scrapy_paths`` gives them the paths that they have in Scrapy, so that
``from crawler.utils.misc import load_object`` works. New code finds what it needs elsewhere, as each docstring says.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from http import HTTPStatus
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import ParseResult, urlparse

from crawler.cli import main
from crawler.concurrency import Bridge, is_awaitable, start
from crawler.crawler import Crawler
from crawler.engine import components
from crawler.exceptions import ComponentError
from crawler.http import Request, Response, TextResponse
from crawler.item import is_item
from crawler.logs import configure_logging as configure_log
from crawler.settings import Settings, find_project
from crawler.spiders import Spider
from crawler.spiders.loader import spider_classes
from crawler.url import HostMatcher

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Coroutine

    from twisted.internet.defer import Deferred


# --- commands, logging, reactor --------------------------------------------------------------------------------------


def execute(argv: Sequence[str] | None = None, settings: Any = None) -> None:
    """Run a command as the terminal would: ``execute(["scrapy", "crawl", "books"])``; the first word does not matter.

    Ends the program, as the command line does. New code calls :func:`crawler.run`.
    """
    words = list(sys.argv if argv is None else argv)
    main(args=words[1:], prog_name="crawler")


def configure_logging(settings: Settings | Mapping[str, Any] | None = None, install_root_handler: bool = True) -> None:
    """Send log lines where *settings* say. New code calls :func:`crawler.logs.configure_logging` with ``settings.log``."""
    if install_root_handler:
        configure_log(settings.log if isinstance(settings, Settings) else Settings(settings or {}).log)


def install_reactor(reactor_path: str, event_loop_path: str | None = None) -> None:
    """Install the reactor that *reactor_path* names, unless one is installed. New code leaves it to the crawler."""
    if "twisted.internet.reactor" in sys.modules:
        return
    module = importlib.import_module(reactor_path.rpartition(".")[0])
    if event_loop_path is not None:
        module.install(load_object(event_loop_path)())
    else:
        module.install()


def is_asyncio_reactor_installed() -> bool:
    """Tell whether the installed reactor runs on an asyncio loop."""
    reactor = sys.modules.get("twisted.internet.reactor")
    return reactor is not None and hasattr(reactor, "_asyncioEventloop")


# --- asynchronous code: everything may be awaited as it is --------------------------------------------------------------


def maybe_deferred_to_future(deferred: Deferred[Any]) -> Deferred[Any]:
    """Return *deferred*: code that the crawler calls may await it as it is."""
    return deferred


def deferred_to_future(deferred: Deferred[Any]) -> Future[Any]:
    """Return an asyncio future of what *deferred* comes to, on the running loop."""
    import asyncio

    return deferred.asFuture(asyncio.get_running_loop())


def deferred_from_coro(coroutine: Coroutine[Any, Any, Any] | Any) -> Any:
    """Return a Deferred of what *coroutine* comes to; what is no coroutine as it is."""
    return start(coroutine) if hasattr(coroutine, "__await__") and hasattr(coroutine, "send") else coroutine


def deferred_f_from_coro_f(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Return *function*, whose results become Deferreds: for what Twisted calls, such as ``react``.

    On an asyncio loop that is running it may await what asyncio has, too.
    """

    @functools.wraps(function)
    def deferred(*args: Any, **kwargs: Any) -> Any:
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return start(function(*args, **kwargs))
        return Bridge(loop).deferred(function(*args, **kwargs))

    return deferred


async def ensure_awaitable(value: Any) -> Any:
    """Return *value*, or what it comes to if it must be awaited."""
    return await value if is_awaitable(value) else value


# --- classes and modules -----------------------------------------------------------------------------------------------


def load_object(path: Any) -> Any:
    """Return what the dotted *path* names; an object as it is. Raise ValueError for no path, NameError for no such name."""
    if not isinstance(path, str):
        return path
    if "." not in path:
        raise ValueError(f"{path!r} is no dotted path: write package.module.name")
    try:
        return components.load(path)
    except ComponentError as error:
        if isinstance(error.__cause__, ImportError):
            raise error.__cause__ from None
        raise NameError(str(error)) from None


def build_from_crawler(objcls: type, crawler: Crawler, /, *args: Any, **kwargs: Any) -> Any:
    """Return an instance of *objcls*, through its ``from_crawler`` if it has one."""
    make: Any = getattr(objcls, "from_crawler", None)
    return make(crawler, *args, **kwargs) if make is not None else objcls(*args, **kwargs)


def create_instance(objcls: type, settings: Any, crawler: Crawler | None, *args: Any, **kwargs: Any) -> Any:
    """Return an instance of *objcls*, through ``from_crawler`` or ``from_settings`` if it has one."""
    if crawler is not None and hasattr(objcls, "from_crawler"):
        return objcls.from_crawler(crawler, *args, **kwargs)
    if hasattr(objcls, "from_settings"):
        return objcls.from_settings(settings, *args, **kwargs)
    return objcls(*args, **kwargs)


def walk_modules(path: str) -> list[ModuleType]:
    """Import the module *path* and all below it; return them."""
    module = importlib.import_module(path)
    found = [module]
    for _, below, _ in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{path}."):
        found.extend(walk_modules(below))
    return found


def iter_spider_classes(module: ModuleType) -> Iterator[type[Spider]]:
    """Yield the spiders that *module* defines. New code calls :func:`crawler.spiders.loader.spider_classes`."""
    yield from spider_classes(module)


def get_crawler(
    spidercls: type[Spider] | None = None,
    settings_dict: Mapping[str, Any] | None = None,
    prevent_warnings: bool = True,
) -> Crawler:
    """Return a crawler of *spidercls* that has not begun, for tests of components. New tests use ``crawler.testing``."""
    return Crawler(spidercls or _DefaultSpider, settings_dict)


class _DefaultSpider(Spider):
    name = "default"


def inside_project() -> bool:
    """Tell whether the working directory belongs to a project."""
    return find_project() is not None


# --- text, URLs, responses ---------------------------------------------------------------------------------------------


def to_unicode(text: str | bytes, encoding: str | None = None, errors: str = "strict") -> str:
    """Return *text* as str. New code calls ``decode``."""
    return text if isinstance(text, str) else text.decode(encoding or "utf-8", errors)


def to_bytes(text: str | bytes, encoding: str | None = None, errors: str = "strict") -> bytes:
    """Return *text* as bytes. New code calls ``encode``."""
    return text if isinstance(text, bytes) else text.encode(encoding or "utf-8", errors)


def md5sum(file: IO[bytes]) -> str:
    """Return the MD5 of what *file* has left to read, in hexadecimal. New code calls :func:`hashlib.file_digest`."""
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := file.read(1 << 16):
        digest.update(chunk)
    return digest.hexdigest()


def urlparse_cached(request_or_response: Request | Response) -> ParseResult:
    """Return the parsed URL. New code calls :func:`urllib.parse.urlsplit`."""
    return urlparse(request_or_response.url)


def url_is_from_any_domain(url: str, domains: Iterable[str]) -> bool:
    """Tell whether the host of *url* is one of *domains* or below one. New code has :class:`crawler.url.HostMatcher`."""
    return HostMatcher(domains).matches(str(url))


def get_base_url(response: Response) -> str:
    """Return what links in *response* are relative to. New code reads ``response.base_url``, or calls ``urljoin``."""
    return response.base_url if isinstance(response, TextResponse) else response.url


def response_status_message(status: int | str) -> str:
    """Return the status with its name: ``404 Not Found``. New code has :class:`http.HTTPStatus`."""
    code = int(status)
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"{code} Unknown Status"


def request_to_curl(request: Request) -> str:
    """Return a curl command that makes *request*. New code calls ``request.to_curl()``."""
    return request.to_curl()


class ScrapyJSONEncoder(json.JSONEncoder):
    """Writes items, times, decimals, sets, requests and responses as JSON. New code lets a feed do it."""

    def default(self, o: Any) -> Any:
        """Return something that JSON has for *o*."""
        if isinstance(o, datetime):
            return o.isoformat(sep=" ", timespec="seconds")
        if isinstance(o, date | time):
            return o.isoformat()
        if isinstance(o, Decimal):
            return str(o)
        if isinstance(o, set | frozenset):
            return list(o)
        if isinstance(o, Request):
            return f"<{type(o).__name__} {o.method} {o.url}>"
        if isinstance(o, Response):
            return f"<{type(o).__name__} {o.status} {o.url}>"
        if is_item(o):
            return _as_dict(o)
        return super().default(o)


def _as_dict(item: Any) -> dict[str, Any]:
    from crawler.item_adapter import ItemAdapter  # heavy, see there

    return ItemAdapter(item).asdict()
