"""Crawls in memory that crash at a chosen moment and are resumed, for tests and for ``tests.benchmarks.crash``."""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from crawler import Spider
from crawler.crawler import Crawler
from crawler.exporters import FeedOptions, Feeds
from crawler.exporters.spooled import SpooledFeed
from crawler.storages import open_storage
from crawler.testing import MemoryWorld, Page, Site

HOST = "http://shop.test"


def shop(size: int, seed: int) -> Site:
    """Return a site of *size* pages with links at random, some of them slow, some missing, some failing once."""
    chance = random.Random(seed)
    pages: dict[str, Any] = {}
    for number in range(size):
        links = [number + 1, *(chance.randrange(size) for _ in range(3))]
        body = "".join(f"<a href='/{link}'>{link}</a>" for link in links if link < size)
        pages[f"/{number}"] = Page(f"<h1>{number}</h1>{body}", latency=chance.choice((0.0, 0.1, 1.0)))
    return Site(pages)


class ShopSpider(Spider):
    name = "shop"
    start_urls = [f"{HOST}/0"]

    def parse(self, response):
        yield {"page": response.css("h1::text").get(), "part": 1}
        yield from response.follow_all(css="a")
        yield {"page": response.css("h1::text").get(), "part": 2}


class CrawlFailedError(Exception):
    """A process of the job neither crashed nor finished."""


class Job:
    """A crawl of :func:`shop` that may be run several times, each time a process of its own."""

    def __init__(self, folder: Path, *, size: int = 25, seed: int = 0, delivers: bool = False) -> None:
        self.folder = folder
        self.delivers = delivers
        self.size = size
        chance = random.Random(seed)
        # Few places on the workbench, so that requests go to the database and come back, and not in the order in which they came.
        self.workbench = chance.choice((1, 2, 5, 10_000))
        self.depth_priority = chance.choice((-1, 0, 1))
        self.batch_items = chance.choice((1, 3, 7))
        self.site = shop(size, seed)
        self.feeds = [folder / "items.jsonl", folder / "items.json"]
        folder.mkdir(parents=True, exist_ok=True)

    def crawler(self, more: dict[str, Any] | None = None) -> tuple[Crawler, MemoryWorld]:
        """Return a new process of the job, with *more* settings: its crawler and its world."""
        world = MemoryWorld(self.site)
        settings = {
            "frontier.store": "sqlite",
            "frontier.job": str(self.folder / "job"),
            "frontier.workbench": self.workbench,
            "crawl.depth_priority": self.depth_priority,
            "politeness.obey_robots": False,
            "politeness.delay": 0.1,
            "log.stats_interval": 0,
            **(more or {}),
        }
        feeds = [FeedOptions.parse(str(path)) for path in self.feeds]
        if self.delivers:
            batches = {"batch_item_count": self.batch_items}
            feeds.append(FeedOptions.from_mapping(f"{self.folder}/batches/%(batch_time)s-%(batch_id)d.json", batches))
            feeds.append(FeedOptions.parse(f"memory://{self.folder}/remote.json"))
        return Crawler(ShopSpider, settings, runtime=world.runtime, feeds=feeds), world

    def run(self, steps: int | None = None) -> bool:
        """Run the job for so many events, then let it crash; return whether it ended before that."""
        crawler, world = self.crawler()
        results: list[Any] = []
        crawler.crawl().addBoth(results.append)
        while not results and steps != 0:
            world.step(crawler)
            steps = None if steps is None else steps - 1
        if not results:
            crash(crawler)
        elif not hasattr(results[0], "reason"):
            results[0].raiseException()
        elif results[0].reason != "finished":
            raise CrawlFailedError(results[0].reason)
        return bool(results)

    def items(self) -> list[Counter[tuple[str, int]]]:
        """Return the items in each feed, with how often each is there."""
        documents = [[json.loads(line) for line in self.feeds[0].read_text().splitlines()]]
        documents.append(json.loads(self.feeds[1].read_text()))
        return [Counter((item["page"], item["part"]) for item in items) for items in documents]

    def batches(self) -> list[Counter[tuple[str, int]]]:
        """Return the items of each batch that was delivered."""
        documents = [json.loads(path.read_text()) for path in sorted((self.folder / "batches").iterdir())]
        return [Counter((item["page"], item["part"]) for item in items) for items in documents]

    def remote(self) -> Counter[tuple[str, int]]:
        """Return the items of the feed that was delivered in memory."""
        with open_storage(f"memory://{self.folder}").open("remote.json") as file:
            return Counter((item["page"], item["part"]) for item in json.load(file))

    def spooled(self) -> list[str]:
        """Return the names of the files that wait for their delivery."""
        return sorted(path.name for path in (self.folder / "job" / "feeds").iterdir())

    def expected(self) -> Counter[tuple[str, int]]:
        """Return the items of an uninterrupted run."""
        return Counter((str(number), part) for number in range(self.size) for part in (1, 2))

    def balance(self) -> tuple[int, int, int]:
        """Return waiting, ended and the number of different requests, as the database has them."""
        database = sqlite3.connect(self.folder / "job" / "job.sqlite")
        (waiting,) = database.execute("SELECT count(*) FROM waiting").fetchone()
        (ended,) = database.execute("SELECT count(*) FROM history").fetchone()
        query = "SELECT count(DISTINCT digest) FROM (SELECT digest FROM waiting UNION ALL SELECT digest FROM history)"
        (seen,) = database.execute(query).fetchone()
        database.close()
        return waiting, ended, seen


def crash(crawler: Crawler) -> None:
    """End a process of the job as kill -9 does: nothing is flushed, nothing is committed, the lock is free."""
    assembly = crawler._assembly
    assert assembly is not None
    committer = assembly.engine._committer
    assert committer._durability is not None
    committer._durability.job.close()
    # The coroutines of a process that was killed never run again; here they do, when they are collected, and must do nothing.
    committer._broken, committer._durability, committer._feeds = True, None, Feeds()
    for feed in assembly._feeds:
        document = feed._document if isinstance(feed, SpooledFeed) else feed
        if document is not None:
            document._target.close(remove=False)
