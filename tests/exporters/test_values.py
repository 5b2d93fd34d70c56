"""What the values of items become."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import uuid
from decimal import Decimal
from pathlib import PurePosixPath

import attrs
import pydantic
import pytest
from itemadapter import ItemAdapter
from parsel import Selector

from crawler.exceptions import InvalidOutputError
from crawler.exporters.values import plain, plain_fields, without_half_surrogates


class Color(enum.Enum):
    RED = "red"


class Text(str):
    __slots__ = ()


@dataclasses.dataclass
class Author:
    name: str
    born: datetime.date


@attrs.define
class Shop:
    url: str


class Price(pydantic.BaseModel):
    amount: Decimal
    currency: str = "EUR"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), "2026-01-02T03:04:05+00:00"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.time(3, 4), "03:04:00"),
        (datetime.timedelta(minutes=1.5), 90.0),
        (Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("a/b"), "a/b"),
        ("é".encode(), "é"),
        (b"\xff", "�"),
        (Color.RED, "red"),
        ({"b", "a"}, ["a", "b"]),
        (frozenset({2}), [2]),
        ((1, (2, b"x")), [1, [2, "x"]]),
        (range(3), [0, 1, 2]),
        (collections.OrderedDict(b=1, a={"c"}), {"b": 1, "a": ["c"]}),
        ({2: "a", None: "b", True: "c", b"k": "d"}, {"2": "a", "null": "b", "true": "c", "k": "d"}),
        (Author("A", datetime.date(1990, 1, 1)), {"name": "A", "born": "1990-01-01"}),
        ([Shop("u")], [{"url": "u"}]),
        (Price(amount=Decimal("2.5")), {"amount": "2.5", "currency": "EUR"}),
    ],
)
def test_a_value_becomes_plain(value: object, expected: object) -> None:
    assert plain(value) == expected


def test_subclasses_of_plain_types_become_the_plain_types() -> None:
    assert type(plain(Text("a"))) is str


def test_fields_that_are_plain_already_are_not_copied() -> None:
    fields = {"a": 1, "b": ["x", 2.5], "c": None}
    assert plain_fields(fields) is fields


def test_a_value_that_no_feed_can_hold_is_named_with_its_place() -> None:
    with pytest.raises(InvalidOutputError, match=r"item\['shops'\]\[1\]\['clerk'\] is a builtins\.object"):
        plain_fields({"shops": [{}, {"clerk": object()}]})


def test_a_selector_in_an_item_is_an_error_that_reminds_of_get() -> None:
    selector = Selector(text="<p>a</p>")
    with pytest.raises(InvalidOutputError, match=r"item\['title'\].*\.get\(\)"):
        plain_fields({"title": selector.css("p")})
    with pytest.raises(InvalidOutputError, match=r"\.get\(\)"):
        plain_fields({"title": selector})


def test_an_item_that_contains_itself_is_an_error() -> None:
    item: dict[str, object] = {}
    item["self"] = item
    with pytest.raises(InvalidOutputError, match="contains itself"):
        plain_fields(item)


def test_surrogate_pairs_are_joined_and_halves_replaced() -> None:
    assert without_half_surrogates({"a": ["\ud83d\ude00", "x\ud800"]}) == {"a": ["😀", "x�"]}


def test_items_of_every_kind_are_known() -> None:
    assert all(
        ItemAdapter.is_item(one) for one in ({}, Author("a", datetime.date.min), Shop("u"), Price(amount=Decimal(1)))
    )
