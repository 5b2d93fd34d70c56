"""Jobs on the command line: an interrupted crawl is told of, listed, resumed and explained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.demo.server import serving
from tests.loopback.killing import ROOT, Crawl, project

BOOKS = 400


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(BOOKS) as url:
        yield url


@pytest.fixture
def interrupted(shop: str, tmp_path: Path) -> Path:
    """A project with a crawl that was killed after its first pages."""
    crawl = Crawl(project(tmp_path), shop)
    assert not crawl.run_until("after the commit", 3)
    return tmp_path


def crawler(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crawler", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_an_interrupted_job_is_listed_with_what_it_has_come_to(interrupted: Path) -> None:
    header, row = crawler(interrupted, "jobs").stdout.splitlines()
    assert header.split() == [
        "JOB",
        "SPIDER",
        "STARTED",
        "STATE",
        "DONE",
        "WAITING",
        "FAILED",
        "DROPPED",
        "ITEMS",
        "SIZE",
    ]
    assert row.split()[:2] == ["shop", "books"]
    assert "interrupted" in row


def test_resume_goes_on_as_the_command_that_began_the_job(interrupted: Path) -> None:
    resumed = crawler(interrupted, "resume")
    assert resumed.returncode == 0, resumed.stderr
    urls = [json.loads(line)["url"] for line in (interrupted / "a.jsonl").read_text().splitlines()]
    assert (len(urls), len(set(urls))) == (BOOKS, BOOKS)
    assert "finished" in crawler(interrupted, "jobs").stdout


def test_a_new_crawl_says_that_an_unfinished_job_is_there(interrupted: Path, shop: str) -> None:
    new = crawler(interrupted, "crawl", "books", "-a", f"site={shop}", "-s", "crawl.max_pages=2")
    assert "unfinished job of books: shop" in new.stderr
    assert "crawler resume shop" in new.stderr


def test_why_tells_how_a_url_was_found_and_what_came_of_it(interrupted: Path, shop: str) -> None:
    assert crawler(interrupted, "resume", "shop").returncode == 0
    url = json.loads((interrupted / "a.jsonl").read_text().splitlines()[-1])["url"]
    told = crawler(interrupted, "why", url).stdout
    assert f"Found on:\n    {shop}\n" in told
    assert "Attempt 1: status 200, " in told
    assert ", with 1 item." in told
    assert "never taken in" in crawler(interrupted, "why", "http://elsewhere.test/").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("resume", "nothing"), "there is no job 'nothing'; unfinished are: shop"),
        (("resume", "./nothing"), "there is no job in nothing (crawler jobs shows all)"),
        (("jobs", "--drop", "nothing"), "there is no job 'nothing'"),
        (("why", "http://x.test/", "--job", "nothing"), "there is no job 'nothing'"),
    ],
)
def test_a_job_that_is_not_there_is_a_usage_error(interrupted: Path, arguments: tuple[str, ...], says: str) -> None:
    wrong = crawler(interrupted, *arguments)
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert says in wrong.stderr


def test_a_job_that_has_finished_is_resumed_to_nothing_by_name_too(interrupted: Path) -> None:
    assert crawler(interrupted, "resume", "shop").returncode == 0
    before = (interrupted / "a.jsonl").read_bytes()
    again = crawler(interrupted, "resume", "shop")
    assert (again.returncode, (interrupted / "a.jsonl").read_bytes()) == (0, before)
    assert "The job shop had finished: nothing is left to do" in again.stderr
    nameless = crawler(interrupted, "resume")
    assert (nameless.returncode, "no job is unfinished" in nameless.stderr) == (2, True)


def test_a_damaged_job_is_told_when_it_is_resumed_by_name(interrupted: Path) -> None:
    database = next((interrupted / ".crawler" / "jobs" / "shop").glob("*.sqlite"))
    database.write_bytes(b"nonsense" * 1_000)
    database.with_name(f"{database.name}-wal").unlink(missing_ok=True)  # from which SQLite would mend it
    wrong = crawler(interrupted, "resume", "shop")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert f"{database}" in wrong.stderr and "damaged" in wrong.stderr


def test_jobs_are_dropped_by_name_and_finished_ones_all_at_once(interrupted: Path) -> None:
    assert "removed shop" in crawler(interrupted, "jobs", "--drop", "shop").stdout
    assert "There are no jobs" in crawler(interrupted, "jobs").stdout


def test_memory_leaves_nothing_behind(shop: str, tmp_path: Path) -> None:
    project(tmp_path)
    done = crawler(tmp_path, "crawl", "books", "-a", f"site={shop}", "-s", "frontier.store=memory", "-O", "x.jsonl")
    assert done.returncode == 0
    assert not (tmp_path / ".crawler").exists()


def test_the_items_of_a_job_are_written_again_in_another_format(shop: str, tmp_path: Path) -> None:
    project(tmp_path)
    options = ("-a", f"site={shop}", "-O", "a.jsonl", "-s", "frontier.keep_items=true", "-q")
    assert crawler(tmp_path, "crawl", "books", *options).returncode == 0
    assert f"{BOOKS} items of books-" in crawler(tmp_path, "export", "-O", "again.jsonl", "-O", "again.csv").stdout
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()
    assert len((tmp_path / "again.csv").read_text().splitlines()) == BOOKS + 1


def test_items_that_were_not_kept_are_told(interrupted: Path) -> None:
    assert crawler(interrupted, "resume").returncode == 0
    wrong = crawler(interrupted, "export", "-O", "again.jsonl")
    assert (wrong.returncode, "crawl with -s frontier.keep_items=true" in wrong.stderr) == (2, True)
