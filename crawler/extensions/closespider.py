"""CloseSpider: ends a crawl that brings nothing any more.

The limits of pages, items, errors and seconds are the engine's, and exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from crawler import signals
from crawler.exceptions import NotConfigured
from crawler.extensions.repeating import Repeating

if TYPE_CHECKING:
    from crawler.crawler import Crawler


class CloseSpider:
    """Ends the crawl after *pages* pages in a row, or about *seconds* seconds, without an item; 0 is no limit."""

    def __init__(self, crawler: Crawler, *, pages: int = 0, seconds: float = 0.0) -> None:
        self._crawler = crawler
        self._most_pages = pages
        self._pages = 0
        self._items = 0
        if pages:
            crawler.signals.connect(self._page, signals.response_received)
        crawler.signals.connect(self._item, signals.item_scraped)
        if seconds:
            Repeating(crawler, seconds, self._look)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from ``crawl.max_pages_without_item`` and ``crawl.max_seconds_without_item``; left out without either."""
        crawl = crawler.settings.crawl
        if not (crawl.max_pages_without_item or crawl.max_seconds_without_item):
            raise NotConfigured
        return cls(crawler, pages=crawl.max_pages_without_item, seconds=crawl.max_seconds_without_item)

    def _page(self) -> None:
        if self._pages >= self._most_pages:
            self._stop("closespider_pagecount_no_item")
        self._pages += 1

    def _item(self) -> None:
        self._items += 1
        self._pages = 0

    def _look(self) -> None:
        if not self._items:
            self._stop("closespider_timeout_no_item")
        self._items = 0

    def _stop(self, reason: str) -> None:
        if self._crawler.engine is not None:
            self._crawler.engine.stop(reason)
