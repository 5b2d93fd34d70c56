"""The seen test: has a request of this fingerprint been submitted before? Exact in both forms.

``SeenSet`` is a set of digests: quick, some hundred bytes each. ``SeenIndex`` is for jobs, whose digests are on disk anyway: it
keeps eight bytes for each, enough to know nearly always without looking, and looks where that is not enough.

    cell = 24 bits of the digest, and the number of the request whose row has all of it

The first byte of a digest chooses a part of the index, the next three are in the cell and say where in the part it stands. A new
URL hardly ever meets a cell with its bits (two in a thousand do, with ten million URLs), so nothing is read. A URL that was seen
meets one, and the digest of that row is compared; for those seen lately it is in memory, and nothing is read either.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from itertools import islice

# Digests that are known without the disk: the links that the pages of a site share.
_LATELY = 65_536

# The index is cut into parts that grow one by one: making one larger takes a few milliseconds even with ten million URLs.
_PARTS = 256
_FIRST_SIZE = 64

# A part is made larger when it is fuller than this; beyond, chains of cells get long.
_FULL = 0.7

_SEQUENCE_BITS = 40
_SEQUENCE = (1 << _SEQUENCE_BITS) - 1


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

    def restore(self, known: Iterable[tuple[bytes, int]], count: int) -> None:
        """Note all of *known*, *count* pairs of (digest, sequence)."""
        self._digests.update(digest for digest, _ in known)

    def add(self, digest: bytes, sequence: int) -> None:
        """Note that the request number *sequence* has this fingerprint."""
        self._digests.add(digest)


class SeenIndex:
    """The fingerprints that were submitted, eight bytes each; *digest_of* returns that of a request by its number, or None."""

    __slots__ = ("_counts", "_digest_of", "_lately", "_parts")

    def __init__(self, digest_of: Callable[[int], bytes | None]) -> None:
        self._digest_of = digest_of
        self._parts = [array("Q", bytes(8 * _FIRST_SIZE)) for _ in range(_PARTS)]
        self._counts = [0] * _PARTS
        self._lately: dict[bytes, None] = {}

    def __repr__(self) -> str:
        return f"<SeenIndex {len(self)}>"

    def __len__(self) -> int:
        return sum(self._counts)

    # Hot: once per link.
    def __contains__(self, digest: bytes) -> bool:
        if digest in self._lately:
            return True
        cells, tag = self._parts[digest[0]], int.from_bytes(digest[1:4], "little")
        last = len(cells) - 1
        at = tag & last
        while cell := cells[at]:
            if cell >> _SEQUENCE_BITS == tag and self._digest_of(cell & _SEQUENCE) == digest:
                self._remember(digest)
                return True
            at = (at + 1) & last
        return False

    def add(self, digest: bytes, sequence: int) -> None:
        """Note that the request number *sequence* has this fingerprint."""
        self._remember(digest)
        part = digest[0]
        cells = self._parts[part]
        self._counts[part] += 1
        if self._counts[part] > len(cells) * _FULL:
            cells = self._parts[part] = _grown(cells)
        _put(cells, int.from_bytes(digest[1:4], "little") << _SEQUENCE_BITS | sequence)

    def restore(self, known: Iterable[tuple[bytes, int]], count: int) -> None:
        """Note all of *known*, *count* pairs of (digest, sequence), into an index that is empty yet."""
        size = _FIRST_SIZE
        while size * _FULL * _PARTS < count:
            size *= 2
        counts = self._counts
        parts = self._parts = [array("Q", bytes(8 * size)) for _ in range(_PARTS)]
        for digest, sequence in known:
            part = digest[0]
            at = tag = digest[1] | digest[2] << 8 | digest[3] << 16
            cells = parts[part]
            counts[part] += 1
            if counts[part] > len(cells) * _FULL:
                cells = parts[part] = _grown(cells)  # the parts are not quite alike
            last = len(cells) - 1
            at &= last
            while cells[at]:
                at = (at + 1) & last
            cells[at] = tag << _SEQUENCE_BITS | sequence

    def _remember(self, digest: bytes) -> None:
        lately = self._lately
        lately[digest] = None
        if len(lately) > _LATELY:
            for old in list(islice(lately, _LATELY // 2)):
                del lately[old]


def _grown(old: array[int]) -> array[int]:
    """Return a part of twice the size with the same cells."""
    cells = array("Q", bytes(16 * len(old)))
    for cell in old:
        if cell:
            _put(cells, cell)
    return cells


def _put(cells: array[int], cell: int) -> None:
    """Put *cell* into the first free place from the one that its bits of the digest name."""
    last = len(cells) - 1
    at = (cell >> _SEQUENCE_BITS) & last
    while cells[at]:
        at = (at + 1) & last
    cells[at] = cell
