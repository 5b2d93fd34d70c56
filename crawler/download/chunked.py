"""The chunked transfer coding (RFC 9112, section 7.1), undone as the bytes arrive. Bytes in, pieces out.

Extensions and trailers are skipped unread and bounded. White space after a size, and LF for CRLF, are accepted: servers that pad
their sizes exist. The body is complete once its last chunk has come, even if the trailers after it are cut off.
"""

from __future__ import annotations

import re

from crawler.download.errors import ResponseMalformedError

# A size and its extensions. Sixteen digits are more than any size; the rest is room for extensions.
MAX_SIZE_LINE = 4096
MAX_TRAILERS = 16 * 1024

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


class ChunkedDecoder:
    """Takes chunks apart. ``finished`` tells that the end was read, ``rest`` what came after it."""

    def __init__(self) -> None:
        self.finished = False
        self.rest = b""
        self._held = b""
        self._left = 0
        self._trailers = 0
        self._within = "size"

    @property
    def complete(self) -> bool:
        """Whether the last chunk has come."""
        return self.finished or self._within == "trailers"

    def feed(self, data: bytes) -> list[bytes]:
        """Return the pieces of the body in *data*; raise ``ResponseMalformedError`` for what is not chunked."""
        if self._held:
            data, self._held = self._held + data, b""
        pieces: list[bytes] = []
        at, end = 0, len(data)
        while at < end and not self.finished:
            if self._within == "data":
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._within = "end of data"
                continue
            line_end = data.find(b"\n", at)
            if line_end < 0:
                self._hold(data[at:])
                break
            line = data[at:line_end].removesuffix(b"\r")
            at = line_end + 1
            self._read(line)
        if self.finished:
            self.rest = data[at:]
        return pieces

    def _hold(self, line: bytes) -> None:
        """Keep the beginning of a line until its end arrives."""
        limit = {"size": MAX_SIZE_LINE, "trailers": MAX_TRAILERS - self._trailers, "end of data": 1}[self._within]
        if len(line) > limit or (self._within == "end of data" and line != b"\r"):
            raise ResponseMalformedError("a chunk of the response has no end, or its size line or trailers are endless")
        self._held = line

    def _read(self, line: bytes) -> None:
        if self._within == "size":
            size = line.partition(b";")[0].rstrip(b" \t")
            if not _SIZE.fullmatch(size) or len(line) > MAX_SIZE_LINE:
                raise ResponseMalformedError(f"this is no size of a chunk: {line[:100]!r}")
            self._left = int(size, 16)
            self._within = "data" if self._left else "trailers"
        elif self._within == "end of data":
            if line:
                raise ResponseMalformedError("a chunk of the response is longer than its size says")
            self._within = "size"
        elif line:
            self._trailers += len(line) + 2
            if self._trailers > MAX_TRAILERS:
                raise ResponseMalformedError("the trailers of the response are endless")
        else:
            self.finished = True
