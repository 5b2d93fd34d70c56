"""All feeds of a crawl."""

from __future__ import annotations

import csv
import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from crawler.exceptions import FeedError, InvalidOutputError
from crawler.exporters import FeedOptions, Feeds

if TYPE_CHECKING:
    from pathlib import Path


@dataclasses.dataclass
class Book:
    title: str
    price: float


@dataclasses.dataclass
class Author:
    name: str


def test_each_item_goes_into_the_feeds_that_want_it(tmp_path: Path) -> None:
    feeds = Feeds.open_all(
        [
            FeedOptions.from_mapping(tmp_path / "all.jsonl", {}),
            FeedOptions.from_mapping(tmp_path / "books.csv", {"item_classes": [Book], "fields": ["price", "title"]}),
            FeedOptions.from_mapping(tmp_path / "authors.json", {"item_classes": [Author]}),
        ]
    )
    for item in (Book("t", 1.5), Author("n"), {"other": True}):
        feeds.append(feeds.serialize(item))
    assert [place.items for place in feeds.flush()] == [3, 1, 1]
    assert [place.items for place in feeds.close()] == [3, 1, 1]
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 3
    with (tmp_path / "books.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["price", "title"], ["1.5", "t"]]
    assert json.loads((tmp_path / "authors.json").read_text()) == [{"name": "n"}]


def test_the_order_in_a_feed_is_the_order_of_commits(tmp_path: Path) -> None:
    feeds = Feeds.open_all([FeedOptions.parse(str(tmp_path / "a.json"))])
    slow, quick = feeds.serialize({"n": 1}), feeds.serialize({"n": 2})
    feeds.append(quick)
    feeds.append(slow)
    feeds.close()
    assert json.loads((tmp_path / "a.json").read_text()) == [{"n": 2}, {"n": 1}]


def test_an_item_that_one_feed_cannot_hold_goes_into_none(tmp_path: Path) -> None:
    feeds = Feeds.open_all([FeedOptions.parse(str(tmp_path / name)) for name in ("a.jsonl", "a.csv")])
    with pytest.raises(InvalidOutputError, match=r"item\['bad'\]"):
        feeds.serialize({"bad": object()})
    assert [place.items for place in feeds.close()] == [0, 0]


def test_if_one_feed_cannot_be_opened_no_file_is_changed(tmp_path: Path) -> None:
    old = tmp_path / "old.jsonl"
    old.write_text('{"a":1}\n')
    (tmp_path / "folder.csv").mkdir()
    options = [
        FeedOptions.parse(str(old), overwrite=True),
        FeedOptions.parse(str(tmp_path / "new.jsonl")),
        FeedOptions.parse(str(tmp_path / "folder.csv")),
    ]
    with pytest.raises(FeedError, match=r"folder\.csv"):
        Feeds.open_all(options)
    assert old.read_text() == '{"a":1}\n'
    assert not (tmp_path / "new.jsonl").exists()


def test_two_feeds_to_the_same_file_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(FeedError, match=r"two feeds go to .*a\.json"):
        Feeds.open_all(
            [FeedOptions.parse(str(tmp_path / "a.json")), FeedOptions.parse(str(tmp_path / "link" / "a.json"))]
        )


def test_all_feeds_go_on_from_their_places(tmp_path: Path) -> None:
    options = [FeedOptions.parse(str(tmp_path / name), overwrite=True) for name in ("a.json", "a.csv")]
    feeds = Feeds.open_all(options)
    feeds.append(feeds.serialize({"n": 1}))
    places = feeds.flush()
    feeds.append(feeds.serialize({"n": 2}))
    feeds.flush()
    resumed = Feeds.open_all(options, resume=places)
    resumed.append(resumed.serialize({"n": 3}))
    resumed.close()
    assert json.loads((tmp_path / "a.json").read_text()) == [{"n": 1}, {"n": 3}]
    assert (tmp_path / "a.csv").read_bytes() == b"n\r\n1\r\n3\r\n"
    with pytest.raises(FeedError, match="2 feeds and this one has 1"):
        Feeds.open_all(options[:1], resume=places)


def test_no_feeds_at_all_cost_nothing() -> None:
    feeds = Feeds.open_all([])
    feeds.append(feeds.serialize({"a": 1}))
    assert feeds.flush() == feeds.close() == []


def test_two_crawls_at_once_do_not_write_over_each_others_items(tmp_path: Path) -> None:
    options = [FeedOptions.parse(str(tmp_path / "a.jsonl"))]
    first = Feeds.open_all(options, alone=True)
    first.append(first.serialize({"n": 1}))
    with pytest.raises(FeedError, match=r"another crawl is writing it; give each a file of its own, by %\(name\)s"):
        Feeds.open_all(options, alone=True)
    first.close()
    second = Feeds.open_all(options, alone=True)
    second.append(second.serialize({"n": 2}))
    second.close()
    assert (tmp_path / "a.jsonl").read_text() == '{"n":1}\n{"n":2}\n'
