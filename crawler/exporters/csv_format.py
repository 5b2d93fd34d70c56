"""CSV: a header, then a row an item.

The columns are the chosen fields; without a choice, the fields of the first item that reaches the feed, and in a file
that is continued, those of its header. Fields of later items that have no column are left out: counted in
``ignored``, and reported once. Lists of plain values are joined by ``join_multivalued``, other containers are written
as JSON; missing values are empty.
"""

from __future__ import annotations

import csv
import io
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.exceptions import FeedError, InvalidOutputError
from crawler.exporters.formats import TextEncoding
from crawler.exporters.values import plain_fields, scalar_text, without_half_surrogates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

logger = logging.getLogger(__name__)


class _Row:
    """A file for ``csv.writer`` that hands back what is written to it."""

    @staticmethod
    def write(text: str) -> str:
        """Return *text*, which ``writerow`` returns in turn."""
        return text


class CsvFormat:
    """CSV with the options of ``csv.writer`` as *dialect*; *errors* is the error handler of the encoding."""

    before_first = b""
    before_next = b""
    closing = b""

    def __init__(
        self,
        *,
        encoding: str = "utf-8",
        columns: Iterable[str] | None = None,
        include_headers_line: bool = True,
        join_multivalued: str = ",",
        errors: str = "strict",
        **dialect: Any,
    ) -> None:
        self.ignored: Counter[str] = Counter()
        self._text = TextEncoding(encoding, errors=errors)
        self._dialect = dialect
        self._writer = csv.writer(_Row, **dialect)
        self._join = join_multivalued
        self._has_header = include_headers_line
        self._is_choice = columns is not None
        self._columns: list[str] | None = list(columns) if columns is not None else None
        self._known: frozenset[str] = frozenset(self._columns or ())

    def opening(self) -> bytes:
        """Return the header; only the byte order mark while the columns are not known."""
        if not self._has_header or not self._columns:
            return self._text.mark
        return self._text.mark + self._row(self._columns)

    def encode(self, fields: Mapping[str, Any]) -> bytes:
        """Return the row of *fields*, which decide the columns if nothing else has; nothing while nothing does."""
        plain = plain_fields(fields)
        if self._columns is None:
            if not plain:
                return b""
            self._set_columns(plain)
        assert self._columns is not None  # set just now
        if not self._is_choice and not self._known.issuperset(plain):
            self._report(plain)
        return self._row([self._cell(plain.get(column)) for column in self._columns])

    def adopt(self, head: bytes) -> None:
        """Take the columns from the header; refuse one that is not that of the chosen fields."""
        if not self._has_header:
            return
        header = next(csv.reader(io.StringIO(self._text.decode_head(head), newline=""), **self._dialect), [])
        if self._is_choice and header != self._columns:
            raise FeedError(
                f"its header is {_listed(header)} and the fields of this feed are {_listed(self._columns or ())}"
            )
        if not all(header):
            raise FeedError("its first line is no CSV header")
        self._set_columns(header)

    def continuation(self, tail: bytes) -> tuple[int, bytes]:
        """Go on after the last row; one without its line end gets it."""
        return 0, b"" if not tail or tail.endswith((b"\n", b"\r")) else self._text.encode("\r\n")

    def _set_columns(self, names: Iterable[str]) -> None:
        self._columns = list(names)
        self._known = frozenset(self._columns)

    def _row(self, cells: Sequence[str]) -> bytes:
        row: str = self._writer.writerow(cells)  # what _Row.write returns
        try:
            return self._text.encode(row)
        except UnicodeEncodeError:
            pass
        try:
            return self._text.encode(without_half_surrogates(row))
        except UnicodeEncodeError as error:
            raise InvalidOutputError(
                f"the item has {error.object[error.start : error.end]!r}, which {self._text.name} cannot write: "
                "use encoding 'utf-8' for this CSV feed, or errors='replace'"
            ) from None

    def _cell(self, value: Any) -> str:
        if isinstance(value, (list, tuple)) and not any(isinstance(one, (list, tuple, dict)) for one in value):
            return self._join.join(map(scalar_text, value))
        if isinstance(value, (list, tuple, dict)):
            return msgspec.json.encode(without_half_surrogates(value)).decode()
        return scalar_text(value)

    def _report(self, fields: Mapping[str, Any]) -> None:
        """Count the fields that have no column; warn when it happens first."""
        unknown = [name for name in fields if name not in self._known]
        if not self.ignored:
            logger.warning(
                "CSV feed: an item has fields without a column, which are left out: %s. The columns are %s. "
                "Name the fields of the feed to choose them. Further cases are only counted.",
                _listed(unknown),
                _listed(self._columns or ()),
            )
        self.ignored.update(unknown)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(str, names)) or "none"
