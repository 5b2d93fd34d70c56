"""The store that survives: what waits and what has ended, in the database of a job.

Nothing is written on the path of a request. What happens gathers in memory (a row for each request that was submitted, a mark for
each that ended) and is written with the next commit, in one transaction with the places of the feeds. A request that was submitted
and has ended between two commits never touches the disk but as history.

Every row of ``waiting`` is either *in hand* (on the workbench, or leased) or in the ``stock``, which is the store of the workbench.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import suppress
from dataclasses import astuple
from typing import TYPE_CHECKING, Any
from zlib import crc32

from crawler.exceptions import JobError
from crawler.frontier.digests import Digests
from crawler.frontier.folder import damaged, failed
from crawler.frontier.ledger import Ledger, checksum
from crawler.frontier.notes import told_of
from crawler.frontier.stock import COLUMNS, Row, Stock
from crawler.frontier.visit import REPLACED, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sized

    from crawler.frontier.codec import RequestCodec
    from crawler.frontier.jobs import Job
    from crawler.frontier.seen import Chunk
    from crawler.frontier.visit import Visit
    from crawler.http import Request

_INSERT = f"INSERT INTO waiting ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(', ')))})"
_HISTORY = "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

# The same few links of a site's navigation are refused on every page.
_REFUSED_LATELY = 65_536

# The numbers of a host and rank as texts, each of those that share all but 20 bits: a row for each takes nearly twice as long.
_PLACES = (
    "SELECT host, rank, group_concat(sequence) FROM waiting WHERE not_before IS NULL OR not_before <= ? "
    "GROUP BY host, rank, sequence >> 20 ORDER BY host, rank, sequence >> 20"
)

# Rows that are fetched at once when a job is resumed.
_CHUNK = 1_000


class SqliteStore:
    """The journal of *job*, and the stock of its waiting requests."""

    def __init__(self, job: Job, codec: RequestCodec) -> None:
        self.job = job
        self._codec = codec
        self._database = job.database
        self._new: dict[int, Row] = {}
        self._gone: dict[int, bytes] = {}  # the digests of rows that are to go, by sequence
        self._history: list[tuple[Any, ...]] = []
        self._items: list[tuple[int, bytes, int]] = []
        self._refused: list[tuple[bytes, int, str, str]] = []
        self._refused_lately: set[bytes] = set()
        self._digests = Digests(job.folder)
        self._hosts: dict[str, int] = {key: number for number, key in self._read("SELECT number, key FROM host")}
        self._new_hosts: list[tuple[int, str]] = []
        #: What waits in the database and is not in hand.
        self.stock = Stock(job, codec, read=self._read, unwritten=self._new, numbers=self._hosts)
        # What the rows came to when the job was opened, None for one of before there were ledgers; and what has changed since.
        kept = job.get("ledger")
        self._ledger = Ledger(*kept) if kept is not None else None if self.last_sequence() else Ledger()
        self._changed = Ledger()
        #: Added to the crawl's clock, this gives seconds of the epoch.
        self.epoch = 0.0

    def __repr__(self) -> str:
        return f"<SqliteStore {self.job.name}: {self.stock}, {len(self._new)} to be written>"

    def _read(self, query: str, arguments: tuple[Any, ...] = ()) -> list[Any]:
        try:
            return self._database.execute(query, arguments).fetchall()
        except sqlite3.Error as error:
            raise _broken(self.job, error) from error

    # --- the journal -------------------------------------------------------------------------------------------------

    @property
    def unwritten(self) -> Sized:
        """What the next commit will write of what waits; always the same object."""
        return self._new

    # Hot: once per new request.
    def submitted(self, request: Request, host: str, digest: bytes, not_before: float = 0.0) -> None:
        """Note that *request* waits, until *not_before* at least if that is not 0. Raise NotStorableError if it cannot be kept."""
        number = self._hosts.get(host)
        if number is None:
            number = self._hosts[host] = len(self._hosts) + 1
            self._new_hosts.append((number, host))
        sequence = request._sequence
        record = self._codec.encode(request)
        self._digests.add(sequence, digest)
        self._new[sequence] = (
            -request.priority,
            sequence,
            request._parent,
            digest,
            record,
            number,
            checksum(sequence, digest, record),
            self.epoch + not_before if not_before else None,
        )

    def withdrawn(self, sequence: int, digest: bytes) -> None:
        """Note that the row of a request, which is in hand, is replaced by another's."""
        if self._new.pop(sequence, None) is None:
            self._gone[sequence] = digest

    # Hot: once per visit.
    def ended(self, visit: Visit, digest: bytes, now: float) -> None:
        """Note how *visit* ended."""
        request, reason = visit.request, visit.reason
        self.withdrawn(visit.sequence, digest)
        earlier = request.meta.get("earlier_attempts", ()) if request.has_meta else ()
        if not reason:
            reason = visit.detail
        elif visit.detail and not reason.startswith(REPLACED):
            reason = f"{reason}: {visit.detail}"
        self._history.append(
            (
                visit.sequence,
                visit.parent,
                digest,
                _text(request.url),
                str(visit.outcome),
                _text(reason),
                visit.status,
                1 + len(earlier),
                now - visit.started,
                visit.items,
                _text(told_of(visit, earlier)),
                self.epoch + now,
                visit.response_size,
            )
        )

    # Hot: once per link that is not taken in.
    def refused(self, request: Request, digest: bytes, parent: int, explain: Callable[[], str]) -> None:
        """Note that *request* is not taken in, for what *explain* returns; once for each fingerprint."""
        if digest not in self._refused_lately:
            if len(self._refused_lately) >= _REFUSED_LATELY:
                self._refused_lately.clear()
            self._refused_lately.add(digest)
            self._refused.append((digest, parent, _text(request.url), _text(explain())))

    def keep_items(self, sequence: int, records: Iterable[bytes]) -> None:
        """Keep the *records* of items that the visit of the request number *sequence* brought."""
        self._items += [(sequence, record, crc32(record)) for record in records]

    def commit(self, values: Mapping[str, Any]) -> None:
        """Write what has gathered and *values* in one transaction. Raise JobError if that cannot be."""
        self.job.check_place()
        came = [*(row[3] for row in self._new.values()), *(row[2] for row in self._history)]
        changed = self._changed.after(came, list(self._gone.values()))
        try:
            self._digests.write()
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT INTO host VALUES (?, ?)", self._new_hosts)
            self._database.executemany(_INSERT, self._new.values())
            self._database.executemany("DELETE FROM waiting WHERE sequence = ?", zip(self._gone))
            self._database.executemany(_HISTORY, self._history)
            self._database.executemany("INSERT INTO item VALUES (?, ?, ?)", self._items)
            self._database.executemany("INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?)", self._refused)
            self.job.put({**values, **self._kept_ledger(changed)})
            self._database.execute("COMMIT")
        except (sqlite3.Error, OSError, JobError) as error:
            if self._database.in_transaction:
                with suppress(sqlite3.Error):  # then nothing of it is kept either: closing the database forgets it
                    self._database.execute("ROLLBACK")
            raise error if isinstance(error, JobError) else _broken(self.job, error) from error
        self._changed = changed
        self._new_hosts.clear()
        self._new.clear()
        self._gone.clear()
        self._history.clear()
        self._items.clear()
        self._refused.clear()

    # --- what an earlier process left --------------------------------------------------------------------------------

    def restore(self, now: float) -> Iterator[Chunk]:
        """Take over what waits in the database and may start *now*; return the (digests, sequence numbers) of all that ever came.

        They are read as they are asked for, and others may be submitted and end meanwhile.
        """
        if self._ledger == Ledger() and not self.last_sequence():
            return iter(())
        try:
            self.stock.restore(self._database.execute(_PLACES, (self.epoch + now,)))
            snapshot = self.job.snapshot()
        except sqlite3.Error as error:
            raise _broken(self.job, error) from error
        return self._submitted(snapshot)

    def _submitted(self, snapshot: sqlite3.Connection) -> Iterator[Chunk]:
        found = Ledger()
        try:
            for table in ("waiting", "history"):
                cursor = snapshot.execute(f"SELECT digest, sequence FROM {table} ORDER BY sequence")
                while rows := cursor.fetchmany(_CHUNK):
                    digests, sequences = zip(*rows, strict=True)
                    found = found.after(digests)
                    self._digests.load(digests, sequences)
                    yield digests, sequences
        except (sqlite3.Error, OSError) as error:
            raise _broken(self.job, error) from error
        finally:
            snapshot.close()
        if self._ledger is not None and found != self._ledger:
            said = f"its requests are not those that were written: {found.count}, and there were {self._ledger.count}"
            raise JobError(damaged(self.job.folder, said))
        self._ledger = found

    def _kept_ledger(self, changed: Ledger) -> dict[str, Any]:
        return {} if self._ledger is None else {"ledger": astuple(self._ledger + changed)}

    def delayed(self, now: float) -> Iterator[tuple[str, float, Request]]:
        """Yield what waits in the database and may not start *now*: host, time and request."""
        for host, until, request in self.stock.delayed(self.epoch + now):
            yield host, until - self.epoch, request

    # Hot: once per link that was seen long ago.
    def digest_of(self, sequence: int) -> bytes:
        """Return the fingerprint of a request by its number. Raise JobError if it cannot be read."""
        try:
            return self._digests.of(sequence)
        except OSError as error:
            raise _broken(self.job, error) from error

    def last_sequence(self) -> int:
        """Return the highest sequence number that was given out."""
        highest = [self._read(f"SELECT max(sequence) FROM {table}")[0][0] or 0 for table in ("waiting", "history")]
        return max(highest)

    def outcomes(self) -> Counter[Outcome]:
        """Return how many requests ended how."""
        rows = self._read("SELECT outcome, count(*) FROM history GROUP BY outcome")
        try:
            return Counter({Outcome(outcome): count for outcome, count in rows})
        except ValueError as error:
            raise JobError(damaged(self.job.folder, f"how a request ended cannot be read: {error}")) from error

    def items(self) -> int:
        """Return how many items the visits that ended brought."""
        return int(self._read("SELECT total(items) FROM history")[0][0])


def _text(text: str) -> str:
    """Return *text* as SQLite takes it: half of a surrogate pair, as errors quote it from a page, is written out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _broken(job: Job, error: sqlite3.Error | OSError) -> JobError:
    return JobError(failed(job.folder, error))
