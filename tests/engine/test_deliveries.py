"""Feeds of whole crawls that are delivered: while they go on, when they end, and when a storage does not take them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from crawler import Spider, signals
from crawler.cli.exitcodes import ExitCode, of_result
from crawler.crawler import Crawler
from crawler.exporters import FeedOptions
from crawler.frontier.jobs import FINISHED, INTERRUPTED, summary_of
from crawler.result import CrawlResult
from crawler.testing import MemoryWorld, Page, Site

HOST = "http://shop.test"
SETTINGS = {"politeness.obey_robots": False, "politeness.delay": 1.0, "log.stats_interval": 0}


class Pages(Spider):
    name = "pages"
    start_urls = [f"{HOST}/{number}" for number in range(10)]

    def parse(self, response):
        yield {"n": int(response.url.rsplit("/", 1)[1])}


class Shelf:
    """A storage of a project that says no for as long as it is told to, and takes its time."""

    refusals = 0
    taken: dict[str, list[int]] = {}
    at: list[tuple[float, str]] = []

    def __init__(self, uri: str, crawler: Any) -> None:
        self.uri, self.crawler = uri, crawler

    @classmethod
    def from_crawler(cls, crawler: Any, uri: str, *, feed_options: Any = None) -> Shelf:
        return cls(uri, crawler)

    def open(self, spider: Any) -> Any:
        import tempfile

        return tempfile.TemporaryFile()

    def store(self, file: Any) -> Deferred[None]:
        stored: Deferred[None] = Deferred()
        self.crawler.clock.callLater(0.5, self._store, file, stored)
        return stored

    def _store(self, file: Any, stored: Deferred[None]) -> None:
        if Shelf.refusals:
            Shelf.refusals -= 1
            stored.errback(OSError("the shelf is full"))
            return
        file.seek(0)
        self.taken[self.uri] = [json.loads(line)["n"] for line in file]
        self.at.append((self.crawler.clock.seconds(), self.uri))
        file.close()
        stored.callback(None)


@pytest.fixture(autouse=True)
def empty_shelf() -> None:
    Shelf.refusals = 0
    Shelf.taken.clear()
    Shelf.at.clear()


def crawl(feeds: dict[str, dict[str, Any]], folder: Path | None = None, **connected: Any) -> CrawlResult:
    """Crawl the ten pages into *feeds*, with a job if there is a *folder* for it; connect handlers to the signals of that name."""
    settings = {**SETTINGS, "FEEDS": feeds, "FEED_STORAGES": {"shelf": Shelf}}
    if folder is not None:
        settings |= {"frontier.store": "sqlite", "frontier.job": str(folder / "job")}
    world = MemoryWorld(Site({"*": Page("")}))
    crawler = Crawler(Pages, settings, runtime=world.runtime)
    for name, handler in connected.items():
        crawler.signals.connect(handler, getattr(signals, name), weak=False)
    return world.run(crawler)


def test_a_remote_feed_is_delivered_when_the_crawl_ends_and_counted_under_scrapys_names() -> None:
    result = crawl({"shelf://a/items.jsonl": {}})
    assert {uri: sorted(items) for uri, items in Shelf.taken.items()} == {"shelf://a/items.jsonl": list(range(10))}
    assert result.stats["feedexport/success_count/Shelf"] == 1
    assert result.outputs == [("shelf://a/items.jsonl", 10)]


def test_batches_are_delivered_while_the_crawl_goes_on() -> None:
    result = crawl({"shelf://a/%(batch_id)d.jsonl": {"batch_item_count": 4}})
    assert [len(items) for items in Shelf.taken.values()] == [4, 4, 2]
    assert Shelf.at[0][0] < 6.0  # the crawl takes about ten seconds
    assert result.stats["feedexport/success_count/Shelf"] == 3


def test_batches_that_are_delivered_at_once_follow_each_other(tmp_path: Path) -> None:
    there: list[int] = []

    def count() -> None:
        there.append(len(list(tmp_path.glob("*.jsonl"))))

    crawl({f"{tmp_path}/%(batch_id)d.jsonl": {"batch_item_count": 2}}, item_scraped=count)
    assert there[-1] >= 3
    assert len(list(tmp_path.glob("*.jsonl"))) == 5


def test_a_batch_that_has_grown_old_is_delivered_though_nothing_else_happens() -> None:
    site = Site({"/0": Page(""), "*": Page("", latency=25.0)})
    settings = {**SETTINGS, "crawl.concurrency": 1, "FEED_STORAGES": {"shelf": Shelf}}
    settings["FEEDS"] = {"shelf://a/%(batch_id)d.jsonl": {"batch_seconds": 20}}
    world = MemoryWorld(site)
    world.run(Crawler(Pages, settings, runtime=world.runtime))
    assert Shelf.taken["shelf://a/1.jsonl"] == [0]
    assert 20.0 < Shelf.at[0][0] < 22.0
    assert [len(items) for items in Shelf.taken.values()] == [1] * 10


def test_signals_tell_of_every_document_and_of_the_end_with_scrapys_arguments(tmp_path: Path) -> None:
    told: list[Any] = []
    crawl(
        {
            f"{tmp_path}/all.json": {},
            f"{tmp_path}/%(batch_id)d.csv": {"batch_item_count": 6},
            "shelf://a/items.jsonl": {"store_empty": False},
        },
        feed_slot_closed=lambda slot: told.append((slot.uri, slot.format, slot.itemcount, slot.batch_id)),
        feed_exporter_closed=lambda: told.append("end"),
    )
    assert told == [
        (f"{tmp_path}/1.csv", "csv", 6, 1),
        (f"{tmp_path}/all.json", "json", 10, 1),
        (f"{tmp_path}/2.csv", "csv", 4, 2),
        ("shelf://a/items.jsonl", "jsonlines", 10, 1),
        "end",
    ]


def test_local_feeds_are_counted_too(tmp_path: Path) -> None:
    assert crawl({f"{tmp_path}/a.json": {}}).stats["feedexport/success_count/FileFeedStorage"] == 1


def test_a_delivery_that_fails_once_is_tried_again() -> None:
    Shelf.refusals = 2
    result = crawl({"shelf://a/items.jsonl": {}})
    assert result.reason == "finished"
    assert len(Shelf.taken["shelf://a/items.jsonl"]) == 10


def test_a_batch_that_was_refused_is_tried_again_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    Shelf.refusals = 1
    result = crawl({"shelf://a/%(batch_id)d.jsonl": {"batch_item_count": 2}})
    assert sum(len(items) for items in Shelf.taken.values()) == 10
    assert result.reason == "finished"
    assert "the shelf is full. Nothing is lost: they are in" in caplog.text
    assert "It is tried again in 15 s" in caplog.text


def test_a_delivery_that_fails_for_good_keeps_the_job_and_is_made_up_for_when_it_is_resumed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Shelf.refusals = 3
    feeds = {"shelf://a/items.jsonl": {}, f"{tmp_path}/all.jsonl": {}}
    result = crawl(feeds, tmp_path)
    assert (result.reason, of_result(result)) == ("feed_error", ExitCode.FAILURES)
    assert result.stats["finish_reason"] == "feed_error"
    assert result.stats["feedexport/failed_count/Shelf"] == 1
    (kept,) = (tmp_path / "job" / "feeds").iterdir()
    assert (
        f"10 items could not be delivered to shelf://a/items.jsonl: OSError: the shelf is full. Nothing is lost: they are in {kept}"
        in caplog.text
    )
    assert "resume the job to try again" in caplog.text
    assert summary_of(tmp_path / "job").state == INTERRUPTED

    result = crawl(feeds, tmp_path)
    assert (result.reason, of_result(result)) == ("finished", ExitCode.FINISHED)
    assert sorted(Shelf.taken["shelf://a/items.jsonl"]) == list(range(10))
    assert not kept.exists()
    assert summary_of(tmp_path / "job").state == FINISHED
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 10

    Shelf.taken.clear()
    with caplog.at_level(logging.WARNING):
        assert crawl(feeds, tmp_path).reason == "finished"
    assert "nothing is left to do" in caplog.text
    assert Shelf.taken == {}


def test_who_asks_twice_for_the_end_does_not_wait_for_a_storage_that_does_not_take_a_feed(tmp_path: Path) -> None:
    Shelf.refusals = 2
    feeds = {"shelf://a/items.jsonl": {}, f"{tmp_path}/all.jsonl": {}}
    settings = {**SETTINGS, "FEEDS": feeds, "FEED_STORAGES": {"shelf": Shelf}}
    settings |= {"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job")}
    world = MemoryWorld(Site({"*": Page("")}))
    crawler = Crawler(Pages, settings, runtime=world.runtime)
    ended: list[CrawlResult] = []
    crawler.crawl().addCallback(ended.append)
    while Shelf.refusals == 2:
        world.step(crawler)
    assert crawler.engine is not None
    crawler.engine.stop_now()
    crawler.engine.stop_now()
    asked_at = world.clock.seconds()
    while not ended:
        world.step(crawler)
    assert world.clock.seconds() - asked_at < 1.0
    assert (Shelf.refusals, ended[0].reason) == (1, "feed_error")
    assert ended[0].undelivered == ["shelf://a/items.jsonl"]

    Shelf.refusals = 0
    result = crawl(feeds, tmp_path)
    assert (result.reason, result.undelivered) == ("finished", [])
    assert sorted(Shelf.taken["shelf://a/items.jsonl"]) == list(range(10))


def test_a_delivery_that_fails_without_a_job_leaves_the_items_where_it_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Shelf.refusals = 3
    settings = {**SETTINGS, "FEEDS": {"shelf://a/items.jsonl": {}}, "FEED_STORAGES": {"shelf": Shelf}}
    world = MemoryWorld(Site({"*": Page("")}))
    result = world.run(Crawler(Pages, {**settings, "FEED_TEMPDIR": str(tmp_path)}, runtime=world.runtime))
    assert result.reason == "feed_error"
    (folder,) = tmp_path.iterdir()
    (kept,) = folder.iterdir()
    assert str(kept) in caplog.text
    assert len(kept.read_text().splitlines()) == 10


def test_a_stopped_crawl_delivers_what_it_has_and_its_job_delivers_the_whole(tmp_path: Path) -> None:
    def run(limit: int) -> CrawlResult:
        settings = {**SETTINGS, "FEEDS": {"shelf://a/items.jsonl": {}}, "FEED_STORAGES": {"shelf": Shelf}}
        settings |= {"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job"), "crawl.max_items": limit}
        world = MemoryWorld(Site({"*": Page("")}))
        return world.run(Crawler(Pages, settings, runtime=world.runtime))

    stopped = run(4)
    assert (stopped.reason, stopped.undelivered) == ("closespider_itemcount", [])
    assert len(Shelf.taken["shelf://a/items.jsonl"]) == 4
    assert run(0).reason == "finished"
    assert sorted(Shelf.taken["shelf://a/items.jsonl"]) == list(range(10))


def test_a_feed_that_needs_a_missing_package_is_refused_before_the_first_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys

    from crawler.exceptions import FeedError

    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(FeedError, match=r"s3://bucket/a\.json needs s3fs.*pip install 'crawler\[s3\]'"):
        FeedOptions.parse("s3://bucket/a.json")
