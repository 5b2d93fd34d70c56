"""CrawlSpider: links followed by rules, through the real engine in memory."""

from __future__ import annotations

from crawler.linkextractors import LinkExtractor
from crawler.spiders import CrawlSpider, Rule
from crawler.testing import Site, crawl_in_memory

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

    try:
        Wrong()
    except AttributeError as error:
        assert "names the callback 'pasre_item'" in str(error)
    else:
        raise AssertionError("it was built")


def test_asynchronous_callbacks_of_rules_work() -> None:
    class Async(Items):
        async def parse_item(self, response, kind):
            yield {"url": response.url, "kind": kind, "text": response.meta["link_text"]}

    assert len(crawl_in_memory(Async, SITE, FAST).items) == 2
