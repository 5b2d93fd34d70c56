"""Content-Encoding undone as the bytes arrive: gzip, deflate (zlib or raw), br, zstd, and stacks of them.

    undoing = decoder(b"gzip", max_size=1_000_000)
    body = b"".join(undoing.feed(chunk) for chunk in chunks) + undoing.finish()

Rules:

* What comes out is counted, and decoding stops in the middle of a chunk when it passes ``max_size``: a bomb costs the limit
  and one step (see ``STEP``), whatever its ratio and however often it is stacked.
* As browsers do, what follows a complete gzip or deflate stream and starts no further gzip member is ignored.
* A coding that is not known (servers send ``utf-8``, ``none``, ``binary``) ends the decoding; ``left`` then names what is left on.
* A stream that ends early is a ``ResponseDataLossError``, one that is wrong a ``ResponseDecodeError``.

The codecs push: each writes to the next, the last one to the counter, so that stacked codings need no buffer between them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Protocol

import brotli
import zstandard

from crawler.exceptions import ResponseDataLossError, ResponseDecodeError, ResponseTooLargeError

#: What to send as Accept-Encoding.
ACCEPT_ENCODING = b"gzip, deflate, br, zstd"

# Bytes that one step of a codec may give at once: large enough that a page takes one step, small beside any body limit.
STEP = 256 * 1024

# RFC 9659: a decoder of the zstd coding need not support more, and a larger window is memory that the server decides on.
ZSTD_WINDOW = 8 * 1024 * 1024

# Nobody applies more; a header of a thousand codings would build a thousand codecs.
MAX_STACKED = 5

Sink = Callable[[bytes], None]


class Codec(Protocol):
    """Undoes one coding, writing to the sink that it was built with."""

    def write(self, data: bytes) -> None:
        """Decode *data* and pass on what comes out, in bounded pieces."""

    def finish(self) -> None:
        """Raise ``ResponseDataLossError`` if the stream is not complete."""


class Decoder:
    """Undoes the codings of one body. ``left`` holds the codings that stay on, outermost last.

    With *keep*, what comes out goes there as it comes, in pieces of at most STEP if the body is coded, and is not returned.
    """

    def __init__(self, codings: list[bytes], max_size: int, keep: Callable[[bytes], object] | None = None) -> None:
        self.left = list(codings)
        self._max_size = max_size
        self._size = 0
        self._pieces: list[bytes] = []
        self._keep = keep or self._pieces.append
        self._codecs: list[Codec] = []
        names: list[bytes] = []
        while self.left and (self.left[-1] in _CODECS or self.left[-1] == b"identity"):
            name = self.left.pop()
            if name != b"identity":
                names.append(name)
        if len(names) > MAX_STACKED:
            raise ResponseDecodeError(
                f"{len(names)} content codings on top of each other; at most {MAX_STACKED} are undone"
            )
        sink: Sink = self._count
        for name in reversed(names):
            codec = _CODECS[name](sink)
            sink = codec.write
            self._codecs.insert(0, codec)
        self._write = sink

    def __repr__(self) -> str:
        return f"<Decoder {len(self._codecs)} codings, {self._size} bytes out>"

    def feed(self, chunk: bytes) -> bytes:
        """Return what *chunk* decodes to; raise ``ResponseTooLargeError`` or ``ResponseDecodeError``."""
        self.write(chunk)
        return self._taken()

    # Hot: once or more per response.
    def write(self, chunk: bytes) -> None:
        """Decode *chunk* into what keeps the pieces; raise as :meth:`feed` does."""
        try:
            self._write(chunk)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            raise ResponseDecodeError(f"the body is not what its Content-Encoding says: {error}") from error

    def finish(self) -> bytes:
        """Return what was still held back; raise ``ResponseDataLossError`` if the stream ended early."""
        for codec in self._codecs:
            codec.finish()
        self._codecs.clear()
        del self._write  # which is a method of this object: together they would wait for the garbage collector
        return self._taken()

    def _count(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._max_size and self._size > self._max_size:
            self._pieces.clear()
            raise ResponseTooLargeError(limit=self._max_size)
        self._keep(piece)

    def _taken(self) -> bytes:
        pieces = self._pieces
        if len(pieces) == 1:
            return pieces.pop()
        joined = b"".join(pieces)
        pieces.clear()
        return joined


def decoder(content_encoding: bytes | Iterable[bytes], max_size: int) -> Decoder:
    """Return a decoder for the values of a Content-Encoding header. A *max_size* of 0 is no limit."""
    return Decoder(codings(content_encoding), max_size)


def codings(content_encoding: bytes | Iterable[bytes]) -> list[bytes]:
    """Return the codings that header values name, lower case, in the order in which they were applied."""
    values = [content_encoding] if isinstance(content_encoding, bytes) else content_encoding
    return [coding for value in values for name in value.split(b",") if (coding := name.strip().lower())]


class _Inflate:
    """The steps that gzip and deflate share: a zlib object that is asked for STEP bytes at a time."""

    def __init__(self, sink: Sink, window_bits: int) -> None:
        self._sink = sink
        self._window_bits = window_bits
        self.restart()

    def restart(self) -> None:
        self._zlib = zlib.decompressobj(self._window_bits)

    @property
    def complete(self) -> bool:
        return self._zlib.eof

    def write(self, data: bytes) -> bytes:
        """Inflate *data* and return what follows the end of the stream."""
        while True:
            piece = self._zlib.decompress(data, STEP)
            if piece:
                self._sink(piece)
            if self._zlib.eof:
                return self._zlib.unused_data
            data = self._zlib.unconsumed_tail
            # A full piece may have left output inside zlib with no input remaining.
            if not data and len(piece) < STEP:
                return b""


class _Gzip:
    MAGIC = b"\x1f\x8b"

    def __init__(self, sink: Sink) -> None:
        self._member = _Inflate(sink, 31)
        self._started = False
        self._between = False
        self._ignoring = False
        self._held = b""

    def write(self, data: bytes) -> None:
        data, self._held = self._held + data, b""
        while data and not self._ignoring:
            if self._between:
                if data == self.MAGIC[:1]:
                    self._held = data
                    return
                if not data.startswith(self.MAGIC):
                    self._ignoring = True
                    return
                self._member.restart()
            self._started, self._between = True, False
            data = self._member.write(data)
            self._between = self._member.complete

    def finish(self) -> None:
        if self._started and not self._between:
            raise ResponseDataLossError("the gzip stream of the body ends early")


class _Deflate:
    """The coding that servers do not agree on: zlib format (RFC 9110) or the bare deflate stream."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._stream: _Inflate | None = None
        self._held = b""

    def write(self, data: bytes) -> None:
        if self._stream is None:
            data, self._held = self._held + data, b""
            if len(data) < 2:
                self._held = data
                return
            zlib_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._stream = _Inflate(self._sink, 15 if zlib_header else -15)
        if not self._stream.complete:
            self._stream.write(data)

    def finish(self) -> None:
        if self._held or (self._stream is not None and not self._stream.complete):
            raise ResponseDataLossError("the deflate stream of the body ends early")


