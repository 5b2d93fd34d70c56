"""Feeds that are delivered: remote, in batches, through plug-ins; and what a crash leaves of them."""

from __future__ import annotations

import gzip
import json
import lzma
import random
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crawler.exceptions import FeedError
from crawler.exporters import FeedOptions, FeedPlace, Feeds, Spool
from crawler.exporters.delivery import Delivery
from crawler.settings.storages import Storages

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Process:
    """A process of a crawl with one feed: it commits, delivers and may die."""

    def __init__(self, folder: Path, uri: str, place: FeedPlace | None = None, **options: Any) -> None:
        self.seconds = 0.0
        self.spool = folder / "spool"
        stored = None if place is None else FeedPlace.stored(msgspec.msgpack.decode(msgspec.msgpack.encode(place)))
        self.feeds = Feeds.open_all(
            [FeedOptions.from_mapping(uri, options)],
            resume=None if stored is None else [stored],
            now=NOW,
            spool=Spool(self.spool),
            seconds=lambda: self.seconds,
        )
        (self.feed,) = self.feeds
        self.place = place or self.commit()
        self.delivery = Delivery(Storages(), None)

    def put(self, *numbers: int) -> None:
        for number in numbers:
            self.feeds.append(self.feeds.serialize({"n": number}))

    def commit(self) -> FeedPlace:
        (self.place,) = self.feeds.flush()
        self.feeds.committed()
        return self.place

    def deliver(self) -> None:
        for batch in self.feed.undelivered:
            self.delivery.deliver(self.feed, batch)
            self.feed.delivered(batch)

    def end(self, *, is_final: bool = True) -> FeedPlace:
        self.commit()
        (self.place,) = self.feeds.close(is_final=is_final)
        self.deliver()
        self.place = self.feed.place
        self.feeds.committed()
        return self.place

    def die(self) -> None:
        self.feed.let_go()


def numbers(path: Path) -> list[int]:
    return [item["n"] for item in json.loads(path.read_text())]


def files(folder: Path) -> dict[str, list[int]]:
    return {path.name: numbers(path) for path in sorted(folder.glob("*.json"))}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_batches_by_count_have_exactly_that_many_items_also_within_a_visit(tmp_path: Path, out: Path) -> None:
    process = Process(tmp_path, f"{out}/%(batch_id)02d.json", batch_item_count=3)
    process.put(*range(8))
    process.end()
    assert files(out) == {"01.json": [0, 1, 2], "02.json": [3, 4, 5], "03.json": [6, 7]}
    assert process.feed.items == 8
    assert list(process.spool.iterdir()) == []


def test_a_full_batch_is_complete_at_once_and_no_empty_one_follows(tmp_path: Path, out: Path) -> None:
    process = Process(tmp_path, f"{out}/%(batch_id)d.json", batch_item_count=2)
    process.put(1, 2)
    assert [batch.items for batch in process.commit().complete] == [2]
    process.end()
    assert files(out) == {"1.json": [1, 2]}


def test_batches_by_bytes_are_never_larger_unless_one_item_is(tmp_path: Path, out: Path) -> None:
    chance = random.Random(1)
    process = Process(tmp_path, f"{out}/%(batch_id)03d.json", batch_bytes=200)
    for number in range(100):
        process.put(10 ** chance.choice((1, 20, 50)) + number)
    process.put(10**400)
    process.end()
    sizes = [path.stat().st_size for path in sorted(out.glob("*.json"))]
    assert max(sizes[:-1]) <= 200
    assert min(sizes[:-2]) > 100
    assert sizes[-1] > 400
    assert sum(len(found) for found in files(out).values()) == 101


def test_batches_by_time_end_so_long_after_their_first_item(tmp_path: Path, out: Path) -> None:
    process = Process(tmp_path, f"{out}/%(batch_id)d.json", batch_seconds=60)
    process.seconds = 100
    assert process.commit().complete == ()
    assert process.feeds.due_in is None
    process.put(1)
    process.seconds = 130
    assert process.feeds.due_in == 30
    process.put(2)
    assert process.commit().complete == ()
    process.seconds = 160
    assert [batch.items for batch in process.commit().complete] == [2]
    process.put(3)
    process.end()
    assert files(out) == {"1.json": [1, 2], "2.json": [3]}


def test_the_age_of_a_batch_survives_a_crash(tmp_path: Path, out: Path) -> None:
    process = Process(tmp_path, f"{out}/%(batch_id)d.json", batch_seconds=60)
    process.put(1)
    process.seconds = 50
    place = process.commit()
    process.die()
    again = Process(tmp_path, f"{out}/%(batch_id)d.json", place, batch_seconds=60)
    assert again.feeds.due_in == 10


