"""Many deadlines, one timer.

A fetch has up to three deadlines, nearly all of which are never reached. Asking the reactor for a timer for each would cost more
than parsing the response, so they wait in one heap, and the reactor is asked for the earliest only. A deadline that moves to
later, or that nobody waits for any more, is found out when its turn comes.
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from crawler.interfaces import Clock, Timer

NEVER = float("inf")

# Entries that nobody waits for are swept out when they are more than this many and more than those that count.
_SWEEP = 1024


class Watched(Protocol):
    """Something with a deadline: ``due`` is its time, ``NEVER`` once it is over; ``queued`` belongs to :class:`Deadlines`."""

    due: float
    queued: float

    def overdue(self, now: float) -> None:
        """Act on the deadline having passed."""


class Deadlines:
    """Calls ``overdue`` on what is watched when its time has come."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Watched]] = []
        self._order = count()
        self._timer: Timer | None = None
        self._armed = NEVER
        self._sweep_at = _SWEEP

    def __repr__(self) -> str:
        return f"<Deadlines {sum(entry[2].due < NEVER for entry in self._heap)} waiting>"

    # Hot: once or twice per fetch.
    def watch(self, watched: Watched) -> None:
        """Take note that ``watched.due`` is new; nothing happens if it has only moved to later."""
        due = watched.due
        if due >= watched.queued:
            return
        watched.queued = due
        heapq.heappush(self._heap, (due, next(self._order), watched))
        if len(self._heap) > self._sweep_at:
            self._heap[:] = [entry for entry in self._heap if entry[2].due < NEVER]
            heapq.heapify(self._heap)
            self._sweep_at = max(_SWEEP, 2 * len(self._heap))
        if due < self._armed:
            self._arm(due)

    def stop(self) -> None:
        """Forget every deadline."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._armed = None, NEVER

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = due
        self._timer = self._clock.callLater(max(0.0, due - self._clock.seconds()), self._ring)

    def _ring(self) -> None:
        self._timer, self._armed = None, NEVER
        now = self._clock.seconds()
        heap = self._heap
        while heap and (heap[0][0] <= now or heap[0][2].due == NEVER):
            _, _, watched = heapq.heappop(heap)
            watched.queued = NEVER
            if watched.due <= now:
                watched.overdue(now)
            elif watched.due < NEVER:
                watched.queued = watched.due
                heapq.heappush(heap, (watched.due, next(self._order), watched))
        if heap and heap[0][0] < self._armed:
            self._arm(heap[0][0])
