"""Crawls that crash at any moment, or whose disk fails at any write, and are resumed: nothing lost, nothing twice."""

from __future__ import annotations

import json
import math
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from crawler import Request, Spider, signals
from crawler.cli.exitcodes import ExitCode, of_result
from crawler.crawler import Crawler
from crawler.engine import halt
from crawler.exceptions import DontCloseSpider, FeedError, JobError, UsageError
from crawler.exporters import FeedOptions
from crawler.frontier import Frontier
from crawler.frontier.jobs import summary_of
from crawler.frontier.sealing import Seal
from crawler.frontier.sqlite import SqliteStore
from crawler.result import CrawlResult
from crawler.testing import MemoryWorld, Page, Site
from tests.engine.accounts import visited
from tests.engine.crashes import HOST, Job, ShopSpider, crash
from tests.engine.disks import Disk
from tests.engine.troubles import survive


@pytest.mark.parametrize("seed", range(16))
def test_a_crawl_that_meets_trouble_after_trouble_ends_as_one_that_never_did(tmp_path: Path, seed: int) -> None:
    survive(tmp_path, seed, delivers=False)


@pytest.mark.parametrize("seed", range(100, 106))
def test_batches_and_remote_feeds_of_such_a_crawl_hold_every_item_once(tmp_path: Path, seed: int) -> None:
    pytest.importorskip("fsspec")
    survive(tmp_path, seed, delivers=True)


@pytest.mark.parametrize("seed", range(4))
def test_a_crawl_that_is_killed_again_and_again_comes_to_its_end(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    job = Job(tmp_path, seed=seed)
    while not job.run(chance.randint(1, 60)):
        pass
    assert job.account.checks
    job.check()


@pytest.mark.parametrize("writes", range(60, 300, 50))
def test_a_disk_that_is_full_stops_the_crawl_which_goes_on_when_there_is_room(
    tmp_path: Path, writes: int, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(tmp_path / "crawl", seed=writes)
    assert not job.run(disk=Disk(job.folder, random.Random(writes), at=writes, lasting=math.inf))
    assert "make room" in caplog.text
    assert "Traceback" not in caplog.text
    assert job.run()
    job.check()


@pytest.mark.parametrize("reads", range(0, 30, 5))
def test_a_disk_that_cannot_be_read_stops_the_crawl_and_no_link_is_lost(
    tmp_path: Path, reads: int, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(tmp_path, seed=reads)
    # So that nearly every link of the navigation is looked up, and not before it is on disk.
    job.sizes |= {"crawler.frontier.seen._LATELY": 2, "crawler.engine.commit.BATCH": 1}
    job.sizes["crawler.frontier.digests._MOST_UNWRITTEN"] = 1
    assert not job.run(disk=Disk(job.folder, random.Random(reads), at=30 + reads, lasting=math.inf, unreadable=True))
    assert "make room or mend the disk, then resume the job" in caplog.text
    assert "Traceback" not in caplog.text
    assert job.run()
    job.check()


@pytest.mark.parametrize("ends", [{}, {"lasting": math.inf}, {"unreadable": True}], ids=str)
@pytest.mark.parametrize("at", range(1, 45, 6))
def test_a_job_whose_disk_fails_at_its_beginning_is_told_to_and_can_be_begun_again_at_once(
    tmp_path: Path, at: int, ends: dict[str, Any]
) -> None:
    job = Job(tmp_path / "crawl", seed=at)
    job.run(0, disk=Disk(job.folder, random.Random(at), at=at, **ends))
    assert job.run()
    job.check()


def test_a_redirect_whose_target_cannot_be_looked_up_is_followed_when_the_job_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site({"/0": Page("", 302, {"Location": "/1"}), "/1": "<h1>1</h1>"})
    settings = {"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job"), "log.stats_interval": 0}
    is_duplicate = Frontier.is_duplicate

    def run() -> str:
        world = MemoryWorld(site)
        return world.run(Crawler(ShopSpider, settings, runtime=world.runtime)).reason

    def fails(frontier: Frontier, request: Request) -> bool:
        if request.url == f"{HOST}/1":
            raise JobError("the disk cannot be read")
        return is_duplicate(frontier, request)

    with monkeypatch.context() as patched:
        patched.setattr(Frontier, "is_duplicate", fails)
        assert run() == "job_error"
    assert run() == "finished"
    assert site.paths.count("/1") == 1


@pytest.mark.parametrize("page", [Page("", 503), Page("<a href='/1'>1</a>")], ids=["a retry", "a link"])
def test_a_page_is_not_lost_where_what_comes_of_it_cannot_be_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Page
) -> None:
    class Secretive(ShopSpider):
        async def start(self):
            yield Request(f"{HOST}/0", meta={"delay": 2.0})

        def request(self, response, link):
            return response.follow(link, cookies={"session": "12345"})

    def fails(*_: object) -> bytes:
        monkeypatch.undo()
        raise JobError("the key cannot be made now")

    def answer(_: object) -> Page:
        monkeypatch.setattr(Seal, "seal", fails)
        return page

    settings = {"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job"), "log.stats_interval": 0}
    world = MemoryWorld(Site({"/0": answer}))
    assert world.run(Crawler(Secretive, settings, runtime=world.runtime)).reason == "job_error"
    assert not visited(tmp_path / "job")
    world = MemoryWorld(Site({"/0": "<a href='/1'>1</a>", "/1": ""}))
    assert world.run(Crawler(Secretive, settings, runtime=world.runtime)).reason == "finished"
    assert sorted(page.url for page in visited(tmp_path / "job")) == [f"{HOST}/0", f"{HOST}/1"]