@pytest.mark.parametrize("suffix", ["json", "json.gz"])
@pytest.mark.parametrize("seed", range(20))
def test_a_crawl_that_dies_at_any_moment_loses_and_repeats_nothing(
    tmp_path: Path, out: Path, seed: int, suffix: str
) -> None:
    chance = random.Random(seed)
    uri, options = f"{out}/%(batch_id)03d.{suffix}", {"batch_item_count": chance.choice((1, 2, 3, 5, 100))}
    process, number, place = Process(tmp_path, uri, **options), 0, None
    while number < 60:
        visit = range(number, number + chance.randrange(8))
        process.put(*visit)
        died = chance.random()
        if died < 0.2:
            if died < 0.1:
                process.feeds.flush()  # written, but the commit never happened
            place = process.place
            process.die()
            process = Process(tmp_path, uri, place, **options)
            continue
        process.commit()
        number = visit.stop
        if chance.random() < 0.5:
            process.deliver()
    process.end()
    read = gzip.decompress if suffix == "json.gz" else bytes
    found = [[one["n"] for one in json.loads(read(path.read_bytes()))] for path in sorted(out.iterdir())]
    assert [item for batch in found for item in batch] == list(range(number))
    assert {len(batch) for batch in found[:-1]} <= {options["batch_item_count"]}
    assert list(process.spool.iterdir()) == []


def test_a_delivery_that_a_crash_interrupted_is_repeated_to_the_same_name(tmp_path: Path, out: Path) -> None:
    uri = f"{out}/%(batch_time)s-%(time)s.json"
    process = Process(tmp_path, uri, batch_item_count=1)
    process.put(1, 2)
    place = process.commit()
    process.deliver()
    before = files(out)
    process.die()
    again = Process(tmp_path, uri, place, batch_item_count=1)
    again.end()
    assert files(out) == before
    assert sorted(found for batch in before.values() for found in batch) == [1, 2]


def test_what_a_crash_leaves_in_the_spool_is_removed_when_the_crawl_goes_on(tmp_path: Path, out: Path) -> None:
    uri = f"{out}/%(batch_id)d.json"
    process = Process(tmp_path, uri, batch_item_count=1)
    process.put(1, 2)
    process.commit()
    process.deliver()
    (place,) = process.feeds.flush()  # committed, and then it died before it could remove the files
    process.put(3, 4)  # never committed
    process.die()
    assert len(list(process.spool.iterdir())) == 4
    again = Process(tmp_path, uri, place, batch_item_count=1)
    assert list(again.spool.iterdir()) == []
    again.put(3)
    again.end()
    assert files(out) == {"1.json": [1], "2.json": [2], "3.json": [3]}


def test_a_crawl_that_is_stopped_delivers_what_it_has_and_goes_on_with_it(tmp_path: Path, out: Path) -> None:
    uri = f"{out}/%(batch_id)d.json"
    process = Process(tmp_path, uri, batch_item_count=3)
    process.put(1)
    process.commit()
    process.feeds.close(is_final=False)
    batch = process.feed.unfinished
    assert batch is not None
    process.delivery.put(process.feed, batch)
    assert files(out) == {"1.json": [1]}
    again = Process(tmp_path, uri, process.feed.place, batch_item_count=3)
    again.put(2, 3, 4)
    again.end()
    assert files(out) == {"1.json": [1, 2, 3], "2.json": [4]}


def test_files_in_the_spool_are_for_their_owner_only(tmp_path: Path, out: Path) -> None:
    process = Process(tmp_path, f"{out}/%(batch_id)d.json", batch_item_count=2)
    process.put(1)
    process.commit()
    (document,) = process.spool.iterdir()
    assert stat.S_IMODE(document.stat().st_mode) == 0o600
    assert json.loads(document.read_text()) == [{"n": 1}]


@pytest.mark.parametrize("damage", ["gone", "changed", "complete gone"])
def test_a_spool_that_was_changed_in_between_is_an_error_that_says_how_to_go_on(
    tmp_path: Path, out: Path, damage: str
) -> None:
    uri = f"{out}/%(batch_id)d.json"
    process = Process(tmp_path, uri, batch_item_count=2)
    process.put(*([1, 2, 3] if damage == "complete gone" else [1]))
    place = process.commit()
    process.die()
    first = min(process.spool.iterdir())
    if damage == "changed":
        first.write_text("something else entirely")
    else:
        first.unlink()
    with pytest.raises(FeedError, match="start a new one"):
        Process(tmp_path, uri, place, batch_item_count=2)


def test_a_feed_that_became_another_kind_is_not_resumed(tmp_path: Path, out: Path) -> None:
    place = Process(tmp_path, f"{out}/%(batch_id)d.json", batch_item_count=2).place
    with pytest.raises(FeedError, match="resume it with the same feeds"):
        Feeds.open_all([FeedOptions.parse(f"{out}/1.json")], resume=[place])


def test_local_batches_continue_what_is_there_unless_it_is_to_be_overwritten(tmp_path: Path, out: Path) -> None:
    for overwrite, expected in ((False, [1]), (False, [1, 1]), (True, [1])):
        process = Process(tmp_path, f"{out}/%(batch_id)d.json", batch_item_count=5, overwrite=overwrite)
        process.put(1)
        process.end()
        assert files(out) == {"1.json": expected}


