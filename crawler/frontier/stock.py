"""The stock: requests of a job that wait in its database, beyond what the workbench holds.

Which requests of a host wait, and in which order, is known in memory (``places``), so that moving one between workbench and stock
writes nothing. Their rows are read before they are asked for, many with one query:

    on from the row that is wanted    as long as a good part of what lies there is what its host wants next: hosts that are asked
                                      in turn find all their rows so, and the disk is read from one end to the other
    those of one host                 by their numbers, wherever they lie, where the first way brought little

What is ahead of a host, its rows that were read, comes before all that it still has places of.
"""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from typing import TYPE_CHECKING, TypeAlias

from crawler.exceptions import JobError, NotStorableError, describe
from crawler.frontier.folder import damaged
from crawler.frontier.ledger import checksum
from crawler.frontier.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from crawler.frontier.codec import RequestCodec
    from crawler.frontier.jobs import Job
    from crawler.http import Request

# Rows that are read at once: on from one, of one host, and of each host when a job is resumed; and those that may lie ready for all
# hosts, some 300 bytes each.
_RUN = 512
_OF_A_HOST = 64
_OF_EACH = 4
_MOST_AHEAD = 65_536

# The part of the rows of a run below which hosts are read one by one, for so many times before another run is tried.
_USEFUL = 0.25
_UNTRIED = 16

# Rows that one query asks for by their numbers.
_AT_ONCE = 500

#: Those of ``waiting``, in the order of a :data:`Row`.
COLUMNS = "rank, sequence, parent, digest, record, host, checksum, not_before"
_ON = f"SELECT {COLUMNS} FROM waiting WHERE sequence >= ? ORDER BY sequence LIMIT ?"
_BY_NUMBER = f"SELECT {COLUMNS} FROM waiting WHERE sequence IN ({{}})"
_DELAYED = f"SELECT {COLUMNS} FROM waiting WHERE not_before > ?"

#: What waits: a row of ``waiting``.
Row: TypeAlias = tuple[int, int, int, bytes, bytes, int, int | None, float | None]


class _Host:
    """What is stored of one host."""

    __slots__ = ("ahead", "key", "places")

    def __init__(self, key: str) -> None:
        self.key = key
        self.ahead: deque[Row] = deque()
        self.places = Places()

    def first(self) -> tuple[int, int]:
        """Return the best (rank, sequence); there must be one."""
        return self.ahead[0][:2] if self.ahead else self.places.first()


