"""Everything that a plug-in may implement, on one page. Read this before extending the crawler.

Components (middlewares, pipelines, extensions) are plain classes: none of these protocols has to be inherited, and of the
hooks only those that are wanted have to be there. Names and argument lists are checked when a crawl is assembled. A hook may
be a function or a coroutine function, and may take a trailing ``spider`` argument as older Scrapy code does.

A component is built by ``from_crawler(crawler)`` if it has one, else by ``from_settings(settings)``, else called without
arguments. It may raise ``NotConfigured`` to be left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from crawler.concurrency import MaybeAwaitable
    from crawler.frontier import Visit
    from crawler.http import Request, Response
    from crawler.settings import Settings

#: What a callback may yield or return: requests, items, or nothing.
Output = Any

#: What a callback may be: a function, a generator, or their asynchronous forms.
Callback = Callable[..., Any]


class DownloaderMiddleware(Protocol):
    """Sees every request on its way to the wire and every response on its way back."""

    def process_request(self, request: Request) -> MaybeAwaitable[Request | Response | None]:
        """Return None to go on, a response to answer without a download, or a request to visit instead.

        Raise ``IgnoreRequest`` to drop the request.
        """

    def process_response(self, request: Request, response: Response) -> MaybeAwaitable[Request | Response]:
        """Return the response that goes on to the callback, or a request to visit instead."""

    def process_exception(self, request: Request, exception: Exception) -> MaybeAwaitable[Request | Response | None]:
        """Return None to let *exception* go on, or a response or request to go on with instead of it."""


class VisitTrace(Protocol):
    """What somebody who follows a visit notes of it, kept with it; times are its own."""

    def begin(self, what: str) -> None:
        """Note that *what* begins now."""

    def end(self, what: str, error: BaseException | None = None) -> None:
        """Note that it is over, by *error* if it failed."""

    def took(self, what: str, seconds: float) -> None:
        """Note that *what* is over now, and took so long."""


class VisitWatcher(Protocol):
    """Follows visits from their hand-out to the commit of what they brought."""

    def begun(self, visit: Visit) -> None:
        """Note that *visit* is handed out; its ``trace`` may be set to what notes its way."""

    def ended(self, visit: Visit) -> None:
        """Note that *visit*, which has a trace, has ended."""

    def committed(self, visits: Sequence[Visit], seconds: float) -> None:
        """Note that what *visits*, which have traces, brought was committed now, which took so long."""


class SpiderMiddleware(Protocol):
    """Sees what goes into callbacks and what comes out of them."""

    def process_start(self, start: AsyncIterator[Output]) -> AsyncIterator[Output]:
        """Return what the crawl starts with, made from what ``spider.start()`` yields."""

    def process_spider_input(self, response: Response) -> MaybeAwaitable[None]:
        """Look at a response before its callback; an exception goes to the errback instead."""

    def process_spider_output(
        self, response: Response, result: AsyncIterable[Output] | Iterable[Output]
    ) -> AsyncIterable[Output] | Iterable[Output]:
        """Return what goes on to the engine, made from what the callback yields."""

    def process_spider_exception(self, response: Response, exception: Exception) -> Iterable[Output] | None:
        """Return None to let *exception* go on, or outputs to go on with instead of it."""


class ItemPipeline(Protocol):
    """Sees every item on its way to the feeds."""

    def open_spider(self) -> MaybeAwaitable[None]:
        """Prepare, before the first request."""

    def process_item(self, item: Any) -> MaybeAwaitable[Any]:
        """Return the item that goes on, or raise ``DropItem``."""

    def close_spider(self) -> MaybeAwaitable[None]:
        """Clean up, after the last item."""


class Extension(Protocol):
    """Anything that is built with a crawl and then lives by the signals that it connects to."""


class Addon(Protocol):
    """Changes the settings of a crawl before it is assembled, by ``settings.set(name, value, "addon")``."""

    def update_settings(self, settings: Settings) -> None:
        """Change *settings*; what the project has set counts more."""


class Fingerprinter(Protocol):
    """Says what makes two requests the same; see ``components.fingerprinter``."""

    def fingerprint(self, request: Request) -> bytes:
        """Return the bytes by which *request* is recognised. They should not change from one process to the next."""


class Timer(Protocol):
    """What :meth:`Clock.callLater` returns."""

    def active(self) -> bool:
        """Tell whether the call is still to come."""

    def cancel(self) -> None:
        """Call off the call."""

    def getTime(self) -> float:
        """Return when the call is due."""


class Clock(Protocol):
    """Time, as a reactor or ``twisted.internet.task.Clock`` has it (their ``IReactorTime``)."""

    def seconds(self) -> float:
        """Return the time now, in seconds."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> Timer:
        """Call *callable* in *delay* seconds."""


@runtime_checkable
class Store(Protocol):
    """Where requests wait that do not fit the workbench, by host and in order. See ``crawler.frontier``."""

    def put(self, host: str, priority: int, sequence: int, request: Request) -> None:
        """Keep *request* until it is taken."""

    def take(self, host: str, count: int) -> Sequence[tuple[int, int, Request]]:
        """Remove and return the next *count* requests of *host*: (priority, sequence, request), best first."""

    def first(self, host: str) -> tuple[int, int] | None:
        """Return the (priority, sequence) that :meth:`take` would return first, None if nothing waits."""

    def __len__(self) -> int:
        """Return how many requests wait here."""


@dataclass(frozen=True, slots=True)
class CrawlSnapshot:
    """What a crawl looks like at one moment; what live views, end tables and dashboards read."""

    spider: str
    state: str
    pages: int
    items: int
    #: What callbacks and pipelines raised, and the requests that failed for good.
    errors: int
    dropped: int
    waiting: int
    in_flight: int
    hosts: int
    elapsed: float
    bytes_received: int
    statuses: tuple[tuple[int, int], ...] = ()
    #: The requests that failed for good.
    failed: int = 0

    @property
    def pages_per_second(self) -> float:
        """Pages a second since the start."""
        return self.pages / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def items_per_second(self) -> float:
        """Items a second since the start."""
        return self.items / self.elapsed if self.elapsed > 0 else 0.0