def test_an_empty_feed_is_delivered_unless_that_is_not_wanted(tmp_path: Path, out: Path) -> None:
    Process(tmp_path, f"{out}/a%(batch_id)d.json", batch_item_count=5, store_empty=False).end()
    assert not out.exists()
    Process(tmp_path, f"{out}/b%(batch_id)d.json", batch_item_count=5).end()
    assert files(out) == {"b1.json": []}


class Shout:
    """A plug-in of a project; it ends what it is given with a mark."""

    def __init__(self, file: Any, feed_options: Any) -> None:
        self.file = file
        self.mark = feed_options.get("mark", "!").encode()

    def write(self, data: bytes) -> int:
        self.file.write(data.upper())
        return len(data)

    def close(self) -> None:
        self.file.write(self.mark)
        self.file.close()  # some do; it is closed once all the same


class Fails(Shout):
    def write(self, data: bytes) -> int:
        raise RuntimeError("boo")


def test_a_document_passes_the_plugins_of_a_project_when_it_is_delivered(tmp_path: Path, out: Path) -> None:
    options = {"postprocessing": [Shout, "scrapy.extensions.postprocessing.GzipPlugin", "LZMAPlugin"], "mark": "?"}
    process = Process(tmp_path, f"{out}/a.jsonl", **options)
    process.put(1, 2)
    process.end()
    assert gzip.decompress(lzma.decompress((out / "a.jsonl").read_bytes())) == b'{"N":1}\n{"N":2}\n?'
    assert list(process.spool.iterdir()) == []


def test_a_plugin_that_fails_leaves_the_document_in_the_spool(tmp_path: Path, out: Path) -> None:
    process = Process(tmp_path, f"{out}/a.jsonl", postprocessing=[Fails])
    process.put(1)
    with pytest.raises(FeedError, match=r"1 items could not be delivered to .*: a plug-in failed: RuntimeError: boo"):
        process.end()
    assert [path.read_text() for path in process.spool.iterdir()] == ['{"n":1}\n']


def test_what_plugins_have_made_cannot_be_continued(tmp_path: Path, out: Path) -> None:
    out.mkdir()
    (out / "a.jsonl").write_text("OLD")
    with pytest.raises(FeedError, match="what plug-ins have made"):
        Process(tmp_path, f"{out}/a.jsonl", postprocessing=[Shout])


class Kept:
    """A storage of a project, as Scrapy has them."""

    stored: list[tuple[str, bytes, Any]] = []

    def __init__(self, uri: str, *, feed_options: Any = None) -> None:
        self.uri = uri
        self.options = feed_options

    def open(self, spider: Any) -> Any:
        import tempfile

        return tempfile.TemporaryFile()

    def store(self, file: Any) -> None:
        file.seek(0)
        self.stored.append((self.uri, file.read(), self.options["level"]))
        file.close()


def test_a_storage_of_a_project_gets_whole_documents(tmp_path: Path) -> None:
    Kept.stored.clear()
    process = Process(tmp_path, "vault://x/%(batch_id)d.jsonl", batch_item_count=1, storages={"vault": Kept}, level=3)
    process.put(1, 2)
    process.end()
    assert Kept.stored == [("vault://x/1.jsonl", b'{"n":1}\n', 3), ("vault://x/2.jsonl", b'{"n":2}\n', 3)]


def test_a_storage_can_be_switched_off() -> None:
    with pytest.raises(FeedError, match="have switched the storage 's3' off"):
        FeedOptions.from_mapping("s3://bucket/a.json", {}, {"storages": {"s3": None}})


def test_a_feed_in_memory_is_there_when_the_crawl_has_ended(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    process = Process(tmp_path, f"memory://{tmp_path.name}/a.csv.gz")
    process.put(1, 2)
    process.end()
    with fsspec.open(f"memory://{tmp_path.name}/a.csv.gz") as file:
        assert gzip.decompress(file.read()) == b"n\r\n1\r\n2\r\n"


def test_a_finished_feed_takes_no_more_items(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    process = Process(tmp_path, f"memory://{tmp_path.name}/b.csv")
    place = process.end()
    again = Process(tmp_path, f"memory://{tmp_path.name}/b.csv", place)
    assert again.end().complete == ()
    with pytest.raises(FeedError, match="start a new job"):
        again.put(1)


def test_a_crawl_without_a_job_has_its_spool_in_a_folder_that_is_gone_afterwards(tmp_path: Path, out: Path) -> None:
    feeds = Feeds.open_all(
        [FeedOptions.from_mapping(f"{out}/%(batch_id)d.json", {"batch_item_count": 2})],
        spool=Spool(temporary=str(tmp_path)),
    )
    (folder,) = tmp_path.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    feeds.close()
    for batch in feeds[0].undelivered:
        Delivery(Storages(), None).put(feeds[0], batch)
        feeds[0].delivered(batch)
    feeds.committed()
    feeds.remove_spool()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_spool_that_cannot_be_made_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"nowhere.*export\.spool"):
        Feeds.open_all([FeedOptions.parse("ftp://host/a.json")], spool=Spool(temporary=str(tmp_path / "nowhere")))
