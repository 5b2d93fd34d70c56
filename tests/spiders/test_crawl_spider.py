"""CrawlSpider: links followed by rules, through the real engine in memory."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from crawler.linkextractors import LinkExtractor
from crawler.spiders import CrawlSpider, Rule
from crawler.testing import Page, Site, crawl_in_memory

FAST = {"politeness.obey_robots": False, "politeness.delay": 0.0}
SITE = {
    "/": '<a href="/list">list</a><a href="/item/1">one</a><a href="/other">other</a>',
    "/list": '<a href="/item/1">one</a><a href="/item/2">two</a>',
    "/item/1": '<a href="/item/3">three</a>',
    "/item/2": "",
    "/item/3": "",
    "/other": "",
}


class Items(CrawlSpider):
    name = "items"
    start_urls = ["http://site.test/"]
    rules = [
        Rule(LinkExtractor(allow=r"/item/"), callback="parse_item", cb_kwargs={"kind": "item"}),
        Rule(LinkExtractor(allow=r"/list"), follow=True),
    ]

    def parse_item(self, response, kind):
        yield {"url": response.url, "kind": kind, "text": response.meta["link_text"]}


def test_links_are_followed_by_the_first_rule_that_takes_them() -> None:
    site = Site(SITE)
    result = crawl_in_memory(Items, site, FAST)
    assert {(item["url"].rpartition("/")[2], item["text"]) for item in result.items} == {("1", "one"), ("2", "two")}
    assert "/other" not in site.paths
    assert "/item/3" not in site.paths  # a rule with a callback does not follow unless it says so


def test_a_rule_may_follow_and_call_back() -> None:
    class Deep(Items):
        rules = [Rule(LinkExtractor(allow=r"/item/"), callback="parse_item", cb_kwargs={"kind": "x"}, follow=True)]

    result = crawl_in_memory(Deep, SITE, FAST)
    assert {item["url"].rpartition("/")[2] for item in result.items} == {"1", "3"}


def test_links_and_requests_may_be_changed_or_left_out_on_the_way() -> None:
    class Choosy(Items):
        rules = [
            Rule(
                LinkExtractor(allow=r"/item/|/list"),
                callback="parse_item",
                cb_kwargs={"kind": "x"},
                follow=True,
                process_links="but_not_one",
                process_request="mark",
            )
        ]

        def but_not_one(self, links):
            return [link for link in links if not link.url.endswith("/1")]

        def mark(self, request, response):
            request.meta["marked_on"] = response.url
            return None if request.url.endswith("/3") else request

        def parse_item(self, response, kind):
            yield {"path": response.url.rpartition("/")[2], "on": response.meta["marked_on"].rpartition("/")[2]}

    result = crawl_in_memory(Choosy, SITE, FAST)
    assert result.items == [{"path": "list", "on": ""}, {"path": "2", "on": "list"}]


def test_a_rule_that_names_no_method_of_the_spider_is_an_error_when_it_is_built() -> None:
    class Wrong(CrawlSpider):
        name = "wrong"
        rules = [Rule(LinkExtractor(), callback="pasre_item")]

    with pytest.raises(AttributeError, match="names the callback 'pasre_item', and the spider has no such method"):
        Wrong()


def test_asynchronous_callbacks_of_rules_work() -> None:
    class Async(Items):
        async def parse_item(self, response, kind):
            yield {"url": response.url, "kind": kind, "text": response.meta["link_text"]}

    assert len(crawl_in_memory(Async, SITE, FAST).items) == 2


def test_the_first_rule_that_extracts_a_link_has_it() -> None:
    class Ordered(CrawlSpider):
        name = "ordered"
        start_urls = ["http://site.test/"]
        rules = [
            Rule(LinkExtractor(allow=r"/item/"), callback="parse_one"),
            Rule(LinkExtractor(), callback="parse_other"),
        ]

        def parse_one(self, response):
            yield {"by": "one", "path": response.url.removeprefix("http://site.test")}

        def parse_other(self, response):
            return {"by": "other", "path": response.url.removeprefix("http://site.test")}

    result = crawl_in_memory(Ordered, SITE, FAST)
    assert {(item["by"], item["path"]) for item in result.items} == {
        ("one", "/item/1"),
        ("other", "/list"),
        ("other", "/other"),
    }


def test_start_pages_have_a_callback_of_their_own_and_results_may_be_changed() -> None:
    class Own(Items):
        def parse_start_url(self, response):
            return [{"start": response.url}]

        def process_results(self, response, results):
            return [{**item, "processed": True} for item in results]

    items = crawl_in_memory(Own, SITE, FAST).items
    assert items[0] == {"start": "http://site.test/", "processed": True}
    assert all(item["processed"] for item in items)
    assert len(items) == 3


def test_a_rules_errback_gets_the_failure() -> None:
    class Failing(CrawlSpider):
        name = "failing"
        start_urls = ["http://site.test/"]
        rules = [Rule(LinkExtractor(), callback="parse_item", errback="failed")]

        def parse_item(self, response):
            raise AssertionError("the page is not there")

        def failed(self, failure):
            yield {"failed": failure.value.response.status, "url": failure.request.url}

    result = crawl_in_memory(Failing, {"/": '<a href="/gone">gone</a>'}, FAST)
    assert result.items == [{"failed": 404, "url": "http://site.test/gone"}]


def test_following_can_be_switched_off_by_a_setting() -> None:
    site = Site(SITE)
    crawl_in_memory(Items, site, {**FAST, "CRAWLSPIDER_FOLLOW_LINKS": False})
    assert site.paths == ["/"]


def test_any_callback_may_go_on_with_the_rules() -> None:
    class Manual(Items):
        async def parse_start_url(self, response):
            yield {"url": "start", "text": ""}

        async def parse_item(self, response, kind):
            async for output in self.parse_with_rules(response, self.parse_text, {"kind": kind}, follow=True):
                yield output

        def parse_text(self, response, kind):
            yield {"url": response.url, "text": response.meta["link_text"]}

    result = crawl_in_memory(Manual, SITE, FAST)
    assert {item["text"] for item in result.items} == {"", "one", "two", "three"}


def test_pages_that_are_no_html_are_not_searched_for_links() -> None:
    site = Site({"/": Page(SITE["/"], headers={"Content-Type": "application/json"})})
    result = crawl_in_memory(Items, site, FAST)
    assert (site.paths, result.failed) == (["/"], 0)


def test_a_callback_of_a_rule_may_return_a_single_item_of_any_kind() -> None:
    class Page(BaseModel):
        url: str

    class Returns(Items):
        def parse_item(self, response, kind):
            return Page(url=response.url)

    assert {item.url.rpartition("/")[2] for item in crawl_in_memory(Returns, SITE, FAST).items} == {"1", "2"}