def test_an_extension_may_go_on_asking_for_pages_when_the_job_cannot_be_read_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> bool:
        raise JobError("the disk cannot be read")

    job = Job(tmp_path)
    crawler, world = job.crawler()

    def ask() -> None:
        monkeypatch.setattr(crawler.engine, "_is_duplicate", fails)
        crawler.engine.crawl(Request(f"{HOST}/more"))

    crawler.signals.connect(ask, signals.response_received, weak=False)
    assert world.run(crawler).reason == "job_error"
    assert "Traceback" not in caplog.text


def test_what_an_extension_asks_for_is_kept_before_long_though_no_page_comes_in(tmp_path: Path) -> None:
    class Queue(ShopSpider):
        async def start(self):
            return
            yield

        @classmethod
        def from_crawler(cls, crawler):
            spider = super().from_crawler(crawler)
            crawler.signals.connect(spider.stays, signals.spider_idle)
            return spider

        def stays(self):
            raise DontCloseSpider

    site = Site({"/message": "<h1>a message</h1>"})
    settings = {"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job"), "log.stats_interval": 0}

    def process() -> tuple[Crawler, MemoryWorld]:
        world = MemoryWorld(site)
        return Crawler(Queue, settings, runtime=world.runtime), world

    def until(seconds: float, crawler: Crawler, world: MemoryWorld) -> None:
        while world.clock.seconds() < seconds:
            world.step(crawler)

    crawler, world = process()
    crawler.crawl()
    until(10.0, crawler, world)
    crawler.engine.crawl(Request(f"{HOST}/message", meta={"delay": 60.0}))
    until(20.0, crawler, world)
    crash(crawler)
    crawler, world = process()
    crawler.crawl()
    until(100.0, crawler, world)
    crash(crawler)
    assert site.paths == ["/message"]


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


def test_a_job_of_another_spider_is_refused_and_let_go(tmp_path: Path) -> None:
    job = Job(tmp_path)
    assert not job.run(40)
    crawler, _ = job.crawler()
    crawler.spidercls = type("Other", (crawler.spidercls,), {"name": "other"})
    failures: list[Any] = []
    crawler.crawl().addErrback(failures.append)
    assert isinstance(failures[0].value, JobError)
    assert "is one of the spider 'shop', not of 'other'" in str(failures[0].value)
    assert job.run()


