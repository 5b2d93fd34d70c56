"""Crawls in memory that crash at a chosen moment and are resumed, for tests and for ``tests.benchmarks.crash``.

What came of a crawl is compared with what came of one that was never interrupted, page by page and item by item. Whenever one of
its processes commits, and before the next one begins, its account must balance.
"""

from __future__ import annotations

import functools
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from crawler.crawler import Crawler
from crawler.engine.durability import Durability
from crawler.exceptions import FeedError, JobError
from crawler.exporters import FeedOptions, Feeds
from crawler.exporters.spooled import SpooledFeed
from crawler.extensions.logcount import LogCount
from crawler.frontier.jobs import FINISHED, items_of, summary_of
from crawler.storages import open_storage
from crawler.testing import MemoryWorld
from tests.engine.accounts import Account, Visited, refused, visited
from tests.engine.disks import Disk
from tests.engine.reading import items_in
from tests.engine.shop import HOST, Obstacles, ShopSpider, SlowPipeline, shop

__all__ = ["HOST", "Brought", "CrawlFailedError", "Job", "ShopSpider", "crash", "uninterrupted"]

#: How many different shops there are; a crawl of each is run without an interruption, and remembered.
SHOPS = 8


class Brought(NamedTuple):
    """What came of a crawl: pages that it visited, links that it refused, items, and how many pages its spider counted."""

    visited: Counter[Visited]
    refused: Counter[tuple[str, str]]
    items: Counter[tuple[str, int]]
    pages: int


