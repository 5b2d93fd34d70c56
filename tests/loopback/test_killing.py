"""kill -9: a crawl of the demo shop goes on where it was, with every page visited and every item in every output once."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.demo.server import serving
from crawler.frontier.jobs import Job
from tests.loopback.killing import STEPS, Crawl, check, kill_at_random, project

BOOKS = 120


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(BOOKS) as url:
        yield url


@pytest.mark.parametrize("step", STEPS)
def test_a_crawl_that_is_killed_at_a_durable_step_loses_nothing_and_repeats_nothing(
    step: str, shop: str, tmp_path: Path
) -> None:
    crawl = Crawl(project(tmp_path), shop)
    for count in (1, 2):
        if crawl.run_until(step, count):
            break
    else:
        assert crawl.run_for(120.0)
    assert crawl.kills
    check(crawl, BOOKS)


@pytest.mark.parametrize("seed", range(4))
def test_a_crawl_that_is_killed_at_random_moments_loses_nothing_and_repeats_nothing(
    seed: int, shop: str, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    kill_at_random(tmp_path, shop, books=BOOKS, chance=chance, shortest=0.6, longest=1.2)


def test_a_job_that_runs_is_not_run_twice(shop: str, tmp_path: Path) -> None:
    crawl = Crawl(project(tmp_path), shop)
    running = Job(tmp_path / ".crawler" / "jobs" / "shop")
    process = crawl.start()
    _, errors = process.communicate()
    running.close()
    assert process.returncode == 2
    assert f"the job shop is run by process {os.getpid()}" in errors
    assert crawl.run_for(120.0)
    check(crawl, BOOKS)
