"""The store that survives: what waits and what has ended, in the database of a job.

Nothing is written on the path of a request. What happens gathers in memory (a row for each request that was submitted, a mark for
each that ended) and is written with the next commit, in one transaction with the places of the feeds. A request that was submitted
and has ended between two commits never touches the disk but as history.

As the store of the workbench it holds what does not fit there. Every row of ``waiting`` is either *in hand* (on the workbench, or
leased) or stored; which one is known by a set of the few that are in hand, so that moving a request between the two writes nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, TypeAlias

from crawler.exceptions import JobError, NotStorableError, describe
from crawler.frontier.jobs import damaged
from crawler.frontier.visit import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crawler.frontier.codec import RequestCodec
    from crawler.frontier.jobs import Job
    from crawler.frontier.visit import Visit
    from crawler.http import Request

_INSERT = "INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?)"
_HISTORY = "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

# Rows of a host that are read at once, and rows of all hosts that may lie ready: a record has some 150 bytes.
_READ_AHEAD = 64
_ROWS_AHEAD = 65_536

# The same few links of a site's navigation are refused on every page.
_REFUSED_LATELY = 65_536

_DIGEST = ("SELECT digest FROM history WHERE sequence = ?", "SELECT digest FROM waiting WHERE sequence = ?")
_NEXT = """
SELECT rank, sequence, parent, digest, record FROM waiting
WHERE host = ? AND (rank, sequence) >= (?, ?) ORDER BY rank, sequence
"""

#: What waits, as it was read: rank, sequence, parent, digest, record.
_Row: TypeAlias = tuple[int, int, int, bytes, bytes]


class SqliteStore:
    """The waiting requests of *job* beyond the workbench, and its journal."""

    def __init__(self, job: Job, codec: RequestCodec) -> None:
        self.job = job
        self._codec = codec
        self._database = job.database
        self._new: dict[int, tuple[int, int, int, int, bytes, bytes]] = {}
        self._gone: list[tuple[int]] = []
        self._history: list[tuple[Any, ...]] = []
        self._items: list[tuple[int, bytes]] = []
        self._refused: list[tuple[bytes, int, str, str]] = []
        self._refused_lately: set[bytes] = set()
        self._ended: dict[int, bytes] = {}  # the digests in _history, by sequence
        self._hosts: dict[str, int] = {key: number for number, key in self._read("SELECT number, key FROM host")}
        self._new_hosts: list[tuple[int, str]] = []
        self._in_hand: set[int] = set()
        self._first: dict[str, tuple[int, int]] = {}  # (rank, sequence), for hosts that have stored requests
        self._stored: Counter[str] = Counter()
        self._ahead: dict[str, deque[_Row]] = {}
        self._rows_ahead = 0
        self._size = 0
        #: Added to the crawl's clock, this gives seconds of the epoch.
        self.epoch = 0.0

    def __repr__(self) -> str:
        return f"<SqliteStore {self.job.name}: {self._size} stored, {len(self._new)} to be written>"

    def __len__(self) -> int:
        return self._size

    def _read(self, query: str, arguments: tuple[Any, ...] = ()) -> list[Any]:
        try:
            return self._database.execute(query, arguments).fetchall()
        except sqlite3.Error as error:
            raise _broken(self.job, error) from error

    # --- the journal -------------------------------------------------------------------------------------------------

    # Hot: once per new request.
    def submitted(self, request: Request, host: str, digest: bytes) -> None:
        """Note that *request* waits. Raise NotStorableError if it cannot be kept."""
        number = self._hosts.get(host)
        if number is None:
            number = self._hosts[host] = len(self._hosts) + 1
            self._new_hosts.append((number, host))
        sequence = request._sequence
        record = self._codec.encode(request)
        self._new[sequence] = (sequence, number, -request.priority, request._parent, digest, record)
        self._in_hand.add(sequence)

    def withdrawn(self, sequence: int) -> None:
        """Note that the row of a request is replaced by another's.

        One that is in the database stays there until the commit, and *in hand*, so that it is not read again.
        """
        if self._new.pop(sequence, None) is None:
            self._gone.append((sequence,))
        else:
            self._in_hand.discard(sequence)

    # Hot: once per visit.
    def ended(self, visit: Visit, digest: bytes, now: float) -> None:
        """Note how *visit* ended."""
        request = visit.request
        self.withdrawn(visit.sequence)
        earlier = request.meta.get("earlier_attempts", ()) if request.has_meta else ()
        self._ended[visit.sequence] = digest
        self._history.append(
            (
                visit.sequence,
                visit.parent,
                digest,
                request.url,
                str(visit.outcome),
                f"{visit.reason}: {visit.detail}" if visit.reason and visit.detail else visit.reason or visit.detail,
                visit.status,
                1 + len(earlier),
                now - visit.started,
                visit.items,
                "\n".join(earlier),
                self.epoch + now,
                visit.response_size,
            )
        )

    # Hot: once per link that is not taken in.
    def refused(self, request: Request, digest: bytes, reason: str, parent: int) -> None:
        """Note that *request* is not taken in, for *reason*; once for each fingerprint."""
        if digest not in self._refused_lately:
            if len(self._refused_lately) >= _REFUSED_LATELY:
                self._refused_lately.clear()
            self._refused_lately.add(digest)
            self._refused.append((digest, parent, request.url, reason))

    def keep_items(self, sequence: int, records: Iterable[bytes]) -> None:
        """Keep the *records* of items that the visit of the request number *sequence* brought."""
        self._items += [(sequence, record) for record in records]

    def commit(self, values: Mapping[str, Any]) -> None:
        """Write what has gathered and *values* in one transaction. Raise JobError if that cannot be."""
        try:
            self._write_new()
            self._database.executemany("DELETE FROM waiting WHERE sequence = ?", self._gone)
            self._database.executemany(_HISTORY, self._history)
            self._database.executemany("INSERT INTO item VALUES (?, ?)", self._items)
            self._database.executemany("INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?)", self._refused)
            self.job.put(dict(values))
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise _broken(self.job, error) from error
        self._in_hand.difference_update(sequence for (sequence,) in self._gone)
        self._gone.clear()
        self._history.clear()
        self._items.clear()
        self._refused.clear()
        self._ended.clear()

    def _write_new(self) -> None:
        if not self._database.in_transaction:
            self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany("INSERT INTO host VALUES (?, ?)", self._new_hosts)
        self._database.executemany(_INSERT, self._new.values())
        self._new_hosts.clear()
        self._new.clear()

    # --- the store of the workbench ----------------------------------------------------------------------------------

    def put(self, host: str, priority: int, sequence: int, request: Request) -> None:
        """Let go of *request*, which waits in the database from now on."""
        self._in_hand.discard(sequence)
        place = (-priority, sequence)
        ahead = self._ahead.get(host)
        if ahead is not None and place < ahead[-1][:2]:
            self._rows_ahead -= len(self._ahead.pop(host))  # it belongs among them
        self._store(host, place)

    def _store(self, host: str, place: tuple[int, int], count: int = 1) -> None:
        first = self._first.get(host)
        if first is None or place < first:
            self._first[host] = place
        self._stored[host] += count
        self._size += count

    # Hot: once per request, where more wait than the workbench holds.
    def take(self, host: str, count: int) -> list[tuple[int, int, Request]]:
        """Return the next *count* stored requests of *host*, which are in hand from now on."""
        taken: list[tuple[int, int, Request]] = []
        while len(taken) < count and host in self._first:
            ahead = self._ahead.get(host) or self._read_ahead(host)
            rank, sequence, parent, digest, record = ahead.popleft()
            self._in_hand.add(sequence)
            request = self._request(sequence, record)
            request._sequence, request._parent, request._identity = sequence, parent, digest
            taken.append((-rank, sequence, request))
            self._took(host, ahead)
        return taken

    def _request(self, sequence: int, record: bytes) -> Request:
        try:
            return self._codec.decode(record)
        except JobError:
            raise
        except NotStorableError as error:
            raise JobError(f"the job {self.job.name} cannot go on: {error}. What was committed is safe") from error
        except Exception as error:  # whatever may come of reading what nobody has written
            raise JobError(damaged(self.job.folder, f"request {sequence} cannot be read: {describe(error)}")) from error

    def _took(self, host: str, ahead: deque[_Row]) -> None:
        """Note that the first of *ahead*, the rows of *host* that were read, has been taken."""
        self._size -= 1
        self._rows_ahead -= 1
        self._stored[host] -= 1
        if not self._stored[host]:
            del self._stored[host], self._first[host], self._ahead[host]
            return
        if not ahead:
            ahead = self._read_ahead(host)
        self._first[host] = ahead[0][:2]

    def _read_ahead(self, host: str) -> deque[_Row]:
        """Read the next rows of *host*: one query for many requests, and no object before it is needed."""
        room = max(1, min(_READ_AHEAD, _ROWS_AHEAD - self._rows_ahead))
        ahead: deque[_Row] = deque()
        try:
            if self._new:
                self._write_new()
            for row in self._database.execute(_NEXT, (self._hosts[host], *self._first[host])):
                if row[1] not in self._in_hand:
                    ahead.append(row)
                    if len(ahead) == room:
                        break
        except sqlite3.Error as error:
            raise _broken(self.job, error) from error
        self._ahead[host] = ahead
        self._rows_ahead += len(ahead)
        return ahead

    def first(self, host: str) -> tuple[int, int] | None:
        """Return the (priority, sequence) that :meth:`take` would return first."""
        place = self._first.get(host)
        return None if place is None else (-place[0], place[1])

    # --- what an earlier process left --------------------------------------------------------------------------------

    def restore(self) -> list[tuple[str, int]]:
        """Take over what waits in the database; return (host, how many) for each host."""
        keys = {number: key for key, number in self._hosts.items()}
        waiting = []
        for number, count in self._read("SELECT host, count(*) FROM waiting GROUP BY host"):
            ((rank, sequence),) = self._read(
                "SELECT rank, sequence FROM waiting WHERE host = ? ORDER BY rank, sequence LIMIT 1", (number,)
            )
            self._store(keys[number], (rank, sequence), count)
            waiting.append((keys[number], count))
        return waiting

    def seen(self) -> Iterator[tuple[bytes, int]]:
        """Yield (fingerprint, sequence) of every request that was ever submitted."""
        for table in ("waiting", "history"):
            yield from self._database.execute(f"SELECT digest, sequence FROM {table}")

    # Hot: once per link that was seen long ago.
    def digest_of(self, sequence: int) -> bytes | None:
        """Return the fingerprint of a request by its number, None if it was withdrawn."""
        new = self._new.get(sequence)
        if new is not None:
            return new[4]
        ended = self._ended.get(sequence)
        if ended is not None:
            return ended
        for query in _DIGEST:
            row = self._database.execute(query, (sequence,)).fetchone()
            if row is not None:
                digest: bytes = row[0]
                return digest
        return None

    def last_sequence(self) -> int:
        """Return the highest sequence number that was given out."""
        highest = [self._read(f"SELECT max(sequence) FROM {table}")[0][0] or 0 for table in ("waiting", "history")]
        return max(highest)

    def outcomes(self) -> Counter[Outcome]:
        """Return how many requests ended how."""
        rows = self._read("SELECT outcome, count(*) FROM history GROUP BY outcome")
        return Counter({Outcome(outcome): count for outcome, count in rows})

    def items(self) -> int:
        """Return how many items the visits that ended brought."""
        return int(self._read("SELECT total(items) FROM history")[0][0])


def _broken(job: Job, error: sqlite3.Error) -> JobError:
    return JobError(
        f"the job store {job.folder} failed: {error}. What was committed is safe: make room or mend the disk, then resume the job"
    )
