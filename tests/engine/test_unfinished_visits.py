"""A crash in the midst of a callback: what it had yielded until then is taken in once, though it yields it again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.exporters import FeedOptions
from crawler.testing import MemoryWorld, Page, Site
from tests.engine.crashes import crash

HOST = "http://shop.test"


class SlowCallbackSpider(Spider):
    """Yields requests that no duplicates filter stops, and is not done with its page for a long time."""

    name = "slow"
    start_urls = [f"{HOST}/list"]

    async def parse(self, response):
        for _ in range(2):
            yield Request(f"{HOST}/item", self.parse_item, dont_filter=True)
        await self.crawler.engine.download(Request(f"{HOST}/slow"))
        yield Request(f"{HOST}/other", self.parse_item)
        yield {"url": response.url}

    def parse_item(self, response):
        yield {"url": response.url}


def process(folder: Path, more: dict[str, object]) -> tuple[Crawler, MemoryWorld]:
    """Return a process of the job in *folder*."""
    site = Site({"/list": "", "/item": "", "/other": "", "/slow": Page("", latency=20.0)})
    world = MemoryWorld(site)
    settings = {
        "frontier.store": "sqlite",
        "frontier.job": str(folder / "job"),
        "politeness.obey_robots": False,
        "log.stats_interval": 0,
        **more,
    }
    feeds = [FeedOptions.parse(str(folder / "items.jsonl"))]
    return Crawler(SlowCallbackSpider, settings, runtime=world.runtime, feeds=feeds), world


def crash_after(seconds: float, folder: Path, more: dict[str, object]) -> None:
    crawler, world = process(folder, more)
    crawler.crawl()
    while world.clock.seconds() < seconds:
        world.step(crawler)
    crash(crawler)


@pytest.mark.parametrize("more", [{}, {"DUPEFILTER_CLASS": "crawler.dupefilters.BaseDupeFilter"}], ids=str)
@pytest.mark.parametrize("crashes", [(2.0,), (2.0, 2.0), (2.0, 4.0, 0.3)], ids=str)
def test_requests_that_a_visit_had_yielded_before_a_crash_are_not_taken_in_again(
    crashes: tuple[float, ...], more: dict[str, object], tmp_path: Path
) -> None:
    for seconds in crashes:
        crash_after(seconds, tmp_path, more)
    crawler, world = process(tmp_path, more)
    assert world.run(crawler).reason == "finished"
    items = Counter(json.loads(line)["url"] for line in (tmp_path / "items.jsonl").read_text().splitlines())
    assert items == {f"{HOST}/list": 1, f"{HOST}/item": 2, f"{HOST}/other": 1}
