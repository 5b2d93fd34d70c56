"""The store of the HTTP cache: one SQLite file of entries, compressed, bounded in size and age.

An entry is written whole or not at all, and a cache that is damaged is set aside and begun anew: it can be fetched again.
Writes gather and are committed together, so that a crawl does not wait for the disk once a page; what has gathered is found before.
Several crawls may share the file.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from crawler.exceptions import SettingsError
from crawler.http.cachepolicy import Stored, matches
from crawler.http.headers import Headers

logger = logging.getLogger(__name__)

_VERSION = 1
_SCHEMA = """
CREATE TABLE entry (
    number INTEGER PRIMARY KEY, key BLOB NOT NULL, url TEXT NOT NULL, stored REAL NOT NULL, used REAL NOT NULL,
    size INTEGER NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL
);
CREATE INDEX entry_by_key ON entry (key);
CREATE INDEX entry_by_use ON entry (used);
"""

# Entries that gather before they are written, and seconds after which they are in any case.
_BATCH, _INTERVAL = 64, 1.0

# When the cache is full, so much of it is removed, that it is not full again at once.
_ROOM = 0.1

# Below this a body is not worth compressing.
_SMALL = 256

_INSERT = "INSERT INTO entry (key, url, stored, used, size, head, body) VALUES (?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Entry:
    """A response as it is kept; *number* is its row, 0 as long as it is not written."""

    url: str
    stored: Stored
    body: bytes
    number: int = 0


class CacheStore:
    """The entries in the file *path*, of up to *max_size* bytes in all; those older than *max_age* seconds are not found."""

    def __init__(
        self,
        path: Path,
        *,
        max_size: int = 0,
        max_age: float = 0.0,
        wall_time: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._max_size = max_size
        self._max_age = max_age
        self._time = wall_time
        self._new: dict[bytes, list[Entry]] = {}
        self._gathered = 0
        self._written_at = wall_time()
        self._gone: list[int] = []
        self._used: dict[int, float] = {}
        self._size = 0.0
        self._database = self._opened()

    def __repr__(self) -> str:
        return f"<CacheStore {self.path}: {self._size / 1e6:.1f} MB>"

    def _opened(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Pages may be those that only the holder of a cookie may see.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise SettingsError(
                f"the HTTP cache {self.path} cannot be made: {error.strerror or error}; name another file with cache.path"
            ) from error
        try:
            return self._connected()
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, isolation_level=None, timeout=10.0)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            database.close()
            raise SettingsError(
                f"the HTTP cache {self.path} has version {version}, and this crawler knows {_VERSION}: name another with cache.path"
            )
        if version == 0:
            database.execute("BEGIN IMMEDIATE")
            if database.execute("PRAGMA user_version").fetchone() == (0,):
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {_VERSION}")
            database.execute("COMMIT")
        (self._size,) = database.execute("SELECT total(size) FROM entry").fetchone()
        return database

    def _set_aside(self, error: Exception) -> None:
        aside = self.path.with_name(self.path.name + ".damaged")
        logger.warning(
            "The HTTP cache %s is damaged (%s): it is set aside as %s and begun anew", self.path, error, aside.name
        )
        self.path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _begin_anew(self, error: Exception) -> None:
        """Go on with an empty cache: this one cannot be read any more."""
        self._database.close()
        self._set_aside(error)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = self._connected()

    # Hot: once per request, where there is a cache.
    def find(self, key: bytes, request: Headers) -> Entry | None:
        """Return what is kept under *key* for a request with such headers, the newest of several; None if there is nothing."""
        for entry in reversed(self._new.get(key, ())):
            if matches(entry.stored, request):
                return entry
        oldest = self._time() - self._max_age if self._max_age else 0.0
        query = "SELECT number, url, head, body FROM entry WHERE key = ? AND stored >= ? ORDER BY number DESC"
        try:
            for number, url, head, body in self._database.execute(query, (key, oldest)):
                if number in self._gone:
                    continue
                stored = _stored(head)
                if matches(stored, request):
                    self._used[number] = self._time()
                    return Entry(url, stored, _unpacked(body), number)
        except (sqlite3.DatabaseError, msgspec.MsgspecError, zstandard.ZstdError) as error:
            self._begin_anew(error)
        return None

    def put(self, key: bytes, entry: Entry, *, replacing: Entry | None = None) -> None:
        """Keep *entry* under *key*, in the place of *replacing* and of what was selected by the same headers."""
        kept = [one for one in self._new.get(key, ()) if one is not replacing and one.stored.vary != entry.stored.vary]
        if replacing is not None and replacing.number:
            self._gone.append(replacing.number)
        self._new[key] = [*kept, entry]
        self._gathered += 1
        if self._gathered >= _BATCH or self._time() - self._written_at >= _INTERVAL:
            self.write()

    def remove(self, key: bytes) -> None:
        """Forget what is kept under *key*."""
        self._new.pop(key, None)
        self._run(lambda database: database.execute("DELETE FROM entry WHERE key = ?", (key,)))

    def write(self) -> None:
        """Write what has gathered, in one transaction, and make room."""
        rows = [_row(key, entry, self._time()) for key, entries in self._new.items() for entry in entries]
        gone, used = self._gone, self._used
        self._new, self._gone, self._used, self._gathered, self._written_at = {}, [], {}, 0, self._time()
        if not (rows or gone or used):
            return

        def written(database: sqlite3.Connection) -> None:
            database.execute("BEGIN IMMEDIATE")
            database.executemany("DELETE FROM entry WHERE number = ?", [(number,) for number in gone])
            database.executemany(
                "UPDATE entry SET used = ? WHERE number = ?", [(at, number) for number, at in used.items()]
            )
            database.executemany(_INSERT, rows)
            self._size += sum(row[4] for row in rows)
            if self._max_size and self._size > self._max_size:
                self._make_room(database)
            database.execute("COMMIT")

        self._run(written)

    def _make_room(self, database: sqlite3.Connection) -> None:
        """Remove what was not used for longest."""
        (self._size,) = database.execute("SELECT total(size) FROM entry").fetchone()
        too_much = self._size - self._max_size * (1 - _ROOM)
        numbers = []
        for number, size in database.execute("SELECT number, size FROM entry ORDER BY used, number"):
            if too_much <= 0:
                break
            too_much -= size
            self._size -= size
            numbers.append((number,))
        database.executemany("DELETE FROM entry WHERE number = ?", numbers)

    def _run(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do *work*; where the disk is full or another crawl holds the file, do without: it is a cache."""
        try:
            work(self._database)
        except sqlite3.OperationalError as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            logger.warning("The HTTP cache %s was not written: %s", self.path, error)
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)

    def urls(self) -> Iterator[str]:
        """Yield the URL of every entry."""
        self.write()
        for (url,) in self._database.execute("SELECT url FROM entry ORDER BY number"):
            yield url

    def close(self) -> None:
        """Write what has gathered, and close the file."""
        self.write()
        self._database.close()


