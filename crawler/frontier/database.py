"""The database of a job: one SQLite file, its schema, and how it is opened.

    job       what the job is and how far it has got: key -> msgpack
    host      politeness keys by number
    waiting   requests that have not ended, leased ones included: one row each, the record as the codec makes it; not_before in
              seconds of the epoch for those that ask to wait
    history   requests that have ended, with how; when, in seconds of the epoch; and how many bytes came
    refused   links that were never taken in, with why
    item      what they brought, in the order of commits, if the job keeps items

In WAL mode with synchronous=FULL: a committed transaction survives the process and the machine. The schema has a version; a newer
one is refused, an older one is migrated when the file is opened.

Values of ``job``, requests and items have a checksum, but for those that older crawlers wrote; ``ledger`` checks the rest.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from zlib import crc32

from crawler.exceptions import JobError
from crawler.frontier.folder import damaged, failed

SCHEMA_VERSION = 5

_SCHEMA = """
CREATE TABLE job (key TEXT PRIMARY KEY, value BLOB, checksum INTEGER) WITHOUT ROWID;
CREATE TABLE host (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE waiting (
    sequence INTEGER PRIMARY KEY, host INTEGER NOT NULL, rank INTEGER NOT NULL, parent INTEGER NOT NULL,
    digest BLOB NOT NULL, record BLOB NOT NULL, checksum INTEGER, not_before REAL
);
CREATE INDEX waiting_delayed ON waiting (not_before) WHERE not_before IS NOT NULL;
CREATE TABLE history (
    sequence INTEGER PRIMARY KEY, parent INTEGER NOT NULL, digest BLOB NOT NULL, url TEXT NOT NULL, outcome TEXT NOT NULL,
    reason TEXT NOT NULL, status INTEGER NOT NULL, attempts INTEGER NOT NULL, seconds REAL NOT NULL, items INTEGER NOT NULL,
    earlier TEXT NOT NULL, ended REAL NOT NULL, size INTEGER NOT NULL
);
CREATE TABLE refused (digest BLOB PRIMARY KEY, parent INTEGER NOT NULL, url TEXT NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE item (sequence INTEGER NOT NULL, record BLOB NOT NULL, checksum INTEGER);
"""

# Version -> what makes the next one of it.
_MIGRATIONS: dict[int, str] = {
    1: """
ALTER TABLE history ADD COLUMN ended REAL NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
""",
    2: "",  # secrets may be sealed since, and what has not been stays as it is
    3: "DROP INDEX waiting_by_host",  # which requests of a host wait is known in memory: see places.py
    4: """
ALTER TABLE job ADD COLUMN checksum INTEGER;
ALTER TABLE waiting ADD COLUMN checksum INTEGER;
ALTER TABLE waiting ADD COLUMN not_before REAL;
ALTER TABLE item ADD COLUMN checksum INTEGER;
CREATE INDEX waiting_delayed ON waiting (not_before) WHERE not_before IS NOT NULL;
""",
}

# Pages in the write-ahead log before they are brought into the database: the tips of its trees change with every commit, and are
# brought in once for many.
_CHECKPOINT = 8_000

# Pages of the database that are kept in memory, in KiB (negative, as SQLite wants it): the tips of its trees.
_CACHE = -4_096


def open_database(path: Path) -> sqlite3.Connection:
    """Return a connection to the database *path*, made if it is not there. Raise JobError if it cannot be used."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()  # or what it had begun would lock the database for the next attempt
            raise
    except sqlite3.OperationalError as error:
        raise JobError(failed(path.parent, error)) from error
    except sqlite3.Error as error:
        raise JobError(
            f"the job store {path} cannot be used: {error}; restore it from a copy, or remove {path.parent} to give the job up"
        ) from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = {_CACHE}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
    _check(connection, path)
    _bring_up_to_date(connection, path)
    _check_values(connection, path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is damaged: reading it as far as it goes would lose requests without a word."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise JobError(damaged(path.parent, found))


def _check_values(connection: sqlite3.Connection, path: Path) -> None:
    for key, value, kept in connection.execute("SELECT key, CAST(value AS BLOB), checksum FROM job"):
        if kept is not None and kept != crc32(value):
            raise JobError(damaged(path.parent, f"its {key!r} is not what was written"))


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise JobError(
            f"the job store {path} has version {version}, and this crawler knows {SCHEMA_VERSION}: use the crawler that made it"
        )
    if version == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    for step in [_SCHEMA] if version == 0 else [_MIGRATIONS[older] for older in range(version, SCHEMA_VERSION)]:
        for statement in filter(str.strip, step.split(";")):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")
