"""The account of a job, from the rows of its database: what was taken in waits or has ended, in one place and for a reason."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from crawler.frontier import Frontier

_ROWS = "SELECT sequence, digest FROM waiting UNION ALL SELECT sequence, digest FROM history"


class Visited(NamedTuple):
    """A page that a crawl has visited, and how that ended."""

    url: str
    outcome: str
    reason: str
    status: int
    items: int


class Account:
    """What a job has taken in, followed from commit to commit and from process to process. A check raises AssertionError."""

    def __init__(self) -> None:
        self.taken: Counter[bytes] = Counter()
        self.checks = 0

    def __repr__(self) -> str:
        return f"<Account of {self.taken.total()} requests, checked {self.checks} times>"

    def check(self, database: Any) -> None:
        """Check the rows of *database* by themselves, and against those of the commits before."""
        rows = database.execute(_ROWS).fetchall()
        assert len(rows) == len({sequence for sequence, _ in rows}), "a request waits and has ended"
        taken = Counter(digest for _, digest in rows)
        assert not self.taken - taken, f"{(self.taken - taken).total()} requests are neither waiting nor ended"
        (silent,) = database.execute("SELECT count(*) FROM history WHERE outcome != 'done' AND reason = ''").fetchone()
        assert not silent, f"{silent} requests were dropped or failed without a reason"
        self.taken = taken
        self.checks += 1

    def check_with(self, frontier: Frontier, database: Any) -> None:
        """Check the rows of *database*, to which everything was just committed, against what *frontier* counts."""
        self.check(database)
        ended = dict(database.execute("SELECT outcome, count(*) FROM history GROUP BY outcome"))
        assert ended == {str(outcome): count for outcome, count in frontier.ended.items()}
        (waiting,) = database.execute("SELECT count(*) FROM waiting").fetchone()
        assert waiting == frontier.waiting + frontier.leased
        assert waiting + sum(ended.values()) == frontier.scheduled

    def check_job(self, folder: Path) -> None:
        """Check the job in *folder*, which nobody runs; one whose database was not made yet has taken nothing in."""
        database = sqlite3.connect(folder / "job.sqlite")
        if database.execute("PRAGMA user_version").fetchone() != (0,):
            self.check(database)
        database.close()


def visited(folder: Path) -> Counter[Visited]:
    """Return what the job in *folder* has visited."""
    database = sqlite3.connect(folder / "job.sqlite")
    rows = database.execute("SELECT url, outcome, reason, status, items FROM history").fetchall()
    database.close()
    return Counter(Visited(*row) for row in rows)


def refused(folder: Path) -> Counter[tuple[str, str]]:
    """Return the links that the job in *folder* did not take in, each with the reason."""
    database = sqlite3.connect(folder / "job.sqlite")
    rows = database.execute("SELECT url, reason FROM refused").fetchall()
    database.close()
    return Counter(rows)
