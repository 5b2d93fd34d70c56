"""Compressed feeds that are whole files after every flush and can be continued after a crash.

A compressed file is a series of members (gzip's word; bz2, xz and zstd allow the same), and reading it gives the
members one after the other. A member stays open over many flushes, because starting one costs compression. gzip and
zstd allow that: a flush brings the compressed stream to a byte boundary, and what would make the file whole from
there, the closing of the document included, is written by hand as one uncompressed block and the member's end. The
next flush overwrites it. bz2 and xz have no such boundary: there every flush ends a member, so that they compress the
worse the more often the feed is flushed.

What is needed to end an open member later, by another process, is a ``MemberState``.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from crawler.exceptions import FeedError

if TYPE_CHECKING:
    from collections.abc import Callable


class MemberState(NamedTuple):
    """The open member of a compressed file: checksum and size of its uncompressed content. Size 0: none is open."""

    checksum: int = 0
    size: int = 0


NO_MEMBER = MemberState()


class Compressor(Protocol):
    """Turns the bytes of a document into those of a compressed file."""

    state: MemberState

    def write(self, data: bytes) -> bytes:
        """Add *data*; return what of the file is ready."""

    def flush(self) -> bytes:
        """Return all that has been held back, up to a byte boundary."""

    def ending(self, closing: bytes, *, alone: bool) -> bytes:
        """Return what makes a whole file of what was flushed, followed by *closing*. Changes nothing.

        *alone* says that the file holds nothing else: then even an empty closing needs a member.
        """


_GZIP_HEADER = (
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no time of writing, so that equal crawls give equal files
)


class GzipCompressor:
    """Deflate in gzip members."""

    def __init__(self, state: MemberState = NO_MEMBER, *, level: int = 6) -> None:
        self.state = state
        self._level = level
        self._deflate: Any = None

    def write(self, data: bytes) -> bytes:
        """Add *data*; a member that another process left open is ended first."""
        start = b""
        if self._deflate is None:
            start = (self._end(b"") if self.state.size else b"") + _GZIP_HEADER
            self.state = MemberState()
            self._deflate = zlib.compressobj(self._level, zlib.DEFLATED, -zlib.MAX_WBITS)
        self.state = MemberState(zlib.crc32(data, self.state.checksum), self.state.size + len(data))
        return start + self._deflate.compress(data)  # type: ignore[no-any-return]  # bytes

    def flush(self) -> bytes:
        """Return all that has been held back."""
        return self._deflate.flush(zlib.Z_SYNC_FLUSH) if self._deflate is not None else b""

    def ending(self, closing: bytes, *, alone: bool) -> bytes:
        """Return a last block that holds *closing*, and the member's trailer; nothing if no member is needed."""
        if self.state.size:
            return self._end(closing)
        return _GZIP_HEADER + self._end(closing) if closing or alone else b""

    def _end(self, closing: bytes) -> bytes:
        block = b"\x01" + struct.pack("<HH", len(closing), len(closing) ^ 0xFFFF) + closing
        size = (self.state.size + len(closing)) & 0xFFFFFFFF
        return block + struct.pack("<II", zlib.crc32(closing, self.state.checksum), size)


class ZstdCompressor:
    """Zstandard frames without checksum and content size."""

    def __init__(self, state: MemberState = NO_MEMBER, *, level: int = 3) -> None:
        import zstandard  # only for feeds that ask for it

        self.state = state
        self._parameters = zstandard.ZstdCompressionParameters.from_level(
            level, write_checksum=False, write_content_size=False
        )
        self._flush_block = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        self._new_frame: Callable[[], Any] = zstandard.ZstdCompressor(compression_params=self._parameters).compressobj
        self._frame: Any = None

    def write(self, data: bytes) -> bytes:
        """Add *data*; a frame that another process left open is ended first."""
        start = b""
        if self._frame is None:
            start = _last_zstd_block(b"") if self.state.size else b""
            self.state = MemberState()
            self._frame = self._new_frame()
        self.state = MemberState(0, self.state.size + len(data))
        return start + self._frame.compress(data)  # type: ignore[no-any-return]  # bytes

    def flush(self) -> bytes:
        """Return all that has been held back."""
        return self._frame.flush(self._flush_block) if self._frame is not None else b""

    def ending(self, closing: bytes, *, alone: bool) -> bytes:
        """Return a last block that holds *closing*; nothing if no frame is open or needed."""
        if self.state.size:
            return _last_zstd_block(closing)
        if not closing and not alone:
            return b""
        frame = self._new_frame()
        return frame.compress(closing) + frame.flush()  # type: ignore[no-any-return]  # bytes


