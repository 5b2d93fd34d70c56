"""A feed is a whole document after every flush, and goes on from any place."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from lxml import etree

from crawler import Field, Item
from crawler.exceptions import FeedError
from crawler.exporters import FeedOptions, FeedPlace, open_feed

if TYPE_CHECKING:
    from crawler.exporters import Feed

FORMATS = ["jsonl", "json", "csv", "xml"]
FILES = [f"a.{name}{suffix}" for name in FORMATS for suffix in ("", ".gz", ".zst", ".bz2", ".xz")]


def content(path: Path) -> bytes:
    """Return what is in a file, decompressed if its name says that it is compressed."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
    unpack = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
    return unpack.get(path.suffix, bytes)(data)


def read(path: Path) -> list[str]:
    """Return the titles of the items in a document, which must be valid as a whole."""
    data = content(path)
    if ".jsonl" in path.name:
        return [json.loads(line)["title"] for line in data.decode().splitlines()]
    if ".json" in path.name:
        return [item["title"] for item in json.loads(data)]
    if ".csv" in path.name:
        return [row["title"] for row in csv.DictReader(io.StringIO(data.decode(), newline=""))]
    return [title.text or "" for title in etree.fromstring(data).iter("title")]


def feed(path: Path | str, *, resume: FeedPlace | None = None, overwrite: bool = False, **options: Any) -> Feed:
    return open_feed(FeedOptions.from_mapping(path, {"overwrite": overwrite, **options}), resume=resume)


def put(into: Feed, *titles: str) -> None:
    for title in titles:
        into.append(into.serialize({"title": title, "n": 1}))


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_whole_from_the_opening_on_and_after_every_flush(tmp_path: Path, name: str) -> None:
    path = tmp_path / "new" / "folder" / name
    one = feed(path)
    assert read(path) == []
    put(one, "a")
    assert one.flush().items == 1
    assert read(path) == ["a"]
    put(one, "b", "ü")
    assert one.flush().items == 3
    assert one.flush() == one.flush()
    assert read(path) == ["a", "b", "ü"]
    assert one.close().items == 3
    assert read(path) == ["a", "b", "ü"]


@pytest.mark.parametrize("name", FILES)
def test_a_crawl_that_dies_at_any_moment_loses_and_repeats_nothing(tmp_path: Path, name: str) -> None:
    rng = random.Random(name)
    path = tmp_path / name
    one = feed(path, overwrite=True)
    place, committed, number = one.flush(), [], 0
    for _ in range(25):
        titles = [f"title {number + i}" for i in range(rng.randrange(4))]
        put(one, *titles)
        died = rng.random() < 0.4
        if died and rng.random() < 0.5:
            one.flush()  # written, but the commit never happened
        if died:
            assert read(path)[: len(committed)] == committed
            one = feed(path, resume=FeedPlace(*tuple(place)))
            assert read(path) == committed
            continue
        number += len(titles)
        place = one.flush()
        committed += titles
        assert read(path) == committed
        assert place.items == len(committed)
    one.close()
    assert read(path) == committed


def test_a_crash_in_the_middle_of_a_write_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    one = feed(path)
    put(one, "a")
    place = one.flush()
    with path.open("r+b") as file:
        file.seek(place.offset)
        file.write(b"half a reco")
    two = feed(path, resume=place)
    assert read(path) == ["a"]
    put(two, "b")
    two.close()
    assert read(path) == ["a", "b"]


@pytest.mark.parametrize("name", ["a.json", "a.csv.gz"])
def test_a_resumed_feed_goes_on_in_the_file_that_it_had_begun(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"%(time)s-{name}"
    one = feed(path)
    put(one, "a")
    place = one.flush()
    two = feed(path, resume=place)
    put(two, "b")
    two.close()
    (only,) = tmp_path.iterdir()
    assert read(only) == ["a", "b"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "it is gone"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "bytes where the crawl had written"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"title 9", b"title X")), "not what the crawl wrote"),
    ],
)
def test_a_file_that_was_changed_in_between_is_an_error(tmp_path: Path, damage: Any, words: str) -> None:
    path = tmp_path / "a.jsonl"
    one = feed(path)
    put(one, *[f"title {i}" for i in range(10)])
    place = one.close()
    damage(path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(FeedError, match=words) as caught:
        feed(path, resume=place)
    assert str(path) in str(caught.value)
    assert "start a new one" in str(caught.value)
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_crawl_that_had_written_nothing_may_have_lost_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    place = feed(path).flush()
    path.unlink()
    two = feed(path, resume=place)
    put(two, "a")
    two.close()
    assert read(path) == ["a"]


@pytest.mark.parametrize("name", [*FORMATS, "jsonl.gz", "csv.gz", "csv.zst", "jsonl.xz"])
def test_an_existing_file_is_continued(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"a.{name}"
    for title in ("a", "b", "c"):
        one = feed(path)
        assert one.items == 0
        put(one, title)
        assert one.close().items == 1
    feed(path).close()
    assert read(path) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "existing"),
    [
        ("a.json", '[{"title": "a"},\n {"title": "b"}\n]'),
        ("a.json", '[{"title":"a"},{"title":"b"}]'),
        ("a.csv", "title,n\na,1\nb,1"),
        ("a.csv", "n,title\n1,a\n1,b\n"),
        ("a.jsonl", '{"title":"a"}\n{"title":"b"}'),
        (
            "a.xml",
            "<?xml version='1.0' encoding='UTF-8'?>"
            "<items><item><title>a</title></item><item><title>b</title></item></items>",
        ),
    ],
)
def test_a_file_that_others_wrote_is_continued(tmp_path: Path, name: str, existing: str) -> None:
    path = tmp_path / name
    path.write_text(existing)
    one = feed(path)
    put(one, "c")
    one.close()
    assert read(path) == ["a", "b", "c"]


