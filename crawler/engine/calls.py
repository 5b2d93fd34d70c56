"""What extensions call on ``crawler.engine`` under Scrapy's names, in terms of what the engine does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from crawler.concurrency import promise
from crawler.engine.errands import ASKING
from crawler.engine.halt import Halted
from crawler.frontier.visit import OF_NO_PAGE

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from crawler.http import Request, Response


class EngineCalls(ABC):
    """Scrapy's names for what an engine does. The ``spider`` arguments are accepted for ported code and not used."""

    @abstractmethod
    def submit(self, request: Request, *, parent: int = 0) -> bool:
        """Take *request* into the crawl, asked for by what is done with the request number *parent*."""

    @abstractmethod
    def keep_soon(self) -> None:
        """Let the job keep what has happened."""

    @abstractmethod
    def fill(self) -> None:
        """Start what may start."""

    @abstractmethod
    def stop(self, reason: str = "shutdown") -> None:
        """End the crawl when what is in flight has finished."""

    @abstractmethod
    def download(self, request: Request, spider: Any = None) -> Deferred[Response]:
        """Return a Deferred of the response to *request*."""

    def crawl(self, request: Request, spider: Any = None) -> None:
        """Take *request* into the crawl, from outside a callback."""
        asking = ASKING.get()
        with suppress(Halted):
            self.submit(request, parent=asking.sequence or OF_NO_PAGE if asking is not None else OF_NO_PAGE)
            self.keep_soon()  # no visit may bring it again after a crash
            self.fill()

    async def download_async(self, request: Request) -> Response:
        """Return the response to *request*, as :meth:`download` does."""
        return await self.download(request)

    def close_spider(self, spider: Any = None, reason: str = "cancelled") -> Deferred[None]:
        """Begin to end the crawl; what is returned has fired, so that a callback which waits for it does not wait for itself."""
        self.stop(reason)
        begun, fire = promise()
        fire(None)
        return begun

    async def close_spider_async(self, *, reason: str = "cancelled") -> None:
        """Begin to end the crawl."""
        self.stop(reason)
