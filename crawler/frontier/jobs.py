"""Jobs: a crawl's durable state, in a folder of its own, owned by one process at a time.

    .crawler/jobs/books-2026-11-23-0900/
        job.sqlite    what waits, what has ended, how far the outputs are
        lock          locked by the process that crawls; see locking.py
        feeds/        outputs that wait for their delivery, if there are any
    .crawler/jobs/books-2026-11-23-0900.key
                      the key of what is secret in it, if there is anything; see sealing.py

A name is a folder below ``.crawler/jobs``; a path is the folder itself.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from crawler.disk import make_folder, sync_folder
from crawler.exceptions import JobError
from crawler.frontier.database import open_database
from crawler.frontier.folder import (
    DATABASE,
    LOCK,
    damaged,
    failed,
    is_job,
    is_of_disk,
    last_change,
    open_to_read,
    remove_job,
    size_of,
    unreadable,
)
from crawler.frontier.locking import is_locked, locked
from crawler.frontier.sealing import Seal, key_beside

RUNNING, STOPPED, FINISHED = "running", "stopped", "finished"

#: The state of a job that has not finished and that nobody runs; of one whose content is not what was written, or that cannot be
#: read where it is.
INTERRUPTED, DAMAGED, UNREADABLE = "interrupted", "damaged", "unreadable"

# A statistic may be any object; what has no form of its own is kept as its text.
_encode, _decode = msgspec.msgpack.Encoder(enc_hook=str).encode, msgspec.msgpack.Decoder().decode


def _encoded(value: Any) -> bytes:
    """Return *value* as msgpack; half of a surrogate pair, which an error may quote from a page, is written out."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(without_halves(value))


