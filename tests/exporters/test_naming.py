"""The names that a feed's URI expands to."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from crawler.exceptions import FeedError
from crawler.exporters import FeedOptions
from crawler.exporters.naming import expand

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


def test_an_unknown_parameter_is_told_with_what_it_may_be() -> None:
    with pytest.raises(FeedError, match=r"%\(shpo\)s is neither .*; did you mean 'shop'\?"):
        expanded("%(shpo)s.jsonl", shop="a")


@pytest.mark.parametrize("value", ["/etc/passwd", "~/x", "C:\\x", "s3://other/x", "..", "a\0b"])
def test_a_value_at_the_beginning_does_not_choose_the_folder(value: str) -> None:
    with pytest.raises(FeedError, match="leads out"):
        expanded("%(shop)s/items.jsonl", shop=value)


@pytest.mark.parametrize("value", ["a/b", "me@other", "other:80", "a b"])
def test_a_value_does_not_choose_the_host_or_the_bucket(value: str) -> None:
    with pytest.raises(FeedError, match="leads out"):
        expanded("s3://%(shop)s/items.jsonl", shop=value)
    assert expanded("s3://%(shop)s/%(shop)s.jsonl", shop="a-b") == "s3://a-b/a-b.jsonl"


def test_a_password_in_a_uri_is_not_told() -> None:
    with pytest.raises(FeedError) as wrong:
        expanded("ftp://me:sesame@host/%(shpo)s.jsonl")
    assert "sesame" not in str(wrong.value)


def test_a_batch_has_a_number_and_a_time_of_its_own() -> None:
    options = FeedOptions("/x/%(time)s-%(batch_id)05d-%(batch_time)s.jsonl", "jsonlines")
    later = NOW + datetime.timedelta(minutes=1)
    assert expand(options, None, NOW, batch=7, batch_begun=later) == (
        "/x/2026-01-02T03-04-05+00-00-00007-2026-01-02T03-05-05.000006+00-00.jsonl"
    )


def test_a_function_of_the_project_gets_the_attributes_of_the_spider_as_scrapy_gives_them() -> None:
    class Books:
        name = "books"
        shop = "a"

        @property
        def dear(self) -> str:
            raise RuntimeError("nobody asked")

    options = FeedOptions("%(both)s.jsonl", "jsonlines", uri_params=lambda p, _: {"both": p["name"] + p["shop"]})
    assert expand(options, Books(), NOW).endswith("/booksa.jsonl")
