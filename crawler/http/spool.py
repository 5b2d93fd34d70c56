"""A body on disk: where a response keeps what is too large for memory.

The file is in no folder: it is unlinked as it is made, readable by nobody else, and its space is free again once the last
response and the last reader of it are gone, or the process, however it ends.

    with response.open_body() as file:      # as often as wanted, each from the beginning, also from other threads
        for block in iter(lambda: file.read(1024 * 1024), b""): ...
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Long enough that a file is read in few calls, short beside the memory that it saves.
BLOCK = 256 * 1024


class Spool:
    """Bytes in a temporary file of *directory*, the system's by default. Grows by :meth:`write`, and is then only read."""

    def __init__(self, directory: str = "") -> None:
        self._file = tempfile.TemporaryFile(dir=directory or None, buffering=0)  # noqa: SIM115  # lives as long as this
        self._size = 0
        #: Called with the size when the bytes are read into memory as a whole.
        self.on_load: Callable[[int], object] | None = None

    def __repr__(self) -> str:
        return f"<Spool of {self._size} bytes>"

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # it could be made
            self._file.close()

    def __len__(self) -> int:
        return self._size

    def write(self, data: bytes) -> None:
        """Append *data*; raise OSError if there is no room for it."""
        rest = memoryview(data)
        while rest:
            written = os.write(self._file.fileno(), rest)
            self._size += written
            rest = rest[written:]

    def head(self, size: int) -> bytes:
        """Return the first *size* bytes."""
        return self.piece(0, size)

    def open(self) -> BinaryIO:
        """Return a file of the bytes, with a position of its own, at the beginning."""
        return cast("BinaryIO", io.BufferedReader(_Reader(self), BLOCK))

    def load(self) -> bytes:
        """Return all of the bytes."""
        if self.on_load is not None:
            self.on_load(self._size)
        return _Reader(self).readall()

    def piece(self, place: int, size: int) -> bytes:
        """Return up to *size* bytes from *place* on; the system gives about 2 GB at most."""
        return os.pread(self._file.fileno(), size, place)


class _Reader(io.RawIOBase):
    """Reads a spool, which it keeps alive meanwhile."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: len(self._spool)}[whence]
        if base + place < 0:
            raise ValueError(f"there is no place before the beginning of a file: {base + place}")
        self._place = base + place
        return self._place

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        room = memoryview(buffer)
        piece = self._spool.piece(self._place, len(room))
        room[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        pieces = []
        while piece := self._spool.piece(self._place, max(0, len(self._spool) - self._place)):
            self._place += len(piece)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
