"""A crawl that is killed and resumed asks hosts as they wanted to be asked."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crawler import Request
from crawler.crawler import Crawler
from crawler.engine import durability
from crawler.testing import MemoryWorld, Page, Site
from tests.engine.crashes import crash
from tests.engine.test_politeness import HOST, QUIET, LimitedSite, Many


def process(folder: Path, site: Site, more: dict[str, Any] | None = None) -> tuple[Crawler, MemoryWorld]:
    """Return a process of the job in *folder*, and the world in which it crawls *site*."""
    world = MemoryWorld(site)
    settings = {
        "frontier.store": "sqlite",
        "frontier.job": str(folder / "job"),
        "politeness.delay": 0.05,
        "retry.times": 20,
    }
    return Crawler(Many, {**QUIET, **settings, **(more or {})}, runtime=world.runtime), world


def keeps(folder: Path, key: str) -> bool:
    """Tell whether the job in *folder* keeps something under *key* that is not empty."""
    database = sqlite3.connect(folder / "job" / "job.sqlite")
    kept = database.execute("SELECT length(value) FROM job WHERE key = ?", (key,)).fetchone()
    database.close()
    return kept is not None and kept[0] > 1


def run_until(folder: Path, key: str, site: Site) -> None:
    """Run the job in *folder* until it keeps something under *key*, and let it crash then."""
    crawler, world = process(folder, site)
    crawler.crawl(count=400)
    while not keeps(folder, key):
        world.step(crawler)
    crash(crawler)


@pytest.mark.parametrize(("passed", "left"), [(30.0, 70.0), (0.0, 100.0), (500.0, 0.0)])
def test_a_host_that_asked_to_be_let_alone_is_let_alone_after_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passed: float, left: float
) -> None:
    monkeypatch.setattr(durability, "time", SimpleNamespace(time=lambda: 1_000_000.0))
    run_until(tmp_path, "waits", Site({"*": Page("slow down", 429, {"Retry-After": "100"})}))
    monkeypatch.setattr(durability, "time", SimpleNamespace(time=lambda: 1_000_000.0 + passed))
    crawler, world = process(tmp_path, Site({"*": "fine"}), {"crawl.max_pages": 3})
    world.run(crawler, count=400)
    assert world.site.log[0].at == pytest.approx(left, abs=0.2)


@pytest.mark.parametrize(("passed", "left"), [(30.0, 70.0), (500.0, 0.0)])
def test_a_request_that_waits_for_its_time_waits_for_it_after_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passed: float, left: float
) -> None:
    class Patient(Many):
        async def start(self):
            yield Request(f"{HOST}/now")
            yield Request(f"{HOST}/later", meta={"delay": 100.0})

    def resumed() -> tuple[Crawler, MemoryWorld]:
        crawler, world = process(tmp_path, Site({"*": "fine"}))
        crawler.spidercls = Patient
        return crawler, world

    monkeypatch.setattr(durability, "time", SimpleNamespace(time=lambda: 1_000_000.0))
    crawler, world = resumed()
    crawler.crawl()
    while world.clock.seconds() < 0.25:
        world.step(crawler)
    crash(crawler)
    for already in (0.0, passed):
        monkeypatch.setattr(durability, "time", SimpleNamespace(time=lambda already=already: 1_000_000.0 + already))
        crawler, world = resumed()
        crawler.crawl()
        if not already:
            crash(crawler)
    while not world.site.log:
        world.step(crawler)
    assert [(hit.url, hit.at) for hit in world.site.log] == [(f"{HOST}/later", pytest.approx(left, abs=0.2))]


def test_what_a_host_asked_for_is_bounded_by_the_settings_of_the_process_that_resumes(tmp_path: Path) -> None:
    run_until(tmp_path, "waits", Site({"*": Page("slow down", 429, {"Retry-After": "500"})}))
    crawler, world = process(tmp_path, Site({"*": "fine"}), {"crawl.max_pages": 3, "politeness.max_wait": 10.0})
    world.run(crawler, count=400)
    assert world.site.log[0].at == pytest.approx(10.0, abs=0.2)


def test_the_pace_that_a_host_allows_is_known_after_a_resume(tmp_path: Path) -> None:
    run_until(tmp_path, "paces", LimitedSite(2, latency=0.01))
    again = LimitedSite(2, latency=0.01)
    crawler, world = process(tmp_path, again)
    world.run(crawler, count=400)
    assert len(again.refused) <= 0.02 * len(again.answered)
    assert again.too_soon == []


def test_a_pace_that_was_kept_yields_to_a_fixed_one(tmp_path: Path) -> None:
    run_until(tmp_path, "paces", LimitedSite(2, latency=0.01))
    more = {"politeness.adaptive": False, "politeness.delay": 0.1, "politeness.jitter": 0.0}
    crawler, world = process(tmp_path, Site({"*": "fine"}), more)
    world.run(crawler, count=400)
    first, second = world.site.log[:2]
    assert second.at - first.at == pytest.approx(0.1, abs=0.001)