def _last_zstd_block(content: bytes) -> bytes:
    """Return a raw block with the mark of the last one: size, type 0 and the mark in three bytes."""
    return (len(content) << 3 | 1).to_bytes(3, "little") + content


class MemberPerFlushCompressor:
    """For methods without a boundary inside a member; *start* makes a compressor object of ``bz2`` or ``lzma``."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self.state = MemberState()
        self._start = start
        self._member: Any = None

    def write(self, data: bytes) -> bytes:
        """Add *data*."""
        if self._member is None:
            self._member = self._start()
        return self._member.compress(data)  # type: ignore[no-any-return]  # bytes

    def flush(self) -> bytes:
        """End the member."""
        if self._member is None:
            return b""
        member, self._member = self._member, None
        return member.flush()  # type: ignore[no-any-return]  # bytes

    def ending(self, closing: bytes, *, alone: bool) -> bytes:
        """Return a member that holds *closing*."""
        if not closing and not alone:
            return b""
        member = self._start()
        return member.compress(closing) + member.flush()  # type: ignore[no-any-return]  # bytes


class Plain:
    """No compression at all, in the same words."""

    state = MemberState()

    def write(self, data: bytes) -> bytes:
        """Return *data*."""
        return data

    def flush(self) -> bytes:
        """Return nothing."""
        return b""

    def ending(self, closing: bytes, *, alone: bool) -> bytes:
        """Return *closing*."""
        return closing


#: File name suffix -> name of the compression.
SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
NAMES = tuple(SUFFIXES.values())

_MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "bz2": b"BZh", "xz": b"\xfd7zXZ\x00"}


def compressor(name: str, state: MemberState = NO_MEMBER, *, level: int | None = None) -> Compressor:
    """Return the compressor *name* ("" for none), going on after a member in *state*."""
    if name == "":
        return Plain()
    if name == "gzip":
        return GzipCompressor(state, level=6 if level is None else level)
    if name == "zstd":
        return ZstdCompressor(state, level=3 if level is None else level)
    if name == "bz2":
        import bz2  # only for feeds that ask for it

        return MemberPerFlushCompressor(lambda: bz2.BZ2Compressor(9 if level is None else level))
    import lzma  # only for feeds that ask for it

    return MemberPerFlushCompressor(lambda: lzma.LZMACompressor(preset=level))


def decompressed_head(name: str, head: bytes) -> bytes:
    """Return the beginning of a document from the first bytes of its file, as far as they go."""
    if name == "":
        return head
    if _MAGIC[name].startswith(head):
        return b""
    if not head.startswith(_MAGIC[name]):
        raise FeedError(f"it is not compressed with {name}")
    try:
        return bytes(_decompressor(name).decompress(head))
    except Exception as error:  # each library has errors of its own
        raise FeedError(f"its {name} data is damaged: {error}") from error


def _decompressor(name: str) -> Any:
    if name == "gzip":
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    if name == "zstd":
        import zstandard  # only for feeds that ask for it

        return zstandard.ZstdDecompressor().decompressobj()
    if name == "bz2":
        import bz2  # only for feeds that ask for it

        return bz2.BZ2Decompressor()
    import lzma  # only for feeds that ask for it

    return lzma.LZMADecompressor()
