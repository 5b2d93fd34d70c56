"""What every format of a feed has to answer, and the text encoding that they share.

A document is: opening, records with something between them, closing. Formats turn fields into records and know these
pieces; they do no I/O. ``Feed`` writes the closing after every flush and overwrites it with the next record, so that
what lies on disk is a whole document at any time. For a document that exists already a format says where it may go
on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from crawler.exceptions import FeedError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Format(Protocol):
    """One format with its options. All bytes are in the document's encoding."""

    #: What stands before the first record, and what stands before every later one.
    before_first: bytes
    before_next: bytes
    #: What makes the document whole after the last record; empty if nothing has to.
    closing: bytes

    def opening(self) -> bytes:
        """Return what a new document begins with, as far as it is known before the first record."""

    def encode(self, fields: Mapping[str, Any]) -> bytes:
        """Return the record of an item's fields. Raise InvalidOutputError if a value cannot be written."""

    def adopt(self, head: bytes) -> None:
        """Take over what the first bytes of a document fix. Raise FeedError if they are not of this format."""

    def continuation(self, tail: bytes) -> tuple[int, bytes]:
        """Say how to go on after *tail*, the last bytes of an existing document.

        Return how many of them to cut off, and what to write before the next record in addition to ``before_next``.
        Cutting everything starts the document anew. Raise FeedError if the document is not whole.
        """


class TextEncoding:
    """Encodes the pieces of a document; the byte order mark, if the encoding has one, belongs to the opening only."""

    def __init__(self, name: str, *, errors: str = "strict") -> None:
        try:
            self.mark = "".encode(name)
        except LookupError:
            raise FeedError(f"unknown encoding {name!r} for a feed; most feeds are 'utf-8'") from None
        self.name = name
        self.errors = errors
        self.is_utf8 = name.lower().replace("_", "-") in {"utf-8", "utf8"}
        # Documents are continued by looking at their bytes, which needs brackets and newlines to be themselves.
        self.is_ascii_based = self.encode("]\n").endswith(b"]\n") and len(self.encode("]\n")) == 2

    def encode(self, text: str) -> bytes:
        """Return *text* without a byte order mark."""
        return text.encode(self.name, self.errors)[len(self.mark) :]

    def can_encode(self, text: str) -> bool:
        """Tell whether *text* can be written without a replacement."""
        try:
            text.encode(self.name)
        except UnicodeEncodeError:
            return False
        return True

    def decode_head(self, head: bytes) -> str:
        """Return the text of the first bytes of a document, which may end within a character."""
        return head.decode(self.name, "ignore")


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def escape_non_ascii(text: str) -> str:
    r"""Return JSON *text* with ``\uXXXX`` for what is not ASCII."""
    return _NOT_ASCII.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
