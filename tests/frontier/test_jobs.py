"""The folders of jobs: which are listed, which are removed, what is said of damaged ones."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import time
from pathlib import Path

import pytest

from crawler.exceptions import JobError
from crawler.frontier.folder import DATABASE
from crawler.frontier.jobs import (
    FINISHED,
    STOPPED,
    Job,
    Secret,
    finished_in,
    job_path,
    jobs_in,
    reading,
    remove_finished,
    summary_of,
)


def made(directory: Path, name: str, *, state: str, spider: str = "books", age: int = 0) -> Path:
    job = Job(job_path(directory, name, spider))
    job.put({"state": state, "spider": spider, "started": "2026-01-01 00:00:00"})
    job.close()
    os.utime(job.folder / DATABASE, (1_000_000 - age, 1_000_000 - age))
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
    stat = Path.stat

    def removing(path: Path, **options: bool) -> os.stat_result:
        if path.name.endswith("-wal"):
            raise FileNotFoundError(path)
        return stat(path, **options)

    (folder / "job.sqlite-wal").touch()
    monkeypatch.setattr(Path, "stat", removing)
    assert [job.name for job in jobs_in(tmp_path)] == ["a"]


def test_the_oldest_finished_jobs_are_removed_and_no_others(tmp_path: Path) -> None:
    for age, name in enumerate(["newest", "newer", "old", "oldest"]):
        made(tmp_path, name, state=FINISHED, age=age)
    made(tmp_path, "stopped", state=STOPPED, age=99)
    assert [path.name for path in finished_in(tmp_path, keep=2)] == ["oldest", "old"]
    remove_finished(tmp_path, 2)
    assert {job.name for job in jobs_in(tmp_path)} == {"newest", "newer", "stopped"}
    assert finished_in(tmp_path, keep=2) == []


def test_the_job_that_is_to_go_on_is_not_removed_for_being_old(tmp_path: Path) -> None:
    old = made(tmp_path, "old", state=FINISHED, age=9)
    made(tmp_path, "new", state=FINISHED)
    remove_finished(tmp_path, 0, other_than=old)
    assert [job.name for job in jobs_in(tmp_path)] == ["old"]


def test_a_job_in_a_folder_with_files_of_its_user_is_removed_without_them(tmp_path: Path) -> None:
    (tmp_path / "mine" / "feeds").mkdir(parents=True)
    kept = [tmp_path / "mine" / "notes.txt", tmp_path / "mine" / "feeds" / "books.jsonl"]
    for file in kept:
        file.write_text("mine")
    job = Job(tmp_path / "mine")
    (tmp_path / "mine" / "feeds" / "0-00001.json").write_text("[]")
    job.put({"cookies": Secret("x")})
    job.give_up()
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)


def test_to_look_at_a_job_does_not_make_it_the_newest(tmp_path: Path) -> None:
    old = made(tmp_path, "old", state=STOPPED, age=10)
    made(tmp_path, "new", state=STOPPED)
    for _ in range(2):
        summary_of(old)
        assert [job.name for job in jobs_in(tmp_path)] == ["old", "new"]


def test_a_job_whose_name_means_something_in_a_url_is_read(tmp_path: Path) -> None:
    made(tmp_path, "50%25?x#y", state=STOPPED)
    assert [job.state for job in jobs_in(tmp_path)] == ["interrupted"]


def test_a_job_that_begins_in_this_moment_is_running_and_not_damaged(tmp_path: Path) -> None:
    folder = tmp_path / "jobs" / "a"
    job = Job(folder)
    job.database.execute("DROP TABLE job")
    assert [job.state for job in jobs_in(tmp_path)] == ["running"]
    job.close()
    assert [job.state for job in jobs_in(tmp_path)] == ["damaged"]


def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files below *tmp_path* be read only, also for root: as on a disk that is mounted so."""
    connect = sqlite3.connect

    def without_a_log(place: str, **options: bool) -> sqlite3.Connection:
        if place.endswith("?mode=ro"):
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return connect(place, **options)

    open_file, access = Path.open, os.access
    monkeypatch.setattr(sqlite3, "connect", without_a_log)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))

    def opened(path: Path, mode: str = "r", **options: str) -> object:
        if mode != "r":
            raise OSError(errno.EROFS, "Read-only file system")
        return open_file(path, mode, **options)

    monkeypatch.setattr(Path, "open", opened)


def test_a_job_on_a_disk_that_is_read_only_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(tmp_path, "a", state=STOPPED)
    with monkeypatch.context() as patched:
        read_only(tmp_path, patched)
        assert [(job.state, job.spider) for job in jobs_in(tmp_path)] == [("interrupted", "books")]
        with pytest.raises(
            JobError, match=r"a cannot be written to: Read-only file system.* can be resumed by its path"
        ):
            Job(folder)


def test_a_killed_job_on_a_disk_that_is_read_only_says_why_it_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path, "a", state=STOPPED)
    (folder / "job.sqlite-wal").write_bytes(b"x" * 99)
    with monkeypatch.context() as patched:
        read_only(tmp_path, patched)
        assert [job.state for job in jobs_in(tmp_path)] == ["unreadable"]
        with pytest.raises(JobError, match="the folder must be writable: copy it"), reading(folder):
            pass


def test_a_disk_that_is_full_when_a_job_begins_leaves_nothing_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        cause = sqlite3.OperationalError("disk I/O error")
        cause.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
        raise JobError("restore it from a copy, or remove it") from cause

    monkeypatch.setattr("crawler.frontier.jobs.open_database", full)
    with pytest.raises(JobError, match="cannot be made: disk I/O error; make room"):
        Job(tmp_path / "jobs" / "new")
    assert list((tmp_path / "jobs").iterdir()) == []
    monkeypatch.undo()
    old = made(tmp_path, "old", state=STOPPED)
    monkeypatch.setattr("crawler.frontier.jobs.open_database", full)
    with pytest.raises(JobError, match=r"cannot be written to: disk I/O error\. What was committed is safe: make room"):
        Job(old)
    monkeypatch.undo()
    assert [job.state for job in jobs_in(tmp_path)] == ["interrupted"]


def test_what_cannot_be_kept_is_told_with_the_way_out(tmp_path: Path) -> None:
    job = Job(tmp_path / "jobs" / "a")
    job.database.execute("PRAGMA query_only = 1")
    with pytest.raises(JobError, match="make room or mend the disk, then resume the job"):
        job.put({"state": STOPPED})
    job.close()


def test_a_damaged_job_is_listed_as_such_and_never_removed(tmp_path: Path) -> None:
    folder = made(tmp_path, "a", state=FINISHED)
    (folder / DATABASE).write_bytes(b"no database at all" * 1000)
    assert [job.state for job in jobs_in(tmp_path)] == ["damaged"]
    assert finished_in(tmp_path) == []


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
        JobError,
        match=r"cannot be made: .*; make room, name another place with frontier\.directory, or do without a job",
    ):
        Job(job_path(tmp_path, "mine", "books"))
