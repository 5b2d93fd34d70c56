"""After a power failure nothing is missing that a job counts on: names are synced as files are."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest

from crawler.disk import make_folder
from crawler.exporters.storage import open_target
from crawler.frontier.jobs import Job
from crawler.storages import open_storage


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files and folders that were synced, in order."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("the files that are open cannot be named here: there is no /proc")
    paths: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda file: paths.append(Path(os.readlink(f"/proc/self/fd/{file}"))))
    return paths


def test_folders_that_are_made_are_named_in_those_above(tmp_path: Path, synced: list[Path]) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]


def test_a_new_feed_is_named_in_its_folder_with_the_first_commit(tmp_path: Path, synced: list[Path]) -> None:
    feed = tmp_path / "items.jsonl"
    target = open_target(str(feed))
    target.sync()
    target.sync()
    assert synced == [feed, tmp_path, feed]
    target.close()


def test_a_new_job_is_named_in_its_folder(tmp_path: Path, synced: list[Path]) -> None:
    Job(tmp_path / "jobs" / "one").close()
    assert synced == [tmp_path, tmp_path / "jobs", tmp_path / "jobs" / "one"]


def test_a_delivered_file_is_named_in_its_folder(tmp_path: Path, synced: list[Path]) -> None:
    open_storage(str(tmp_path)).put("whole.json", BytesIO(b"[]"))
    assert synced[-1] == tmp_path