def without_halves(value: Any) -> Any:
    """Return *value* with every half of a surrogate pair in its text written out: msgpack, as UTF-8, has no form for one."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {without_halves(key): without_halves(one) for key, one in value.items()}
    return [without_halves(one) for one in value] if isinstance(value, list | tuple | set) else value


# What a value that is encrypted begins with: a byte that msgpack never uses.
_SEALED = b"\xc1"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that a job keeps encrypted."""

    value: Any


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job as ``crawler jobs`` shows it.

    ``state`` is running, interrupted (not finished, and nobody runs it), finished, damaged or unreadable.
    """

    name: str
    path: Path
    spider: str
    started: str
    state: str
    waiting: int
    ended: dict[str, int]
    items: int
    size: int


class Job:
    """An open job: its database, for as long as this process has the lock. Its secrets are sealed with *key_file*."""

    def __init__(self, folder: Path, *, key_file: Path | None = None) -> None:
        self.folder = folder
        self.seal = Seal(key_file or key_beside(folder))
        was_there = is_job(folder)
        try:
            make_folder(folder)
            self._lock = locked(folder / LOCK)
        except OSError as error:
            raise JobError(_not_usable(folder, error.strerror or str(error), was_there=was_there)) from error
        try:
            # Records hold headers and cookies. SQLite gives its log the mode that the database has when it is opened.
            os.close(os.open(folder / DATABASE, os.O_CREAT | os.O_RDWR, 0o600))
            self.database = open_database(folder / DATABASE)
            sync_folder(folder)
            self._place = (folder / DATABASE).absolute()
            self._file = self._place.stat()
            self._snapshot: sqlite3.Connection | None = None
        except BaseException as error:
            self._lock.close()
            if not was_there:
                with suppress(OSError):
                    remove_job(folder)
            cause = error if isinstance(error, OSError) else error.__cause__
            if isinstance(cause, OSError) or is_of_disk(cause):
                raise JobError(_not_usable(folder, str(cause), was_there=was_there)) from cause
            raise

    def __repr__(self) -> str:
        return f"<Job {self.name}>"

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    @property
    def is_new(self) -> bool:
        """Whether nothing has been kept in it yet."""
        return self.get("state") is None

    def get(self, key: str, default: Any = None) -> Any:
        """Return what is kept under *key*."""
        try:
            row = self.database.execute("SELECT CAST(value AS BLOB) FROM job WHERE key = ?", (key,)).fetchone()
            return default if row is None else _decode(_open(row[0], key, self.seal))
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise JobError(damaged(self.folder, f"its {key!r} cannot be read: {error}")) from error

    def put(self, values: dict[str, Any]) -> None:
        """Keep *values*; within a transaction if one is open. Raise JobError if that cannot be."""
        records = [(key, self._record(key, value)) for key, value in values.items()]
        try:
            self.database.executemany(
                "INSERT OR REPLACE INTO job (key, value, checksum) VALUES (?, ?, ?)",
                [(key, record, crc32(record)) for key, record in records],
            )
        except sqlite3.Error as error:
            raise JobError(failed(self.folder, error)) from error

    def _record(self, key: str, value: Any) -> bytes:
        if not isinstance(value, Secret):
            return _encoded(value)
        return _SEALED + self.seal.seal(_encoded(value.value), key.encode())

    def check_place(self) -> None:
        """Raise JobError if the database is not where it was opened: what is written to it now, nobody would find."""
        try:
            if os.path.samestat(self._file, self._place.stat()):
                return
        except OSError:
            pass
        raise JobError(
            f"the job {self.folder} was removed or replaced while its crawl ran, so that what it does cannot be kept: let jobs be "
            "until their crawls have ended; `crawler jobs --clean` removes those that have finished"
        )

    def snapshot(self) -> sqlite3.Connection:
        """Return a connection that goes on seeing the database as it is now, until it or the job is closed."""
        self._snapshot = snapshot = open_to_read(self.folder)
        snapshot.execute("BEGIN")
        snapshot.execute("SELECT count(*) FROM job").fetchone()  # only now is it taken
        return snapshot

    def close(self) -> None:
        """Close the database and let go of the lock."""
        if self._snapshot is not None:
            self._snapshot.close()
        self.database.close()
        self._lock.close()

    def give_up(self) -> None:
        """Close the job because its crawl cannot begin, and leave nothing of one that never did."""
        try:
            is_new = self.is_new
        except JobError:  # then what there is stays
            is_new = False
        if is_new:
            self.remove()
        else:
            self.close()

    def remove(self) -> None:
        """Close the job and remove it."""
        self.close()
        remove_job(self.folder)


def _not_usable(folder: Path, reason: str, *, was_there: bool) -> str:
    if was_there:
        return (
            f"the job {folder} cannot be written to: {reason}. What was committed is safe: make room, or make it writable, then "
            "resume the job; a copy elsewhere, with its key beside it, can be resumed by its path"
        )
    return (
        f"the job {folder} cannot be made: {reason}; make room, name another place with frontier.directory, or do without a job: "
        "frontier.store = 'memory'"
    )


def _open(value: bytes, key: str, seal: Seal) -> bytes:
    return seal.unseal(value[1:], key.encode()) if value[:1] == _SEALED else value


def jobs_folder(directory: str | os.PathLike[str]) -> Path:
    """Return where the jobs of the state folder *directory* are."""
    return Path(directory) / "jobs"


def job_path(directory: str | os.PathLike[str], name_or_path: str, spider: str) -> Path:
    """Return the folder of a job: the one that is named, or a new one for *spider*."""
    folder = jobs_folder(directory)
    if not name_or_path:
        return _unused(folder, f"{spider}-{datetime.now(UTC):%Y-%m-%d-%H%M%S}")
    return Path(name_or_path) if os.sep in name_or_path else folder / name_or_path


def _unused(folder: Path, name: str) -> Path:
    number = 1
    path = folder / name
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}"
    return path


def jobs_in(directory: str | os.PathLike[str], *, unfinished_of: str | None = None) -> Iterator[JobSummary]:
    """Yield the jobs of the state folder *directory*, the oldest first; what cannot be read says so by its state.

    With *unfinished_of*, only those of that spider that nobody runs and that have not finished.
    """
    for path in _folders(directory):
        if unfinished_of is None or (
            _kept(path, "spider") == unfinished_of and _kept(path, "state") != FINISHED and not is_locked(path / LOCK)
        ):
            yield summary_of(path)


def _folders(directory: str | os.PathLike[str]) -> list[Path]:
    folder = jobs_folder(directory)
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if is_job(path)), key=last_change)


def _kept(path: Path, key: str, *, key_file: Path | None = None) -> Any:
    """Return what the job in the folder *path* keeps under *key*; None if there is nothing, or nothing that can be read.

    Raise JobError if it is a secret, and the key that it is sealed with is not there.
    """
    try:
        database = open_to_read(path)
        try:
            row = database.execute("SELECT value FROM job WHERE key = ?", (key,)).fetchone()
        finally:
            database.close()
        if row is None:
            return None
        value: bytes = row[0]
        return _decode(_open(value, key, Seal(key_file or key_beside(path))) if value[:1] == _SEALED else value)
    except (sqlite3.Error, msgspec.MsgspecError):
        return None


def summary_of(path: Path) -> JobSummary:
    """Return what the job in the folder *path* is, without disturbing the process that runs it."""
    size = size_of(path)
    try:
        with reading(path) as (database, kept):
            (waiting,) = database.execute("SELECT count(*) FROM waiting").fetchone()
            ended = dict(database.execute("SELECT outcome, count(*) FROM history GROUP BY outcome"))
            (items,) = database.execute("SELECT total(items) FROM history").fetchone()
    except JobError as error:
        state = UNREADABLE if is_of_disk(error.__cause__) else DAMAGED
        if is_locked(path / LOCK):  # it begins in this moment, and has no tables yet
            state = RUNNING
        return JobSummary(path.name, path, "?", "?", state, 0, {}, 0, size)
    return JobSummary(
        path.name,
        path,
        kept.get("spider", "?"),
        kept.get("started", "?"),
        state_of(path, kept),
        waiting,
        ended,
        int(items) + kept.get("start_items", 0),
        size,
    )


def state_of(path: Path, kept: Mapping[str, Any]) -> str:
    """Return the state of the job in the folder *path*, which keeps *kept*: running, interrupted or finished."""
    if kept.get("state", STOPPED) == FINISHED:
        return FINISHED
    return RUNNING if is_locked(path / LOCK) else INTERRUPTED


@contextmanager
def reading(path: Path) -> Iterator[tuple[sqlite3.Connection, dict[str, Any]]]:
    """Open the job in the folder *path* to read it, beside the process that runs it: its database, and what it keeps by key.

    Secrets are left out. Raise JobError if it cannot be read.
    """
    try:
        database = open_to_read(path)
        try:
            values = database.execute("SELECT key, value FROM job")
            yield database, {key: _decode(value) for key, value in values if value[:1] != _SEALED}
        finally:
            database.close()
    except sqlite3.OperationalError as error:
        raise JobError(unreadable(path, str(error))) from error
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        raise JobError(damaged(path, str(error))) from error


def command_of(path: Path, *, key_file: Path | None = None) -> dict[str, Any]:
    """Return the command that began the job in the folder *path*.

    Raise JobError if it was begun in another way, or cannot be read.
    """
    if not is_job(path):
        raise JobError(f"there is no job in {path} (crawler jobs shows all)")
    with reading(path):
        pass  # what cannot be read is told
    command: dict[str, Any] = _kept(path, "command", key_file=key_file or key_of(path, _kept(path, "key_file"))) or {}
    if not command:
        raise JobError(
            f"the job {path.name} was not begun by a command: run its program again with frontier.job = {str(path)!r}"
        )
    return command


def key_of(path: Path, kept: str | None) -> Path:
    """Return where the key of the job in the folder *path* is: where it was *kept*, or beside a job that was moved with it."""
    beside = key_beside(path)
    return Path(kept) if kept and (Path(kept).exists() or not beside.exists()) else beside


def items_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the items that the job in the folder *path* has kept, in the order of commits. Raise JobError if it cannot be read."""
    with reading(path) as (database, _):
        # Jobs of older versions have no checksums here.
        for _, record, *kept in database.execute("SELECT * FROM item ORDER BY rowid"):
            if kept and kept[0] != crc32(record):
                raise JobError(damaged(path, "an item is not what was written"))
            yield _decode(record)


def count_kept_items(path: Path) -> int:
    """Return how many items the job in the folder *path* has kept. Raise JobError if it cannot be read."""
    with reading(path) as (database, _):
        return int(database.execute("SELECT count(*) FROM item").fetchone()[0])


def finished_in(directory: str | os.PathLike[str], *, keep: int = 0) -> list[Path]:
    """Return the folders of the finished jobs of *directory* but for the newest *keep*, the oldest first."""
    folders = _folders(directory)
    if len(folders) <= keep:
        return []
    finished = [path for path in folders if _kept(path, "state") == FINISHED and not is_locked(path / LOCK)]
    return finished[: max(0, len(finished) - keep)]


def remove_finished(directory: str | os.PathLike[str], keep: int, *, other_than: Path | None = None) -> None:
    """Remove the finished jobs of *directory* but for the newest *keep* and the one in the folder *other_than*."""
    for path in finished_in(directory, keep=keep):
        if path != other_than:
            with suppress(OSError):
                remove_job(path)