@functools.cache
def uninterrupted(spider: type[ShopSpider], size: int, number: int) -> Brought:
    """Return what a crawl of the shop *number* brings that nothing interrupts."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder), size=size, seed=number, spider=spider)
        assert job.run()
        return Brought(visited(job.path), refused(job.path), job.items()[0], job.pages)


class CrawlFailedError(Exception):
    """A process of the job neither crashed nor finished."""


class Job:
    """A crawl of a shop that may be run several times, each time by a process of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        size: int = 25,
        seed: int = 0,
        delivers: bool = False,
        feeds: Sequence[str] = ("items.jsonl", "items.json"),
        spider: type[ShopSpider] = ShopSpider,
    ) -> None:
        self.folder = folder
        self.path = folder / "job"
        self.delivers = delivers
        self.size = size
        self.spider = spider
        chance = random.Random(seed)
        # Few places on the workbench, so that requests go to the database and come back, and not in the order in which they came.
        self.workbench = chance.choice((1, 2, 5, 10_000))
        self.depth_priority = chance.choice((-1, 0, 1))
        self.batch = chance.choice(
            ({"batch_item_count": 1}, {"batch_item_count": 7}, {"batch_bytes": 300}, {"batch_seconds": 2})
        )
        # What takes larger crawls otherwise: commits before their time, feeds that write before them, look-ups of what was seen.
        self.sizes = {
            "crawler.engine.commit.BATCH": chance.choice((1, 5, 256)),
            "crawler.engine.engine.MOST_UNWRITTEN": chance.choice((1, 3, 20_000)),
            "crawler.exporters.feed._BUFFER": chance.choice((100, 1 << 18)),
            "crawler.frontier.seen._LATELY": chance.choice((2, 65_536)),
            "crawler.frontier.digests._MOST_UNWRITTEN": chance.choice((1, 1 << 16)),
        }
        self.shop = seed % SHOPS
        self.site = shop(size, self.shop)
        self.feeds = [folder / name for name in feeds]
        self.account = Account()
        self.told: list[int] = []
        self.pages = 0
        self._imbalance: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def __repr__(self) -> str:
        return f"<Job of shop {self.shop} in {self.folder}>"

    def crawler(self, more: dict[str, Any] | None = None) -> tuple[Crawler, MemoryWorld]:
        """Return a new process of the job, with *more* settings: its crawler and its world."""
        world = MemoryWorld(self.site)
        settings = {
            "frontier.store": "sqlite",
            "frontier.job": str(self.path),
            "frontier.workbench": self.workbench,
            "crawl.depth_priority": self.depth_priority,
            "politeness.delay": 0.1,
            "log.stats_interval": 0,
            "components.downloader_middlewares": [Obstacles],
            "components.pipelines": [SlowPipeline],
            "frontier.keep_items": True,
            **(more or {}),
        }
        feeds = [FeedOptions.parse(str(path)) for path in self.feeds]
        if self.delivers:
            feeds.append(
                FeedOptions.from_mapping(f"{self.folder}/batches/%(batch_time)s-%(batch_id)d.json", self.batch)
            )
            feeds.append(FeedOptions.parse(f"memory://{self.folder}/remote.json"))
        return Crawler(self.spider, settings, runtime=world.runtime, feeds=feeds), world

    def run(self, steps: int | None = None, *, disk: Disk | None = None) -> bool:
        """Run a process of the job, on a good disk or on *disk*; return whether the job has finished.

        The process is killed after so many events, or when the disk says so. If the disk fails, it ends in an orderly way.
        """
        results: list[Any] = []
        disk = disk or Disk(self.folder)
        with self._accounted(disk), disk:
            crawler, world = self.crawler()
            crawler.crawl().addBoth(results.append)
            while not results and steps != 0 and not disk.is_off:
                world.step(crawler)
                steps = None if steps is None else steps - 1
        if not results:
            crash(crawler)
        assert not self._imbalance, self._imbalance[0]
        if disk.is_off:
            disk.restore()
        elif results:
            self._note_end(crawler, results[0], is_excused=disk.has_failed)
        else:
            self.items()  # each feed is a whole document
        if not self.path.exists():
            return False
        self.account.check_job(self.path)
        has_finished = summary_of(self.path).state == FINISHED
        assert not (has_finished and self.spooled()), "a job has finished whose feeds wait for their delivery"
        return has_finished

    def _note_end(self, crawler: Crawler, result: Any, *, is_excused: bool) -> None:
        """Note what a process that has ended tells; raise what stopped it, unless its disk *is_excused* for it."""
        reason = getattr(result, "reason", None)
        if reason == "finished":
            assert crawler.spider is not None and summary_of(self.path).state == FINISHED
            self.pages = crawler.spider.state["pages"]
            self.told = [result.stats["item_scraped_count"], *(items for _, items in result.outputs)]
        elif reason is None and not (is_excused and result.check(FeedError, JobError)):
            result.raiseException()
        elif reason not in (None, "job_error", "feed_error") or not is_excused:
            raise CrawlFailedError(reason)

    @contextmanager
    def _accounted(self, disk: Disk) -> Iterator[None]:
        """Check the account whenever a process commits; what is wrong with it is told when the process has ended."""
        commit = Durability.commit

        def checked(durability: Durability, *arguments: Any, **options: Any) -> None:
            commit(durability, *arguments, **options)
            if disk.is_off:
                return  # nobody is there any more who could have committed it
            assert durability._engine is not None
            database: Any = durability.job.database
            try:
                self.account.check_with(durability._engine.frontier, database.connection)
            except AssertionError as error:
                self._imbalance.append(str(error))

        with ExitStack() as patches:
            for name, size in self.sizes.items():
                patches.enter_context(mock.patch(name, size))
            patches.enter_context(mock.patch.object(Durability, "commit", checked))
            yield

    def check(self) -> None:
        """Raise AssertionError if the job, which has finished, has brought anything else than one that was never interrupted."""
        wanted = uninterrupted(self.spider, self.size, self.shop)
        _compare("visited", visited(self.path), wanted.visited)
        _compare("refused", refused(self.path), wanted.refused)
        for path, items in zip(self.feeds, self.items(), strict=True):
            _compare(path.name, items, wanted.items)
        _compare("kept with the job", _counted(items_of(self.path)), wanted.items)
        assert self.told == [wanted.items.total()] * len(self.told), (
            f"{wanted.items.total()} items, and {self.told} are told"
        )
        assert self.pages == wanted.pages, f"the spider's state counts {self.pages} pages instead of {wanted.pages}"
        if self.delivers:
            self._check_delivered(wanted.items)

    def _check_delivered(self, wanted: Counter[tuple[str, int]]) -> None:
        batches = self.batches()
        _compare("batches", sum(batches, Counter()), wanted)
        _compare("remote.json", self.remote(), wanted)
        if limit := self.batch.get("batch_item_count"):
            assert [batch.total() for batch in batches[:-1]] == [limit] * (len(batches) - 1), "batches of another size"
        assert self.spooled() == [], "what was delivered is still in the spool"

    def items(self) -> list[Counter[tuple[str, int]]]:
        """Return the items in each feed, with how often each is there."""
        return [items_in(path) for path in self.feeds]

    def batches(self) -> list[Counter[tuple[str, int]]]:
        """Return the items of each batch that was delivered."""
        return [items_in(path) for path in sorted((self.folder / "batches").iterdir(), key=_number)]

    def remote(self) -> Counter[tuple[str, int]]:
        """Return the items of the feed that was delivered in memory."""
        with open_storage(f"memory://{self.folder}").open("remote.json") as file:
            return _counted(json.load(file))

    def spooled(self) -> list[str]:
        """Return the names of the files that wait for their delivery."""
        folder = self.path / "feeds"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def _counted(items: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, int]]:
    return Counter((item["page"], item["part"]) for item in items)


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _compare(what: str, found: Counter[Any], wanted: Counter[Any]) -> None:
    missing, surplus = wanted - found, found - wanted
    assert not missing, f"{what}: {missing.total()} missing, as {next(iter(missing))}"
    assert not surplus, f"{what}: {surplus.total()} too many, as {next(iter(surplus))}"


def crash(crawler: Crawler) -> None:
    """End a process of the job as kill -9 does: nothing is flushed, nothing is committed, the lock is free."""
    assembly = crawler._assembly
    assert assembly is not None
    committer = assembly.engine._committer
    assert committer._durability is not None
    committer._durability.job.close()
    if counts := crawler.get_extension(LogCount):
        counts.end()
    # The coroutines of a process that was killed never run again; here they do, when they are collected, and must do nothing.
    committer._broken, committer._durability, committer._feeds = True, None, Feeds()
    for feed in assembly._feeds:
        document = feed._document if isinstance(feed, SpooledFeed) else feed
        if document is not None:
            document._target.close(remove=False)
