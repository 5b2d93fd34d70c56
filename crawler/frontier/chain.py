"""Chains of requests in a job: the pages that led to one, and the requests that followed one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from crawler.frontier.codec import url_of_record
from crawler.frontier.notes import read
from crawler.frontier.visit import REPLACED

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

# A chain of pages that is longer is not followed to its end: a spider that follows "next" makes such.
_MOST_PAGES = 10_000

# A chain of redirects that is longer than any policy allows.
_MOST_HOPS = 100


class Step(NamedTuple):
    """A request that led to another; ``led`` is what did, if it was not a link: a status, for one."""

    url: str
    led: str = ""
    is_replaced: bool = False


class Hop(NamedTuple):
    """A request that another went on as: its URL, how it ended ("" if it waits), and what made it go on, if it did."""

    url: str
    outcome: str = ""
    status: int = 0
    led: str = ""


def chain_to(parent: int, database: sqlite3.Connection) -> tuple[list[Step], int]:
    """Return the requests from the start to the request number *parent*, and the number at which the chain begins.

    That is 0 for what a spider starts with; see ``OF_NO_PAGE``. Otherwise the job does not hold that request.
    """
    chain: list[Step] = []
    while parent > 0 and len(chain) < _MOST_PAGES:
        row = database.execute(
            "SELECT url, reason, earlier, parent FROM history WHERE sequence = ?", (parent,)
        ).fetchone()
        if row is not None:
            url, reason, earlier, before = row
            is_replaced = reason.startswith(REPLACED)
            chain.append(Step(url, read(earlier)[0].led if is_replaced else "", is_replaced))
        else:
            row = database.execute("SELECT record, parent FROM waiting WHERE sequence = ?", (parent,)).fetchone()
            if row is None:
                break
            record, before = row
            chain.append(Step(url_of_record(record)))
        parent = before
    return chain[::-1], parent


def hops_from(sequence: int, reason: str, database: sqlite3.Connection) -> Iterator[Hop]:
    """Yield the requests that the one number *sequence*, which ended with *reason*, went on as.

    The last has no outcome if it waits, and "unknown" if the job has no such request: it was a duplicate, or not taken in.
    """
    for _ in range(_MOST_HOPS):
        if not reason.startswith(REPLACED):
            return
        target = reason.removeprefix(REPLACED)
        # What follows a request was submitted when it ended, so it is not far behind it.
        row = database.execute(
            "SELECT sequence, url, outcome, reason, status, earlier FROM history WHERE sequence > ? AND parent = ? LIMIT 1",
            (sequence, sequence),
        ).fetchone()
        if row is None:
            waiting = database.execute(
                "SELECT 1 FROM waiting WHERE sequence > ? AND parent = ? LIMIT 1", (sequence, sequence)
            ).fetchone()
            yield Hop(target, "" if waiting else "unknown")
            return
        sequence, url, outcome, reason, status, earlier = row
        yield Hop(url, outcome, status, read(earlier)[0].led if reason.startswith(REPLACED) else "")
