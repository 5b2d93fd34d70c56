"""A base for spider middlewares that look at requests and items one by one, whether they come from ``start`` or from a callback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from crawler.http import Request

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Response


class BaseSpiderMiddleware:
    """Passes every request through :meth:`get_processed_request` and every item through :meth:`get_processed_item`."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Return a middleware for *crawler*."""
        return cls(crawler)

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Pass on what the crawl starts with."""
        async for output in start:
            processed = self._processed(output, None)
            if processed is not None:
                yield processed

    def process_spider_output(self, response: Response, result: Iterable[Any]) -> Iterator[Any]:
        """Pass on what a callback has made of *response*."""
        for output in result:
            processed = self._processed(output, response)
            if processed is not None:
                yield processed

    async def process_spider_output_async(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Pass on what an asynchronous callback has made of *response*."""
        async for output in result:
            processed = self._processed(output, response)
            if processed is not None:
                yield processed

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Return *request*, or another in its place, or None to drop it. *response* is None for start requests."""
        return request

    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        """Return *item*, or another in its place, or None to drop it. *response* is None for items of ``start``."""
        return item

    def _processed(self, output: Any, response: Response | None) -> Any:
        if isinstance(output, Request):
            return self.get_processed_request(output, response)
        return self.get_processed_item(output, response)
