"""Log lines of the project's own, by a formatter."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.exceptions import ComponentError, DropItem
from crawler.logformatter import LogFormatter
from crawler.testing import Page, crawl_in_memory

FAST = {"politeness.delay": 0, "politeness.obey_robots": False, "retry.enabled": False}
SITE = {"/": "x", "/gone": Page("x", latency=90.0), "/raises": "x"}


class Everything(Spider):
    """A page, a page that cannot be had, one whose callback raises; an item that is kept, one dropped, one that fails."""

    name = "everything"

    async def start(self) -> Any:
        for path in ("/", "/gone", "/raises"):
            yield Request(f"http://a.test{path}")

    def parse(self, response: Any) -> Any:
        if response.url.endswith("/raises"):
            raise ValueError("broken page")
        yield from ({"what": what} for what in ("kept", "dropped", "failing"))


class Chooses:
    def process_item(self, item: Any) -> Any:
        if item["what"] == "dropped":
            raise DropItem("not wanted")
        if item["what"] == "failing":
            raise KeyError("price")
        return item


def lines(caplog: pytest.LogCaptureFixture, formatter: Any, level: int = logging.DEBUG) -> list[tuple[str, str]]:
    """Return level and text of the lines about pages and items."""
    with caplog.at_level(level):
        crawl_in_memory(Everything, SITE, {**FAST, "ITEM_PIPELINES": {Chooses: 1}, "LOG_FORMATTER": formatter})
    return [(one.levelname, one.getMessage()) for one in caplog.records if one.name == "crawler.engine.account"]


@pytest.mark.parametrize(
    ("level", "text"),
    [
        ("DEBUG", "Crawled (200) <GET http://a.test/> (referer: None)"),
        ("DEBUG", "Scraped from <200 http://a.test/>\n{'what': 'kept'}"),
        ("WARNING", "Dropped: not wanted\n{'what': 'dropped'}"),
        ("ERROR", "Error processing {'what': 'failing'}"),
        ("ERROR", "Spider error processing <GET http://a.test/raises> (referer: None)"),
    ],
)
def test_scrapys_formatter_writes_the_lines_that_people_search_for(
    level: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert (level, text) in lines(caplog, "scrapy.logformatter.LogFormatter")


def test_a_page_that_cannot_be_had_is_an_error_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    told = [text for _, text in lines(caplog, LogFormatter) if text.startswith("Error downloading")]
    assert len(told) == 1
    assert told[0].startswith("Error downloading <GET http://a.test/gone>: ")


def test_a_subclass_chooses_level_and_words_also_where_debug_is_off(caplog: pytest.LogCaptureFixture) -> None:
    class Louder(LogFormatter):
        def crawled(self, request: Any, response: Any, spider: Any) -> Any:
            return {"level": logging.INFO, "msg": "page %(url)s of %(name)s", "url": request.url, "name": spider.name}

    told = lines(caplog, Louder, logging.INFO)
    assert ("INFO", "page http://a.test/ of everything") in told
    assert not [text for _, text in told if text.startswith("Scraped")]


def test_none_is_no_line(caplog: pytest.LogCaptureFixture) -> None:
    class Polite(LogFormatter):
        def dropped(self, item: Any, exception: Any, response: Any, spider: Any) -> Any:
            return None

    told = lines(caplog, Polite)
    assert told
    assert not [text for _, text in told if text.startswith("Dropped")]


def test_a_formatter_that_raises_costs_the_line_and_not_the_page(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(LogFormatter):
        def crawled(self, request: Any, response: Any, spider: Any) -> Any:
            raise RuntimeError("no words")

    told = [text for _, text in lines(caplog, Broken)]
    assert any(text.startswith("Error in crawled of") for text in told)
    assert "Scraped from <200 http://a.test/>\n{'what': 'kept'}" in told


def test_errors_keep_their_traceback(caplog: pytest.LogCaptureFixture) -> None:
    lines(caplog, LogFormatter)
    raised = {one.exc_info[0] for one in caplog.records if one.exc_info}
    assert {ValueError, KeyError} <= raised


def test_a_formatter_that_is_not_there_is_told_before_the_crawl() -> None:
    with pytest.raises(ComponentError, match=r"shop\.logs"):
        crawl_in_memory(Everything, SITE, {**FAST, "LOG_FORMATTER": "shop.logs.Formatter"})
