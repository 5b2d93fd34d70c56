"""The head of an HTTP/1.x response, and what it says about where the body ends. Bytes in, values out.

Strict where an error would change where a message ends, lenient where browsers are, since the page is there to be read:

    refused     anything but ``HTTP/`` 0.9, 1.0, 1.1 or 2.0; a status of other than three digits; a bare CR; a NUL;
                a continuation line before the first header; Content-Length values that are no number or disagree
    accepted    LF for CRLF; lines without a colon or with a name that is no token, which are left out;
                white space before the colon; folded lines, joined by a space; any reason phrase or none

Where the body ends (RFC 9112, section 6.3), first rule that fits: HEAD, 1xx, 204 and 304 have none; ``chunked`` as the last
transfer coding; any other transfer coding: until the connection ends; Content-Length; until the connection ends.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from crawler.download.errors import ResponseMalformedError
from crawler.http.decode import codings

#: Where a head ends: an empty line, whichever line ends are used.
END = re.compile(rb"\n\r?\n")

_STATUS_LINE = re.compile(rb"HTTP/(0\.9|1\.0|1\.1|2\.0) ([0-9]{3})(?: (.*))?")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# Header names that were met, as they came -> lower case, or b"" for what is no name. Few of them make up a crawl;
# the bound is there because servers may invent any number.
_NAMES: dict[bytes, bytes] = {}
_MAX_NAMES = 4096

_NO_BODY = frozenset({204, 304})


class Head(NamedTuple):
    """A status line and headers. ``length`` is None for a body that Content-Length does not measure."""

    version: bytes
    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    length: int | None
    #: The transfer codings, in the order in which they were applied.
    transfer: list[bytes]
    #: Whether the connection may serve another request once the body is over.
    keep_alive: bool


# Hot: once per response.
def parse_head(block: bytes) -> Head:
    """Return the head that *block* is, which begins with the status line and ends before the empty line."""
    lines = block.split(b"\r\n")
    if b"\0" in block or len(lines) != block.count(b"\n") + 1 or len(lines) != block.count(b"\r") + 1:
        lines = _odd_lines(block)
    matched = _STATUS_LINE.fullmatch(lines[0])
    if matched is None:
        raise ResponseMalformedError(f"this is no status line of HTTP: {lines[0][:100]!r}")
    version, status, reason = matched.groups()
    headers: list[tuple[bytes, bytes]] = []
    length: int | None = None
    transfer: list[bytes] = []
    connection = b""
    del lines[0]
    if any(line[:1] in (b" ", b"\t") for line in lines):
        lines = _unfolded(lines)
    for line in lines:
        name, colon, value = line.partition(b":")
        known = _NAMES.get(name)
        if known is None:
            known = _lower(name)
        if not known or not colon:
            continue
        value = value.strip(b" \t")
        headers.append((name.rstrip(b" \t"), value))
        if known == b"content-length":
            length = _agreed(length, value)
        elif known == b"transfer-encoding":
            transfer += codings(value)
        elif known == b"connection":
            connection += value.lower() + b","
    if transfer:
        # A message with both is a smuggling attempt or a broken server: read it, and do not trust what follows.
        keep_alive = length is None and version != b"1.0"
    elif version == b"1.1":
        keep_alive = True
    else:
        keep_alive = b"keep-alive" in connection
    if connection and b"close" in connection:
        keep_alive = False
    return Head(version, int(status), reason or b"", headers, length, transfer, keep_alive)


class Framing(NamedTuple):
    """Where a body ends: after ``length`` bytes, or, if that is None, with its last chunk or with the connection."""

    length: int | None
    chunked: bool
    #: Transfer codings other than chunked that are still on the body.
    codings: list[bytes]


def framing(head: Head, method: bytes) -> Framing:
    """Return where the body of the response *head* to a request of *method* ends."""
    if method == b"HEAD" or head.status in _NO_BODY or head.status < 200:
        return Framing(0, False, [])
    if head.transfer:
        chunked = head.transfer[-1] == b"chunked"
        return Framing(None, chunked, head.transfer[:-1] if chunked else [])
    return Framing(head.length, False, [])


def _lower(name: bytes) -> bytes:
    stripped = name.rstrip(b" \t")
    lower = stripped.lower() if _TOKEN.fullmatch(stripped) else b""
    if len(_NAMES) < _MAX_NAMES:
        _NAMES[name] = lower
    return lower


def _odd_lines(block: bytes) -> list[bytes]:
    """Return the lines of a *block* whose lines do not all end in CRLF."""
    *lines, last = block.split(b"\n")
    lines = [line.removesuffix(b"\r") for line in lines] + [last]  # whose end is not in the block
    if b"\0" in block or any(b"\r" in line for line in lines):
        raise ResponseMalformedError("a NUL or a bare CR stands in the headers of the response")
    return lines


def _unfolded(lines: list[bytes]) -> list[bytes]:
    """Join the lines that begin with white space to those before them (RFC 9112, section 5.2)."""
    joined: list[bytes] = []
    for line in lines:
        if line[:1] not in (b" ", b"\t"):
            joined.append(line)
        elif joined:
            joined[-1] = joined[-1].rstrip(b" \t") + b" " + line.strip(b" \t")
        else:
            raise ResponseMalformedError("the headers of the response begin with a continuation line")
    return joined


def _agreed(known: int | None, value: bytes) -> int:
    """Return the one length that a Content-Length header and those before it give."""
    lengths = {
        int(one) if (one := part.strip(b" \t")).isdigit() and len(one) < 20 else -1 for part in value.split(b",")
    }
    if known is not None:
        lengths.add(known)
    length = lengths.pop()
    if lengths or length < 0:
        raise ResponseMalformedError(f"the Content-Length of the response is no one number: {value[:100]!r}")
    return length
