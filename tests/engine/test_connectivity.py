"""A crawl whose network goes away waits for it, and stops to be resumed when it stays away: no page is lost for it."""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import fail
from twisted.internet.error import ConnectionRefusedError, NoRouteError

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.exporters import FeedOptions
from crawler.testing import MemoryWorld, Page, Site
from tests.engine.crashes import crash

PAGES = 40
SHOP, OTHER, DEAD = "http://shop.test", "http://other.test", "http://dead.test"


class ShopSpider(Spider):
    name = "shop"

    async def start(self):
        for number in range(PAGES):
            yield Request(f"{SHOP}/{number}", errback=self.note)

    def parse(self, response):
        yield {"url": response.url}

    def note(self, failure):
        yield {"failed": failure.request.url}


class Wire:
    """An agent that cannot connect to the hosts for which *is_down* says so, at that time."""

    def __init__(self, world: MemoryWorld, is_down: Callable[[str, float], bool]) -> None:
        self.world, self.is_down, self.agent = world, is_down, world.runtime.agent
        self.failed: list[str] = []

    def request(self, method: bytes, url: bytes, *arguments: Any) -> Any:
        if self.is_down(url.decode(), self.world.clock.seconds()):
            self.failed.append(url.decode())
            return fail(NoRouteError("no route") if len(self.failed) % 2 else ConnectionRefusedError("refused"))
        return self.agent.request(method, url, *arguments)


class Process:
    """A process of a crawl, as a job in *folder* if that is given."""

    def __init__(
        self,
        is_down: Callable[[str, float], bool],
        folder: Path | None = None,
        spider: type[Spider] = ShopSpider,
        more: dict[str, Any] | None = None,
    ) -> None:
        self.world = MemoryWorld(Site({"/robots.txt": "User-agent: *\nAllow: /", "*": Page("", latency=0.1)}))
        self.wire = Wire(self.world, is_down)
        settings = {"politeness.delay": 0.25, "retry.times": 0, "log.stats_interval": 0, **(more or {})}
        feeds = []
        if folder is not None:
            settings |= {"frontier.store": "sqlite", "frontier.job": str(folder / "job")}
            feeds = [FeedOptions.parse(str(folder / "items.jsonl"))]
        runtime = replace(self.world.runtime, agent=self.wire)
        self.items: list[dict[str, str]] = []
        self.crawler = Crawler(spider, settings, runtime=runtime, feeds=feeds, on_item=self.items.append)

    def run(self) -> Any:
        return self.world.run(self.crawler)


def test_a_crawl_whose_network_is_away_for_minutes_goes_on_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    process = Process(lambda url, now: 3.0 < now < 250.0)
    result = process.run()
    assert Counter(item["url"] for item in process.items) == {f"{SHOP}/{number}": 1 for number in range(PAGES)}
    assert (result.failed, result.reason) == (0, "finished")
    assert len(process.wire.failed) < 16
    assert "Nothing can be reached any more (tried shop.test): the crawl waits for the network" in caplog.text
    assert "The network is back after" in caplog.text


def test_a_job_whose_network_stays_away_stops_and_loses_nothing(tmp_path: Path) -> None:
    assert Process(lambda url, now: now > 3.0, tmp_path).run().reason == "unreachable"
    still_away = Process(lambda url, now: True, tmp_path).run()
    assert (still_away.reason, still_away.failed) == ("unreachable", 0)
    resumed = Process(lambda url, now: False, tmp_path).run()
    assert (resumed.reason, resumed.failed) == ("finished", 0)
    items = Counter(json.loads(line)["url"] for line in (tmp_path / "items.jsonl").read_text().splitlines())
    assert items == {f"{SHOP}/{number}": 1 for number in range(PAGES)}


def test_a_job_that_is_killed_after_its_first_answers_and_resumed_without_a_network_loses_nothing(
    tmp_path: Path,
) -> None:
    killed = Process(lambda url, now: False, tmp_path)
    killed.crawler.crawl()
    while len(killed.items) < 5:
        killed.world.step(killed.crawler)
    crash(killed.crawler)
    assert killed.world.clock.seconds() < 5.0
    still_away = Process(lambda url, now: True, tmp_path).run()
    assert (still_away.reason, still_away.failed) == ("unreachable", 0)


def test_without_a_job_requests_fail_when_the_network_stays_away() -> None:
    process = Process(lambda url, now: now > 3.0)
    result = process.run()
    answered = sum("url" in item for item in process.items)
    assert 0 < answered < PAGES
    assert (len(process.items), result.reason) == (PAGES, "finished")


def test_a_crawl_that_does_not_wait_for_the_network_fails_at_once(tmp_path: Path) -> None:
    process = Process(lambda url, now: now > 3.0, tmp_path, more={"retry.outage": 0})
    result = process.run()
    assert (result.reason, len(process.items)) == ("finished", PAGES)


class SeveralSpider(ShopSpider):
    async def start(self):
        for number in range(PAGES):
            yield Request(f"{SHOP}/{number}", errback=self.note)
            yield Request(f"{OTHER}/{number}", errback=self.note)
        for number in range(3):
            yield Request(f"{DEAD}/{number}", errback=self.note, priority=-1)


def test_hosts_that_are_down_are_not_taken_for_the_network(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    process = Process(
        lambda url, now: url.startswith(DEAD) or (url.startswith(OTHER) and now > 3.0), tmp_path, SeveralSpider
    )
    result = process.run()
    assert result.reason == "finished"
    assert Counter(item["url"] for item in process.items if "url" in item and SHOP in item["url"]).total() == PAGES
    assert {item["failed"] for item in process.items if "failed" in item} >= {f"{DEAD}/{number}" for number in range(3)}
    assert "Nothing can be reached" not in caplog.text


@pytest.mark.parametrize("seed", [0, 4, 22, 43])
def test_a_witness_that_has_gone_down_is_not_the_network(tmp_path: Path, seed: int) -> None:
    random.seed(seed)  # of the delays, and so of which site answers when a witness is looked for
    process = Process(
        lambda url, now: url.startswith(SHOP) and now > 3.0, tmp_path, SeveralSpider, {"crawl.concurrency": 1}
    )
    result = process.run()
    assert result.reason == "finished"
    assert Counter(item["url"] for item in process.items if "url" in item and OTHER in item["url"]).total() == PAGES


def test_a_crawl_is_stopped_while_it_waits_for_the_network(tmp_path: Path) -> None:
    process = Process(lambda url, now: now > 3.0, tmp_path)
    process.world.clock.callLater(20.0, process.crawler.stop)
    result = process.run()
    assert process.world.clock.seconds() < 25.0
    assert (result.reason, result.failed) == ("shutdown", 0)
    assert Process(lambda url, now: False, tmp_path).run().failed == 0
    assert len((tmp_path / "items.jsonl").read_text().splitlines()) == PAGES


def test_a_robots_txt_that_is_waited_for_when_a_crawl_is_stopped_is_not_said_to_be_unreadable(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert Process(lambda url, now: now > 3.0, tmp_path).run().reason == "unreachable"
    caplog.clear()
    process = Process(lambda url, now: True, tmp_path)
    process.world.clock.callLater(20.0, process.crawler.stop)
    assert process.run().reason == "shutdown"
    assert "Nothing can be reached any more" in caplog.text
    assert "robots.txt could not be read" not in caplog.text
