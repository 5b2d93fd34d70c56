"""LogCount: how many log lines there were of each level."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from crawler import signals

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.stats import StatsCollector


class LogCount(logging.Handler):
    """Counts log records as ``log_count/WARNING`` and so on, from *level* up; those of another crawl's spider are not counted."""

    def __init__(self, stats: StatsCollector, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._stats = stats
        self._spider: Any = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Count from the level of the settings up, while *crawler* runs."""
        extension = cls(crawler.stats, logging.getLevelNamesMapping()[crawler.settings.log.level])
        crawler.signals.connect(extension.begin, signals.spider_opened)
        crawler.signals.connect(extension.end, signals.engine_stopped)
        return extension

    def begin(self, spider: Any) -> None:
        """Begin to count."""
        self._spider = spider
        logging.getLogger().addHandler(self)

    def end(self) -> None:
        """Count no more."""
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Count *record*."""
        if getattr(record, "spider", self._spider) is self._spider:
            self._stats.inc_value(f"log_count/{record.levelname}")
