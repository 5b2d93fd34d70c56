"""The store of the HTTP cache: one SQLite file of entries, compressed, bounded in size and age.

* An entry is written whole or not at all. Each has a checksum: what has changed on the disk is never taken for a page.
* A cache that is damaged is set aside and begun anew: it can be fetched again. One that is merely in use is left alone.
* Writes gather and are committed together, so that a crawl does not wait for the disk once a page. What has gathered is found.
* Several crawls may share the file. Nobody waits long for another that writes: what cannot be written now is written later.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from crawler.exceptions import SettingsError
from crawler.http.cachepolicy import Stored, matches
from crawler.http.headers import Headers

logger = logging.getLogger(__name__)

_VERSION = 2
_SCHEMA = """
DROP TABLE IF EXISTS entry;
CREATE TABLE entry (
    number INTEGER PRIMARY KEY, key BLOB NOT NULL, variant BLOB NOT NULL, url TEXT NOT NULL, stored REAL NOT NULL,
    used REAL NOT NULL, size INTEGER NOT NULL, sum INTEGER NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL
);
CREATE UNIQUE INDEX entry_by_key ON entry (key, variant);
CREATE INDEX entry_by_use ON entry (used);
"""

# What gathers before it is written: entries, bytes of their bodies, notes of use, and seconds in any case. The bytes take some
# 30 ms to compress and write.
_BATCH, _BATCH_BYTES, _BATCH_USED, _INTERVAL = 64, 8 * 1024 * 1024, 1024, 1.0

# So many times as much may gather while another crawl holds the file; then it is given up.
_PATIENCE = 4

# Seconds that are waited for another crawl: in the midst of a crawl, which stands still meanwhile, and at its end.
_WAIT, _LAST_WAIT = 0.05, 10.0

# When the cache is full, so much of it is removed, that it is not full again at once.
_ROOM = 0.1

# Below this a body is not worth compressing.
_SMALL = 256

_INSERT = """
INSERT OR REPLACE INTO entry (key, variant, url, stored, used, size, sum, head, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FIND = "SELECT number, url, sum, head, body FROM entry WHERE key = ? AND stored >= ? ORDER BY number DESC"


class _DamagedError(Exception):
    """An entry is not what was written."""


# What says that the file is not what was written. Not: OperationalError, which is about the disk, or another crawl.
_DAMAGE = (_DamagedError, msgspec.MsgspecError, zstandard.ZstdError)


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
        self._removed: set[bytes] = set()
        self._gone: list[int] = []
        self._used: dict[int, float] = {}
        self._gathered = self._gathered_bytes = 0
        self._database_is_held = False
        self._tried_at = wall_time()
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
        except sqlite3.OperationalError as error:
            raise SettingsError(
                f"the HTTP cache {self.path} cannot be opened ({error}): is it in use? Else name another file with cache.path"
            ) from error
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            return self._connected()

    def _connected(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, isolation_level=None, timeout=_WAIT)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            self._prepare(database)
            (self._size,) = database.execute("SELECT total(size) FROM entry").fetchone()
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Make the tables, if they are not there or are those of an older version."""
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise SettingsError(
                f"the HTTP cache {self.path} has version {version}, and this crawler knows {_VERSION}: name another with cache.path"
            )
        if version == _VERSION:
            return
        database.execute(f"PRAGMA busy_timeout = {_LAST_WAIT * 1000:.0f}")  # another crawl may be doing the same
        database.execute("BEGIN IMMEDIATE")
        if database.execute("PRAGMA user_version").fetchone() == (version,):
            for statement in filter(str.strip, _SCHEMA.split(";")):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {_VERSION}")
        database.execute("COMMIT")
        database.execute(f"PRAGMA busy_timeout = {_WAIT * 1000:.0f}")

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
        if key in self._removed:
            return None
        try:
            return self._found(key, request)
        except sqlite3.OperationalError as error:
            logger.warning("The HTTP cache %s was not read: %s", self.path, error)
        except (sqlite3.DatabaseError, *_DAMAGE) as error:
            self._begin_anew(error)
        return None

    def _found(self, key: bytes, request: Headers) -> Entry | None:
        now = self._time()
        oldest = now - self._max_age if self._max_age else 0.0
        for number, url, checksum, head, body in self._database.execute(_FIND, (key, oldest)):
            if number in self._gone:
                continue
            if checksum != _checksum(key, head, body):
                raise _DamagedError(f"the entry of {url} is not what was written")
            stored = _stored(head)
            if matches(stored, request):
                self._used[number] = now
                if len(self._used) >= _BATCH_USED:
                    self._write_in_time(now)
                return Entry(url, stored, _unpacked(body), number)
        return None

    def put(self, key: bytes, entry: Entry, *, replacing: Entry | None = None) -> None:
        """Keep *entry* under *key*, in the place of *replacing* and of what was selected by the same headers."""
        kept = [one for one in self._new.get(key, ()) if one is not replacing and one.stored.vary != entry.stored.vary]
        if replacing is not None and replacing.number:
            self._gone.append(replacing.number)
        self._new[key] = [*kept, entry]
        self._gathered += 1
        self._gathered_bytes += len(entry.body)
        now = self._time()
        if (
            self._gathered >= _BATCH
            or self._gathered_bytes >= _BATCH_BYTES
            or abs(now - self._tried_at) >= _INTERVAL  # the clock of the wall may be set back
        ):
            self._write_in_time(now)

    def _write_in_time(self, now: float) -> None:
        """Write, if that was not tried in vain a moment ago."""
        if not self._database_is_held or abs(now - self._tried_at) >= _INTERVAL:
            self.write()

    def remove(self, key: bytes) -> None:
        """Forget what is kept under *key*."""
        self._new.pop(key, None)
        self._removed.add(key)
        self._gathered += 1

    def write(self) -> None:
        """Write what has gathered, in one transaction, and make room; while another crawl writes, leave it for the next time."""
        now = self._tried_at = self._time()
        if not (self._new or self._removed or self._gone or self._used):
            return
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._write_gathered(now)
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._not_written(error)
            return
        except sqlite3.DatabaseError as error:
            self._begin_anew(error)
        self._forget_gathered()

    def _write_gathered(self, now: float) -> None:
        database = self._database
        rows = [_row(key, entry, now) for key, entries in self._new.items() for entry in entries]
        database.executemany("DELETE FROM entry WHERE key = ?", [(key,) for key in self._removed])
        database.executemany("DELETE FROM entry WHERE number = ?", [(number,) for number in self._gone])
        database.executemany(
            "UPDATE entry SET used = ? WHERE number = ?", [(at, number) for number, at in self._used.items()]
        )
        database.executemany(_INSERT, rows)
        self._size += sum(row[5] for row in rows)
        if self._max_size and self._size > self._max_size:
            self._make_room(database)

    def _not_written(self, error: sqlite3.OperationalError) -> None:
        """Keep what has gathered for later if another crawl holds the file, within bounds; else do without: it is a cache."""
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
        self._database_is_held = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
        if (
            self._database_is_held
            and self._gathered < _PATIENCE * _BATCH
            and self._gathered_bytes < _PATIENCE * _BATCH_BYTES
        ):
            return
        logger.warning("The HTTP cache %s was not written: %s", self.path, error)
        removed = self._removed
        self._forget_gathered()
        self._removed = removed  # what must not be used again is never given up

    def _forget_gathered(self) -> None:
        self._new, self._removed, self._gone, self._used = {}, set(), [], {}
        self._gathered = self._gathered_bytes = 0
        self._database_is_held = False

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

    def urls(self) -> Iterator[str]:
        """Yield the URL of every entry."""
        self.write()
        for (url,) in self._database.execute("SELECT url FROM entry ORDER BY number"):
            yield url

    def close(self) -> None:
        """Write what has gathered, and close the file."""
        self._database.execute(f"PRAGMA busy_timeout = {_LAST_WAIT * 1000:.0f}")
        self.write()
        self._database.close()


def _row(key: bytes, entry: Entry, now: float) -> tuple[Any, ...]:
    stored = entry.stored
    headers = [[name, list(values)] for name, values in dict.items(stored.headers)]
    head = msgspec.msgpack.encode([stored.status, headers, stored.requested, stored.received, stored.vary])
    body = _packed(entry.body)
    variant = blake2b(repr(stored.vary).encode(), digest_size=8).digest()
    size = len(head) + len(body)
    return key, variant, entry.url, stored.received, now, size, _checksum(key, head, body), head, body


def _checksum(key: bytes, head: bytes, body: bytes) -> int:
    """Return what tells damage by chance from what was written."""
    return zlib.crc32(body, zlib.crc32(head, zlib.crc32(key)))


def _stored(head: bytes) -> Stored:
    status, headers, requested, received, vary = msgspec.msgpack.decode(head)
    selected = tuple((name, digest) for name, digest in vary)
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