class _Brotli:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._brotli = brotli.Decompressor()
        self._started = False

    def write(self, data: bytes) -> None:
        if not data:
            return
        if self._brotli.is_finished():  # within one chunk the library refuses it, too
            raise ResponseDecodeError("there are bytes after the end of the br stream of the body")
        self._started = True
        piece = self._brotli.process(data, output_buffer_limit=STEP)
        while piece:
            self._sink(piece)
            # A full piece may have left output inside brotli, even if it says that it can take more input.
            if len(piece) < STEP and self._brotli.can_accept_more_data():
                return
            piece = self._brotli.process(b"", output_buffer_limit=STEP)

    def finish(self) -> None:
        if self._started and not self._brotli.is_finished():
            raise ResponseDataLossError("the br stream of the body ends early")


class _Zstd:
    def __init__(self, sink: Sink) -> None:
        self._frames = ZstdFrames()
        self._zstd = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).stream_writer(
            _Writer(sink),  # type: ignore[arg-type]  # write() is all that is called
            write_size=STEP,
            closefd=False,
        )

    def write(self, data: bytes) -> None:
        self._zstd.write(data)
        self._frames.walk(data)

    def finish(self) -> None:
        if not self._frames.at_boundary:
            raise ResponseDataLossError("the zstd stream of the body ends early")


class _Writer:
    """A sink as the file that zstandard writes to; an exception raised here ends the decompression."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        self._sink(data)
        return len(data)


class ZstdFrames:
    """Follows the frames of a zstd stream (RFC 8878, section 3) without decoding them, to know whether it ended at a boundary.

    zstandard's bounded interface does not tell, and the one that tells is not bounded.
    """

    def __init__(self) -> None:
        self._field = bytearray()
        self._want = 4
        self._skip = 0
        self._read: Callable[[bytes], None] = self._magic
        self._checksum = False

    @property
    def at_boundary(self) -> bool:
        """Whether the stream may end here: before the first frame or right after one."""
        return self._read == self._magic and not self._field and not self._skip

    def walk(self, data: bytes) -> None:
        """Follow *data*, which the decompressor has accepted."""
        at, end = 0, len(data)
        while at < end:
            if self._skip:
                step = min(self._skip, end - at)
                self._skip -= step
            else:
                step = min(self._want - len(self._field), end - at)
                self._field += data[at : at + step]
                if len(self._field) == self._want:
                    field = bytes(self._field)
                    self._field.clear()
                    self._read(field)
            at += step

    def _expect(self, read: Callable[[bytes], None], want: int, *, after: int = 0) -> None:
        self._read, self._want, self._skip = read, want, after

    def _magic(self, field: bytes) -> None:
        if field == b"\x28\xb5\x2f\xfd":
            self._expect(self._descriptor, 1)
        else:
            self._expect(self._skippable_size, 4)

    def _skippable_size(self, field: bytes) -> None:
        self._expect(self._magic, 4, after=int.from_bytes(field, "little"))

    def _descriptor(self, field: bytes) -> None:
        single = field[0] >> 5 & 1
        self._checksum = bool(field[0] >> 2 & 1)
        content_size = (single, 2, 4, 8)[field[0] >> 6]
        self._expect(self._block, 3, after=(1 - single) + (0, 1, 2, 4)[field[0] & 3] + content_size)

    def _block(self, field: bytes) -> None:
        header = int.from_bytes(field, "little")
        run_length = header >> 1 & 3 == 1
        size = 1 if run_length else header >> 3
        if header & 1:
            self._expect(self._magic, 4, after=size + (4 if self._checksum else 0))
        else:
            self._expect(self._block, 3, after=size)


_CODECS: dict[bytes, Callable[[Sink], Codec]] = {
    b"gzip": _Gzip,
    b"x-gzip": _Gzip,
    b"deflate": _Deflate,
    b"br": _Brotli,
    b"zstd": _Zstd,
}
