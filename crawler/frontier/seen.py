"""The seen test: has a request of this fingerprint been submitted before?

Exact. A set of 16-byte digests; what is behind it, and whether it survives a crash, is the store's business.
"""

from __future__ import annotations

from collections.abc import Iterable


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

    def restore(self, digests: Iterable[bytes]) -> None:
        """Note all of *digests*."""
        self._digests.update(digests)

    def add(self, digest: bytes) -> None:
        """Note that a request of this fingerprint was submitted."""
        self._digests.add(digest)
