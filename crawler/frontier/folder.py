"""The folder of a job, as files: which of them are the crawler's, when they were last written, how they are read beside a crawl.

A path that is given as a job may be a folder that was there before, with files of its user's in it. Those are never touched.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from crawler.frontier.sealing import key_beside

DATABASE = "job.sqlite"
LOCK = "lock"
SPOOL = "feeds"

_LOG = f"{DATABASE}-wal"

# The database first: without it there is no job, whatever else is left by who is interrupted.
_FILES = (DATABASE, _LOG, f"{DATABASE}-shm", f"{DATABASE}-journal", LOCK)


def is_job(folder: Path) -> bool:
    """Tell whether there is a job in *folder*."""
    try:
        return (folder / DATABASE).is_file()
    except OSError:  # it may not be looked into
        return False


def remove_job(folder: Path) -> None:
    """Remove the job in *folder* and the key beside it; the folder too, if nothing else is in it. Raise OSError if that fails."""
    folder = folder.resolve()
    for file in _files(folder):
        file.unlink(missing_ok=True)
    for emptied in (folder / SPOOL, folder):
        with suppress(OSError):  # something of somebody else's is left in it
            emptied.rmdir()
    key_beside(folder).unlink(missing_ok=True)


def last_change(folder: Path) -> float:
    """Return when the job in *folder* was last written; who looks into it changes nothing of that, but may make an empty log."""
    times = [0.0]
    for name in (DATABASE, _LOG):
        with suppress(OSError):
            file = (folder / name).stat()
            if file.st_size:
                times.append(file.st_mtime)
    return max(times)


def size_of(folder: Path) -> int:
    """Return the bytes of the job in *folder*, from which the process that runs it may remove files meanwhile."""
    size = 0
    for file in _files(folder):
        with suppress(OSError):
            size += file.stat().st_size
    return size


def _files(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in _FILES)
    yield from (folder / SPOOL).glob("[0-9]*-[0-9][0-9][0-9][0-9][0-9]*.*")


def open_to_read(folder: Path) -> sqlite3.Connection:
    """Return a connection to the database of the job in *folder* that changes nothing. Raise sqlite3.Error if there is none."""
    place = f"{(folder / DATABASE).absolute().as_uri()}?mode=ro"
    try:
        return _opened(place)
    except sqlite3.OperationalError:
        # Readers of one database agree in a file beside it. Where none can be made, nobody can be writing either.
        if not is_job(folder) or os.access(folder, os.W_OK) or _has_log(folder):
            raise
        return _opened(f"{place}&immutable=1")


def _opened(place: str) -> sqlite3.Connection:
    database = sqlite3.connect(place, uri=True)
    try:
        database.execute("PRAGMA schema_version").fetchone()  # nothing is opened before it is read
    except BaseException:
        database.close()
        raise
    return database


def _has_log(folder: Path) -> bool:
    try:
        return bool((folder / _LOG).stat().st_size)
    except OSError:
        return False


# SQLite's codes for what is wrong with a disk and not with a database: it cannot be written, read, opened, or is full.
_OF_DISK = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN})


def is_of_disk(error: BaseException | None) -> bool:
    """Tell whether *error* says that something is wrong with the disk, and nothing of what is on it."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_DISK


def failed(folder: Path, error: sqlite3.Error | OSError) -> str:
    """Return what to say of a job in *folder* whose database could not be used any more."""
    return f"the job store {folder} failed: {error}. What was committed is safe: make room or mend the disk, then resume the job"


def unreadable(folder: Path, reason: str) -> str:
    """Return what to say of a job in *folder* that cannot be read."""
    if not is_job(folder):
        return f"there is no job in {folder} (crawler jobs shows all)"
    told = f"the job store {folder / DATABASE} cannot be read: {reason}"
    if _has_log(folder) and not os.access(folder, os.W_OK):
        told += "; its crawl was killed, and to read it the folder must be writable: copy it to where it is"
    return told


def damaged(folder: Path, reason: str) -> str:
    """Return what to say of a job in *folder* whose content is not what was written."""
    return f"the job store {folder / DATABASE} is damaged ({reason}); restore it from a copy, or remove {folder} to give the job up"
