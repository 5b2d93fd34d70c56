"""Crawls that crash at any moment, or whose disk fails at any write, and are resumed: nothing lost, nothing twice."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from crawler import Request, signals
from crawler.crawler import Crawler
from crawler.exceptions import FeedError, JobError, UsageError
from crawler.frontier.sqlite import SqliteStore
from tests.engine.crashes import HOST, Job, ShopSpider

SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crawl_that_crashes_again_and_again_ends_as_one_that_never_did(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    job = Job(tmp_path, seed=seed)
    while not job.run(chance.randint(1, 60)):
        waiting, ended, seen = job.balance()
        assert waiting + ended == seen
    assert job.items() == [job.expected()] * 2
    assert job.balance() == (0, job.size, job.size)


@pytest.mark.parametrize("seed", SEEDS)
def test_batches_and_remote_feeds_of_a_crawl_that_crashes_hold_every_item_once(tmp_path: Path, seed: int) -> None:
    pytest.importorskip("fsspec")
    chance = random.Random(seed)
    job = Job(tmp_path, seed=seed, delivers=True)
    while not job.run(chance.randint(1, 60)):
        pass
    assert job.items() == [job.expected()] * 2
    batches = job.batches()
    assert sum(batches, Counter()) == job.expected()
    assert [batch.total() for batch in batches[:-1]] == [job.batch_items] * (len(batches) - 1)
    assert job.remote() == job.expected()
    assert job.spooled() == []


@pytest.mark.parametrize("writes", range(0, 40, 5))
def test_batches_of_a_crawl_whose_disk_was_full_hold_every_item_once(tmp_path: Path, writes: int) -> None:
    pytest.importorskip("fsspec")
    job = Job(tmp_path, seed=writes, delivers=True)
    run_with_failing_disk(job, writes)
    while not job.run():
        pass
    assert sum(job.batches(), Counter()) == job.expected() == job.remote()
    assert job.spooled() == []


class FailingDatabase:
    """A database whose disk is full from the *n*-th write on, and where what begins with *unreadable* cannot be read."""

    def __init__(self, database: sqlite3.Connection, writes: int, unreadable: str = "nothing") -> None:
        self._database = database
        self._writes = writes
        self._unreadable = unreadable

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def _count(self, query: str) -> None:
        if query.startswith(self._unreadable):
            raise sqlite3.OperationalError("disk I/O error")
        if not query.lstrip().upper().startswith(("SELECT", "ROLLBACK")):
            self._writes -= 1
            if self._writes < 0:
                raise sqlite3.OperationalError("database or disk is full")

    def execute(self, query: str, *arguments: Any) -> Any:
        self._count(query)
        return self._database.execute(query, *arguments)

    def executemany(self, query: str, *arguments: Any) -> Any:
        self._count(query)
        return self._database.executemany(query, *arguments)


def run_with_failing_disk(job: Job, writes: int, *, begins: bool = False) -> Crawler:
    """Run *job* until its end; its database fails from the *writes*-th write on, counted from when the crawl *begins* or runs."""
    crawler, world = job.crawler()
    results: list[Any] = []

    def fail_later(*_: Any) -> None:
        assembly = crawler._assembly
        assert assembly is not None
        store = assembly.engine.frontier._journal
        assert store is not None
        store._database = store.job.database = FailingDatabase(store.job.database, writes)  # type: ignore[assignment]

    if begins:
        crawler.signals.connect(fail_later, signals.engine_started)
        crawler.crawl().addBoth(results.append)
    else:
        crawler.crawl().addBoth(results.append)
        fail_later()
    while not results:
        world.step(crawler)
    assert crawler.engine is not None
    return crawler


@pytest.mark.parametrize("writes", range(0, 40, 3))
def test_a_disk_that_is_full_stops_the_crawl_which_goes_on_when_there_is_room(
    tmp_path: Path, writes: int, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(tmp_path, seed=writes)
    crawler = run_with_failing_disk(job, writes)
    if crawler.engine is not None and crawler.engine.reason != "finished":
        assert crawler.engine.reason == "job_error"
        assert "make room or mend the disk, then resume the job" in caplog.text
    while not job.run():
        pass
    assert job.items() == [job.expected()] * 2


@pytest.mark.parametrize("reads", range(0, 30, 3))
def test_a_disk_that_cannot_be_read_stops_the_crawl_and_no_link_is_lost(
    tmp_path: Path, reads: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("crawler.frontier.seen._LATELY", 2)  # so that nearly every link of the navigation is looked up
    job = Job(tmp_path, seed=reads)
    left = [reads]
    digest_of = SqliteStore.digest_of

    def fails(store: SqliteStore, sequence: int) -> bytes | None:
        left[0] -= 1
        if left[0] < 0:
            store._database = FailingDatabase(store.job.database, 0, "SELECT digest")  # type: ignore[assignment]
            store._new.clear()
            store._ended.clear()
        return digest_of(store, sequence)

    with monkeypatch.context() as patched:
        patched.setattr(SqliteStore, "digest_of", fails)
        crawler, world = job.crawler()
        assert world.run(crawler).reason == "job_error"
    assert "make room or mend the disk, then resume the job" in caplog.text
    assert "Traceback" not in caplog.text
    while not job.run():
        pass
    assert job.items() == [job.expected()] * 2


def test_a_feed_that_was_changed_in_between_is_an_error_that_says_how_to_go_on(tmp_path: Path) -> None:
    job = Job(tmp_path)
    assert not job.run(40)
    job.feeds[0].write_text("something else\n")
    with pytest.raises(FeedError, match=r"items\.jsonl"):
        job.run()


def test_a_feed_that_was_removed_in_between_is_an_error(tmp_path: Path) -> None:
    job = Job(tmp_path)
    assert not job.run(40)
    job.feeds[0].unlink()
    with pytest.raises(FeedError, match=r"items\.jsonl"):
        job.run()


def test_a_job_of_another_spider_is_refused(tmp_path: Path) -> None:
    job = Job(tmp_path)
    assert not job.run(40)
    crawler, _ = job.crawler()
    crawler.spidercls = type("Other", (crawler.spidercls,), {"name": "other"})
    failures: list[Any] = []
    crawler.crawl().addErrback(failures.append)
    assert isinstance(failures[0].value, JobError)
    assert "is one of the spider 'shop', not of 'other'" in str(failures[0].value)


def test_a_job_that_has_finished_has_nothing_left_to_do(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    job = Job(tmp_path)
    assert job.run()
    fetched = len(job.site.log)
    assert job.run()
    assert job.items() == [job.expected()] * 2
    assert len(job.site.log) == fetched
    assert "The job job had finished: nothing is left to do" in caplog.text


class StartItems(ShopSpider):
    """Yields items and requests from ``start``."""

    async def start(self):
        for number in range(600):
            yield {"page": str(number), "part": 0}
        yield Request(f"{HOST}/0")


@pytest.mark.parametrize("writes", range(1, 30, 2))
def test_items_of_the_start_are_not_repeated_either(
    tmp_path: Path, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.engine.crashes.ShopSpider", StartItems)
    job = Job(tmp_path, seed=writes)
    run_with_failing_disk(job, writes, begins=True)
    while not job.run():
        pass
    expected = job.expected()
    expected.update({(str(number), 0): 1 for number in range(600)})
    assert job.items() == [expected] * 2


def test_a_statistic_may_be_any_object(tmp_path: Path) -> None:
    class Odd(ShopSpider):
        def parse(self, response):
            self.crawler.stats.set_value("odd", Path("x/y"))
            yield from super().parse(response)

    job = Job(tmp_path)
    crawler, world = job.crawler()
    crawler.spidercls = Odd
    assert world.run(crawler).reason == "finished"
    assert job.items() == [job.expected()] * 2
    kept = (
        sqlite3.connect(tmp_path / "job" / "job.sqlite").execute("SELECT value FROM job WHERE key = 'stats'").fetchone()
    )
    assert b"x/y" in kept[0]


def test_a_commit_that_fails_for_whatever_reason_ends_the_crawl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(tmp_path)
    crawler, world = job.crawler()

    def fail(*_: Any) -> None:
        raise RuntimeError("boo")

    crawler.signals.connect(
        lambda: monkeypatch.setattr(SqliteStore, "commit", fail), signals.engine_started, weak=False
    )
    assert world.run(crawler).reason == "job_error"
    assert "the commit failed: RuntimeError: boo. What was committed before is safe" in caplog.text
    monkeypatch.undo()
    while not job.run():
        pass
    assert job.items() == [job.expected()] * 2


def test_a_last_commit_that_fails_for_whatever_reason_is_told_by_the_reason_of_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(tmp_path)
    crawler, world = job.crawler()

    def fail(*_: Any) -> None:
        raise RuntimeError("boo")

    crawler.signals.connect(lambda: monkeypatch.setattr(SqliteStore, "commit", fail), signals.spider_closed, weak=False)
    assert world.run(crawler).reason == "job_error"
    assert "the commit failed: RuntimeError: boo" in caplog.text
    monkeypatch.undo()
    while not job.run():
        pass
    assert job.items() == [job.expected()] * 2


@pytest.mark.parametrize("setting", ["components.fingerprinter", "components.dupefilter", "frontier.key_file"])
def test_a_crawl_that_cannot_begin_for_another_reason_leaves_no_job_and_empties_no_feed(
    tmp_path: Path, setting: str
) -> None:
    job = Job(tmp_path)
    (tmp_path / "items.jsonl").write_text("mine\n")
    wrong = tmp_path / "items.jsonl" if setting == "frontier.key_file" else "no.such.Class"
    crawler, _ = job.crawler({setting: str(wrong)})
    crawler._command = {"arguments": {"password": "secret"}}
    failures: list[Any] = []
    crawler.crawl().addErrback(failures.append)
    assert isinstance(failures[0].value, UsageError)
    assert [path.name for path in tmp_path.rglob("*")] == ["items.jsonl"]
    assert (tmp_path / "items.jsonl").read_text() == "mine\n"


def test_half_of_a_surrogate_pair_in_what_is_kept_fails_no_commit(tmp_path: Path) -> None:
    class Quoting(ShopSpider):
        def parse(self, response):
            self.crawler.stats.inc_value("quoted/\ud800")
            self.state["seen"] = ["\ud800"]
            yield from super().parse(response)
            raise ValueError("\ud800")

    job = Job(tmp_path)
    crawler, world = job.crawler()
    crawler.spidercls = Quoting
    assert world.run(crawler).reason == "finished"
    assert job.items() == [job.expected()] * 2
    assert job.balance() == (0, job.size, job.size)


def test_a_job_that_is_resumed_with_the_limit_that_ended_it_ends_again_and_says_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(tmp_path)
    for _ in range(2):
        crawler, world = job.crawler({"crawl.max_pages": 3})
        results: list[Any] = []
        crawler.crawl().addBoth(results.append)
        while not results:
            world.step(crawler)
        assert results[0].reason == "closespider_pagecount"
    assert "crawl.max_pages = 3 was reached by an earlier process of the job: set it higher to go on" in caplog.text
    while not job.run():
        pass
    assert job.items() == [job.expected()] * 2


def test_a_crawl_that_cannot_begin_leaves_no_job_but_one_that_had_begun_is_kept(tmp_path: Path) -> None:
    job = Job(tmp_path)
    (tmp_path / "items.json").mkdir()
    with pytest.raises(FeedError):
        job.run()
    assert not (tmp_path / "job").exists()
    (tmp_path / "items.json").rmdir()
    assert not job.run(40)
    job.feeds[0].unlink()
    with pytest.raises(FeedError):
        job.run()
    assert (tmp_path / "job").exists()
