"""Functions that ported code calls and that have no other place here: the few of Scrapy's ``utils`` that projects use.

Nothing in the crawler uses them. ``crawler.scrapy_paths`` gives them the paths that they have in Scrapy, so that
``from crawler.utils.misc import load_object`` works. New code finds what it needs elsewhere, as each docstring says. Text, lists,
dictionaries and URLs are in ``values``, requests, responses and documents in ``documents``.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any

from crawler.cli import main
from crawler.concurrency import in_task, is_awaitable
from crawler.concurrency import ported as awaited
from crawler.crawler import Crawler
from crawler.engine import components
from crawler.exceptions import ComponentError
from crawler.http import Request, Response
from crawler.item import is_item
from crawler.logs import configure_logging as configure_log
from crawler.settings import Settings, find_project
from crawler.spiders import Spider
from crawler.spiders.loader import spider_classes

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


def is_reactor_installed() -> bool:
    """Tell whether there is a reactor in this process."""
    return "twisted.internet.reactor" in sys.modules


def is_asyncio_reactor_installed() -> bool:
    """Tell whether the installed reactor runs on an asyncio loop."""
    reactor = sys.modules.get("twisted.internet.reactor")
    return reactor is not None and hasattr(reactor, "_asyncioEventloop")


# --- asynchronous code: everything may be awaited as it is --------------------------------------------------------------


def maybe_deferred_to_future(deferred: Deferred[Any]) -> Deferred[Any] | Future[Any]:
    """Return a future in an asyncio task, for ``asyncio.gather``, else *deferred*. New code awaits it as it is."""
    import asyncio

    return deferred.asFuture(asyncio.get_running_loop()) if in_task() else deferred


def deferred_to_future(deferred: Deferred[Any]) -> Future[Any]:
    """Return an asyncio future of what *deferred* comes to, on the running loop."""
    import asyncio

    return deferred.asFuture(asyncio.get_running_loop())


def deferred_from_coro(coroutine: Coroutine[Any, Any, Any] | Any) -> Any:
    """Return a Deferred of what *coroutine* or a future comes to; what cannot be awaited as it is."""
    return awaited(coroutine) if is_awaitable(coroutine) else coroutine


# --- classes and modules -----------------------------------------------------------------------------------------------


def load_object(path: Any) -> Any:
    """Return what the dotted *path* names; an object as it is. Raise ValueError for no path, NameError for no such name."""
    if not isinstance(path, str):
        if not callable(path):
            raise TypeError(f"a dotted path, a class or a function is loaded, not {type(path).__name__}: {path!r}")
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
    if make is None:
        return objcls(*args, **kwargs)
    made = make(crawler, *args, **kwargs)
    if made is None:
        raise TypeError(f"{objcls.__qualname__}.from_crawler returned None: it returns the instance")
    return made


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


# --- data --------------------------------------------------------------------------------------------------------------


def md5sum(file: IO[bytes]) -> str:
    """Return the MD5 of what *file* has left to read, in hexadecimal. New code calls :func:`hashlib.file_digest`."""
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := file.read(1 << 16):
        digest.update(chunk)
    return digest.hexdigest()


class ScrapyJSONEncoder(json.JSONEncoder):
    """Writes items, times, decimals, sets, requests and responses as JSON. New code lets a feed do it."""

    def default(self, o: Any) -> Any:
        """Return something that JSON has for *o*."""
        if isinstance(o, datetime | date | time):
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
