"""The store that lives in memory: requests beyond the workbench, as compact records.

A request object with its meta costs some 1,000 bytes, its record about 200: the sequence number in eight bytes, then what the
codec makes of it. One object without references, so that the garbage collector has nothing to visit. Requests of one host and
priority wait in the order in which they came. What cannot be written as a record (a lambda as callback, a live object in meta)
is kept as it is: with this store nothing has to survive the process.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, TypeAlias

from crawler.exceptions import NotStorableError

if TYPE_CHECKING:
    from crawler.frontier.codec import RequestCodec
    from crawler.http import Request

#: Sequence number and record in one; or (sequence, request) for what cannot be a record.
Stored: TypeAlias = "bytes | tuple[int, Request]"

_SEQUENCE_SIZE = 8


class MemoryStore:
    """Requests by host, best first."""

    def __init__(self, codec: RequestCodec) -> None:
        self._codec = codec
        self._hosts: dict[str, _HostRecords] = {}
        self._size = 0

    def __repr__(self) -> str:
        return f"<MemoryStore {self._size} requests of {len(self._hosts)} hosts>"

    def __len__(self) -> int:
        return self._size

    def put(self, host: str, priority: int, sequence: int, request: Request) -> None:
        """Keep *request* until it is taken."""
        records = self._hosts.get(host)
        if records is None:
            records = self._hosts[host] = _HostRecords()
        try:
            records.put(priority, sequence, sequence.to_bytes(_SEQUENCE_SIZE, "big") + self._codec.encode(request))
        except NotStorableError:
            records.put(priority, sequence, (sequence, request))
        self._size += 1

    def take(self, host: str, count: int) -> list[tuple[int, int, Request]]:
        """Remove and return the next *count* requests of *host*: (priority, sequence, request), best first."""
        records = self._hosts[host]
        taken: list[tuple[int, int, Request]] = []
        while len(taken) < count and records.priorities:
            priority, stored = records.pop()
            if isinstance(stored, tuple):
                taken.append((priority, *stored))
            else:
                taken.append((priority, _sequence_of(stored), self._codec.decode(memoryview(stored)[_SEQUENCE_SIZE:])))
        if not records.priorities:
            del self._hosts[host]
        self._size -= len(taken)
        return taken

    def first(self, host: str) -> tuple[int, int] | None:
        """Return the (priority, sequence) that :meth:`take` would return first, None if nothing waits."""
        records = self._hosts.get(host)
        return records.first() if records is not None else None


def _sequence_of(stored: Stored) -> int:
    return stored[0] if isinstance(stored, tuple) else int.from_bytes(stored[:_SEQUENCE_SIZE], "big")


class _HostRecords:
    """The records of one host: a queue for each priority, and a heap of the priorities that have any."""

    __slots__ = ("_queues", "priorities")

    def __init__(self) -> None:
        self._queues: dict[int, deque[Stored]] = {}
        self.priorities: list[int] = []

    def put(self, priority: int, sequence: int, stored: Stored) -> None:
        queue = self._queues.get(priority)
        if queue is None:
            queue = self._queues[priority] = deque()
            heappush(self.priorities, -priority)
        if queue and sequence < _sequence_of(queue[0]):
            queue.appendleft(stored)  # it was held until now: the workbench stores its worst first
        else:
            queue.append(stored)

    def first(self) -> tuple[int, int]:
        priority = -self.priorities[0]
        return priority, _sequence_of(self._queues[priority][0])

    def pop(self) -> tuple[int, Stored]:
        priority = -self.priorities[0]
        queue = self._queues[priority]
        stored = queue.popleft()
        if not queue:
            del self._queues[priority]
            heappop(self.priorities)
        return priority, stored
