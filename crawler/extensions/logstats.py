"""LogStats: a line every so often that says how far the crawl is, for logs that nobody watches live."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from crawler import signals
from crawler.exceptions import NotConfigured

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.interfaces import Timer

logger = logging.getLogger(__name__)


class LogStats:
    """Logs pages and items, in total and a minute, every *interval* seconds."""

    def __init__(self, crawler: Crawler, interval: float) -> None:
        self._crawler = crawler
        self._interval = interval
        self._pages = 0
        self._items = 0
        self._timer: Timer | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> LogStats:
        """Connect to the signals of *crawler*; not used where ``log.stats_interval`` is 0."""
        interval = crawler.settings.log.stats_interval
        if not interval:
            raise NotConfigured
        extension = cls(crawler, interval)
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self, spider: Any) -> None:
        """Begin."""
        self._timer = self._crawler.clock.callLater(self._interval, self._log)

    def _log(self) -> None:
        now = self._crawler.snapshot()
        per_minute = 60 / self._interval
        logger.info(
            "%d pages (%.0f a minute), %d items (%.0f a minute), %d waiting, %d in flight, %d errors",
            now.pages,
            (now.pages - self._pages) * per_minute,
            now.items,
            (now.items - self._items) * per_minute,
            now.waiting,
            now.in_flight,
            now.errors,
        )
        self._pages, self._items = now.pages, now.items
        self._timer = self._crawler.clock.callLater(self._interval, self._log)

    def spider_closed(self, spider: Any, reason: str) -> None:
        """End."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
