"""Disks that go wrong: at a chosen write they are full, at a chosen query they cannot be read, or the machine stops there.

A write is whatever changes what is on the disk: a statement of a transaction or its COMMIT, bytes of a feed, a cut, a sync. Of one
that goes wrong nothing may have been done, or a part, or everything. Nothing is really synced: who fails is simulated, and does not
take the page cache with it.
"""

from __future__ import annotations

import errno
import io
import math
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, TypeVar
from unittest import mock

from crawler.exporters import storage
from crawler.frontier import database, digests
from crawler.storages import local

T = TypeVar("T")

#: How a write that goes wrong ends. Killed: what was written is there. Power failure: what was not synced may not be.
FAILS, KILLED, POWER = "fails", "killed", "power failure"


class Disk:
    """The disk of one process, whose files are in *folder*: its write number *at* goes wrong, and those that follow for *lasting*.

    If it is *unreadable*, no write goes wrong, but the query of that number. It is used while the process begins and runs. A
    machine that was stopped goes on, in vain, until the process is told (``is_off``); then ``restore`` makes the folder what it
    was at that moment.
    """

    def __init__(
        self,
        folder: Path,
        chance: random.Random | None = None,
        *,
        at: float = math.inf,
        lasting: float = 1,
        ends: str = FAILS,
        unreadable: bool = False,
    ) -> None:
        self._folder = folder
        self._saved = folder.with_name(f"{folder.name}.saved")
        self._chance = chance or random.Random(0)
        self._at, self._lasting, self._ends, self._unreadable = at, lasting, ends, unreadable
        self._writes = self._reads = 0
        self._paths: dict[int, Path] = {}
        self._unsynced: dict[Path, bytes] = {}
        self._patches = ExitStack()
        self.has_failed = False
        self.is_off = False

    def __repr__(self) -> str:
        return f"<Disk {self._ends} at write {self._at} for {self._lasting}; {self._writes} writes>"

    def __enter__(self) -> Self:
        disk = self

        class File(io.FileIO):
            def write(self, content: Any) -> int:
                disk.changes(self.fileno())
                some = disk._chance.randrange(len(content))
                return disk.write(lambda: io.FileIO.write(self, content), lambda: io.FileIO.write(self, content[:some]))

            def truncate(self, size: int | None = None) -> int:
                disk.changes(self.fileno())
                return disk.write(lambda: io.FileIO.truncate(self, size))

        def connect(*arguments: Any, **options: Any) -> Any:
            return Database(disk, sqlite3.connect(*arguments, **options))

        def replaced(module: Any, name: str, **changes: Any) -> None:
            namespace = SimpleNamespace(**{**vars(getattr(module, name)), **changes})
            self._patches.enter_context(mock.patch.object(module, name, namespace))

        replaced(storage, "io", FileIO=File)
        replaced(storage, "os", open=self.open, fsync=self.sync)
        replaced(local, "os", fsync=self.sync)
        replaced(database, "sqlite3", connect=connect)
        replaced(digests, "os", pread=self.pread, pwrite=self.pwrite)
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def write(
        self, write: Callable[[], T], partly: Callable[[], T] | None = None, error: type[Exception] = OSError
    ) -> T:
        """Do what *write* does, or what comes of it if this is one that goes wrong."""
        self._writes += 1
        if self.is_off or self._unreadable or not self._is_wrong(self._writes):
            return write()
        done = self._chance.choice(("nothing", "a part", "everything"))
        if self._ends != FAILS:
            return self._stop(done, write, partly)
        self.has_failed = True
        if done == "a part" and partly is not None:
            self._lasting += 1  # the system tells how much it has written, and the next attempt fails
            return partly()
        if done == "everything":
            write()
        raise error(errno.ENOSPC, "No space left on device") if error is OSError else error("database or disk is full")

    def read(self, read: Callable[[], T], error: type[Exception] = sqlite3.OperationalError) -> T:
        """Do what *read* does, if that can be done."""
        self._reads += 1
        if self._unreadable and self._is_wrong(self._reads):
            self.has_failed = True
            raise error(errno.EIO, "Input/output error") if error is OSError else error("disk I/O error")
        return read()

    def _is_wrong(self, number: int) -> bool:
        return self._at <= number < self._at + self._lasting

    def _stop(self, done: str, write: Callable[[], T], partly: Callable[[], T] | None) -> T:
        """Save what is on the disk when so much of *write* was done."""
        if done == "a part" and partly is not None:
            result = partly()
            self._save()
            return result
        if done == "everything":
            result = write()
            self._save()
            return result
        self._save()
        return write()

    def _save(self) -> None:
        self.is_off = True
        shutil.copytree(self._folder, self._saved, ignore=shutil.ignore_patterns("*-shm"))
        for path, before in self._unsynced.items() if self._ends == POWER else ():
            saved = self._saved / path.relative_to(self._folder)
            now = saved.read_bytes()
            new = self._chance.choice((0, self._chance.randint(0, len(now)), len(now)))
            saved.write_bytes(now[:new] + before[new:])

    def restore(self) -> None:
        """Make the folder what it was when the machine stopped."""
        shutil.rmtree(self._folder)
        self._saved.rename(self._folder)

    def rolls_back(self) -> bool:
        """Tell whether a transaction in which a statement failed is rolled back with it, as SQLite does by itself at times."""
        return self._chance.random() < 0.5

    # --- files -------------------------------------------------------------------------------------------------------

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:
        """Open a file of a feed."""
        descriptor = os.open(path, flags, mode)
        self._paths[descriptor] = Path(path)
        return descriptor

    def changes(self, descriptor: int) -> None:
        """Note what is in a file that is to be changed, as long as that is not synced."""
        path = self._paths[descriptor]
        if path not in self._unsynced:
            self._unsynced[path] = path.read_bytes()

    def sync(self, descriptor: int) -> None:
        """Sync a file."""
        self.write(lambda: self._unsynced.pop(self._paths.get(descriptor, Path()), None))

    def pwrite(self, descriptor: int, content: Any, place: int) -> int:
        """Write to a file that is in no folder: a machine that stops forgets it."""
        some = self._chance.randrange(len(content))
        return self.write(
            lambda: os.pwrite(descriptor, content, place), lambda: os.pwrite(descriptor, content[:some], place)
        )

    def pread(self, descriptor: int, size: int, place: int) -> bytes:
        """Read such a file."""
        return self.read(lambda: os.pread(descriptor, size, place), OSError)


class Database:
    """A *connection* to a database on *disk*."""

    def __init__(self, disk: Disk, connection: sqlite3.Connection) -> None:
        self._disk = disk
        self.connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, query: str, *arguments: Any) -> Any:
        if query == "PRAGMA synchronous = FULL":
            query = "PRAGMA synchronous = OFF"
        return self._do(query, lambda: self.connection.execute(query, *arguments))

    def executemany(self, query: str, *arguments: Any) -> Any:
        return self._do(query, lambda: self.connection.executemany(query, *arguments))

    def _do(self, query: str, do: Callable[[], T]) -> T:
        if query.startswith("PRAGMA"):
            return do()
        if query.startswith("SELECT"):
            return self._disk.read(do)
        try:
            return self._disk.write(do, error=sqlite3.OperationalError)
        except sqlite3.OperationalError:
            if self.connection.in_transaction and self._disk.rolls_back():
                self.connection.rollback()
            raise
