"""The statistics of a crawl have Scrapy's names and values."""

from __future__ import annotations

import gzip
import logging
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.http import Response
from crawler.stats import DummyStatsCollector, StatsCollector
from crawler.testing import Page, crawl_in_memory

# As Scrapy 2.19 has them after a crawl such as that below.
NAMES = """
downloader/exception_count downloader/exception_type_count/crawler.exceptions.DownloadTimeoutError
downloader/request_bytes downloader/request_count downloader/request_method_count/GET downloader/response_bytes
downloader/response_count downloader/response_status_count/200 downloader/response_status_count/404
downloader/response_status_count/503 dupefilter/filtered elapsed_time_seconds finish_reason finish_time
httpcompression/response_bytes httpcompression/response_count httperror/response_ignored_count
httperror/response_ignored_status_count/404 item_dropped_count item_dropped_reasons_count/DropItem item_scraped_count
items_per_minute log_count/ERROR log_count/WARNING memusage/max memusage/startup offsite/domains offsite/filtered request_depth_max
response_received_count responses_per_minute retry/count retry/max_reached
robotstxt/forbidden robotstxt/request_count robotstxt/response_count robotstxt/response_status_count/200
scheduler/dequeued scheduler/enqueued spider_exceptions/ValueError spider_exceptions/count start_time
urllength/request_ignored_count
""".split()

PAGES = {
    "/robots.txt": "User-agent: *\nDisallow: /private",
    "/": "x",
    "/packed": Page(gzip.compress(b"x" * 1000), headers={"Content-Encoding": "gzip", "Content-Type": "text/html"}),
    "/busy": Page("", 503),
    "/slow": Page("x", latency=100.0),
    "/broken": "x",
}


class Everything(Spider):
    name = "everything"
    start_urls = ["http://a.test/"]
    allowed_domains = ["a.test"]

    def parse(self, response: Response) -> Any:
        if response.url.endswith("/broken"):
            raise ValueError("broken")
        self.logger.warning("look")
        yield {"url": response.url}
        for path in ("/packed", "/private", "/gone", "/busy", "/broken", "/slow", "/" + "x" * 100):
            yield Request(f"http://a.test{path}")
        yield Request("http://b.test/1")
        yield Request("http://b.test/2")


class Refuse:
    def process_item(self, item: dict[str, str]) -> dict[str, str]:
        from crawler.exceptions import DropItem

        if item["url"].endswith("/packed"):
            raise DropItem("no")
        return item


def crawl(**settings: Any) -> dict[str, Any]:
    given = {
        "ITEM_PIPELINES": {Refuse: 1},
        "RETRY_TIMES": 1,
        "URLLENGTH_LIMIT": 80,
        "retry.statuses": [503],
        **settings,
    }
    return dict(crawl_in_memory(Everything, PAGES, given).stats)


def test_the_names_of_scrapys_statistics_are_there() -> None:
    assert sorted(set(NAMES) - set(crawl())) == []


def test_their_values_are_those_that_the_names_say() -> None:
    stats = crawl()
    wanted = {
        "offsite/filtered": 4,
        "offsite/domains": 1,
        "robotstxt/forbidden": 1,
        "urllength/request_ignored_count": 2,
        "request_depth_max": 1,
        "httpcompression/response_count": 1,
        "httpcompression/response_bytes": 1000,
        "scheduler/enqueued": 7,
        "item_dropped_count": 1,
        "log_count/WARNING": 3,
    }
    assert {name: stats[name] for name in wanted} == wanted
    assert stats["items_per_minute"] == pytest.approx(60 / stats["elapsed_time_seconds"])
    assert stats["downloader/request_bytes"] > stats["downloader/request_count"] * 100


def test_what_goes_in_comes_out() -> None:
    stats = crawl()
    assert stats["scheduler/dequeued"] >= stats["scheduler/enqueued"]


def test_all_statistics_are_logged_at_the_end_where_they_are_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        crawl(STATS_DUMP=True)
    assert "'finish_reason': 'finished'" in caplog.text


class Shouting(StatsCollector):
    def inc_value(self, key: str, count: int = 1, start: int = 0, spider: Any = None) -> None:
        super().inc_value(key.upper(), count, start)


@pytest.mark.parametrize("named", [Shouting, f"{__name__}.Shouting"])
def test_statistics_may_be_kept_by_a_class_of_ones_own(named: Any) -> None:
    assert crawl(STATS_CLASS=named)["ITEM_SCRAPED_COUNT"] == 1


def test_no_statistics_are_kept_where_none_are_wanted() -> None:
    assert crawl(STATS_CLASS="scrapy.statscollectors.DummyStatsCollector") == {}
    stats = DummyStatsCollector()
    stats.set_stats({"x": 1})
    assert stats.get_stats() == {}


def test_the_level_of_the_line_about_a_dropped_item_can_be_set(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        crawl(DEFAULT_DROPITEM_LOG_LEVEL="DEBUG")
    assert {record.levelname for record in caplog.records if "Dropped" in record.getMessage()} == {"DEBUG"}