def _row(key: bytes, entry: Entry, now: float) -> tuple[Any, ...]:
    stored = entry.stored
    headers = [[name, list(values)] for name, values in dict.items(stored.headers)]
    vary = [[name, list(values)] for name, values in stored.vary]
    head = msgspec.msgpack.encode([stored.status, headers, stored.requested, stored.received, vary])
    body = _packed(entry.body)
    return key, entry.url, stored.received, now, len(head) + len(body), head, body


def _stored(head: bytes) -> Stored:
    status, headers, requested, received, vary = msgspec.msgpack.decode(head)
    selected = tuple((name, tuple(values)) for name, values in vary)
    return Stored(status, Headers.received((name, values) for name, values in headers), requested, received, selected)


_PLAIN, _ZSTD = b"\x00", b"\x01"
_compressor = zstandard.ZstdCompressor(level=3)
_decompressor = zstandard.ZstdDecompressor()


def _packed(body: bytes) -> bytes:
    """Return *body* compressed, if that makes it smaller."""
    if len(body) > _SMALL:
        packed = _compressor.compress(body)
        if len(packed) < len(body):
            return _ZSTD + packed
    return _PLAIN + body


def _unpacked(packed: bytes) -> bytes:
    return _decompressor.decompress(packed[1:]) if packed[:1] == _ZSTD else packed[1:]