@pytest.mark.parametrize("existing", ["[]", "[\n]\n", "  [ ] "])
def test_an_empty_array_gets_its_first_item_without_a_comma(tmp_path: Path, existing: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(existing)
    one = feed(path)
    put(one, "a")
    one.close()
    assert read(path) == ["a"]


@pytest.mark.parametrize(
    ("name", "existing", "words"),
    [
        ("a.json", b'{"a": 1}', "no JSON array"),
        ("a.json", b'[{"a": 1},', "not closed"),
        ("a.jsonl", b'[{"a": 1}]\n', "JSON Lines"),
        ("a.jsonl", b'{"a": 1}\n{"a', "incomplete"),
        ("a.xml", b"<shop></shop>", "<items>"),
        ("a.xml", b"<items><item>", "does not end with"),
        ("a.xml", b"<?xml version='1.0' encoding='latin-1'?><items></items>", "latin-1"),
        ("a.csv.gz", b"title,n\n", "gzip"),
        ("a.json.gz", gzip.compress(b"[]", mtime=0), "compressed"),
    ],
)
def test_a_file_that_cannot_be_continued_is_left_alone(tmp_path: Path, name: str, existing: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(existing)
    with pytest.raises(FeedError, match="-O") as caught:
        feed(path)
    assert words in str(caught.value)
    assert path.read_bytes() == existing


@pytest.mark.parametrize("name", FILES)
def test_what_a_crash_has_left_of_a_document_without_items_is_begun_anew(tmp_path: Path, name: str) -> None:
    feed(tmp_path / name).close()
    whole = (tmp_path / name).read_bytes()
    for size in range(len(whole)):
        path = tmp_path / f"{size}-{name}"
        path.write_bytes(whole[:size])
        one = feed(path)
        put(one, "a")
        one.close()
        assert read(path) == ["a"]


def test_csv_with_another_header_is_not_continued_with_chosen_fields(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("title,n\na,1\n")
    with pytest.raises(FeedError, match=r"title, n.*price"):
        feed(path, fields=["price"])


def test_overwriting_empties_the_file_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"title": "a long old item that is longer than the new ones"}]')
    one = feed(path, overwrite=True)
    assert read(path) == []
    put(one, "b")
    one.close()
    assert read(path) == ["b"]


def test_chosen_csv_fields_are_the_header_even_without_items(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    feed(path, fields={"title": "Title", "n": "Number"}).close()
    assert path.read_bytes() == b"Title,Number\r\n"


def test_an_empty_feed_is_not_stored_if_that_is_not_wanted(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    feed(path, store_empty=False).close()
    assert not path.exists()


def test_many_records_without_a_flush_are_written_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    one = feed(path)
    put(one, *["x" * 1000] * 1000)
    assert path.stat().st_size > 500_000
    one.close()
    assert len(read(path)) == 1000


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    one = feed(tmp_path / "a.json")
    assert one.close() == one.close()


@pytest.mark.parametrize(
    ("text", "expected"), [("-", '{"title":"a","n":1}\n'), ("-:json", '[\n{"title":"a","n":1}\n]\n')]
)
def test_standard_output_gets_records_at_once_and_the_closing_at_the_end(
    capfdbinary: pytest.CaptureFixture[bytes], text: str, expected: str
) -> None:
    one = open_feed(FeedOptions.parse(text))
    put(one, "a")
    one.flush()
    assert capfdbinary.readouterr().out.decode() == expected.removesuffix("\n]\n") or text == "-"
    one.close()
    assert expected.endswith(capfdbinary.readouterr().out.decode())


@pytest.mark.parametrize("where", ["folder", "file/a.json"])
def test_a_place_where_nothing_can_be_written_is_an_error_at_the_opening(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(FeedError, match="cannot write the feed") as caught:
        feed(tmp_path / where, format="json")
    assert str(tmp_path / where) in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_that_is_full_is_an_error_with_path_and_reason() -> None:
    one = open_feed(FeedOptions.parse("/dev/full:jsonl"))
    put(one, "a")
    with pytest.raises(FeedError, match=r"/dev/full.*No space left.*make room"):
        one.flush()


@pytest.mark.parametrize("name", FILES)
def test_a_full_disk_leaves_the_file_as_it_was_and_nothing_is_forgotten(tmp_path: Path, name: str) -> None:
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    path = tmp_path / name
    one = feed(path)
    put(one, "a")
    place = one.flush()
    before = path.read_bytes()
    put(one, *[random.Random(number).randbytes(40).hex() for number in range(300)])
    old_limit, old_handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, old_limit[1]))
    try:
        for _ in range(2):
            with pytest.raises(FeedError, match="File too large"):
                one.flush()
            assert path.read_bytes() == before
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
        signal.signal(signal.SIGXFSZ, old_handler)
    copy = tmp_path / f"copy-{name}"
    shutil.copy(path, copy)
    resumed = feed(copy, resume=place._replace(path=str(copy)))
    resumed.close()
    assert read(copy) == ["a"]
    assert one.flush().items == 301
    assert len(read(path)) == 301
    one.close()


def test_a_csv_has_a_column_for_every_field_that_the_class_of_the_first_item_declares(tmp_path: Path) -> None:
    class Book(Item):
        title = Field()
        price = Field()
        blurb = Field()

    feed = open_feed(FeedOptions.parse(str(tmp_path / "books.csv")))
    for item in (Book(price=1, title="a"), Book(blurb="good")):
        feed.append(feed.serialize(item))
    feed.close()
    assert (tmp_path / "books.csv").read_bytes() == b"title,price,blurb\r\na,1,\r\n,,good\r\n"
