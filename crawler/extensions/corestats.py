"""CoreStats: when the crawl began and ended, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from crawler import signals

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.stats import StatsCollector


class CoreStats:
    """Writes start_time, finish_time, elapsed_time_seconds, finish_reason, items_per_minute and responses_per_minute."""

    def __init__(self, stats: StatsCollector, seconds: Callable[[], float]) -> None:
        self._stats = stats
        self._seconds = seconds
        self._began = seconds()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CoreStats:
        """Connect to the signals of *crawler*."""
        extension = cls(crawler.stats, crawler.clock.seconds)
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self, spider: Any) -> None:
        """Note the start."""
        self._began = self._seconds()
        self._stats.set_value("start_time", datetime.now(UTC))

    def spider_closed(self, spider: Any, reason: str) -> None:
        """Note the end."""
        self._stats.set_value("finish_time", datetime.now(UTC))
        elapsed = self._seconds() - self._began
        self._stats.set_value("elapsed_time_seconds", elapsed)
        self._stats.set_value("finish_reason", reason)
        for name, count in (("items", "item_scraped_count"), ("responses", "response_received_count")):
            a_minute = 60 * self._stats.get_value(count, 0) / elapsed if elapsed > 0 else None
            self._stats.set_value(f"{name}_per_minute", a_minute)
