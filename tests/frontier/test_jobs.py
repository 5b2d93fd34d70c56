"""The folders of jobs: which are listed, which are removed, what is said of damaged ones."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from crawler.exceptions import JobError
from crawler.frontier.jobs import DATABASE, FINISHED, STOPPED, Job, job_path, jobs_in, remove_finished


def made(directory: Path, name: str, *, state: str, spider: str = "books", age: int = 0) -> Path:
    job = Job(job_path(directory, name, spider))
    job.put({"state": state, "spider": spider, "started": "2026-01-01 00:00:00"})
    job.close()
    os.utime(job.folder, (1_000_000 - age, 1_000_000 - age))
    return job.folder


def test_jobs_are_listed_the_oldest_first(tmp_path: Path) -> None:
    made(tmp_path, "new", state=FINISHED)
    made(tmp_path, "old", state=STOPPED, age=10)
    assert [(job.name, job.state) for job in jobs_in(tmp_path)] == [("old", "interrupted"), ("new", "finished")]


def test_the_unfinished_jobs_of_a_spider_are_found(tmp_path: Path) -> None:
    made(tmp_path, "a", state=STOPPED)
    made(tmp_path, "b", state=FINISHED)
    made(tmp_path, "c", state=STOPPED, spider="docs")
    running = Job(made(tmp_path, "d", state=STOPPED))
    assert [job.name for job in jobs_in(tmp_path, unfinished_of="books")] == ["a"]
    running.close()


def test_a_job_that_somebody_runs_is_running(tmp_path: Path) -> None:
    job = Job(made(tmp_path, "a", state=STOPPED))
    assert [one.state for one in jobs_in(tmp_path)] == ["running"]
    job.close()


def test_a_look_at_whether_a_job_runs_keeps_no_crawl_from_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path, "a", state=STOPPED)
    with (folder / "lock").open("r+") as looking:
        fcntl.flock(looking, fcntl.LOCK_EX)
        monkeypatch.setattr(time, "sleep", lambda seconds: fcntl.flock(looking, fcntl.LOCK_UN))
        Job(folder).close()


def test_a_file_that_the_running_crawl_removes_meanwhile_does_not_disturb_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path, "a", state=FINISHED)
    (folder / "job.sqlite-wal").symlink_to(folder / "gone")
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    assert [job.name for job in jobs_in(tmp_path)] == ["a"]


def test_the_oldest_finished_jobs_are_removed_and_no_others(tmp_path: Path) -> None:
    for age, name in enumerate(["newest", "newer", "old", "oldest"]):
        made(tmp_path, name, state=FINISHED, age=age)
    made(tmp_path, "stopped", state=STOPPED, age=99)
    assert remove_finished(tmp_path, 2) == ["oldest", "old"]
    assert {job.name for job in jobs_in(tmp_path)} == {"newest", "newer", "stopped"}
    assert remove_finished(tmp_path, 2) == []


def test_a_damaged_job_is_listed_as_such_and_never_removed(tmp_path: Path) -> None:
    folder = made(tmp_path, "a", state=FINISHED)
    (folder / DATABASE).write_bytes(b"no database at all" * 1000)
    assert [job.state for job in jobs_in(tmp_path)] == ["damaged"]
    assert remove_finished(tmp_path, 0) == []


def test_a_name_that_is_taken_gets_a_number_and_a_path_is_a_path(tmp_path: Path) -> None:
    first = job_path(tmp_path, "", "books")
    first.mkdir(parents=True)
    second = job_path(tmp_path, "", "books")
    assert second != first
    assert job_path(tmp_path, "mine", "books") == tmp_path / "jobs" / "mine"
    assert job_path(tmp_path, str(tmp_path / "x" / "mine"), "books") == tmp_path / "x" / "mine"


def test_a_folder_that_cannot_be_made_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("a file where the folder should be")
    with pytest.raises(
        JobError, match=r"cannot be made: .*; name another with frontier\.directory, or do without a job"
    ):
        Job(job_path(tmp_path, "mine", "books"))
