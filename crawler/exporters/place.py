"""Where a feed stands: the values that a job keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

#: How many bytes before the place are compared when a feed is continued: more than a usual last record's end.
CHECKED = 512


class Batch(NamedTuple):
    """A complete document of a feed that waits for its delivery: where it lies in the spool, and where it goes."""

    number: int
    uri: str
    items: int
    file: str


class FeedPlace(NamedTuple):
    """How far a feed had got at a flush: plain values, so that ``FeedPlace(*stored)`` restores it.

    The first ``offset`` bytes of the file are settled; what follows only makes it a whole document. ``items`` counts
    what this crawl has written. ``check`` is a digest of the last settled bytes. The member is the open one of a
    compressed file.

    What follows is of feeds that are delivered: the URI of the current document and the number of its batch, whether it
    was begun, the items of earlier batches, its size before compression, how many seconds ago it got its first item, when the
    crawl began, and the batches that are complete and not delivered yet.
    """

    path: str
    offset: int
    items: int
    check: int
    member_checksum: int = 0
    member_size: int = 0
    uri: str = ""
    batch: int = 1
    is_open: bool = True
    earlier: int = 0
    size: int = 0
    age: float = 0.0
    begun: str = ""
    complete: tuple[Batch, ...] = ()

    @classmethod
    def stored(cls, values: Sequence[Any]) -> FeedPlace:
        """Return the place that a job has kept as *values*, which may be of an earlier version and then have fewer."""
        place = cls(*values)
        return place._replace(complete=tuple(Batch(*one) for one in place.complete))


def digest(tail: bytes) -> int:
    """Return what is compared of the last *tail* bytes before a place; it fits a signed 64-bit integer."""
    return int.from_bytes(hashlib.blake2b(tail, digest_size=7).digest(), "big")
