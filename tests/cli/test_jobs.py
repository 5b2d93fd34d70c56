"""Jobs on the command line: an interrupted crawl is told of, listed, resumed and explained."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.demo.server import serving
from tests.cli.terminal import terminal
from tests.loopback.killing import ROOT, Crawl, project

BOOKS = 400


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(BOOKS) as url:
        yield url


@pytest.fixture
def interrupted(shop: str, tmp_path: Path) -> Path:
    """A project with a crawl that was killed after its first pages."""
    return killed(tmp_path / "project", shop)


def killed(folder: Path, shop: str) -> Path:
    """Return *folder* as a project with a crawl that was killed after its first pages."""
    assert not Crawl(project(folder), shop).run_until("after the commit", 3)
    return folder


def damage(job: Path) -> Path:
    """Write nonsense into the database of *job*; return its path."""
    database = job / "job.sqlite"
    database.write_bytes(b"nonsense" * 1_000)
    database.with_name(f"{database.name}-wal").unlink(missing_ok=True)  # from which SQLite would mend it
    return database


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
        "(UTC)",
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
        (("why", "http://x.test/", "--job", "./nothing"), "there is no job in /"),
        (("export", "./nothing", "-o", "x.csv"), "there is no job in /"),
        (("jobs", "--drop", "./nothing"), "there is no job in /"),
    ],
)
def test_a_job_that_is_not_there_is_a_usage_error(interrupted: Path, arguments: tuple[str, ...], says: str) -> None:
    wrong = crawler(interrupted, *arguments)
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert says in wrong.stderr


def test_without_any_job_why_says_what_keeps_none(tmp_path: Path) -> None:
    wrong = crawler(project(tmp_path), "why", "http://x.test/")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "no crawl has begun, or with frontier.store = 'memory', which keeps none" in wrong.stderr


def test_why_asks_a_job_by_its_folder_and_says_alone_what_is_wrong_with_it(interrupted: Path, shop: str) -> None:
    told = crawler(interrupted.parent, "why", shop, "--job", "project/.crawler/jobs/shop").stdout
    assert told.splitlines()[:2] == ["In the job shop, which is interrupted:", "  The spider started with it."]
    beside = crawler(
        interrupted / ".crawler" / "jobs", "why", shop, "--job", "shop", "-s", "frontier.directory=nowhere"
    )
    assert "In this folder there is one: write ./shop" in beside.stderr
    damage(interrupted / ".crawler" / "jobs" / "shop")
    wrong = crawler(interrupted, "why", shop)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "damaged" in wrong.stderr


def test_a_job_is_resumed_by_its_folder_from_anywhere(interrupted: Path) -> None:
    (interrupted / "below").mkdir()
    for folder, path in (
        (interrupted / "below", "../.crawler/jobs/shop"),
        (interrupted.parent, "project/.crawler/jobs/shop"),
        (interrupted / ".crawler" / "jobs", "./shop"),
    ):
        resumed = crawler(folder, "resume", path, "-s", "crawl.max_pages=30")
        assert resumed.returncode == 0, resumed.stderr
    assert crawler(interrupted, "resume", "-s", "crawl.max_pages=0").returncode == 0
    assert Crawl(interrupted, "").outputs() == [Counter(Crawl(interrupted, "").outputs()[0].keys())] * 3
    assert [path.parent for path in interrupted.parent.rglob("job.sqlite")] == [interrupted / ".crawler/jobs/shop"]


def test_a_job_that_was_moved_with_its_key_is_read_and_where_it_began_must_be_there(interrupted: Path) -> None:
    moved = interrupted.rename(interrupted.parent / "moved")
    wrong = crawler(moved, "resume")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert f"was begun in {interrupted}, which cannot be entered: No such file" in wrong.stderr


@pytest.mark.parametrize("command", [("resume", "shop"), ("crawl", "books", "--job", "shop")])
def test_a_job_does_not_go_on_in_memory(interrupted: Path, command: tuple[str, ...]) -> None:
    before = (interrupted / "a.jsonl").read_bytes()
    wrong = crawler(interrupted, *command, "-s", "frontier.store=memory")
    assert (wrong.returncode, "frontier.store = 'memory' keeps nothing" in wrong.stderr) == (2, True)
    assert (interrupted / "a.jsonl").read_bytes() == before


def test_a_crawl_that_has_not_finished_says_how_to_go_on(shop: str, tmp_path: Path) -> None:
    options = ("-a", f"site={shop}", "-s", "politeness.delay=0")
    ended = crawler(project(tmp_path), "crawl", "books", *options, "--job", "mine", "-s", "crawl.max_pages=2")
    assert "It has not finished. Go on with  crawler resume mine" in ended.stderr
    ended = crawler(tmp_path, "crawl", "books", *options, "--job", "./else/where", "-s", "crawl.max_pages=2")
    assert "Go on with  crawler resume ./else/where" in ended.stderr
    ended = crawler(tmp_path, "resume", "mine", "-s", "crawl.max_pages=0")
    assert "Go on with" not in ended.stderr


def test_a_job_that_has_finished_is_resumed_to_nothing_by_name_too(interrupted: Path) -> None:
    assert crawler(interrupted, "resume", "shop").returncode == 0
    before = (interrupted / "a.jsonl").read_bytes()
    again = crawler(interrupted, "resume", "shop")
    assert (again.returncode, (interrupted / "a.jsonl").read_bytes()) == (0, before)
    assert "The job shop had finished: nothing is left to do" in again.stderr
    nameless = crawler(interrupted, "resume")
    assert (nameless.returncode, "no job is unfinished" in nameless.stderr) == (2, True)


def test_a_damaged_job_is_told_when_it_is_resumed_by_name(interrupted: Path) -> None:
    database = damage(interrupted / ".crawler" / "jobs" / "shop")
    wrong = crawler(interrupted, "resume", "shop")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert f"{database}" in wrong.stderr and "damaged" in wrong.stderr


def test_jobs_are_dropped_by_name_and_finished_ones_all_at_once(interrupted: Path) -> None:
    assert "removed shop" in crawler(interrupted, "jobs", "--drop", "shop").stdout
    assert "There are no jobs" in crawler(interrupted, "jobs").stdout


def test_jobs_are_cleaned_but_for_as_many_as_are_to_be_kept(shop: str, tmp_path: Path) -> None:
    project(tmp_path)
    for name in ("a", "b", "c"):
        options = ("-a", f"site={shop}", "-s", "crawl.depth_limit=1", "-s", "politeness.delay=0", "-q")
        assert crawler(tmp_path, "crawl", "manual", *options, "--job", name).returncode == 0
    assert crawler(tmp_path, "jobs", "--clean", "-s", "frontier.keep_jobs=1").stdout.startswith(
        "removed a\nremoved b\n"
    )
    assert crawler(tmp_path, "jobs", "--drop", "./.crawler/jobs/c").stdout.startswith("removed c\n")
    assert list((tmp_path / ".crawler" / "jobs").iterdir()) == []


def test_the_table_of_jobs_has_two_lines_a_job_where_one_is_too_long(interrupted: Path) -> None:
    command = [sys.executable, "-m", "crawler", "jobs"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LINES": "24"}
    with terminal(command, cwd=interrupted, env={**environment, "COLUMNS": "80"}) as shown:
        lines = shown.expect(r"iB\n").splitlines()
    assert [line.split()[0] for line in lines] == ["JOB", "DONE", "shop", re.split(" +", lines[3].strip())[0]]
    assert max(map(len, lines)) <= 80
    with terminal(command, cwd=interrupted, env={**environment, "COLUMNS": "120"}) as shown:
        assert len(shown.expect(r"iB\n").splitlines()) == 2


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
    (job,) = (tmp_path / ".crawler" / "jobs").glob("books-*[0-9]")
    shown = crawler(tmp_path.parent, "export", str(job.relative_to(tmp_path.parent)), "-o", "-:csv")
    assert shown.stdout == (tmp_path / "again.csv").read_text()
    assert "items of books-" in shown.stderr
    assert crawler(tmp_path, "export", "-q", "-O", "%(name)s.json").stdout == ""
    assert len(json.loads((tmp_path / "books.json").read_text())) == BOOKS


def test_items_that_were_not_kept_are_told(interrupted: Path) -> None:
    assert crawler(interrupted, "resume").returncode == 0
    wrong = crawler(interrupted, "export", "-O", "again.jsonl")
    assert (wrong.returncode, "crawl with -s frontier.keep_items=true" in wrong.stderr) == (2, True)


def test_an_export_of_nothing_empties_no_file(interrupted: Path) -> None:
    (interrupted / "again.jsonl").write_text("mine\n")
    assert crawler(interrupted, "export", "-O", "again.jsonl").returncode == 2
    assert (interrupted / "again.jsonl").read_text() == "mine\n"


def test_items_that_were_kept_only_at_times_are_counted(interrupted: Path) -> None:
    assert crawler(interrupted, "resume", "-s", "frontier.keep_items=true").returncode == 0
    told = crawler(interrupted, "export", "-O", "again.jsonl").stdout
    kept = len((interrupted / "again.jsonl").read_text().splitlines())
    assert told.startswith(f"{kept} items of shop written; the other {BOOKS - kept} were not kept")
