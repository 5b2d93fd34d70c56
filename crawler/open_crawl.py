"""OpenCrawl: a crawl that stays open and fetches what it is asked for, one page after another.

    crawl = OpenCrawl(BooksSpider, settings, runtime=runtime)
    await crawl.open()
    response = await crawl.fetch("https://books.toscrape.com/")
    await crawl.close()

What is fetched goes through the engine: the spider's settings, its downloader middlewares and cookies take part and are kept,
its callbacks do not. Nothing is kept with a job and nothing goes into feeds. Since a person asks for single pages and waits for
them, robots.txt is looked at and a failure tried again only where the command line or the environment says so, and the spider's
domains do not count.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from crawler import signals
from crawler.crawler import Crawler
from crawler.exceptions import DontCloseSpider, InvalidURLError, UsageError
from crawler.http import Request
from crawler.settings import PRIORITIES, Settings
from crawler.spiders import Spider

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from crawler.http import Response
    from crawler.result import CrawlResult
    from crawler.runtime import Runtime


class PageSpider(Spider):
    """The spider of open crawls that are given none."""

    name = "page"


class OpenCrawl:
    """An open crawl of *spidercls*, made with *arguments*, that fetches what it is asked for. ``crawler`` is its Crawler."""

    def __init__(
        self,
        spidercls: type[Spider] = PageSpider,
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        runtime: Runtime,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        given = settings if isinstance(settings, Settings) else Settings(settings or {})
        self.crawler = Crawler(spidercls, looking_settings(given), runtime=runtime, start=_nothing)
        self.crawler.signals.connect(self._stay_open, signals.spider_idle)
        self._arguments = dict(arguments or {})
        self._opened: Deferred[None] = Deferred()
        self._ended: Deferred[CrawlResult] | None = None
        self._downloading: set[Deferred[Response]] = set()

    def __repr__(self) -> str:
        return f"<OpenCrawl of {self.crawler!r}>"

    async def open(self) -> None:
        """Begin the crawl; raise what keeps it from beginning."""
        self._ended = self.crawler.crawl(**self._arguments)
        self._ended.addErrback(self._not_opened)
        await self._opened

    def _stay_open(self) -> None:
        if not self._opened.called:
            self._opened.callback(None)
        raise DontCloseSpider

    def _not_opened(self, failure: Failure) -> Failure | None:
        if self._opened.called:
            return failure
        self._opened.errback(failure)
        return None

    async def fetch(self, what: str | Request, *, redirect: bool = True, **options: Any) -> Response:
        """Return the response to a request or a URL, whatever its status; raise DownloadError if none comes.

        *options* are those of a request, for a URL. Without *redirect* the answer of the first server is all.
        """
        request = what if isinstance(what, Request) else Request(address(what), **options)
        meta = {**request.meta, "allow_offsite": True}
        if not redirect:
            meta["dont_redirect"] = True
        assert self.crawler.engine is not None  # open() has made it
        self.crawler.engine.name_host(request.url)
        downloading = self.crawler.engine.download(request.replace(meta=meta, dont_filter=True))
        self._downloading.add(downloading)
        try:
            return await downloading
        finally:
            self._downloading.discard(downloading)

    async def close(self) -> None:
        """End the crawl, and what is still being fetched."""
        for downloading in tuple(self._downloading):
            downloading.cancel()
        if self.crawler.engine is not None:
            self.crawler.engine.stop("finished")
        if self._ended is not None:
            await self._ended


async def _nothing(_: Spider) -> AsyncIterator[Any]:
    return
    yield  # an asynchronous generator, of nothing


def rehearsal_settings(given: Settings) -> Settings:
    """Return *given* as they hold where nothing is to be kept or watched: no job, no feeds, no monitors, no dashboard."""
    settings = given.copy()
    settings.update({name: None for name in settings if name.startswith("monitors.")}, "cmdline")
    settings.update(
        {"frontier.store": "memory", "feeds": [], "FEED_URI": "", "log.stats_interval": 0, "dashboard.enabled": False},
        "cmdline",
    )
    return settings


def looking_settings(given: Settings) -> Settings:
    """Return *given* as they hold in an open crawl."""
    settings = rehearsal_settings(given)
    for name in ("politeness.obey_robots", "retry.enabled"):
        if (settings.getpriority(name) or 0) < PRIORITIES["environment"]:
            settings.set(name, False, "cmdline")
    # Whoever types the name of a file means it. Redirects lead to none.
    settings.set("http.schemes", [*dict.fromkeys([*settings.http.schemes, "file", "data"])], "cmdline")
    settings.set("crawl.max_seconds", 0, "cmdline")
    return settings


_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|data:|file:)")


def address(text: str) -> str:
    """Return the URL that *text* means: a URL as it is, the file of that name, or a host as one types it into a browser.

    Raises UsageError for what can be none of these.
    """
    text = text.strip()
    if _SCHEME.match(text):
        return _checked(text)
    path = Path(text).expanduser()
    if path.is_file():
        return path.resolve().as_uri()
    if not text or text[0] in "./~" or re.search(r"\s", text):
        raise UsageError(f"{text!r} is no URL, and there is no such file")
    host = re.split(r"[/?#]", text, maxsplit=1)[0]
    name = host.strip("[]") if host.endswith("]") else host.rpartition(":")[0] or host
    return _checked(f"{'http' if _is_near(name.strip('[]')) else 'https'}://{text}")


def _checked(url: str) -> str:
    try:
        Request(url)
    except InvalidURLError as error:
        raise UsageError(str(error)) from error
    return url


def _is_near(name: str) -> bool:
    """Tell whether *name* is one of this machine or of its network, where nobody has certificates."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(".localhost")
    return True