class Stock:
    """The requests of *job* that wait in its database, as the store of a workbench.

    *read* runs a query. *unwritten* are the rows that the next commit will write, by their numbers. *numbers* are those of hosts.
    """

    def __init__(
        self,
        job: Job,
        codec: RequestCodec,
        *,
        read: Callable[[str, tuple[float, ...]], list[Row]],
        unwritten: Mapping[int, Row],
        numbers: Mapping[str, int],
    ) -> None:
        self._job = job
        self._decode = codec.decode
        self._read = read
        self._unwritten = unwritten
        self._numbers = numbers
        self._hosts: dict[int, _Host] = {}  # those that have something here
        self._size = 0
        self._ahead = 0
        self._untried = 0

    def __repr__(self) -> str:
        return f"<Stock {self._size} of {len(self._hosts)} hosts, {self._ahead} read ahead>"

    def __len__(self) -> int:
        return self._size

    def hosts(self) -> list[str]:
        """Return the hosts that have something here."""
        return [host.key for host in self._hosts.values()]

    # Hot: once per request, where more wait than the workbench holds.
    def put(self, host: str, priority: int, sequence: int, request: Request) -> None:
        """Let go of *request*, which waits in the database from now on."""
        rank, number = -priority, self._numbers[host]
        stored = self._hosts.get(number)
        if stored is None:
            stored = self._hosts[number] = _Host(host)
        elif stored.ahead and (rank, sequence) < stored.ahead[-1][:2]:
            self._give_back(stored)  # it belongs among them
        stored.places.add(rank, sequence)
        self._size += 1

    def _give_back(self, stored: _Host) -> None:
        """Forget the rows of a host that were read ahead."""
        self._ahead -= len(stored.ahead)
        while stored.ahead:
            rank, sequence, *_ = stored.ahead.pop()
            stored.places.add(rank, sequence)

    # Hot: once per request, where more wait than the workbench holds.
    def take(self, host: str, count: int) -> list[tuple[int, int, Request]]:
        """Return the next *count* requests of *host*, which are in hand from now on."""
        number = self._numbers.get(host, 0)
        stored = self._hosts.get(number)
        if stored is None:
            return []
        taken: list[tuple[int, int, Request]] = []
        ahead = stored.ahead
        while len(taken) < count and (ahead or stored.places):
            if not ahead:
                self._read_more(stored)
            row = ahead.popleft()
            taken.append((-row[0], row[1], self._request(row)))
        self._size -= len(taken)
        self._ahead -= len(taken)
        if not ahead and not stored.places:
            del self._hosts[number]
        return taken

    # Hot: once per request that waited in the database.
    def _request(self, row: Row) -> Request:
        """Return the request of *row*."""
        _, sequence, parent, digest, record, _, kept, _ = row
        try:
            if kept is not None and kept != checksum(sequence, digest, record):
                raise ValueError("it is not what was written")
            request = self._decode(record)
        except Exception as error:  # whatever may come of reading what nobody has written
            raise self._unreadable(sequence, error) from error
        request._sequence, request._parent, request._identity = sequence, parent, digest
        return request

    def _unreadable(self, sequence: int, error: Exception) -> JobError:
        if isinstance(error, JobError):
            return error
        if isinstance(error, NotStorableError):
            return JobError(f"the job {self._job.name} cannot go on: {error}. What was committed is safe")
        return JobError(damaged(self._job.folder, f"request {sequence} cannot be read: {describe(error)}"))

    def first(self, host: str) -> tuple[int, int] | None:
        """Return the (priority, sequence) that :meth:`take` would return first."""
        stored = self._hosts.get(self._numbers.get(host, 0))
        if stored is None:
            return None
        rank, sequence = stored.first()
        return -rank, sequence

    def _read_more(self, stored: _Host) -> None:
        """Read rows ahead, at least the next one of a host that has none."""
        room = max(1, _MOST_AHEAD - self._ahead)
        if self._untried:
            self._untried -= 1
        else:
            self._read_on(stored.places.first()[1], min(_RUN, room))
        if not stored.ahead:
            self._read_of((stored,), min(_OF_A_HOST, room))

    def _read_on(self, sequence: int, count: int) -> None:
        """Read *count* rows from the one of *sequence* on; keep of them what comes next at its host."""
        rows = self._read(_ON, (sequence, count))
        kept = 0
        for row in rows:
            stored = self._hosts.get(row[5])
            if stored is not None and stored.places.take_if_first(row[0], row[1]):
                stored.ahead.append(row)
                kept += 1
        self._ahead += kept
        if kept < len(rows) * _USEFUL:
            self._untried = _UNTRIED

    def _read_of(self, hosts: Collection[_Host], count: int) -> None:
        """Read the next *count* rows of each of *hosts*."""
        taken = [(stored.ahead, sequence) for stored in hosts for sequence in stored.places.take(count)]
        rows = self._rows([sequence for _, sequence in taken])
        for ahead, sequence in taken:
            ahead.append(rows[sequence])
        self._ahead += len(taken)

    def _rows(self, sequences: list[int]) -> dict[int, Row]:
        """Return the rows of requests by their numbers: from the database, or as the next commit will write them."""
        rows = {sequence: self._unwritten[sequence] for sequence in sequences if sequence in self._unwritten}
        written = [sequence for sequence in sequences if sequence not in rows]
        for start in range(0, len(written), _AT_ONCE):
            some = written[start : start + _AT_ONCE]
            for row in self._read(_BY_NUMBER.format(",".join("?" * len(some))), tuple(some)):
                rows[row[1]] = row
        missing = next((sequence for sequence in written if sequence not in rows), None)
        if missing is not None:
            raise JobError(damaged(self._job.folder, f"request {missing} is not there any more"))
        return rows

    def delayed(self, now: float) -> Iterator[tuple[str, float, Request]]:
        """Yield what may not start before a time that is later than *now*, in seconds of the epoch: host, time and request."""
        keys = {number: key for key, number in self._numbers.items()}
        for row in self._read(_DELAYED, (now,)):
            if row[5] not in keys:
                raise self._of_no_host(row[1])
            yield keys[row[5]], row[7] or 0.0, self._request(row)

    def _of_no_host(self, sequence: int) -> JobError:
        return JobError(damaged(self._job.folder, f"request {sequence} is of a host that is not there"))

    def restore(self, places: Iterable[tuple[int, int, str]]) -> None:
        """Take over what waits in the database and is not delayed.

        *places* are (host number, rank, sequence numbers with commas between them); of those of one host and rank, the lower
        numbers come first, but in a text they have no order.
        """
        runs: defaultdict[tuple[int, int], array[int]] = defaultdict(lambda: array("Q"))
        for number, rank, sequences in places:
            runs[number, rank].extend(sorted(map(int, sequences.split(","))))
        keys = {number: key for key, number in self._numbers.items()}
        for (number, rank), run in runs.items():
            if number not in self._hosts:
                if number not in keys:
                    raise self._of_no_host(run[0])
                self._hosts[number] = _Host(keys[number])
            self._hosts[number].places.restore(rank, run)
            self._size += len(run)
        if self._hosts:
            self._read_of(self._hosts.values(), max(1, min(_OF_EACH, _MOST_AHEAD // len(self._hosts))))
