"""Item exporters of a project as formats of feeds."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from crawler.exceptions import FeedError, InvalidOutputError
from crawler.exporters import (
    BaseItemExporter,
    CsvItemExporter,
    FeedOptions,
    FeedPlace,
    JsonItemExporter,
    XmlItemExporter,
    open_feed,
)


class LinesExporter(BaseItemExporter):
    """One line an item, between a first and a last line."""

    def __init__(self, file: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file

    def start_exporting(self) -> None:
        self.file.write(b"BEGIN\n")

    def export_item(self, item: Any) -> None:
        self.file.write(f"{item['title']}\n".encode())

    def finish_exporting(self) -> None:
        self.file.write(b"END\n")


def options(path: Path, exporter: Any, **given: Any) -> FeedOptions:
    return FeedOptions.from_mapping(path, {"format": "own", **given}, {"exporters": {"own": exporter}})


def written(path: Path, exporter: Any, *titles: str, resume: FeedPlace | None = None, **given: Any) -> FeedPlace:
    feed = open_feed(options(path, exporter, **given), resume=resume)
    for title in titles:
        feed.append(feed.serialize({"title": title, "n": 1}))
    place = feed.flush()
    feed.append(feed.serialize({"title": "uncommitted", "n": 2}))
    feed.flush()
    return place


def test_the_extension_or_the_format_names_the_exporter(tmp_path: Path) -> None:
    exporters = {"exporters": {"own": LinesExporter}}
    assert FeedOptions.parse(f"{tmp_path}/a.own", defaults=exporters).exporter is LinesExporter
    assert FeedOptions.parse(f"{tmp_path}/a.txt:own", defaults=exporters).exporter is LinesExporter
    assert FeedOptions.parse(f"{tmp_path}/a.json", defaults=exporters).exporter is None


@pytest.mark.parametrize(
    "exporter", [LinesExporter, JsonItemExporter, CsvItemExporter, XmlItemExporter], ids=lambda cls: cls.__name__
)
def test_a_crawl_that_dies_goes_on_with_the_exporter_and_repeats_nothing(tmp_path: Path, exporter: Any) -> None:
    path = tmp_path / "a"
    place = written(path, exporter, "a", "b")
    place = written(path, exporter, resume=place)
    place = written(path, exporter, "c", resume=place)
    open_feed(options(path, exporter), resume=place).close()
    text = path.read_text()
    readers = {
        LinesExporter: lambda: text.removeprefix("BEGIN\n").removesuffix("END\n").split(),
        JsonItemExporter: lambda: [item["title"] for item in json.loads(text)],
        CsvItemExporter: lambda: [row["title"] for row in csv.DictReader(io.StringIO(text))],
        XmlItemExporter: lambda: [part.partition("<")[0] for part in text.split("<title>")[1:]],
    }
    assert readers[exporter]() == ["a", "b", "c"]


def test_the_options_of_the_feed_reach_the_exporter(tmp_path: Path) -> None:
    place = written(tmp_path / "a", CsvItemExporter, "a", fields=["n"], item_export_kwargs={"delimiter": ";"})
    assert place.items == 1
    assert (tmp_path / "a").read_bytes().startswith(b"n\r\n1\r\n")
    with pytest.raises(FeedError, match="delimeter"):
        options(tmp_path / "b", LinesExporter, item_export_kwargs={"delimeter": 1})


def test_an_item_that_the_exporter_cannot_write_is_an_error_of_that_item(tmp_path: Path) -> None:
    feed = open_feed(options(tmp_path / "a", LinesExporter))
    feed.append(feed.serialize({"title": "a"}))
    with pytest.raises(InvalidOutputError, match="LinesExporter failed: KeyError: 'title'"):
        feed.serialize({"n": 1})
    feed.close()
    assert (tmp_path / "a").read_text() == "BEGIN\na\nEND\n"
