"""Typed items: what is yielded is what was declared, or is dropped with a reason that names field and value."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import attrs
import pydantic
import pytest

from crawler import Field, Item, Request, Spider, signals
from crawler.engine.typed import TypedItems
from crawler.exceptions import SpiderError
from crawler.http import Response
from crawler.linkextractors import LinkExtractor
from crawler.spiders import CrawlSpider, Rule
from crawler.testing import Page, crawl_in_memory

if TYPE_CHECKING:
    from collections.abc import Iterable


class Model(pydantic.BaseModel):
    title: str
    price: float


@dataclass
class Data:
    title: str
    price: float
    stock: int | None = None


@attrs.define
class Attrs:
    title: str
    price: float


class Declared(Item):
    title = Field()
    price = Field()


class Typed(TypedDict):
    title: str
    price: float


@dataclass
class Other:
    name: str


KINDS = [Model, Data, Attrs, Declared, Typed]


def spider_of(outputs: list[Any], **attributes: Any) -> type[Spider]:
    """Return a spider that yields *outputs* on its one page."""

    def parse(self: Spider, response: Response) -> Any:
        yield from outputs

    return type("Books", (Spider,), {"name": "b", "start_urls": ["http://a.test/"], "parse": parse, **attributes})


def crawl(spidercls: type[Spider], **settings: Any) -> Any:
    return crawl_in_memory(spidercls, {"/": "x" * 5000}, {"RETRY_ENABLED": False, **settings})


@pytest.mark.parametrize("kind", KINDS)
def test_a_dictionary_becomes_an_item_of_the_declared_type(kind: Any) -> None:
    result = crawl(spider_of([{"title": "A", "price": 1.5}], item_type=kind))
    assert result.items == [kind(title="A", price=1.5)]
    assert isinstance(result.items[0], dict if kind is Typed else kind)


@pytest.mark.parametrize("kind", [Model, Data, Attrs, Typed])
def test_a_number_as_text_is_read_as_pydantic_reads_it(kind: Any) -> None:
    assert crawl(spider_of([{"title": "A", "price": "1.5"}], item_type=kind)).items == [kind(title="A", price=1.5)]


@pytest.mark.parametrize("kind", [Model, Data, Attrs, Typed])
def test_a_wrong_value_drops_the_item_and_the_callback_goes_on(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    result = crawl(spider_of([{"title": "A", "price": "free"}, {"title": "B", "price": 2}], item_type=kind))
    assert [dict(item)["title"] if kind is Typed else item.title for item in result.items] == ["B"]
    assert result.stats["item_invalid/price"] == 1
    assert result.stats["item_dropped_reasons_count/InvalidItem"] == result.stats["item_dropped_count"] == 1
    assert "price = 'free'" in caplog.text
    assert "spider_exceptions/count" not in result.stats


@pytest.mark.parametrize("kind", [Model, Data, Attrs, Typed])
def test_a_missing_field_is_named(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert crawl(spider_of([{"title": "A"}], item_type=kind)).stats["item_invalid/price"] == 1
    assert "price is missing" in caplog.text


@pytest.mark.parametrize("kind", [Data, Attrs, Declared, Typed])
def test_a_field_that_the_type_does_not_have_is_named(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    crawl(spider_of([{"title": "A", "price": 1, "colour": "red"}], item_type=kind))
    assert f"colour = 'red': {kind.__name__} has no such field" in caplog.text


@pytest.mark.parametrize("kind", [Data, Attrs])
def test_an_object_of_the_declared_type_is_compared_field_by_field(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    result = crawl(spider_of([kind("A", "1.5"), kind("B", 2.0)], item_type=kind))
    assert result.items == [kind("B", 2.0)]
    assert "price = '1.5': Expected `float`, got `str`" in caplog.text


def test_a_value_is_never_told_as_long_as_a_page(caplog: pytest.LogCaptureFixture) -> None:
    crawl(spider_of([{"title": "A", "price": "x" * 100_000}], item_type=Model))
    assert max(len(record.getMessage()) for record in caplog.records) < 1000


def test_the_first_of_a_field_is_a_warning_and_the_others_are_not(caplog: pytest.LogCaptureFixture) -> None:
    wrong = [{"title": "A", "price": "a"}, {"title": "A", "price": "b"}, {"title": 1, "price": 1}]
    with caplog.at_level(logging.DEBUG):
        crawl(spider_of(wrong, item_type=Model))
    told = [record.levelname for record in caplog.records if record.getMessage().startswith("Dropped")]
    assert told == ["WARNING", "DEBUG", "WARNING"]


def test_an_error_while_the_callback_makes_a_model_drops_that_item_and_the_crawl_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Books(Spider):
        name = "books"
        start_urls = ["http://a.test/1", "http://a.test/2"]

        def parse(self, response: Response) -> Any:
            yield Model(title="A", price=response.text)

    result = crawl_in_memory(Books, {"/1": "free", "/2": "2"})
    assert result.items == [Model(title="A", price=2)]
    assert result.stats["item_invalid/price"] == 1
    assert "spider_exceptions/count" not in result.stats
    assert "price = 'free'" in caplog.text
    assert "what it would have yielded after it is not known" in caplog.text


def test_handlers_of_item_dropped_get_what_was_yielded_and_why() -> None:
    class Books(spider_of([{"title": "A", "price": "free"}], item_type=Model)):  # type: ignore[misc]
        @classmethod
        def from_crawler(cls, crawler: Any, **kwargs: Any) -> Any:
            spider = super().from_crawler(crawler, **kwargs)
            crawler.signals.connect(spider.dropped, signals.item_dropped)
            return spider

        def dropped(self, item: Any, exception: Exception, response: Response) -> None:
            heard.append((item, exception.fields, response.url))  # type: ignore[attr-defined]

    heard: list[Any] = []
    crawl(Books)
    assert heard == [({"title": "A", "price": "free"}, ("price",), "http://a.test/")]


def test_an_error_of_pydantic_in_a_pipeline_is_counted_by_field_too() -> None:
    class Check:
        def process_item(self, item: Any) -> Any:
            return Model(**item)

    result = crawl(spider_of([{"title": "A", "price": "free"}]), ITEM_PIPELINES={Check: 1})
    assert (result.stats["item_invalid/price"], result.items) == (1, [])
    assert "item_error_count" not in result.stats


def test_several_types_may_be_declared() -> None:
    outputs = [{"name": "x"}, {"title": "A", "price": 1}, Other("y")]
    assert crawl(spider_of(outputs, item_type=Model | Other)).items == [
        Other("x"),
        Model(title="A", price=1),
        Other("y"),
    ]


def test_an_item_type_that_is_no_type_of_items_is_an_error_before_the_crawl() -> None:
    with pytest.raises(SpiderError, match=r"Books\.item_type is <class 'int'>"):
        crawl(spider_of([], item_type=int))


class Annotated(Spider):
    name = "annotated"
    start_urls = ["http://a.test/"]

    async def start(self) -> AsyncIterator[Data | Request]:
        yield {"title": "of start", "price": "1"}  # type: ignore[misc]
        yield Request("http://a.test/", errback=self.failed)
        yield Request("http://a.test/gone", errback=self.failed)

    def parse(self, response: Response) -> Iterator[Data | Request | None]:
        yield Request("http://a.test/2", self.parse_more)
        yield {"title": "A", "price": 1}  # type: ignore[misc]
        yield Other("x")  # type: ignore[misc]
        yield Data("sloppy", "as with Scrapy")  # type: ignore[arg-type]

    async def parse_more(self, response: Response) -> AsyncIterator[Other]:
        yield Other("more")
        yield Data("A", 1)  # type: ignore[misc]

    def failed(self, failure: Any) -> Iterable[Any]:
        yield {"failed": failure.request.url}


def test_a_callback_is_checked_against_its_annotation(caplog: pytest.LogCaptureFixture) -> None:
    result = crawl_in_memory(Annotated, {"/": "x", "/2": "x"})
    assert result.items == [
        Data("of start", 1.0),
        Data("A", 1.0),
        Data("sloppy", "as with Scrapy"),  # type: ignore[arg-type]
        {"failed": "http://a.test/gone"},
        Other("more"),
    ]
    assert "an item of this type, where Annotated.parse declares Data" in caplog.text
    assert (result.stats["item_invalid/Other"], result.stats["item_invalid/Data"]) == (1, 1)


def test_the_callback_of_a_rule_is_checked_too() -> None:
    class Ruled(CrawlSpider):
        name = "ruled"
        start_urls = ["http://a.test/"]
        rules = (Rule(LinkExtractor(), callback="parse_page"),)

        def parse_page(self, response: Response) -> Iterator[Data]:
            yield {"title": response.url, "price": "2"}  # type: ignore[misc]

    result = crawl_in_memory(Ruled, {"/": '<a href="/2">', "/2": "x"})
    assert result.items == [Data("http://a.test/2", 2.0)]


@pytest.mark.parametrize(
    "annotation",
    [Any, None, dict, Iterator[dict[str, Any]], Iterator[Request], "Iterator[Unknown]", Iterator[Data | dict]],
)
def test_an_annotation_that_names_no_types_of_items_alone_lets_everything_pass(annotation: Any) -> None:
    def parse(self: Spider, response: Response) -> Any: ...

    parse.__annotations__["return"] = annotation
    assert TypedItems.of(type("Books", (Spider,), {"name": "b", "parse": parse})()) is None


def test_items_go_through_spider_middlewares_before_they_leave_and_are_checked_after_the_callback() -> None:
    class Shout:
        def process_spider_output(self, response: Response, result: Any) -> Any:
            for item in result:
                yield {**item, "title": item["title"].upper()}

    spidercls = spider_of([{"title": "a", "price": "1"}], item_type=Data)
    assert crawl(spidercls, SPIDER_MIDDLEWARES={Shout: 1}).items == [Data("A", 1.0)]


def test_a_page_of_a_spider_that_declares_nothing_is_handled_as_it_was() -> None:
    assert TypedItems.of(spider_of([])()) is None
    assert crawl_in_memory(spider_of([{"x": 1}]), {"/": Page("x")}).items == [{"x": 1}]
