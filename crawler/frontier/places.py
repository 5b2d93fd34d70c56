"""Places: which requests of a host wait in the database, best first. Eight bytes each, so that no index of the disk has to tell.

An index by host would be written all over with every commit: a row of each host that a page links to. These are rebuilt from the
rows when a job is resumed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort

# Numbers that were taken stay in front until there are so many, and more than of those that wait.
_LEFT = 4096


class Places:
    """The sequence numbers of the stored requests of one host, by rank: the lowest rank first, then the lowest number."""

    __slots__ = ("_runs", "host")

    def __init__(self, host: str) -> None:
        self.host = host
        self._runs: list[_Run] = []  # the best rank last

    def __repr__(self) -> str:
        return f"<Places of {self.host}: {sum(map(len, self._runs))} in {len(self._runs)} ranks>"

    def __bool__(self) -> bool:
        return bool(self._runs)

    # Hot: once per request, where more wait than the workbench holds.
    def add(self, rank: int, sequence: int) -> None:
        """Note that the request number *sequence* waits."""
        runs = self._runs
        run = runs[-1] if runs and runs[-1].rank == rank else self._run(rank)
        run.add(sequence)

    def _run(self, rank: int) -> _Run:
        """Return the run of *rank*, a new one if there is none."""
        at = bisect_left(self._runs, -rank, key=_order)
        if at == len(self._runs) or self._runs[at].rank != rank:
            self._runs.insert(at, _Run(rank, array("Q")))
        return self._runs[at]

    def restore(self, rank: int, sequences: array[int]) -> None:
        """Take over the numbers of a rank that has none yet, the lowest first."""
        insort(self._runs, _Run(rank, sequences), key=_order)

    def first(self) -> tuple[int, int]:
        """Return the best (rank, sequence); there must be one."""
        return self._runs[-1].rank, self._runs[-1].first()

    def next(self, count: int) -> tuple[int, list[int]]:
        """Return the best rank and its best sequence numbers: *count*, or fewer if it has no more. There must be one."""
        run = self._runs[-1]
        return run.rank, run.next(count)

    # Hot: once per row that is read.
    def has_within(self, count: int, rank: int, sequence: int) -> bool:
        """Tell whether the request number *sequence*, of *rank*, is one of the best *count*, if it waits at all."""
        run = self._runs[-1]
        return run.rank == rank and run.has_within(count, sequence)

    def drop(self, count: int) -> None:
        """Remove the best *count* sequence numbers, all of one rank."""
        run = self._runs[-1]
        run.drop(count)
        if not run:
            self._runs.pop()


class _Run:
    """Sequence numbers of one rank, the lowest first."""

    __slots__ = ("_numbers", "_start", "rank")

    def __init__(self, rank: int, numbers: array[int]) -> None:
        self.rank = rank
        self._numbers = numbers
        self._start = 0

    def __len__(self) -> int:
        return len(self._numbers) - self._start

    def add(self, sequence: int) -> None:
        numbers = self._numbers
        if not numbers or sequence > numbers[-1]:
            numbers.append(sequence)
        elif self._start and sequence < numbers[self._start]:
            self._start -= 1
            numbers[self._start] = sequence
        else:
            insort(numbers, sequence, lo=self._start)

    def first(self) -> int:
        return self._numbers[self._start]

    def next(self, count: int) -> list[int]:
        return self._numbers[self._start : self._start + count].tolist()

    def has_within(self, count: int, sequence: int) -> bool:
        numbers, start = self._numbers, self._start
        end = start + count
        return numbers[start] <= sequence and (end >= len(numbers) or sequence < numbers[end])

    def drop(self, count: int) -> None:
        self._start += count
        if self._start > _LEFT and self._start > len(self):
            del self._numbers[: self._start]
            self._start = 0


def _order(run: _Run) -> int:
    return -run.rank
