"""A whole crawl in memory, on a fake clock: for tests that are quick and never flake.

    site = Site({"/": "<a href='/book'>a book</a>", "/book": Page("<h1>Book</h1>", latency=2.0)})
    result = crawl_in_memory(BooksSpider, site, settings={"politeness.delay": 1.0})
    assert result.items == [{"title": "Book"}]
    assert site.log[1].at == 3.0                    # seconds on the fake clock: no time passes

Nothing is mocked: the real engine sends real HTTP through treq and Twisted's client to a real Twisted server, over memory
instead of sockets. Delays, time-outs and latencies are kept exactly, on a clock that is advanced from one event to the next.
What cannot work here is awaiting asyncio futures, since no asyncio loop runs; ``crawler.threads`` runs its work at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from treq.testing import RequestTraversalAgent
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from crawler.crawler import Crawler
from crawler.runtime import Runtime
from crawler.threads import without_threads

if TYPE_CHECKING:
    from twisted.web.http import Request as ServerRequest

    from crawler.result import CrawlResult
    from crawler.settings import Settings
    from crawler.spiders import Spider

# A crawl that lasts longer than this on the fake clock is taken to run in circles.
PATIENCE = 30 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of a :class:`Site`."""

    body: str | bytes = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})
    #: Seconds on the fake clock until the answer is sent.
    latency: float = 0.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A request as a :class:`Site` saw it."""

    at: float
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


#: What a site answers to a path: a page, its body, or a function of the hit that returns either.
Answer = Page | str | bytes | Callable[[Hit], "Page | str | bytes"]


class Site:
    """A web in memory: *pages* by path ("/x"), or by URL ("http://host/x") where hosts matter.

    What is not there is a 404; robots.txt is too, unless it is among the pages. ``log`` holds every request in order.
    """

    def __init__(self, pages: Mapping[str, Answer] | None = None) -> None:
        self.pages: dict[str, Answer] = dict(pages or {})
        self.log: list[Hit] = []

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order, without robots.txt."""
        urls = [hit.url.split("://", 1)[1] for hit in self.log]
        paths = ["/" + url.partition("/")[2] for url in urls]
        return [path for path in paths if path != "/robots.txt"]

    def answer(self, hit: Hit) -> Page:
        """Return the answer to *hit*."""
        path = "/" + hit.url.split("://", 1)[1].partition("/")[2]
        known = self.pages.get(hit.url, self.pages.get(path, self.pages.get("*", Page("not found", 404))))
        answer = known(hit) if callable(known) else known
        return answer if isinstance(answer, Page) else Page(answer)


class _SiteResource(Resource):
    """A :class:`Site` as Twisted's server sees it."""

    isLeaf = True

    def __init__(self, site: Site, clock: Clock) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._site = site
        self._clock = clock

    def render(self, request: ServerRequest) -> Any:
        host = (request.getHeader(b"host") or b"").decode("latin-1")
        scheme = "https" if request.isSecure() else "http"
        hit = Hit(
            at=self._clock.seconds(),
            method=request.method.decode("latin-1"),
            url=f"{scheme}://{host}{request.uri.decode('latin-1')}",
            headers={
                name.decode("latin-1"): b", ".join(values).decode("latin-1")
                for name, values in request.requestHeaders.getAllRawHeaders()
            },
            body=request.content.read() if request.content else b"",
        )
        self._site.log.append(hit)
        page = self._site.answer(hit)
        if not page.latency:
            return self._send(request, page)
        self._clock.callLater(page.latency, self._send_late, request, page)
        return NOT_DONE_YET

    def _send(self, request: ServerRequest, page: Page) -> bytes:
        request.setResponseCode(page.status)
        for name, value in page.headers.items():
            request.setHeader(name.encode("latin-1"), value.encode("latin-1"))
        return page.body.encode() if isinstance(page.body, str) else page.body

    def _send_late(self, request: ServerRequest, page: Page) -> None:
        if request.channel is not None:  # the client may be gone by now
            request.write(self._send(request, page))
            request.finish()


class MemoryWorld:
    """A *site*, a fake clock and the runtime that joins them, for tests that want to look in between."""

    def __init__(self, site: Site) -> None:
        self.clock = Clock()
        self.site = site
        self._agent = RequestTraversalAgent(_SiteResource(site, self.clock))
        self.runtime = Runtime(self.clock, agent=self._agent)

    def run(self, crawler: Crawler, /, **arguments: Any) -> CrawlResult:
        """Run *crawler* to its end on the fake clock and return its result; raise what stopped it."""
        results: list[Any] = []
        with without_threads():
            crawler.crawl(**arguments).addBoth(results.append)
            while not results:
                self.step(crawler)
        if isinstance(results[0], Failure):
            results[0].raiseException()
        result: CrawlResult = results[0]
        return result

    def step(self, crawler: Crawler | None = None) -> None:
        """Deliver what was sent, then let time pass until the next event."""
        self._agent.flush()
        calls = self.clock.getDelayedCalls()
        if not calls and crawler is not None and not crawler.crawling:
            return  # what was sent has ended it
        if not calls:
            raise AssertionError(f"nothing is left to happen, and the crawl has not ended: {crawler!r}")
        if self.clock.seconds() > PATIENCE:
            raise AssertionError(f"still running after {PATIENCE / 86400:g} days on the fake clock: {crawler!r}")
        self.clock.advance(max(0.0, min(call.getTime() for call in calls) - self.clock.seconds()))
        self._agent.flush()


def crawl_in_memory(
    spidercls: type[Spider],
    site: Site | Mapping[str, Answer],
    settings: Settings | Mapping[str, Any] | None = None,
    /,
    **arguments: Any,
) -> CrawlResult:
    """Crawl *site* with *spidercls* in memory and return the result, items included.

    *arguments* go to the spider. Settings are as for :func:`crawler.run`; nothing is read from files.
    """
    world = MemoryWorld(site if isinstance(site, Site) else Site(site))
    items: list[Any] = []
    crawler = Crawler(spidercls, settings, runtime=world.runtime, on_item=items.append)
    return replace(world.run(crawler, **arguments), items=items)
