"""A project's item exporter (a class of ``FEED_EXPORTERS``) as a format of a feed.

An exporter writes into a file, and knows by itself what it wrote before: a header, a comma. A feed needs records that stand for
themselves, since items are committed in another order than they are serialised in, or not at all. So the first item is exported
twice by one exporter: what both have in common at the end is the record, what stands before it the first time and the second
time is what goes before a first and before a later record. All later items are exported by that exporter, and what stands
before their records is cut off. This fits exporters whose output for an item depends on the item alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from crawler.exceptions import FeedError, InvalidOutputError, describe


class WholeItems:
    """Picks no fields: an exporter of the project gets the items as they are."""

    def of(self, item: Any) -> Any:
        """Return *item*."""
        return item


class _Output(io.BytesIO):
    """What an exporter writes into; closing it, as a text wrapper does, loses nothing."""

    def close(self) -> None:
        """Do nothing."""

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        written = self.getvalue()
        self.seek(0)
        self.truncate()
        return written


class ExporterFormat:
    """The format that the exporters which *make* makes for a file write."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        exporter, output = self._begun()
        self._opening = output.taken()
        exporter.finish_exporting()
        self.closing = output.taken()
        self.before_first = b""
        self.before_next = b""
        self._exporter: Any = None
        self._output = output

    def _begun(self) -> tuple[Any, _Output]:
        output = _Output()
        exporter = self._make(output)
        exporter.start_exporting()
        return exporter, output

    def opening(self) -> bytes:
        """Return what ``start_exporting`` writes."""
        return self._opening

    def encode(self, item: Mapping[str, Any]) -> bytes:
        """Return what ``export_item`` writes for *item*, without what separates it from others."""
        try:
            if self._exporter is None:
                return self._first(item)
            self._exporter.export_item(item)
        except Exception as error:  # the project's code
            raise InvalidOutputError(
                f"the exporter {type(self._exporter).__name__} failed: {describe(error)}"
            ) from error
        return self._output.taken()[len(self.before_next) :]

    def _first(self, item: Any) -> bytes:
        exporter, output = self._begun()
        output.taken()
        exporter.export_item(item)
        first = output.taken()
        exporter.export_item(item)
        second = output.taken()
        record = _common_end(first, second)
        self.before_first, self.before_next = first[: len(first) - len(record)], second[: len(second) - len(record)]
        self._exporter, self._output = exporter, output
        return record

    def adopt(self, head: bytes) -> None:
        """Refuse a document that begins otherwise than one of the exporter's."""
        if not head.startswith(self._opening):
            raise FeedError("it does not begin as a document of its exporter")

    def continuation(self, tail: bytes) -> tuple[int, bytes]:
        """Go on before what ``finish_exporting`` wrote."""
        if not tail.endswith(self.closing):
            raise FeedError("it does not end as a document of its exporter")
        return len(self.closing), b""


def _common_end(one: bytes, other: bytes) -> bytes:
    """Return the longest end that both have."""
    length = 0
    while length < min(len(one), len(other)) and one[-length - 1] == other[-length - 1]:
        length += 1
    return one[len(one) - length :]