def test_a_job_that_has_finished_has_nothing_left_to_do(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    job = Job(tmp_path)
    assert job.run()
    fetched = len(job.site.log)
    assert job.run()
    job.check()
    assert len(job.site.log) == fetched
    assert "The job job had finished: nothing is left to do" in caplog.text


class StartItems(ShopSpider):
    """Yields items and requests from ``start``."""

    async def start(self):
        for number in range(600):
            yield {"page": str(number), "part": 0}
        yield Request(f"{HOST}/0")


@pytest.mark.parametrize("writes", range(40, 160, 30))
def test_items_of_the_start_are_neither_lost_nor_repeated_and_every_process_counts_them(
    tmp_path: Path, writes: int
) -> None:
    job = Job(tmp_path / "crawl", size=5, spider=StartItems)
    assert not job.run(disk=Disk(job.folder, random.Random(writes), at=writes))
    assert job.run()
    job.check()
    assert summary_of(job.path).items == job.items()[0].total()


def test_a_statistic_may_be_any_object(tmp_path: Path) -> None:
    class Odd(ShopSpider):
        def parse(self, response):
            self.crawler.stats.set_value("odd", Path("x/y"))
            yield from super().parse(response)

    job = Job(tmp_path, spider=Odd)
    assert job.run()
    database = sqlite3.connect(job.path / "job.sqlite")
    (kept,) = database.execute("SELECT value FROM job WHERE key = 'stats'").fetchone()
    database.close()
    assert b"x/y" in kept


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
    assert job.run()
    job.check()


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
    job.check()


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
    class Quoting(Spider):
        name = "quoting"
        start_urls = [f"{HOST}/0"]

        def parse(self, response):
            self.crawler.stats.inc_value("quoted/\ud800")
            self.state["seen"] = ["\ud800"]
            yield {"page": response.url}
            raise ValueError("\ud800")

    job = Job(tmp_path)
    crawler, world = job.crawler()
    crawler.spidercls = Quoting
    assert world.run(crawler).reason == "finished"
    summary = summary_of(job.path)
    assert (summary.state, summary.ended, summary.items) == ("finished", {"done": 1}, 1)


@pytest.mark.parametrize(
    ("limit", "reason"), [("max_pages", "closespider_pagecount"), ("max_items", "closespider_itemcount")]
)
def test_a_job_that_is_resumed_with_the_limit_that_ended_it_ends_again_and_says_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, limit: str, reason: str
) -> None:
    job = Job(tmp_path)
    for _ in range(2):
        crawler, world = job.crawler({f"crawl.{limit}": 3})
        results: list[Any] = []
        crawler.crawl().addBoth(results.append)
        while not results:
            world.step(crawler)
        assert results[0].reason == reason
    assert f"crawl.{limit} = 3 was reached by an earlier process of the job: set it higher to go on" in caplog.text
    assert job.run()
    job.check()


def test_a_job_that_is_resumed_with_another_idea_of_what_is_the_same_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(tmp_path)
    assert not job.run(20)
    assert not job.run(20)
    assert "makes two requests the same" not in caplog.text
    crawler, world = job.crawler({"frontier.include_headers": ["Accept-Language"]})
    world.run(crawler)
    assert "with frontier.include_headers = its default, and with ['Accept-Language'] from now on" in caplog.text
    assert "pages that it has visited may be visited again" in caplog.text


def test_what_a_callback_brings_that_goes_on_and_on_is_written_meanwhile_and_found_again_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.engine.engine.MOST_UNWRITTEN", 100)
    settings = {"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job"), "log.stats_interval": 0}
    unwritten: list[int] = []

    class Long(Spider):
        name = "long"
        start_urls = [f"{HOST}/0"]
        crashes_at = 0

        def parse(self, response):
            if response.url != f"{HOST}/0":
                return
            for number in range(1, 1_000):
                unwritten.append(len(self.crawler.engine.frontier.unwritten))
                if number == self.crashes_at:
                    return
                yield Request(f"{HOST}/{number}", dont_filter=number % 2 == 0)

    site = Site({"*": "<p>x"})

    def process(crashes_at: int) -> tuple[Crawler, MemoryWorld]:
        world = MemoryWorld(site)
        monkeypatch.setattr(Long, "crashes_at", crashes_at)
        return Crawler(Long, settings, runtime=world.runtime), world

    crawler, world = process(550)
    crawler.crawl()
    while len(unwritten) < 550:
        world.step(crawler)
    crash(crawler)  # before the visit is committed, and its last 50 requests
    assert max(unwritten) == 99
    crawler, world = process(0)
    assert world.run(crawler).reason == "finished"
    assert max(unwritten) == 99
    assert sorted(page.url for page in visited(tmp_path / "job")) == sorted(
        f"{HOST}/{number}" for number in range(1_000)
    )


