"""Statistics are plain numbers under Scrapy's names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from crawler.stats import MemoryStatsCollector, StatsCollector, render


def test_values_are_counted_from_their_start() -> None:
    stats = StatsCollector()
    stats.inc_value("pages")
    stats.inc_value("pages", 2)
    stats.inc_value("from_ten", start=10)
    assert stats.get_stats() == {"pages": 3, "from_ten": 11}


def test_extremes_are_kept() -> None:
    stats = StatsCollector()
    for depth in (2, 5, 3):
        stats.max_value("deepest", depth)
        stats.min_value("shallowest", depth)
    assert (stats.get_value("deepest"), stats.get_value("shallowest")) == (5, 2)


def test_what_is_returned_is_a_copy() -> None:
    stats = StatsCollector()
    stats.get_stats()["x"] = 1
    assert stats.get_value("x", "nothing") == "nothing"


def test_the_final_values_are_kept_by_spider_name() -> None:
    class Named:
        name = "books"

    stats = MemoryStatsCollector()
    stats.set_value("finish_reason", "finished")
    stats.close_spider(Named(), "finished")
    assert stats.spider_stats == {"books": {"finish_reason": "finished"}}


def test_a_collector_that_persists_them_is_given_the_final_values_with_or_without_the_spider() -> None:
    kept: list[Any] = []

    class Old(MemoryStatsCollector):
        def _persist_stats(self, stats: Any, spider: Any) -> None:  # type: ignore[override]
            kept.append((dict(stats), spider.name))

    class New(StatsCollector):
        def _persist_stats(self, stats: Any) -> None:
            kept.append(dict(self._stats))

    for collector in (Old(), New()):
        collector.set_value("pages", 1)
        collector.close_spider(SimpleNamespace(name="books"), "finished")
    assert kept == [({"pages": 1}, "books"), {"pages": 1}]


def test_they_are_shown_sorted_one_a_line() -> None:
    assert render({"b/pages": 1, "a/items" * 12: 2}).splitlines()[1].strip().startswith("'b/pages'")
