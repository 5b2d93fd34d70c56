"""The ledger of a job: what its rows must come to.

It is kept with every commit, and compared with the rows when a job is resumed: a request that has gone, is there twice, or has
another fingerprint is damage that no check of the database's own structure finds. (What else a row of ``waiting`` holds has a
checksum in the row.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from crawler.http.fingerprint import SIZE


@dataclass(frozen=True, slots=True)
class Ledger:
    """How many requests there are, and all their fingerprints, joined by exclusive or."""

    count: int = 0
    fingerprints: bytes = bytes(SIZE)

    def after(self, came: Sequence[bytes], gone: Sequence[bytes] = ()) -> Ledger:
        """Return the ledger when requests of these fingerprints have come and gone."""
        changed = joined(b"".join((self.fingerprints, *came, *gone)))
        return Ledger(self.count + len(came) - len(gone), changed)

    def __add__(self, other: Ledger) -> Ledger:
        return Ledger(self.count + other.count, joined(self.fingerprints + other.fingerprints))


def joined(fingerprints: bytes) -> bytes:
    """Return the exclusive or of *fingerprints*, which stand one behind the other; by halves, which takes few steps."""
    bits = SIZE * 8
    value, count = int.from_bytes(fingerprints, "big"), len(fingerprints) // SIZE
    while count > 1:
        half = count // 2
        value, count = (value >> half * bits) ^ (value & (1 << half * bits) - 1), count - half
    return value.to_bytes(SIZE, "big")


# Hot: once per request that goes to the database, and once when it comes back.
def checksum(sequence: int, digest: bytes, record: bytes) -> int:
    """Return the checksum of what a row of ``waiting`` says of its request."""
    return crc32(record, crc32(digest, sequence & 0xFFFFFFFF))
