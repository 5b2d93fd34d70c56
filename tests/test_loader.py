"""Item loaders: items of any kind filled from responses and selectors through processors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from itemloaders.processors import Compose, Identity, Join, MapCompose, TakeFirst

from crawler.http import HtmlResponse, JsonResponse
from crawler.item import Field, Item
from crawler.loader import ItemLoader
from crawler.selector import Selector

HTML = "<h1> A Book </h1><p class=price>1.50</p><ul><li>x</li><li>y</li></ul><div id=more><a href=/next>n</a></div>"
PAGE = HtmlResponse("https://example.com/a", body=HTML, encoding="utf-8")


class Book(Item):
    title = Field(input_processor=MapCompose(str.strip), output_processor=TakeFirst())
    price = Field()
    tags = Field()


class BookLoader(ItemLoader):
    default_item_class = Book
    default_output_processor = TakeFirst()
    price_in = MapCompose(float)
    tags_out = Join("/")


def test_a_loader_fills_an_item_from_a_response() -> None:
    loader = BookLoader(response=PAGE)
    loader.add_css("title", "h1::text")
    loader.add_xpath("price", "//p[@class='price']/text()")
    loader.add_css("tags", "li::text")
    loader.add_value("tags", "z")
    book = loader.load_item()
    assert type(book) is Book
    assert dict(book) == {"title": "A Book", "price": 1.5, "tags": "x/y/z"}


def test_a_loader_without_processors_keeps_lists() -> None:
    loader = ItemLoader({}, response=PAGE)
    loader.add_css("tags", "li::text")
    assert loader.load_item() == {"tags": ["x", "y"]}


def test_a_loader_fills_what_is_there_already() -> None:
    loader = BookLoader(Book(title="Old", tags="a"), response=PAGE)
    loader.replace_css("title", "h1::text")
    loader.add_value("tags", "b")
    assert dict(loader.load_item()) == {"title": "A Book", "tags": "a/b"}


def test_a_dataclass_can_be_filled() -> None:
    @dataclass
    class Page:
        title: str = ""
        tags: list[str] = field(default_factory=list)

    class PageLoader(ItemLoader):
        default_item_class = Page
        title_out = Compose(TakeFirst(), str.strip)
        tags_out = Identity()

    loader = PageLoader(selector=Selector(text=HTML))
    loader.add_css("title", "h1::text")
    loader.add_css("tags", "li::text")
    assert loader.load_item() == Page("A Book", ["x", "y"])


def test_json_is_loaded_by_jmespath() -> None:
    response = JsonResponse("https://example.com/a", body=b'{"book": {"title": " A ", "tags": ["x", "y"]}}')
    loader = BookLoader(response=response)
    loader.add_jmes("title", "book.title")
    loader.add_jmes("tags", "book.tags")
    assert dict(loader.load_item()) == {"title": "A", "tags": "x/y"}


def test_a_nested_loader_fills_the_same_item() -> None:
    loader = BookLoader(response=PAGE)
    nested = loader.nested_css("#more")
    nested.add_css("title", "a::text")
    nested.nested_xpath("a").add_xpath("tags", "@href")
    assert dict(loader.load_item()) == {"title": "n", "tags": "/next"}


def test_processors_see_response_selector_item_and_what_else_is_given() -> None:
    seen: dict[str, Any] = {}

    def look(values: list[str], loader_context: dict[str, Any]) -> list[str]:
        seen.update(loader_context)
        return values

    loader = ItemLoader(Book(), response=PAGE, unit="EUR")
    loader.add_value("price", "1", look)
    assert seen["response"] is PAGE
    assert seen["selector"] is PAGE.selector
    assert (type(seen["item"]), seen["unit"]) == (Book, "EUR")


def test_a_selector_that_is_given_comes_before_that_of_the_response() -> None:
    loader = BookLoader(selector=Selector(text="<h1>Other</h1>"), response=PAGE)
    loader.add_css("title", "h1::text")
    assert loader.load_item()["title"] == "Other"


def test_what_was_collected_and_what_comes_of_it_can_be_looked_at() -> None:
    loader = BookLoader(response=PAGE)
    loader.add_css("tags", "li::text")
    assert loader.get_collected_values("tags") == ["x", "y"]
    assert loader.get_output_value("tags") == "x/y"
    assert loader.get_css("h1::text", TakeFirst()) == " A Book "


def test_without_a_selector_only_values_can_be_added() -> None:
    loader = BookLoader()
    loader.add_value("title", "A")
    with pytest.raises(RuntimeError, match="selector"):
        loader.add_css("title", "h1::text")
    assert dict(loader.load_item()) == {"title": "A"}


def test_a_field_that_the_item_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError, match="author"):
        BookLoader().add_value("author", "x")


def test_nothing_found_sets_nothing() -> None:
    loader = BookLoader(response=PAGE)
    loader.add_css("title", "h6::text")
    assert dict(loader.load_item()) == {}


def test_an_error_in_a_processor_names_field_and_value() -> None:
    loader = BookLoader()
    with pytest.raises(ValueError, match="price") as caught:
        loader.add_value("price", "cheap")
    assert "cheap" in str(caught.value)
