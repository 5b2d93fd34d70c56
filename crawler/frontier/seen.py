"""The seen test: has a request of this fingerprint been submitted before? Exact in both forms.

``SeenSet`` is a set of digests: quick, some hundred bytes each. ``SeenIndex`` is for jobs, whose digests are on disk anyway: it
keeps eight bytes for each, enough to know nearly always without looking, and looks where that is not enough.

    cell = 24 bits of the digest, and the number of the request, by which all of it is found

The first byte of a digest chooses a part of the index, the next three are in the cell and say where in the part it stands. A new
URL hardly ever meets a cell with its bits (two in a thousand do, with ten million URLs), so nothing is read. A URL that was seen
meets one, and the digest of that request is compared; for those seen lately it is in memory, and nothing is read either.
"""

from __future__ import annotations

import struct
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias

from crawler.http.fingerprint import SIZE

# Digests that are known without the disk, in each of two generations: the links that the pages of a site share.
_LATELY = 16_384

# The index is cut into parts that grow one by one, by a quarter: that takes some milliseconds even with ten million URLs.
_PARTS = 256
_FIRST_SIZE = 64
_ONE_CELL = array("Q", [0])

# Cells from which on a part has memory of its own.
_LARGE = 1_024

# A part is made larger when it is fuller than this; beyond, chains of cells get long.
_FULL = 0.75

# The first four bytes of a digest: the part, and what is in the cell.
_HEADS = struct.Struct(f"<I{SIZE - 4}x")
_head = _HEADS.unpack

_SEQUENCE_BITS = 40
_SEQUENCE = (1 << _SEQUENCE_BITS) - 1

_Cells: TypeAlias = "array[int] | memoryview[int]"

#: Digests, and the numbers of their requests.
Chunk: TypeAlias = tuple[Sequence[bytes], Sequence[int]]


class SeenSet:
    """The fingerprints that were submitted, in memory."""

    __slots__ = ("_digests",)

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    def __repr__(self) -> str:
        return f"<SeenSet {len(self._digests)}>"

    def __len__(self) -> int:
        return len(self._digests)

    # Hot: once per link.
    def __contains__(self, digest: bytes) -> bool:
        return digest in self._digests

    def add(self, digest: bytes, sequence: int) -> None:
        """Note that the request number *sequence* has this fingerprint."""
        self._digests.add(digest)

    def add_many(self, digests: Sequence[bytes], sequences: Sequence[int]) -> None:
        """Note all of *digests*, those of the requests of these numbers."""
        self._digests.update(digests)

    def reserve(self, count: int) -> None:
        """Make room for *count* of them, into an empty set: a set finds it by itself."""


class SeenIndex:
    """The fingerprints that were submitted, eight bytes each; *digest_of* returns that of a request by its number."""

    __slots__ = ("_before", "_counts", "_digest_of", "_lately", "_parts")

    def __init__(self, digest_of: Callable[[int], bytes]) -> None:
        self._digest_of = digest_of
        self._parts = [_empty(_FIRST_SIZE) for _ in range(_PARTS)]
        self._counts = [0] * _PARTS
        self._lately: set[bytes] = set()
        self._before: set[bytes] = set()  # what was lately seen when there were so many that new ones were begun

    def __repr__(self) -> str:
        return f"<SeenIndex {len(self)}>"

    def __len__(self) -> int:
        return sum(self._counts)

    # Hot: once per link.
    def __contains__(self, digest: bytes) -> bool:
        if digest in self._lately or digest in self._before:
            return True
        (head,) = _head(digest)
        cells, tag = self._parts[head & 255], head >> 8
        size = len(cells)
        at = tag % size
        while cell := cells[at]:
            if cell >> _SEQUENCE_BITS == tag and self._digest_of(cell & _SEQUENCE) == digest:
                self._remember(digest)
                return True
            at += 1
            if at == size:
                at = 0
        return False

    # Hot: once per new request.
    def add(self, digest: bytes, sequence: int) -> None:
        """Note that the request number *sequence* has this fingerprint."""
        self._remember(digest)
        (head,) = _head(digest)
        part, tag = head & 255, head >> 8
        cells = self._parts[part]
        self._counts[part] = count = self._counts[part] + 1
        if count > len(cells) * _FULL:
            cells = self._parts[part] = _grown(cells)
        size = len(cells)
        at = tag % size
        while cells[at]:
            at += 1
            if at == size:
                at = 0
        cells[at] = tag << _SEQUENCE_BITS | sequence

    def reserve(self, count: int) -> None:
        """Make room for *count* fingerprints; the index is empty yet."""
        size = _FIRST_SIZE
        while size * _FULL * _PARTS < count:
            size = _larger(size)
        self._parts = [_empty(size) for _ in range(_PARTS)]

    # Hot: once per request that was ever submitted, when a job is resumed.
    def add_many(self, digests: Sequence[bytes], sequences: Sequence[int]) -> None:
        """Note all of *digests*, those of the requests of these numbers, which are not lately seen ones."""
        joined = b"".join(digests)
        for part, count in Counter(joined[::SIZE]).items():
            self._counts[part] += count
            while self._counts[part] > len(self._parts[part]) * _FULL:
                self._parts[part] = _grown(self._parts[part])
        parts = self._parts
        for (head,), sequence in zip(_HEADS.iter_unpack(joined), sequences, strict=True):
            cells = parts[head & 255]
            tag = head >> 8
            size = len(cells)
            at = tag % size
            while cells[at]:
                at += 1
                if at == size:
                    at = 0
            cells[at] = tag << _SEQUENCE_BITS | sequence

    def _remember(self, digest: bytes) -> None:
        self._lately.add(digest)
        if len(self._lately) >= _LATELY:
            self._before, self._lately = self._lately, set()


def _larger(size: int) -> int:
    return size + size // 4


def _empty(size: int) -> _Cells:
    """Return *size* cells that are zero. Memory of their own goes back to the system: in the heap parts would leave holes."""
    if size < _LARGE:
        return _ONE_CELL * size
    from mmap import mmap  # by those who have seen so many

    return memoryview(mmap(-1, 8 * size)).cast("Q")


def _grown(old: _Cells) -> _Cells:
    """Return a larger part with the same cells."""
    size = _larger(len(old))
    cells = _empty(size)
    for cell in filter(None, old.tolist()):
        at = (cell >> _SEQUENCE_BITS) % size
        while cells[at]:
            at += 1
            if at == size:
                at = 0
        cells[at] = cell
    return cells
