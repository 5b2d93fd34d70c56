"""The stock: requests of a job that wait in its database, beyond what the workbench holds.

Which requests of a host wait, and in which order, is known in memory (``places``), so that moving one between workbench and stock
writes nothing. Their rows never change, so that any of them may be read before it is asked for, many with one query, and kept near
until then:

    a block        the rows around the one that is wanted, as long as hosts want a good part of them soon: hosts that are asked in
                   turn find all their rows so, and the disk is read from one end to the other
    by number      what the one host wants next, wherever it lies, where blocks brought little
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from crawler.exceptions import JobError, NotStorableError, describe
from crawler.frontier.folder import damaged
from crawler.frontier.ledger import checksum
from crawler.frontier.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from crawler.frontier.codec import RequestCodec
    from crawler.frontier.jobs import Job
    from crawler.http import Request

# Rows that are read at once: a block, of one host, and of each host when a job is resumed.
_BLOCK = 512
_OF_A_HOST = 64
_OF_EACH = 4

# Rows that are kept near, some 400 bytes each: enough for hosts that are asked in turn, though not in step.
_MOST_NEAR = 65_536

# The part of a block that hosts must want soon, as every eighth row tells. Where they want less, rows are read by number so many
# times before another block; where they want nearly all, the rest costs less than to be told apart.
_SAMPLE = 8
_USEFUL = 0.25
_NEARLY_ALL = 0.75
_UNTRIED = 16

# Rows that one query asks for by their numbers.
_AT_ONCE = 500

#: Those of ``waiting``, in the order of a :data:`Row`.
COLUMNS = "rank, sequence, parent, digest, record, host, checksum, not_before"
_BLOCK_FROM = f"SELECT {COLUMNS} FROM waiting WHERE sequence >= ? AND sequence < ?"
_BY_NUMBER = f"SELECT {COLUMNS} FROM waiting WHERE sequence IN ({{}})"
_DELAYED = f"SELECT {COLUMNS} FROM waiting WHERE not_before > ?"

#: What waits: a row of ``waiting``.
Row: TypeAlias = tuple[int, int, int, bytes, bytes, int, int | None, float | None]


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
        self._hosts: dict[int, Places] = {}  # those that have something here
        self._near: dict[int, Row] = {}  # the oldest first
        self._size = 0
        self._untried = 0

    def __repr__(self) -> str:
        return f"<Stock {self._size} of {len(self._hosts)} hosts, {len(self._near)} rows near>"

    def __len__(self) -> int:
        return self._size

    def hosts(self) -> list[str]:
        """Return the hosts that have something here."""
        return [places.host for places in self._hosts.values()]

    # Hot: once per request, where more wait than the workbench holds.
    def put(self, host: str, priority: int, sequence: int, request: Request) -> None:
        """Let go of *request*, which waits in the database from now on."""
        number = self._numbers[host]
        places = self._hosts.get(number)
        if places is None:
            places = self._hosts[number] = Places(host)
        places.add(-priority, sequence)
        self._size += 1

    def take(self, host: str, count: int) -> list[tuple[int, int, Request]]:
        """Return the next *count* requests of *host*, which are in hand from now on."""
        number = self._numbers.get(host, 0)
        places = self._hosts.get(number)
        taken: list[tuple[int, int, Request]] = []
        while places and len(taken) < count:
            rank, sequences = places.next(count - len(taken))
            taken += [(-rank, sequence, self._request(self._row(sequence, places))) for sequence in sequences]
            places.drop(len(sequences))
            self._size -= len(sequences)
        if not places:
            self._hosts.pop(number, None)
        return taken

    # Hot: once per request that waited in the database.
    def _row(self, sequence: int, places: Places) -> Row:
        """Return the row of a request by its number, which is among the next of *places*."""
        row = self._near.pop(sequence, None)
        if row is None:
            self._bring(sequence, places)
            row = self._near.pop(sequence)
        return row

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
        places = self._hosts.get(self._numbers.get(host, 0))
        if places is None:
            return None
        rank, sequence = places.first()
        return -rank, sequence

    def _bring(self, sequence: int, places: Places) -> None:
        """Bring the row of a request near, and with it others that will be asked for before long."""
        unwritten = self._unwritten.get(sequence)
        if unwritten is not None:
            self._near[sequence] = unwritten
            return
        self._make_room()
        if self._untried:
            self._untried -= 1
        else:
            self._bring_block(sequence - sequence % _BLOCK)
        if sequence not in self._near:
            self._bring_all([sequence, *places.next(self._soon())[1]])

    def _make_room(self) -> None:
        near = self._near
        for sequence in list(islice(near, max(0, len(near) - _MOST_NEAR))):
            del near[sequence]

    def _bring_block(self, start: int) -> None:
        """Bring near what hosts want soon of the block that begins at number *start*: all of it, if that is nearly all."""
        rows = self._read(_BLOCK_FROM, (start, start + _BLOCK))
        soon, hosts = self._soon(), self._hosts

        def is_wanted(row: Row) -> bool:
            places = hosts.get(row[5])
            return places is not None and places.has_within(soon, row[0], row[1])

        some = rows[::_SAMPLE]
        wanted = sum(map(is_wanted, some))
        if wanted < len(some) * _USEFUL:
            self._untried = _UNTRIED
        if wanted < len(some) * _NEARLY_ALL:
            rows = list(filter(is_wanted, rows))
        self._near.update(zip(map(itemgetter(1), rows), rows, strict=True))

    def _soon(self) -> int:
        """Return how many requests of each host may be near."""
        return max(2, min(_OF_A_HOST, _MOST_NEAR // 2 // len(self._hosts)))

    def _bring_all(self, sequences: Iterable[int]) -> None:
        """Bring the rows of requests near by their numbers: from the database, or as the next commit will write them."""
        near, unwritten = self._near, self._unwritten
        missing = [sequence for sequence in dict.fromkeys(sequences) if sequence not in near]
        near.update((sequence, unwritten[sequence]) for sequence in missing if sequence in unwritten)
        written = [sequence for sequence in missing if sequence not in unwritten]
        for start in range(0, len(written), _AT_ONCE):
            some = written[start : start + _AT_ONCE]
            near.update((row[1], row) for row in self._read(_BY_NUMBER.format(",".join("?" * len(some))), tuple(some)))
        gone = next((sequence for sequence in written if sequence not in near), None)
        if gone is not None:
            raise JobError(damaged(self._job.folder, f"request {gone} is not there any more"))

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
                self._hosts[number] = Places(keys[number])
            self._hosts[number].restore(rank, run)
            self._size += len(run)
        each = max(1, min(_OF_EACH, _MOST_NEAR // max(1, len(self._hosts))))
        self._bring_all(sequence for places in self._hosts.values() for sequence in places.next(each)[1])
