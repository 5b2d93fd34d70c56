"""Finding the requests of a URL in a job: by their fingerprint, and by the URL itself.

A plain GET is recognised by its fingerprint. What was posted, asked for with headers that count, or told apart in a way of the
project's own has another one, so URLs are compared too, in the form in which they are recognised. No index helps: every row is
looked at once, most of them by SQLite alone, and none is kept.
"""

from __future__ import annotations

import re
from array import array
from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING

from crawler.exceptions import InvalidURLError
from crawler.frontier.codec import url_of_record
from crawler.http import Request
from crawler.http.fingerprint import fingerprint
from crawler.url import canonical

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

# Parts that a URL has in each of the forms in which it may be written: nothing in them is ever escaped or changed in case. An
# escape is no such part: "'" and "%27" are one in a query.
_UNCHANGED = re.compile(r"(?:%[0-9A-Fa-f]{2}|[^A-Za-z0-9_-])+")

# By how many characters a URL without fragment may be longer than its canonical form: a port, a question mark.
_MORE = 8


class Wanted:
    """The URL that is asked for. Raise InvalidURLError if it is none.

    ``clue`` is a part of it that is in every way to write it, empty if there is none.
    """

    def __init__(self, url: str) -> None:
        request = Request(url)
        self.url = request.url
        self.digest = fingerprint(request)
        self._canonical = canonical(request.url)
        after_host = self._canonical.partition("://")[2].partition("/")[2]
        self.clue = max(_UNCHANGED.split(after_host), key=len)

    def __repr__(self) -> str:
        return f"<Wanted {self.url}>"

    def is_meant_by(self, url: str) -> bool:
        """Tell whether *url* is another way to write it, or the same."""
        if url == self.url:
            return True
        is_plain = "#" not in url and "/." not in url and "/%" not in url and "'" not in url
        if is_plain and len(url) > len(self._canonical) + _MORE:
            return False  # nine in ten, where there is no clue
        return canonical(url) == self._canonical


class Found:
    """What a job has of a URL: the numbers of its requests, and of those whose URL is written as it is asked for."""

    __slots__ = ("as_written", "refused", "sequences")

    def __init__(self) -> None:
        self.sequences = array("Q")
        self.as_written = array("Q")
        #: Parent and reason of links that were not taken in.
        self.refused: list[tuple[int, str]] = []

    def __bool__(self) -> bool:
        return bool(self.sequences or self.refused)

    def _add(self, sequence: int, *, is_as_written: bool) -> None:
        self.sequences.append(sequence)
        if is_as_written:
            self.as_written.append(sequence)


def near(wanted: Wanted, database: sqlite3.Connection) -> str | None:
    """Return a URL that the *database* of a job has and that *wanted* may be mistaken for: of http, with a slash, without www."""
    digests: list[bytes] = []
    for url in _mistaken(wanted.url):
        with suppress(InvalidURLError):  # an address has no www
            digests.append(fingerprint(Request(url)))
    marks = ", ".join("?" * len(digests))
    for table, column in (("history", "url"), ("waiting", "record")):
        row = database.execute(f"SELECT {column} FROM {table} WHERE digest IN ({marks}) LIMIT 1", digests).fetchone()
        if row is not None:
            return str(row[0]) if column == "url" else url_of_record(row[0])
    return None


def _mistaken(url: str) -> Iterator[str]:
    """Yield the URLs that *url* may be mistaken for."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https"):
        return
    page, mark, query = rest.partition("?")
    host, slash, path = page.partition("/")
    bare = host.removeprefix("www.")
    for other_scheme, other_host, other_path in product(
        ("http", "https"), (bare, f"www.{bare}"), (path.rstrip("/"), f"{path.rstrip('/')}/".lstrip("/"))
    ):
        yield f"{other_scheme}://{other_host}{slash or '/'}{other_path}{mark}{query}"


def find(wanted: Wanted, database: sqlite3.Connection) -> Found:
    """Return what the *database* of a job has of the URL that is *wanted*."""
    found = Found()
    clue = (wanted.digest, wanted.digest, wanted.clue)
    rows = "SELECT {}, digest = ?, {} FROM {} WHERE digest = ? OR instr({}, ?)"
    for sequence, is_same, url in database.execute(rows.format("sequence", "url", "history", "url"), clue):
        if is_same or wanted.is_meant_by(url):
            found._add(sequence, is_as_written=url == wanted.url)
    # SQLite looks for bytes in bytes only.
    clue_in_record = (wanted.digest, wanted.digest, wanted.clue.encode())
    for sequence, is_same, record in database.execute(
        rows.format("sequence", "record", "waiting", "record"), clue_in_record
    ):
        url = url_of_record(record)
        if is_same or wanted.is_meant_by(url):
            found._add(sequence, is_as_written=url == wanted.url)
    for parent, is_same, url, reason in database.execute(rows.format("parent", "url, reason", "refused", "url"), clue):
        if is_same or wanted.is_meant_by(url):
            found.refused.append((parent, reason))
    return found
