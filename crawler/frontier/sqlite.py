"""The store that survives: what waits and what has ended, in the database of a job.

Nothing is written on the path of a request. What happens gathers in memory (a row for each request that was submitted, a mark for
each that ended) and is written with the next commit, in one transaction with the places of the feeds. A request that was submitted
and has ended between two commits never touches the disk but as history.

As the store of the workbench it holds what does not fit there. Every row of ``waiting`` is either *in hand* (on the workbench, or
leased) or stored; the numbers of those that are stored are in memory, so that moving a request between the two writes nothing.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, Any, TypeAlias

from crawler.exceptions import JobError, NotStorableError, describe
from crawler.frontier.folder import damaged, failed
from crawler.frontier.notes import told_of
from crawler.frontier.places import Places
from crawler.frontier.visit import REPLACED, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from crawler.frontier.codec import RequestCodec
    from crawler.frontier.jobs import Job
    from crawler.frontier.visit import Visit
    from crawler.http import Request

_INSERT = "INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?)"
_HISTORY = "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

# Rows of a host that are read at once; of each when a job is resumed; and rows of all hosts that may lie ready, of some 150 bytes.
_READ_AHEAD = 64
_READ_FIRST = 4
_ROWS_AHEAD = 65_536

# The same few links of a site's navigation are refused on every page.
_REFUSED_LATELY = 65_536

_DIGEST = ("SELECT digest FROM history WHERE sequence = ?", "SELECT digest FROM waiting WHERE sequence = ?")
_ROWS = "SELECT rank, sequence, parent, digest, record FROM waiting WHERE sequence IN ({})"

# Rows that one query asks for by their numbers; rows that are fetched at once when a job is resumed.
_AT_ONCE = 500
_CHUNK = 1_000

#: What waits, as it was read: rank, sequence, parent, digest, record.
_Row: TypeAlias = tuple[int, int, int, bytes, bytes]


class _Stock:
    """The stored requests of one host: those whose rows were read already, and the places of the others, which come after them."""

    __slots__ = ("ahead", "places")

    def __init__(self) -> None:
        self.ahead: deque[_Row] = deque()
        self.places = Places()

    def first(self) -> tuple[int, int]:
        """Return the best (rank, sequence); there must be one."""
        return self.ahead[0][:2] if self.ahead else self.places.first()


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
        self._stocks: dict[str, _Stock] = {}  # of hosts that have stored requests
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

    def withdrawn(self, sequence: int) -> None:
        """Note that the row of a request, which is in hand, is replaced by another's."""
        if self._new.pop(sequence, None) is None:
            self._gone.append((sequence,))

    # Hot: once per visit.
    def ended(self, visit: Visit, digest: bytes, now: float) -> None:
        """Note how *visit* ended."""
        request, reason = visit.request, visit.reason
        self.withdrawn(visit.sequence)
        earlier = request.meta.get("earlier_attempts", ()) if request.has_meta else ()
        if not reason:
            reason = visit.detail
        elif visit.detail and not reason.startswith(REPLACED):
            reason = f"{reason}: {visit.detail}"
        self._ended[visit.sequence] = digest
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
        self._items += [(sequence, record) for record in records]

    def commit(self, values: Mapping[str, Any]) -> None:
        """Write what has gathered and *values* in one transaction. Raise JobError if that cannot be."""
        self.job.check_place()
        try:
            if not self._database.in_transaction:
                self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT INTO host VALUES (?, ?)", self._new_hosts)
            self._database.executemany(_INSERT, self._new.values())
            self._database.executemany("DELETE FROM waiting WHERE sequence = ?", self._gone)
            self._database.executemany(_HISTORY, self._history)
            self._database.executemany("INSERT INTO item VALUES (?, ?)", self._items)
            self._database.executemany("INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?)", self._refused)
            self.job.put(dict(values))
            self._database.execute("COMMIT")
        except (sqlite3.Error, JobError) as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise error if isinstance(error, JobError) else _broken(self.job, error) from error
        self._new_hosts.clear()
        self._new.clear()
        self._gone.clear()
        self._history.clear()
        self._items.clear()
        self._refused.clear()
        self._ended.clear()

    # --- the store of the workbench ----------------------------------------------------------------------------------

    # Hot: once per request, where more wait than the workbench holds.
    def put(self, host: str, priority: int, sequence: int, request: Request) -> None:
        """Let go of *request*, which waits in the database from now on."""
        rank = -priority
        stock = self._stocks.get(host)
        if stock is None:
            stock = self._stocks[host] = _Stock()
        elif stock.ahead and (rank, sequence) < stock.ahead[-1][:2]:
            self._give_back(stock)  # it belongs among them
        stock.places.add(rank, sequence)
        self._size += 1

    def _give_back(self, stock: _Stock) -> None:
        """Forget the rows of *stock* that were read ahead."""
        self._rows_ahead -= len(stock.ahead)
        while stock.ahead:
            rank, sequence, *_ = stock.ahead.pop()
            stock.places.add(rank, sequence)

    # Hot: once per request, where more wait than the workbench holds.
    def take(self, host: str, count: int) -> list[tuple[int, int, Request]]:
        """Return the next *count* stored requests of *host*, which are in hand from now on."""
        stock = self._stocks.get(host)
        if stock is None:
            return []
        taken: list[tuple[int, int, Request]] = []
        ahead = stock.ahead
        while len(taken) < count and (ahead or stock.places):
            if not ahead:
                self._read_ahead((stock,), _READ_AHEAD)
            rank, sequence, parent, digest, record = ahead.popleft()
            try:
                request = self._codec.decode(record)
            except Exception as error:  # whatever may come of reading what nobody has written
                raise self._unreadable(sequence, error) from error
            request._sequence, request._parent, request._identity = sequence, parent, digest
            taken.append((-rank, sequence, request))
        self._size -= len(taken)
        self._rows_ahead -= len(taken)
        if not ahead and not stock.places:
            del self._stocks[host]
        return taken

    def _unreadable(self, sequence: int, error: Exception) -> JobError:
        if isinstance(error, JobError):
            return error
        if isinstance(error, NotStorableError):
            return JobError(f"the job {self.job.name} cannot go on: {error}. What was committed is safe")
        return JobError(damaged(self.job.folder, f"request {sequence} cannot be read: {describe(error)}"))

    def _read_ahead(self, stocks: Collection[_Stock], most: int) -> None:
        """Read the next rows of *stocks*, *most* of each: one query for many requests, and no object before it is needed."""
        count = max(1, min(most, (_ROWS_AHEAD - self._rows_ahead) // len(stocks)))
        taken = [(stock.ahead, sequence) for stock in stocks for sequence in stock.places.take(count)]
        rows = self._rows([sequence for _, sequence in taken])
        for ahead, sequence in taken:
            ahead.append(rows[sequence])
        self._rows_ahead += len(taken)

    def _rows(self, sequences: list[int]) -> dict[int, _Row]:
        """Return the rows of requests by their numbers: from the database, or as the next commit will write them."""
        written = [sequence for sequence in sequences if sequence not in self._new]
        rows: dict[int, _Row] = {}
        for start in range(0, len(written), _AT_ONCE):
            some = written[start : start + _AT_ONCE]
            for row in self._read(_ROWS.format(",".join("?" * len(some))), tuple(some)):
                rows[row[1]] = row
        for sequence in sequences:
            if sequence not in rows:
                rows[sequence] = self._unwritten(sequence)
        return rows

    def _unwritten(self, sequence: int) -> _Row:
        new = self._new.get(sequence)
        if new is None:
            raise JobError(damaged(self.job.folder, f"request {sequence} is not there any more"))
        _, _, rank, parent, digest, record = new
        return rank, sequence, parent, digest, record

    def first(self, host: str) -> tuple[int, int] | None:
        """Return the (priority, sequence) that :meth:`take` would return first."""
        stock = self._stocks.get(host)
        if stock is None:
            return None
        rank, sequence = stock.first()
        return -rank, sequence

    # --- what an earlier process left --------------------------------------------------------------------------------

    def count_waiting(self) -> int:
        """Return how many requests wait in the database."""
        return int(self._read("SELECT count(*) FROM waiting")[0][0])

    def restore(self) -> Iterator[tuple[Sequence[bytes], Sequence[int]]]:
        """Take over what waits in the database; yield the (digests, sequence numbers) of all that was ever submitted."""
        keys = {number: key for key, number in self._hosts.items()}
        numbers: defaultdict[tuple[int, int], array[int]] = defaultdict(lambda: array("Q"))
        for digests, sequences, *places in self._chunks(
            "SELECT digest, sequence, host, rank FROM waiting ORDER BY sequence"
        ):
            for place, sequence in zip(zip(*places, strict=True), sequences, strict=True):
                numbers[place].append(sequence)
            yield digests, sequences
        for (host, rank), of_rank in numbers.items():
            self._stocks.setdefault(keys[host], _Stock()).places.restore(rank, of_rank)
            self._size += len(of_rank)
        yield from self._chunks("SELECT digest, sequence FROM history")
        if self._stocks:
            self._read_ahead(self._stocks.values(), _READ_FIRST)

    def _chunks(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the columns of the rows of *query*, many rows at a time."""
        try:
            cursor = self._database.execute(query)
            while rows := cursor.fetchmany(_CHUNK):
                yield tuple(zip(*rows, strict=True))
        except sqlite3.Error as error:
            raise _broken(self.job, error) from error

    def hosts(self) -> list[str]:
        """Return the hosts that have stored requests."""
        return list(self._stocks)

    # Hot: once per link that was seen long ago.
    def digest_of(self, sequence: int) -> bytes | None:
        """Return the fingerprint of a request by its number, None if it was withdrawn. Raise JobError if it cannot be read."""
        new = self._new.get(sequence)
        if new is not None:
            return new[4]
        ended = self._ended.get(sequence)
        if ended is not None:
            return ended
        try:
            # Outside of a transaction each look-up locks the database, which takes as long again. The next commit ends this one.
            if not self._database.in_transaction:
                self._database.execute("BEGIN")
            for query in _DIGEST:
                row = self._database.execute(query, (sequence,)).fetchone()
                if row is not None:
                    digest: bytes = row[0]
                    return digest
        except sqlite3.Error as error:
            raise _broken(self.job, error) from error
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


def _text(text: str) -> str:
    """Return *text* as SQLite takes it: half of a surrogate pair, as errors quote it from a page, is written out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _broken(job: Job, error: sqlite3.Error) -> JobError:
    return JobError(failed(job.folder, error))
