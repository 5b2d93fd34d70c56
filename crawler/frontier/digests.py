"""Digests by number: the fingerprint of every request of a job, where one read finds it.

The rows of the database have them too, but there each is behind a walk down a tree that no cache holds. This is a file of sixteen
bytes for each number. It is in no folder, and its space is free again once the process has ended, however that is: who resumes the
job makes it anew from the rows. So there is nothing that could contradict them, and nothing to be synced.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from crawler.http.fingerprint import SIZE

# Bytes that are kept in memory before they are written: a small job needs no file.
_MOST_UNWRITTEN = 65_536

# A chunk is written at once, with what lies between its numbers, unless that is so many times as many.
_SPARSE = 16


class Digests:
    """The digests of requests by their numbers, in a temporary file on the disk of *folder*."""

    __slots__ = ("_file", "_first", "_folder", "_unwritten")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._first = 0  # the number of the first that is not written
        self._unwritten = bytearray()

    def __repr__(self) -> str:
        return f"<Digests {len(self._unwritten) // SIZE} unwritten>"

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    # Hot: once per new request.
    def add(self, sequence: int, digest: bytes) -> None:
        """Note the digest of the request number *sequence*, the highest that ever came."""
        unwritten = self._unwritten
        if not unwritten:
            self._first = sequence
        skipped = (sequence - self._first) * SIZE - len(unwritten)
        if skipped:
            unwritten += bytes(skipped)
        unwritten += digest

    # Hot: once per link that was seen long ago.
    def of(self, sequence: int) -> bytes:
        """Return the digest of the request number *sequence*; of one that never came, what is no digest. Raise OSError."""
        place = (sequence - self._first) * SIZE
        if place >= 0 and self._unwritten:
            return bytes(self._unwritten[place : place + SIZE])
        return self._read(sequence, 1)

    def write(self) -> None:
        """Write what memory has too much of. Raise OSError if that cannot be: nothing is lost, and it can be tried again."""
        if len(self._unwritten) >= _MOST_UNWRITTEN:
            self._write(self._first, self._unwritten)
            self._unwritten.clear()

    def load(self, digests: Sequence[bytes], sequences: Sequence[int]) -> None:
        """Note the *digests* of the requests of *sequences*, which came earlier, the lowest number first. Raise OSError."""
        first, count = sequences[0], sequences[-1] - sequences[0] + 1
        if count == len(sequences):
            self._write(first, b"".join(digests))
        elif count < len(sequences) * _SPARSE:
            between = bytearray(self._read(first, count).ljust(count * SIZE, b"\0"))
            for sequence, digest in zip(sequences, digests, strict=True):
                place = (sequence - first) * SIZE
                between[place : place + SIZE] = digest
            self._write(first, between)
        else:
            for sequence, digest in zip(sequences, digests, strict=True):
                self._write(sequence, digest)

    def _read(self, first: int, count: int) -> bytes:
        return b"" if self._file is None else os.pread(self._file.fileno(), count * SIZE, first * SIZE)

    def _write(self, first: int, digests: bytes | bytearray) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115  # lives as long as this
        place, written = first * SIZE, 0
        # Let go of at once, not when nobody has this frame any more: as long as there is a view, what is unwritten cannot change.
        with memoryview(digests) as view:
            while written < len(view):
                written += os.pwrite(self._file.fileno(), view[written:], place + written)
