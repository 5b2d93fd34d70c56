"""Feeds from the command line, from settings and from Scrapy's FEEDS."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from crawler.exceptions import FeedError
from crawler.exporters import FeedOptions, ItemFilter, feeds_from_settings
from crawler.settings import Settings


@dataclasses.dataclass
class Book:
    title: str


class Cheap(ItemFilter):
    def accepts(self, item: Any) -> bool:
        return bool(item["price"] < 10)


@pytest.mark.parametrize(
    ("text", "uri", "format_name", "compression"),
    [
        ("a.jsonl", "a.jsonl", "jsonlines", ""),
        ("a.jl", "a.jl", "jsonlines", ""),
        ("out/a.JSON", "out/a.JSON", "json", ""),
        ("a.csv.gz", "a.csv.gz", "csv", "gzip"),
        ("a.xml.zst", "a.xml.zst", "xml", "zstd"),
        ("a.txt:csv", "a.txt", "csv", ""),
        ("a.json:jsonlines", "a.json", "jsonlines", ""),
        ("-", "-", "jsonlines", ""),
        ("-:json", "-", "json", ""),
        ("stdout:", "-", "jsonlines", ""),
        ("file:///tmp/a.csv", "/tmp/a.csv", "csv", ""),
        (r"C:\data\a.csv", r"C:\data\a.csv", "csv", ""),
        ("%(name)s-%(time)s.jsonl", "%(name)s-%(time)s.jsonl", "jsonlines", ""),
    ],
)
def test_a_feed_of_the_command_line_is_a_path_and_perhaps_a_format(
    text: str, uri: str, format_name: str, compression: str
) -> None:
    options = FeedOptions.parse(text)
    assert (options.uri, options.format, options.compression) == (uri, format_name, compression)
    assert not options.overwrite


def test_capital_o_overwrites() -> None:
    assert FeedOptions.parse("a.json", overwrite=True).overwrite


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.jsn", ["'jsn'", "did you mean 'json'", "jsonlines", "csv", "xml"]),
        ("a", ["no extension", "a:jsonlines"]),
        ("a.gz", ["no extension"]),
        ("a.txt:cvs", ["'cvs'", "did you mean 'csv'"]),
        ("a.pickle", ["pickle", "foreign code", "jsonlines"]),
        ("a.out:marshal", ["marshal", "foreign code"]),
        ("s4://me:sesame@bucket/a.json", ["s4://me:***@bucket/a.json", "s3:", "ftp:", "file"]),
        ("s3:///a.json", ["s3:///a.json names no bucket"]),
    ],
)
def test_a_feed_that_nobody_can_write_is_an_error_that_says_what_can_be(text: str, words: list[str]) -> None:
    with pytest.raises(FeedError) as caught:
        FeedOptions.parse(text)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_scrapys_feeds_are_understood() -> None:
    (options,) = feeds_from_settings(
        {
            Path("out.csv"): {
                "format": "csv",
                "encoding": "latin-1",
                "fields": {"title": "Title"},
                "overwrite": True,
                "store_empty": False,
                "item_classes": [Book],
                "item_export_kwargs": {"delimiter": ";"},
                "postprocessing": ["scrapy.extensions.postprocessing.GzipPlugin"],
                "gzip_compresslevel": 9,
            }
        }
    )
    assert (options.format, options.encoding, options.fields) == ("csv", "latin-1", {"title": "Title"})
    assert (options.overwrite, options.store_empty, options.compression, options.compression_level) == (
        True,
        False,
        "gzip",
        9,
    )
    assert options.item_filter is not None
    assert options.item_filter.accepts(Book("t"))
    assert not options.item_filter.accepts({"title": "t"})


def test_a_list_of_tables_is_understood_and_defaults_fill_in() -> None:
    first, second = feeds_from_settings(
        [{"uri": "a.json", "indent": 4}, {"uri": "b.xml"}], {"indent": 2, "encoding": "latin-1", "fields": None}
    )
    assert (first.indent, first.encoding, second.indent) == (4, "latin-1", 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fromat": "csv"}, "did you mean 'format'"),
        ({"item_export_kwargs": {"delimeter": ";"}}, "did you mean 'delimiter'"),
        ({"item_export_kwargs": {"delimiter": "too long"}}, "delimiter"),
        ({"item_export_kwargs": {"include_headers_line": False}}, "needs its fields"),
        ({"encoding": "utf-9"}, "utf-9"),
        ({"postprocessing": ["my.Plugin"]}, "my.Plugin"),
        ({"postprocessing": ["GzipPlugn"]}, "did you mean 'GzipPlugin'"),
        ({"postprocessing": [Book]}, "write(data) and close()"),
        ({"postprocessing": ["GzipPlugin"], "compression": "gzip"}, "not both"),
        ({"batch_item_count": 3}, "%(batch_id)d"),
        ({"batch_item_count": "few"}, "batch_item_count = 'few'; it must be a number"),
        ({"batch_seconds": -1}, "batch_seconds = -1"),
        ({"compression": "gz"}, "gzip"),
        ({"item_classes": ["no.such.Item"]}, "no.such.Item"),
        ({"item_filter": "no.such.Filter"}, "no.such.Filter"),
        ({"item_filter": dict}, "accepts"),
    ],
)
def test_an_option_that_does_not_fit_is_an_error_that_names_it(options: dict[str, Any], words: str) -> None:
    with pytest.raises(FeedError, match=r"csv|load") as caught:
        FeedOptions.from_mapping("a.csv", options)
    assert words in str(caught.value)


def test_a_feed_of_the_settings_without_uri_is_an_error() -> None:
    with pytest.raises(FeedError, match="no uri"):
        feeds_from_settings([{"format": "csv"}])


def test_a_filter_of_the_project_decides_what_goes_in() -> None:
    options = FeedOptions.from_mapping("a.csv", {"item_filter": Cheap})
    assert options.item_filter is not None
    assert options.item_filter.accepts({"price": 9})
    assert not options.item_filter.accepts({"price": 11})


def test_a_feed_is_spooled_if_it_is_remote_or_has_batches_or_plugins() -> None:
    class Plugin:
        def write(self, data: bytes) -> int: ...

        def close(self) -> None: ...

    def is_spooled(uri: str, **options: Any) -> bool:
        return FeedOptions.from_mapping(uri, options).is_spooled

    assert not is_spooled("a.csv")
    assert not is_spooled("a.csv", postprocessing=["scrapy.extensions.postprocessing.LZMAPlugin"])
    assert not is_spooled("-", batch_item_count=5, format="csv")
    assert is_spooled("ftp://host/a.csv")
    assert is_spooled("a-%(batch_id)d.csv", batch_bytes="1MiB")
    assert is_spooled("a.csv", postprocessing=[Plugin])
    assert is_spooled("a.csv", postprocessing=["GzipPlugin", "LZMAPlugin"])
    assert is_spooled("a.csv.gz", postprocessing=["GzipPlugin"], gzip_filename="a.csv")


def test_what_is_at_a_remote_storage_cannot_be_continued() -> None:
    assert FeedOptions.parse("ftp://host/a.json").overwrite
    with pytest.raises(FeedError, match=r"ftp://me:\*\*\*@host/a\.json.*overwrite must be true.*%\(time\)s"):
        FeedOptions.from_mapping("ftp://me:sesame@host/a.json", {"overwrite": False})


def test_options_of_a_plugin_or_a_filter_of_the_project_are_its_own_matter() -> None:
    options = FeedOptions.from_mapping("a.csv", {"item_filter": Cheap, "limit": 10})
    assert options.given["limit"] == 10


def test_defaults_of_the_settings_reach_the_feeds() -> None:
    settings = Settings(
        {"FEED_EXPORT_BATCH_ITEM_COUNT": 7, "FEED_URI_PARAMS": "os.path.join", "FEED_EXPORTERS": {"txt": None}}
    )
    options = FeedOptions.parse("a-%(batch_id)d.csv", defaults=settings.export.defaults())
    assert options.batch.items == 7
    assert options.uri_params is os.path.join