def test_a_callback_is_not_to_blame_for_a_commit_that_goes_wrong_while_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Long(Spider):
        name = "long"
        start_urls = [f"{HOST}/0"]

        def parse(self, response):
            monkeypatch.setattr(SqliteStore, "commit", fails)
            for number in range(1, 1_000):
                yield Request(f"{HOST}/{number}")

    def fails(*_: object) -> None:
        raise ValueError("no error of a disk")

    monkeypatch.setattr("crawler.engine.engine.MOST_UNWRITTEN", 100)
    world = MemoryWorld(Site({"*": "<p>x"}))
    settings = {"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job"), "log.stats_interval": 0}
    result = world.run(Crawler(Long, settings, runtime=world.runtime))
    assert result.reason == "job_error"
    assert "the commit failed: ValueError: no error of a disk" in caplog.text
    assert "spider_exceptions/count" not in result.stats


class Hungry(Spider):
    name = "hungry"
    start_urls = [f"{HOST}/{number}" for number in range(8)]
    too_much = ""

    def parse(self, response):
        if response.url == self.too_much:
            bytes(2**62)
        yield {"url": response.url}


class HungryPipeline:
    def process_item(self, item):
        return bytes(2**62) if item["url"] == f"{HOST}/5" else item


@pytest.mark.parametrize("where", ["callback", "pipeline"])
def test_without_memory_a_crawl_stops_and_the_page_is_visited_again_when_it_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    def run(*, is_short: bool) -> CrawlResult:
        settings = {
            "frontier.store": "sqlite",
            "frontier.job": str(tmp_path / "job"),
            "log.stats_interval": 0,
            "components.pipelines": [HungryPipeline] if where == "pipeline" and is_short else [],
        }
        world = MemoryWorld(Site({"*": "<p>x"}))
        crawler = Crawler(
            Hungry, settings, runtime=world.runtime, feeds=[FeedOptions.parse(str(tmp_path / "items.jsonl"))]
        )
        return world.run(crawler, too_much=f"{HOST}/5" if where == "callback" and is_short else "")

    with monkeypatch.context() as patch:
        patch.setattr(halt, "_FOR_A_PAGE", 2**62)
        stopped = run(is_short=True)
    assert (stopped.reason, of_result(stopped)) == ("out_of_memory", ExitCode.FAILURES)
    assert "There is no memory left for a page: the crawl stops, and nothing of it is lost" in caplog.text
    assert summary_of(tmp_path / "job").waiting

    assert run(is_short=False).reason == "finished"
    items = [json.loads(line)["url"] for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert sorted(items) == Hungry.start_urls


def test_a_callback_that_asks_for_more_memory_than_there_ever_is_has_an_error_of_its_own(tmp_path: Path) -> None:
    class Greedy(Hungry):
        def parse(self, response):
            yield {"url": response.url, "all": bytes(2**62)}

    settings = {"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job"), "log.stats_interval": 0}
    world = MemoryWorld(Site({"*": "<p>x"}))
    result = world.run(Crawler(Greedy, settings, runtime=world.runtime))
    assert (result.reason, result.stats["spider_exceptions/MemoryError"]) == ("finished", 8)


def test_a_job_of_an_older_version_that_kept_no_settings_is_resumed_without_a_word_of_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(tmp_path)
    assert not job.run(20)
    database = sqlite3.connect(job.path / "job.sqlite")
    database.execute("DELETE FROM job WHERE key = 'settings'")
    database.commit()
    database.close()
    crawler, world = job.crawler({"frontier.include_headers": ["Accept-Language"]})
    world.run(crawler)
    assert "makes two requests the same" not in caplog.text


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
