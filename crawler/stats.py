"""Counters and values of a crawl, under Scrapy's names.

Plain numbers in a dictionary: incrementing one costs a dictionary look-up. The engine keeps its own hot counters here too, so
that what is shown, reported and tested is one set of numbers.
"""

from __future__ import annotations

import inspect
import logging
import pprint
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger(__name__)


class StatsCollector:
    """The statistics of one crawl. The ``spider`` arguments are accepted for ported code and not used."""

    def __init__(self, crawler: Any = None) -> None:
        self._stats: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self._stats)} values>"

    def get_value(self, key: str, default: Any = None, spider: Any = None) -> Any:
        """Return the value of *key*, or *default*."""
        return self._stats.get(key, default)

    def get_stats(self, spider: Any = None) -> dict[str, Any]:
        """Return a copy of everything."""
        return dict(self._stats)

    def set_value(self, key: str, value: Any, spider: Any = None) -> None:
        """Set *key* to *value*."""
        self._stats[key] = value

    def set_stats(self, stats: Mapping[str, Any], spider: Any = None) -> None:
        """Replace everything by *stats*."""
        self._stats = dict(stats)

    # Hot: about a dozen times per request.
    def inc_value(self, key: str, count: int = 1, start: int = 0, spider: Any = None) -> None:
        """Add *count* to *key*, which begins at *start*."""
        values = self._stats
        values[key] = values.get(key, start) + count

    def max_value(self, key: str, value: Any, spider: Any = None) -> None:
        """Raise *key* to *value* if it is lower or not set."""
        known = self._stats.get(key)
        self._stats[key] = value if known is None else max(known, value)

    def min_value(self, key: str, value: Any, spider: Any = None) -> None:
        """Lower *key* to *value* if it is higher or not set."""
        known = self._stats.get(key)
        self._stats[key] = value if known is None else min(known, value)

    def clear_stats(self, spider: Any = None) -> None:
        """Forget everything."""
        self._stats.clear()

    def open_spider(self, spider: Any = None) -> None:
        """Called by the engine when the crawl begins; for collectors that persist their values."""

    def close_spider(self, spider: Any = None, reason: str = "") -> None:
        """Called by the engine when the crawl has ended; for collectors that persist their values."""
        persist = self._persist_stats
        takes_spider = len(inspect.signature(persist).parameters) > 1
        persist(self._stats, *((spider,) if takes_spider else ()))

    def _persist_stats(self, stats: dict[str, Any]) -> None:
        """Keep the final *stats*; ported collectors override this, also with a spider as the second argument."""


class MemoryStatsCollector(StatsCollector):
    """The default collector. ``spider_stats`` keeps the final values by spider name."""

    def __init__(self, crawler: Any = None) -> None:
        super().__init__(crawler)
        self.spider_stats: dict[str, dict[str, Any]] = {}

    def close_spider(self, spider: Any = None, reason: str = "") -> None:
        """Keep the final values under the spider's name."""
        super().close_spider(spider, reason)
        if spider is not None:
            self.spider_stats[spider.name] = self.get_stats()


class DummyStatsCollector(StatsCollector):
    """Keeps nothing; for those who want no statistics. What the crawl's end tells of them is then empty, too."""

    def set_value(self, key: str, value: Any, spider: Any = None) -> None:
        """Do nothing."""

    def set_stats(self, stats: Mapping[str, Any], spider: Any = None) -> None:
        """Do nothing."""

    def inc_value(self, key: str, count: int = 1, start: int = 0, spider: Any = None) -> None:
        """Do nothing."""

    def max_value(self, key: str, value: Any, spider: Any = None) -> None:
        """Do nothing."""

    def min_value(self, key: str, value: Any, spider: Any = None) -> None:
        """Do nothing."""


def render(stats: Mapping[str, Any]) -> str:
    """Return *stats* sorted by name, one a line."""
    return pprint.pformat(dict(stats))
