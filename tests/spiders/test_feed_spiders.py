"""XMLFeedSpider and CSVFeedSpider."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest

from crawler import Request
from crawler.exceptions import NotSupported
from crawler.http import Response, TextResponse, XmlResponse
from crawler.spiders import CSVFeedSpider, XMLFeedSpider
from crawler.spiders.feed import iter_nodes, iter_rows
from crawler.testing import Page, crawl_in_memory

URL = "http://feeds.test/feed"
FAST = {"politeness.delay": 0.0, "politeness.obey_robots": False, "log.stats_interval": 0}
FEED = """<?xml version="1.0" encoding="utf-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>
<item><title>Café</title><g:price>1</g:price></item>
<item><title><![CDATA[<b>two</b>]]></title><g:price>2</g:price></item>
<g:item><title>other</title></g:item>
</channel></rss>"""


class Feed(XMLFeedSpider):
    name = "feed"
    start_urls = [URL]
    namespaces = [("g", "http://base.google.com/ns/1.0")]

    def parse_node(self, response, node):
        yield {"title": node.xpath("title/text()").get(), "price": node.xpath("g:price/text()").get()}


def crawl(spider: type[Any], body: str | bytes, kind: str = "application/xml") -> list[Any]:
    return crawl_in_memory(spider, {"/feed": Page(body, headers={"Content-Type": kind})}, FAST).items


NODES = [{"title": "Café", "price": "1"}, {"title": "<b>two</b>", "price": "2"}]


@pytest.mark.parametrize("iterator", ["iternodes", "xml"])
def test_every_node_is_handed_out_with_its_namespaces(iterator: str) -> None:
    kind = type("Kind", (Feed,), {"iterator": iterator})
    assert crawl(kind, FEED) == NODES


def test_nodes_of_html_are_found_too() -> None:
    class Listing(Feed):
        iterator = "html"
        itertag = "li"

        def parse_node(self, response, node):
            yield {"text": node.xpath("text()").get()}

    assert crawl(Listing, "<ul><li>one<li>two</ul>", "text/html") == [{"text": "one"}, {"text": "two"}]


@pytest.mark.parametrize("iterator", ["iternodes", "xml"])
def test_a_tag_may_have_a_prefix(iterator: str) -> None:
    kind = type("Kind", (Feed,), {"iterator": iterator, "itertag": "g:item"})
    assert crawl(kind, FEED) == [{"title": "other", "price": None}]


def test_the_encoding_is_that_of_the_response() -> None:
    latin = FEED.replace("utf-8", "iso-8859-1").encode("iso-8859-1")
    assert crawl(Feed, latin) == NODES


def test_an_older_parse_item_is_called() -> None:
    class Older(XMLFeedSpider):
        name = "older"
        start_urls = [URL]

        def parse_item(self, response, node):
            return {"title": node.xpath("title/text()").get()}

    assert [item["title"] for item in crawl(Older, FEED)] == ["Café", "<b>two</b>"]


def test_results_and_responses_may_be_changed_in_between() -> None:
    class Changed(Feed):
        def adapt_response(self, response):
            return response.replace(body=response.body.replace(b"two", b"three"))

        def process_results(self, response, results):
            return (item for item in results if item["price"] == "2")

    assert crawl(Changed, FEED) == [{"title": "<b>three</b>", "price": "2"}]


def test_a_node_may_be_parsed_asynchronously_and_yield_requests() -> None:
    class Later(Feed):
        async def parse_node(self, response, node):
            yield {"title": node.xpath("title/text()").get()}
            yield Request(response.urljoin("/more"), callback=self.parse_more)

        def parse_more(self, response):
            yield {"title": "more"}

    assert [item["title"] for item in crawl(Later, FEED)] == ["Café", "<b>two</b>"]


def test_an_unknown_iterator_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert crawl(type("Wrong", (Feed,), {"iterator": "sax"}), FEED) == []
    assert "iterator is 'sax'; there are iternodes, xml and html" in caplog.text


def xml(body: bytes) -> XmlResponse:
    return XmlResponse(URL, body=body, encoding="utf-8")


def test_entities_are_neither_resolved_nor_expanded() -> None:
    laughs = b"".join(b'<!ENTITY l%d "%b">' % (number, b"&l%d;" % (number - 1) * 10) for number in range(1, 9))
    bomb = b'<!DOCTYPE r [<!ENTITY l0 "ha">%b]><r><item>&l8;</item></r>' % laughs
    assert sum(map(len, iter_nodes(xml(bomb), "item"))) < 100
    secret = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><item>a&x;b</item></r>'
    assert list(iter_nodes(xml(secret), "item")) == ["<item>a&x;b</item>"]


def test_a_document_is_read_in_constant_memory() -> None:
    def needed(count: int) -> int:
        response = xml(b"<r>" + b"<item>x</item>" * count + b"</r>")
        text = response.text
        tracemalloc.start()
        assert sum(1 for _ in iter_nodes(response, "item")) == count
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - 2 * len(text)

    assert needed(50_000) < needed(5_000) + 500_000


@pytest.mark.parametrize("piece", [b"<item>x</item>", b"<item ", b"<item><item>", b"<!--", b"<itemx>x</itemx>", b"]]>"])
def test_the_time_is_linear_in_the_length(piece: bytes) -> None:
    def taken(count: int) -> float:
        response = xml(b"<r>" + piece * count)
        began = time.process_time()
        for _ in iter_nodes(response, "item"):
            pass
        return time.process_time() - began

    few, many = min(taken(4_000) for _ in range(3)), min(taken(32_000) for _ in range(3))
    assert many < max(few, 0.002) * 8 * 2.5


TABLE = 'id,name\n1,"Café, large"\n2,two\n3\n4,four,five\n'


class Table(CSVFeedSpider):
    name = "table"
    start_urls = [URL]

    def parse_row(self, response, row):
        yield row


def test_every_row_is_a_dictionary_and_one_of_another_length_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    assert crawl(Table, TABLE, "text/csv") == [{"id": "1", "name": "Café, large"}, {"id": "2", "name": "two"}]
    assert "Ignoring row 4" in caplog.text
    assert "it has 1 fields, and not 2" in caplog.text


def test_delimiter_quotes_and_headers_may_be_others() -> None:
    class Other(Table):
        delimiter = ";"
        quotechar = "'"
        headers = ["a", "b"]

    assert crawl(Other, "1;'x;y'\n", "text/csv") == [{"a": "1", "b": "x;y"}]


def test_rows_may_be_adapted_and_processed() -> None:
    class Changed(Table):
        def adapt_response(self, response):
            return response.replace(body=response.body.replace(b"two", b"three"))

        def process_results(self, response, results):
            return [row for row in results if row["id"] == "2"]

    assert crawl(Changed, TABLE, "text/csv") == [{"id": "2", "name": "three"}]


def test_rows_may_be_parsed_asynchronously() -> None:
    class Later(Table):
        async def parse_row(self, response, row):
            return {"name": row["name"]}

    assert [item["name"] for item in crawl(Later, TABLE, "text/csv")] == ["Café, large", "two"]


def test_a_document_of_any_kind_is_read() -> None:
    body = "\ufeffname\nCafé\n".encode()
    assert list(iter_rows(Response(URL, body=body))) == [{"name": "Café"}]
    assert list(iter_rows(TextResponse(URL, body="name\nCafé\n".encode("latin-1"), encoding="latin-1"))) == [
        {"name": "Café"}
    ]


def test_a_field_may_be_as_long_as_the_document() -> None:
    long = "x" * 300_000
    assert list(iter_rows(TextResponse(URL, body=f"a\n{long}\n".encode()))) == [{"a": long}]


def test_a_feed_that_is_no_text_is_told_by_the_iterators_that_need_one() -> None:
    for iterator, error in (("xml", ValueError), ("sax", NotSupported)):
        spider = type("Feeds", (Feed,), {"iterator": iterator})()
        with pytest.raises(error, match=iterator):
            list(spider._parse(Response("http://example.com/feed", body=b"<item/>")))
