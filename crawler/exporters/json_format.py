"""JSON Lines, one item a line, and JSON, one array of items.

Text is UTF-8 and not escaped unless the encoding cannot hold it or ``ensure_ascii`` asks for it. NaN is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from crawler.exceptions import FeedError
from crawler.exporters.formats import TextEncoding, escape_non_ascii
from crawler.exporters.values import plain_fields, without_half_surrogates

if TYPE_CHECKING:
    from collections.abc import Mapping


class _JsonRecords:
    """Encodes items as JSON objects; what the two formats share."""

    def __init__(self, encoding: str, *, ensure_ascii: bool, sort_keys: bool, indent: int | None) -> None:
        self._text = TextEncoding(encoding)
        order: Literal["sorted"] | None = "sorted" if sort_keys else None
        self._encoder = msgspec.json.Encoder(order=order)
        self._indent = indent or 0
        self._ensure_ascii = ensure_ascii
        self._is_direct = self._text.is_utf8 and not ensure_ascii and not self._indent

    def opening(self) -> bytes:
        """Return the byte order mark, if the encoding has one."""
        return self._text.mark

    # Hot: once per item.
    def encode(self, fields: Mapping[str, Any]) -> bytes:
        """Return the object of *fields*, on one line unless it is to be indented."""
        plain = plain_fields(fields)
        try:
            record = self._encoder.encode(plain)
        except UnicodeEncodeError:
            record = self._encoder.encode(without_half_surrogates(plain))
        return record if self._is_direct else self._reshaped(record)

    def _reshaped(self, record: bytes) -> bytes:
        """Return *record* indented and in the encoding that was asked for."""
        text = (msgspec.json.format(record, indent=self._indent) if self._indent else record).decode()
        if self._ensure_ascii:
            text = escape_non_ascii(text)
        try:
            return self._text.encode(text)
        except UnicodeEncodeError:
            return self._text.encode(escape_non_ascii(text))


class JsonLinesFormat(_JsonRecords):
    """One JSON object a line. ``indent`` is accepted and has no meaning here."""

    before_first = b""
    before_next = b""
    closing = b""

    def __init__(
        self, *, encoding: str = "utf-8", indent: int | None = None, ensure_ascii: bool = False, sort_keys: bool = False
    ) -> None:
        super().__init__(encoding, ensure_ascii=ensure_ascii, sort_keys=sort_keys, indent=None)
        self._newline = self._text.encode("\n")

    # Hot: once per item.
    def encode(self, fields: Mapping[str, Any]) -> bytes:
        """Return the line of *fields*."""
        return super().encode(fields) + self._newline

    def adopt(self, head: bytes) -> None:
        """Refuse a file that begins as a JSON array."""
        if head.removeprefix(self._text.mark).lstrip()[:1] not in (b"", b"{"):
            raise FeedError("it does not look like JSON Lines")

    def continuation(self, tail: bytes) -> tuple[int, bytes]:
        """Go on after the last line; one without its newline gets it if it is whole."""
        if not tail or tail.endswith(b"\n"):
            return 0, b""
        try:
            msgspec.json.decode(tail[tail.rfind(b"\n") + 1 :])
        except msgspec.DecodeError as error:
            raise FeedError("its last line is incomplete") from error
        return 0, b"\n"


class JsonFormat(_JsonRecords):
    """One array. ``indent=None`` puts everything on one line, 0 each item on its own, n indents its content by n."""

    def __init__(
        self, *, encoding: str = "utf-8", indent: int | None = None, ensure_ascii: bool = False, sort_keys: bool = False
    ) -> None:
        super().__init__(encoding, ensure_ascii=ensure_ascii, sort_keys=sort_keys, indent=indent)
        newline = "" if indent is None else "\n"
        self.before_first = self._text.encode(newline)
        self.before_next = self._text.encode("," + newline)
        self.closing = self._text.encode(f"{newline}]{newline}")

    def opening(self) -> bytes:
        """Return the bracket of the array."""
        return self._text.mark + self._text.encode("[")

    def adopt(self, head: bytes) -> None:
        """Refuse a file that does not begin as an array."""
        if not head.removeprefix(self._text.mark).lstrip().startswith(b"["):
            raise FeedError("it is no JSON array")

    def continuation(self, tail: bytes) -> tuple[int, bytes]:
        """Cut the closing bracket off; an empty array is begun anew."""
        body = tail.rstrip()
        if not body.endswith(b"]"):
            raise FeedError("its JSON array is not closed")
        body = body[:-1].rstrip()
        if body.removeprefix(self._text.mark).strip() == b"[":
            return len(tail), b""
        return len(tail) - len(body), b""
