"""The names that a feed's URI expands to, and the place that a job keeps."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from crawler.exceptions import FeedError
from crawler.exporters import FeedOptions, FeedPlace
from crawler.exporters.place import digest, expand

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)


def expanded(uri: str, **attributes: Any) -> str:
    return expand(FeedOptions(uri, "jsonlines"), SimpleNamespace(name="books", **attributes), NOW)


def test_time_name_and_attributes_of_the_spider_are_filled_in() -> None:
    assert expanded("/x/%(name)s-%(time)s-%(shop)s.jsonl", shop="a").endswith(
        "/x/books-2026-01-02T03-04-05+00-00-a.jsonl"
    )
    assert expanded("/x/%(page)04d-100%.jsonl", page=7).endswith("/x/0007-100%.jsonl")


def test_standard_output_stays_what_it_is() -> None:
    assert expanded("-") == "-"


@pytest.mark.parametrize(("uri", "words"), [("%(shpo)s.jsonl", "shpo"), ("%(name)d.jsonl", "'books'")])
def test_what_cannot_be_filled_in_is_an_error(uri: str, words: str) -> None:
    with pytest.raises(FeedError, match=words):
        expanded(uri)


def test_a_value_cannot_lead_out_of_the_folder() -> None:
    with pytest.raises(FeedError, match="leads out"):
        expanded("out/%(shop)s.jsonl", shop="../../etc/passwd")


def test_a_function_of_the_project_adds_parameters() -> None:
    options = FeedOptions("%(day)s.jsonl", "jsonlines", uri_params=lambda params, spider: {**params, "day": "monday"})
    assert expand(options, None, NOW).endswith("/monday.jsonl")


def test_a_place_can_be_stored_as_msgpack() -> None:
    place = FeedPlace("/a", 2**40, 3, digest(b"tail"), 2**32 - 1, 5)
    assert FeedPlace(*msgspec.msgpack.decode(msgspec.msgpack.encode(place))) == place
