"""Which fields go out, under which names, in which order."""

from __future__ import annotations

import dataclasses

import attrs
import pydantic

from crawler.exporters.fields import FieldSelection


@dataclasses.dataclass
class Book:
    title: str
    price: float | None = None
    isbn: str = dataclasses.field(default="", metadata={"serializer": str.upper})


@dataclasses.dataclass
class Plain:
    second: int
    first: int = dataclasses.field(init=False)


@attrs.define
class Shop:
    url: str
    name: str = ""


class Page(pydantic.BaseModel):
    url: str
    size: int = 0


def test_everything_of_a_dict_goes_out_as_it_is() -> None:
    item = {"b": 1, "a": 2}
    assert FieldSelection().of(item) is item


def test_fields_come_in_the_order_of_declaration() -> None:
    assert list(FieldSelection().of(Book("t", isbn="x"))) == ["title", "price", "isbn"]
    assert list(FieldSelection().of(Shop("u"))) == ["url", "name"]
    assert list(FieldSelection().of(Page(size=1, url="u"))) == ["url", "size"]


def test_a_declared_field_without_a_value_is_left_out_unless_empty_ones_are_wanted() -> None:
    assert FieldSelection().of(Plain(2)) == {"second": 2}
    assert FieldSelection(include_empty=True).of(Plain(2)) == {"second": 2, "first": None}


def test_chosen_fields_have_their_order_and_their_names() -> None:
    selection = FieldSelection({"price": "cost", "title": "name"})
    assert list(selection.of({"title": "t", "price": 1, "x": 2}).items()) == [("cost", 1), ("name", "t")]
    assert list(selection.of(Book("t", 1)).items()) == [("cost", 1), ("name", "t")]


def test_a_chosen_field_that_is_missing_is_left_out_or_none() -> None:
    assert FieldSelection(["a", "b"]).of({"a": 1}) == {"a": 1}
    assert FieldSelection(["a", "b"], include_empty=True).of({"a": 1}) == {"a": 1, "b": None}


def test_the_serializer_of_a_field_is_applied() -> None:
    assert FieldSelection().of(Book("t", isbn="abc"))["isbn"] == "ABC"
