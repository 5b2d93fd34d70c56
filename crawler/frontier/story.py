"""The story of a URL in a job: how it was found, what was tried, what came of it. Also while the job runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from crawler.exceptions import InvalidURLError, JobError
from crawler.frontier.codec import url_of_record
from crawler.frontier.database import open_to_read
from crawler.frontier.jobs import DATABASE
from crawler.http import Request
from crawler.http.fingerprint import fingerprint

_REFUSALS = {
    "offsite": "its host is not in the spider's allowed_domains (offsite)",
    "depth": "it is deeper than crawl.depth_limit (depth)",
    "url_length": "it is longer than crawl.url_length (url_length)",
}

_COLUMNS = "parent, outcome, reason, status, attempts, seconds, items, earlier"

# Longer chains of pages are cut in the middle: the beginning and the end say what there is to say.
_MOST_STEPS = 30


def story_of(url: str, path: Path) -> Iterator[str]:
    """Yield the lines that tell what became of *url* in the job in the folder *path*."""
    try:
        digest = fingerprint(Request(url))
    except InvalidURLError as error:
        yield str(error)
        return
    try:
        database = open_to_read(path / DATABASE)
        try:
            yield from _story(url, digest, database)
        finally:
            database.close()
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        raise JobError(f"the job store {path} cannot be read: {error}") from error


def _story(url: str, digest: bytes, database: sqlite3.Connection) -> Iterator[str]:
    ended = database.execute(f"SELECT {_COLUMNS} FROM history WHERE digest = ? ORDER BY sequence", (digest,)).fetchall()
    waiting = database.execute("SELECT sequence, parent FROM waiting WHERE digest = ?", (digest,)).fetchall()
    refused = database.execute("SELECT parent, reason FROM refused WHERE digest = ?", (digest,)).fetchone()
    if refused is not None and not ended and not waiting:
        yield from _found(database, refused[0])
        yield f"  It was not taken in: {_REFUSALS.get(refused[1], refused[1])}."
        return
    if not ended and not waiting:
        yield f"{url} was never taken in: no page had a link to it, or it was dropped when it was found"
        yield from _dropped(database)
        return
    for row in ended:
        yield from _found(database, row[0])
        for number, attempt in enumerate(filter(None, row[-1].split("\n")), 1):
            yield f"  Attempt {number}: {attempt}"
        yield f"  {_outcome(row)}"
    for _, parent in waiting:
        yield from _found(database, parent)
        yield "  It is waiting, or on its way."


def _found(database: sqlite3.Connection, parent: int) -> Iterator[str]:
    """Yield the pages that lead from the start to a request."""
    chain: list[str] = []
    while parent and len(chain) < 10_000:
        row = database.execute("SELECT url, parent FROM history WHERE sequence = ?", (parent,)).fetchone()
        if row is None:
            waiting = database.execute("SELECT record, parent FROM waiting WHERE sequence = ?", (parent,)).fetchone()
            if waiting is None:
                break
            row = (url_of_record(waiting[0]), waiting[1])
        chain.append(row[0])
        parent = row[1]
    chain.reverse()
    if len(chain) > _MOST_STEPS:
        left_out = len(chain) - _MOST_STEPS
        chain = [*chain[: _MOST_STEPS // 2], f"... {left_out} more ...", *chain[-_MOST_STEPS // 2 :]]
    if not chain:
        yield "  The spider started with it."
        return
    yield "  Found on:"
    for step in chain:
        yield f"    {step}"


def _outcome(row: tuple[Any, ...]) -> str:
    _, outcome, reason, status, attempts, seconds, items, _ = row
    said = {"done": "Done", "failed": "Failed", "dropped": "Dropped"}[outcome]
    parts = [f"{said}: {reason}" if reason else said]
    if status:
        parts.append(f"status {status}")
    parts.append(f"{attempts} attempt{'s' * (attempts != 1)}, the last took {seconds:.2f} s")
    if outcome == "done":
        parts.append(f"{items} item{'s' * (items != 1)}")
    return ", ".join(parts) + "."


def _dropped(database: sqlite3.Connection) -> Iterator[str]:
    """Yield how many links the crawl has dropped, by reason."""
    row = database.execute("SELECT value FROM job WHERE key = 'stats'").fetchone()
    stats = msgspec.msgpack.decode(row[0]) if row else {}
    for name, count in stats.items():
        if name.startswith("dropped/"):
            yield f"  {count:,} were dropped for the reason {name.removeprefix('dropped/')!r}"
