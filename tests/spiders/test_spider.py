"""Spider: what the base class does for every spider."""

from __future__ import annotations

import logging

import pytest

from crawler.crawler import Crawler
from crawler.http import Request
from crawler.spiders import Spider
from crawler.testing import crawl_in_memory

FAST = {"politeness.obey_robots": False, "politeness.delay": 0.0}
SITE = {"/": "<a href='/a'>a</a>", "/a": ""}


class Pages(Spider):
    name = "pages"
    start_urls = ["http://site.test/"]

    def parse(self, response):
        yield {"url": response.url}


def test_a_spider_needs_a_name() -> None:
    class Nameless(Spider):
        pass

    with pytest.raises(ValueError, match="Nameless has no name: set the class attribute name"):
        Nameless()
    assert Nameless("given").name == "given"


def test_arguments_become_attributes_and_nothing_else_is_needed() -> None:
    spider = Pages(tag="humor")
    assert (spider.tag, spider.start_urls, spider.state) == ("humor", Pages.start_urls, {})
    assert Spider("bare").start_urls == []
    assert repr(spider) == "<Pages 'pages'>"


def test_state_is_not_shared_between_spiders() -> None:
    Pages().state["seen"] = 1
    assert Pages().state == {}


def test_a_spider_from_a_crawler_knows_it_and_its_settings() -> None:
    crawler = Crawler(Pages, {"politeness.delay": 9})
    spider = Pages.from_crawler(crawler, tag="x")
    assert (spider.crawler, spider.settings, spider.tag) == (crawler, crawler.settings, "x")


def test_log_lines_carry_the_spiders_name(caplog: pytest.LogCaptureFixture) -> None:
    spider = Pages()
    with caplog.at_level(logging.DEBUG, logger="pages"):
        spider.log("one")
        spider.logger.warning("%s", "two")
    assert [(record.name, record.levelname, record.message) for record in caplog.records] == [
        ("pages", "DEBUG", "one"),
        ("pages", "WARNING", "two"),
    ]
    assert {record.spider for record in caplog.records} == {spider}


@pytest.mark.parametrize(
    ("url", "handled"),
    [("http://shop.test/x", True), ("http://a.shop.test/", True), ("http://pages/", True), ("http://x.test/", False)],
)
def test_a_spider_handles_its_domains_and_its_name(url: str, handled: bool) -> None:
    class Shop(Pages):
        allowed_domains = ["shop.test"]

    assert Shop.handles_request(Request(url)) is handled


def test_settings_may_be_changed_in_code() -> None:
    class Gentle(Pages):
        @classmethod
        def update_settings(cls, settings):
            super().update_settings(settings)
            settings.set("politeness.delay", 7, "spider")

    assert Crawler(Gentle, {"politeness.delay": 1}).settings.politeness.delay == 7.0


def test_start_urls_are_the_start() -> None:
    assert crawl_in_memory(Pages, SITE, FAST).items == [{"url": "http://site.test/"}]


def test_start_requests_of_scrapys_older_form_are_the_start() -> None:
    class Older(Pages):
        def start_requests(self):
            yield Request("http://site.test/a")

    assert crawl_in_memory(Older, SITE, FAST).items == [{"url": "http://site.test/a"}]


def test_start_may_yield_requests_and_items() -> None:
    class Newer(Pages):
        async def start(self):
            yield {"url": "none yet"}
            yield Request("http://site.test/a")

    assert crawl_in_memory(Newer, SITE, FAST).items == [{"url": "none yet"}, {"url": "http://site.test/a"}]


def test_a_start_url_in_the_place_of_start_urls_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Singular(Spider):
        name = "singular"
        start_url = "http://site.test/"

    result = crawl_in_memory(Singular, SITE, FAST)
    assert result.failed == 1
    assert "write start_urls = ['http://site.test/']" in caplog.text


def test_a_spider_without_parse_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Empty(Spider):
        name = "empty"
        start_urls = ["http://site.test/"]

    result = crawl_in_memory(Empty, SITE, FAST)
    assert result.failed == 1
    assert "Empty.parse is not defined; it is the callback of" in caplog.text


def test_closed_is_called_with_the_reason() -> None:
    reasons = []

    class Closing(Pages):
        async def closed(self, reason):
            reasons.append(reason)

    crawl_in_memory(Closing, SITE, FAST)
    assert reasons == ["finished"]


def test_a_start_url_is_visited_even_if_it_is_not_in_the_allowed_domains() -> None:
    class Elsewhere(Spider):
        name = "elsewhere"
        start_urls = ["http://b.test/"]
        allowed_domains = ["a.test"]

        def parse(self, response):
            yield {"url": response.url}
            yield response.follow("/more")

    assert crawl_in_memory(Elsewhere, {"*": "x"}).items == [{"url": "http://b.test/"}]
