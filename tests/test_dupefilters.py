"""Duplicates filters of the project's own: they decide, and what the crawl knows is at hand."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.dupefilters import BaseDupeFilter, RFPDupeFilter
from crawler.exceptions import ComponentError
from crawler.testing import Site, crawl_in_memory

FAST = {"politeness.delay": 0, "politeness.obey_robots": False, "CONCURRENT_REQUESTS": 1}


class Links(Spider):
    name = "links"
    paths = ("/a?s=1", "/a?s=2", "/b", "/b")

    async def start(self) -> Any:
        for path in self.paths:
            yield Request(f"http://a.test{path}")

    def parse(self, response: Any) -> None: ...


class WithoutSession(RFPDupeFilter):
    def request_fingerprint(self, request: Request) -> str:
        return super().request_fingerprint(request.replace(url=request.url.partition("?")[0]))


class FirstOfEachPath(RFPDupeFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.paths: set[str] = set()
        self.calls: list[str] = []
        made.append(self)

    def open(self) -> None:
        self.calls.append("open")

    def close(self, reason: str) -> None:
        self.calls.append(f"close {reason}")

    def request_seen(self, request: Request) -> bool:
        path = request.url.partition("?")[0]
        known = path in self.paths
        self.paths.add(path)
        return known or super().request_seen(request)


made: list[FirstOfEachPath] = []


def visited(filter_: Any, **settings: Any) -> tuple[list[str], Any]:
    site = Site({"*": "x"})
    result = crawl_in_memory(Links, site, {**FAST, "DUPEFILTER_CLASS": filter_, **settings})
    return [hit.url.removeprefix("http://a.test") for hit in site.log], result


@pytest.mark.parametrize("filter_", [WithoutSession, FirstOfEachPath])
def test_a_filter_of_ones_own_decides(filter_: type) -> None:
    paths, result = visited(filter_)
    assert paths == ["/a?s=1", "/b"]
    assert result.stats["dupefilter/filtered"] == 2


def test_a_filter_is_opened_and_closed_with_the_reason() -> None:
    visited(FirstOfEachPath)
    assert made[-1].calls == ["open", "close finished"]


def test_a_filter_that_filters_nothing_lets_all_pass() -> None:
    assert visited(BaseDupeFilter)[0] == ["/a?s=1", "/a?s=2", "/b", "/b"]


def test_a_request_that_is_not_to_be_filtered_is_not_asked_about() -> None:
    class Insists(Links):
        async def start(self) -> Any:
            for _ in range(2):
                yield Request("http://a.test/b", dont_filter=True)

    site = Site({"*": "x"})
    crawl_in_memory(Insists, site, {**FAST, "DUPEFILTER_CLASS": FirstOfEachPath})
    assert len(site.log) == 2


def test_what_was_seen_before_a_restart_is_known_after_it(tmp_path: Path) -> None:
    first, second = Site({"*": "x"}), Site({"*": "x"})
    settings = {**FAST, "DUPEFILTER_CLASS": WithoutSession, "JOBDIR": str(tmp_path / "job"), "frontier.store": "sqlite"}
    crawl_in_memory(Links, first, {**settings, "CLOSESPIDER_PAGECOUNT": 1})
    crawl_in_memory(Links, second, settings)
    assert [hit.url for hit in (*first.log, *second.log)] == ["http://a.test/a?s=1", "http://a.test/b"]


@pytest.mark.parametrize(("debug", "count"), [(True, 2), (False, 0)])
def test_with_debug_every_duplicate_is_logged(debug: bool, count: int, caplog: pytest.LogCaptureFixture) -> None:
    class Thrice(Links):
        paths = ("/b", "/b", "/b")

    with caplog.at_level(logging.DEBUG):
        crawl_in_memory(Thrice, {"*": "x"}, {**FAST, "DUPEFILTER_DEBUG": debug})
    assert caplog.text.count("Filtered duplicate request: <GET http://a.test/b> (referer: None)") == count


def test_what_is_no_filter_is_told_before_the_crawl() -> None:
    with pytest.raises(ComponentError, match=r"has no method request_seen\(request\)"):
        visited(SimpleNamespace)


def test_outside_of_a_crawl_it_keeps_the_fingerprints_by_itself() -> None:
    filter_ = RFPDupeFilter.from_crawler(Crawler(Links))
    one, other = Request("http://a.test/?a=1&b=2"), Request("http://a.test/?b=2&a=1")
    assert [filter_.request_seen(one), filter_.request_seen(other)] == [False, True]
    assert filter_.request_fingerprint(one) == filter_.request_fingerprint(other)


def test_outside_of_a_crawl_the_first_duplicate_is_logged_and_all_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    crawler = Crawler(Links)
    spider = Links.from_crawler(crawler)
    filter_ = RFPDupeFilter.from_crawler(crawler)
    with caplog.at_level(logging.DEBUG):
        filter_.log(Request("http://a.test/"), spider)
        filter_.log(Request("http://a.test/"), spider)
    assert caplog.text.count("no more duplicates will be shown") == 1
    assert crawler.stats.get_value("dupefilter/filtered") == 2
