"""Requests as records: what goes in comes out, and what cannot is refused with a way out."""

from __future__ import annotations

import datetime
import decimal
import uuid
from dataclasses import dataclass

import pytest

from crawler.exceptions import NotStorableError
from crawler.frontier.codec import RequestCodec, detach
from crawler.http import FormRequest, Request
from crawler.item import Field, Item
from crawler.spiders import Spider


class Book(Item):
    title = Field()


@dataclass
class Shelf:
    number: int


class BooksSpider(Spider):
    name = "books"

    def parse_book(self, response):
        return None

    def failed(self, failure):
        return None


@pytest.fixture
def spider() -> BooksSpider:
    return BooksSpider()


def there_and_back(spider: BooksSpider, request: Request) -> Request:
    codec = RequestCodec(spider)
    return codec.decode(codec.encode(request))


def test_everything_about_a_request_comes_back(spider: BooksSpider) -> None:
    request = Request(
        "http://example.com/a?b=c",
        callback=spider.parse_book,
        errback=spider.failed,
        method="POST",
        headers={"X-Asked": "yes", "Accept": ["a", "b"]},
        body=b"\x00body",
        cookies={"session": "1"},
        meta={"depth": 3},
        cb_kwargs={"page": 2},
        priority=-7,
        dont_filter=True,
        encoding="latin-1",
        flags=["flag"],
    )
    back = there_and_back(spider, request)
    for attribute in Request.attributes:
        assert getattr(back, attribute) == getattr(request, attribute), attribute


def test_a_plain_request_is_small(spider: BooksSpider) -> None:
    url = "http://example.com/catalogue/book_1000/index.html"
    record = RequestCodec(spider).encode(Request(url, callback=spider.parse_book, meta={"depth": 2}))
    assert len(record) < len(url) + 32


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -1,
        2**100,
        1.5,
        "text",
        b"bytes",
        [1, [2]],
        (1, "two"),
        {1, 2},
        frozenset({3}),
        {"nested": {"key": [1]}},
        {1: "integer key", (2, 3): "tuple key"},
        datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        datetime.date(2026, 1, 2),
        datetime.time(3, 4),
        datetime.timedelta(days=1, microseconds=5),
        decimal.Decimal("1.10"),
        uuid.UUID(int=5),
        Book(title="in meta"),
        Shelf(3),
    ],
    ids=repr,
)
def test_meta_may_hold_plain_data_and_items(spider: BooksSpider, value: object) -> None:
    back = there_and_back(spider, Request("http://example.com/", meta={"value": value}))
    assert back.meta["value"] == value
    assert type(back.meta["value"]) is type(value)


def test_a_subclass_of_request_comes_back_as_one(spider: BooksSpider) -> None:
    back = there_and_back(spider, FormRequest("http://example.com/", formdata={"a": "b"}))
    assert type(back) is FormRequest
    assert (back.method, back.body) == ("POST", b"a=b")


def test_a_callback_that_is_no_method_is_refused_with_what_to_do(spider: BooksSpider) -> None:
    with pytest.raises(NotStorableError, match=r"callback of <GET http://example.com/> is .*lambda.*make it a method"):
        RequestCodec(spider).encode(Request("http://example.com/", callback=lambda response: None))


@pytest.mark.parametrize(
    "value",
    ["half \ud800", ["\udfff", "ü"], {"\ud800": "\ud800"}, ("\ud800",), {1: "\ud800"}, Shelf("\ud800"), "whole 😀"],  # type: ignore[arg-type]
    ids=["text", "list", "dict", "tuple", "pairs", "item", "whole"],
)
def test_text_with_half_of_a_surrogate_pair_comes_back_as_it_was(spider: BooksSpider, value: object) -> None:
    request = Request("http://example.com/", cb_kwargs={"a": value, "ü": 1})
    assert there_and_back(spider, request).cb_kwargs == {"a": value, "ü": 1}


def test_meta_that_is_no_data_is_refused_with_its_place(spider: BooksSpider) -> None:
    with pytest.raises(NotStorableError, match=r"meta\['page'\]\[1\] of <GET http://example.com/> holds a object"):
        RequestCodec(spider).encode(Request("http://example.com/", meta={"page": [1, object()]}))


def test_a_record_makes_items_of_imported_classes_only(spider: BooksSpider) -> None:
    codec = RequestCodec(spider)
    record = codec.encode(Request("http://example.com/", meta={"value": Shelf(1)}))
    tampered = record.replace(b":Shelf", b":Shell")
    with pytest.raises(NotStorableError, match="which this program has not imported"):
        codec.decode(tampered)


def test_a_record_never_names_a_class_that_is_no_item(spider: BooksSpider) -> None:
    codec = RequestCodec(spider)
    name = f"{Shelf.__module__}:Shelf".encode()
    record = codec.encode(Request("http://example.com/", meta={"value": Shelf(1)}))
    evil = b"subprocess:Popen".ljust(len(name), b"_")[: len(name)]
    with pytest.raises(NotStorableError):
        codec.decode(record.replace(name, evil))


def test_a_request_is_detached_from_what_its_meta_holds_down_to_the_items() -> None:
    item = Shelf(3)
    original = {"list": [1, {"two": 2}], "item": item, "cookies": {"a": "b"}}
    request = Request("http://site.test/", meta=original, cb_kwargs={"seen": [1]})
    detach(request)
    original["list"].append(3)
    original["list"][1]["two"] = 4
    item.number = 5
    assert request.meta == {"list": [1, {"two": 2}], "item": Shelf(3), "cookies": {"a": "b"}}
    assert request.cb_kwargs == {"seen": [1]}


def test_what_cannot_be_copied_stays_as_it_is() -> None:
    live = object()
    request = Request("http://site.test/", meta={"live": live})
    detach(request)
    assert request.meta["live"] is live
