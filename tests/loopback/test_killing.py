"""kill -9: a crawl of the demo shop goes on where it was, with every page visited and every item in every output once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from crawler.demo.server import serving
from crawler.frontier.jobs import Job
from tests.loopback.killing import (
    DELIVERY_STEPS,
    ROOT,
    STEPS,
    Brought,
    Crawl,
    DeliveredCrawl,
    check,
    kill_at_random,
    project,
    uninterrupted,
)
from tests.loopback.storing import ftp_server

BOOKS = 120


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(BOOKS) as url:
        yield url


@pytest.fixture(scope="module")
def wanted(shop: str) -> Brought:
    """What a crawl of the shop brings that nothing interrupts."""
    return uninterrupted(shop)


@pytest.mark.parametrize("step", STEPS)
def test_a_crawl_that_is_killed_at_a_durable_step_loses_nothing_and_repeats_nothing(
    step: str, shop: str, wanted: Brought, tmp_path: Path
) -> None:
    crawl = Crawl(project(tmp_path), shop)
    for times in (1, 2):
        if crawl.run_until(step, times):
            break
    else:
        assert crawl.run_for(120.0)
    assert crawl.kills
    check(crawl, wanted)


@pytest.mark.parametrize("seed", range(4))
def test_a_crawl_that_is_killed_at_random_moments_loses_nothing_and_repeats_nothing(
    seed: int, shop: str, wanted: Brought, tmp_path: Path
) -> None:
    kill_at_random(tmp_path, shop, wanted, chance=random.Random(seed))


@pytest.mark.parametrize("step", DELIVERY_STEPS)
def test_a_crawl_that_is_killed_while_it_delivers_loses_nothing_and_repeats_nothing(
    step: str, shop: str, wanted: Brought, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    with ftp_server(served) as port:
        remote = f"ftp://user:p%40ss@127.0.0.1:{port}"
        crawl = DeliveredCrawl(project(tmp_path), shop, remote=remote, served=served)
        for times in (1, 3, 2):
            if crawl.run_until(step, times):
                break
        else:
            assert crawl.run_for(120.0)
        assert crawl.kills
        check(crawl, wanted)
    assert not list((tmp_path / ".crawler" / "jobs" / "shop" / "feeds").iterdir())


def test_deliveries_of_a_crawl_that_is_killed_at_random_moments_hold_every_item_once(
    shop: str, wanted: Brought, tmp_path: Path
) -> None:
    chance = random.Random(7)
    served = tmp_path / "served"
    served.mkdir()
    with ftp_server(served) as port:
        remote = f"ftp://user:p%40ss@127.0.0.1:{port}"
        crawl = DeliveredCrawl(project(tmp_path), shop, remote=remote, served=served, batch=3)
        for longest in count(1.0, 0.1):
            if crawl.run_for(chance.uniform(0.0, longest)):
                break
        check(crawl, wanted)


def test_an_output_that_cannot_be_delivered_ends_with_an_error_and_is_delivered_by_resume(
    shop: str, wanted: Brought, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    with ftp_server(served) as port:
        nobody = DeliveredCrawl(project(tmp_path), shop, remote=f"ftp://user:wr0ng@127.0.0.1:{port}", served=served)
        process = nobody.start()
        _, errors = process.communicate()
        assert process.returncode == 1, errors
        assert f"could not be delivered to ftp://user:***@127.0.0.1:{port}/whole.json.gz" in errors
        assert "wr0ng" not in errors
        assert "resume the job" in errors
        assert "Traceback" not in errors
    with ftp_server(served, port=port, password="wr0ng"):
        again = subprocess.run(
            [sys.executable, "-m", "crawler", "resume", "shop"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert again.returncode == 0, again.stderr
    check(nobody, wanted)


def test_a_job_that_runs_is_not_run_twice(shop: str, wanted: Brought, tmp_path: Path) -> None:
    crawl = Crawl(project(tmp_path), shop)
    running = Job(tmp_path / ".crawler" / "jobs" / "shop")
    process = crawl.start()
    _, errors = process.communicate()
    running.close()
    assert process.returncode == 2
    assert f"the job shop is run by process {os.getpid()}" in errors
    assert crawl.run_for(120.0)
    check(crawl, wanted)
