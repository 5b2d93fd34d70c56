"""The story of a URL in a job: how it was found, what was tried, what came of it. Also while the job runs.

Words only: ``finding`` has the requests of the URL, ``chain`` what led to them and followed them, ``notes`` what is known of each
beside the columns of the tables.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from crawler.exceptions import InvalidURLError
from crawler.frontier.chain import chain_to, hops_from
from crawler.frontier.codec import url_of_record
from crawler.frontier.finding import Wanted, find, near
from crawler.frontier.jobs import FINISHED, key_of, reading, state_of
from crawler.frontier.notes import Notes, notes_of_record, read
from crawler.frontier.sealing import Seal
from crawler.frontier.visit import FOR_ERRBACK, NOT_HANDLED, OF_NO_PAGE, REPLACED
from crawler.printable import printable
from crawler.url import canonical, origin, split

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# A URL may be asked for again and again: so many requests of it are told, half of them the first, half of them the last.
_MOST_REQUESTS = 6

# Longer chains of pages are cut in the middle: the beginning and the end say what there is to say.
_MOST_STEPS = 30

# What kept a link out, where a job of an older version has noted no more than the word.
_REFUSALS = {
    "offsite": "its host is not in the spider's allowed_domains",
    "depth": "it is deeper than crawl.depth_limit",
    "url_length": "it is longer than crawl.url_length",
}

# What an errback raised stands behind the error that it was called with.
_ERRBACK = re.compile(r"(?:; |: )(its errback .*)", re.DOTALL)

# The version of a job from which on its history tells when a request ended and how many bytes came.
_WITH_TIMES = 2

_OWN_IDENTITY = ("components.fingerprinter", "components.dupefilter")


def story_of(url: str, path: Path) -> Iterator[str]:
    """Yield the lines that tell what became of *url* in the job in the folder *path*. Raise JobError if it cannot be read."""
    try:
        wanted = Wanted(url)
    except InvalidURLError as error:
        yield printable(str(error))
        return
    with reading(path) as (database, kept):
        database.execute("BEGIN")  # what is read belongs together, also while the crawl writes
        for line in _Story(wanted, path, database, kept).lines():
            yield printable(line)


class _Ended(NamedTuple):
    """A row of the history."""

    sequence: int
    parent: int
    digest: bytes
    url: str
    outcome: str
    reason: str
    status: int
    attempts: int
    seconds: float
    items: int
    earlier: str
    ended: float
    size: int


class _Waiting(NamedTuple):
    """A row of what waits."""

    sequence: int
    parent: int
    digest: bytes
    record: bytes
    host: int
    rank: int


class _Story:
    """What the *database* of the job in the folder *path*, which keeps *kept*, tells of the URL that is *wanted*."""

    def __init__(self, wanted: Wanted, path: Path, database: sqlite3.Connection, kept: Mapping[str, Any]) -> None:
        self._wanted = wanted
        self._name = path.name
        self._database = database
        self._kept = kept
        self._settings = {name: value for name, value, _ in kept.get("settings", ())}
        self._seal = Seal(key_of(path, kept.get("key_file")))
        self._state = state_of(path, kept)
        (version,) = database.execute("PRAGMA user_version").fetchone()
        columns = ", ".join(_Ended._fields if version >= _WITH_TIMES else (*_Ended._fields[:-2], "0", "0"))
        self._one_ended = f"SELECT {columns} FROM history WHERE sequence = ?"
        self._first: dict[bytes, int] = {}

    def lines(self) -> Iterator[str]:
        """Yield the lines of the story."""
        found = find(self._wanted, self._database)
        # Who tells requests apart in another way may have every fragment of a page.
        is_own = any(self._settings.get(name) for name in _OWN_IDENTITY)
        sequences = sorted(found.as_written if is_own and found.as_written else found.sequences)
        if not found:
            yield from self._never()
        for parent, reason in found.refused:
            yield from self._refused(parent, reason, is_all=not sequences)
        half = _MOST_REQUESTS // 2
        for number, sequence in enumerate(sequences, 1):
            if number == half + 1 and len(sequences) > _MOST_REQUESTS:
                yield f"... {len(sequences) - _MOST_REQUESTS:,} more ..."
            if number <= half or number > len(sequences) - half:
                yield from self._request(sequence, number, len(sequences))
        if sequences and (dropped := self._dropped("duplicate")):
            yield f"  Later links to it count as duplicates: {_many(dropped, 'link')} of the job did, to all its URLs together."

    def _dropped(self, reason: str) -> int:
        return int(self._kept.get("stats", {}).get(f"dropped/{reason}", 0))

    def _never(self) -> Iterator[str]:
        """Yield why nothing may be known of the URL."""
        url = self._wanted.url
        yield f"{url} was never taken in: no page that was visited had a link to it that the spider followed."
        if self._state != FINISHED:
            (waiting,) = self._database.execute("SELECT count(*) FROM waiting").fetchone()
            wait = "1 request waits" if waiting == 1 else f"{waiting:,} requests wait"
            yield f"  The job is {self._state}, and {wait}: the pages that they bring may lead to it."
        if split(url).path == "/robots.txt":
            yield "  A robots.txt is read before the first page of its host, and not kept as a request."
        meant = near(self._wanted, self._database)
        if meant is not None:
            yield f"  Is {meant} meant? The job has that one."
        for name in _OWN_IDENTITY:
            if self._settings.get(name) and (dropped := self._dropped("duplicate")):
                yield (
                    f"  What counts as the same is said by {name} = {self._settings[name]}: it may be one of {dropped:,} "
                    "duplicates that were dropped."
                )

    def _refused(self, parent: int, reason: str, *, is_all: bool) -> Iterator[str]:
        """Yield why a link found on the page of the request number *parent* was not taken in."""
        head, _, text = reason.partition(": ")
        told = (text if head in _REFUSALS else reason) or ""
        told = told or _REFUSALS.get(reason, reason)
        if is_all:
            yield from self._found(parent)
            yield f"  It was not taken in: {told}."
            return
        chain, _ = chain_to(parent, self._database)
        yield f"  Not every link to it was taken in: {f'on {chain[-1].url}, ' if chain else ''}{told}."

    def _request(self, sequence: int, number: int, count: int) -> Iterator[str]:
        """Yield the story of the request number *sequence*, the *number*-th of *count*."""
        row = self._database.execute(self._one_ended, (sequence,)).fetchone()
        if row is not None:
            ended = _Ended(*row)
            notes, attempts = read(ended.earlier)
            yield from self._head(ended.url, ended.digest, notes, number, count)
            yield from self._found(ended.parent, notes)
            yield from _attempts(ended, notes, attempts)
            yield from self._end(ended, notes)
            return
        row = self._database.execute(
            f"SELECT {', '.join(_Waiting._fields)} FROM waiting WHERE sequence = ?", (sequence,)
        ).fetchone()
        waiting = _Waiting(*row)
        notes, attempts = notes_of_record(waiting.record, self._seal)
        yield from self._head(url_of_record(waiting.record), waiting.digest, notes, number, count)
        yield from self._found(waiting.parent, notes)
        yield from _numbered(attempts)
        yield from self._waits(waiting)

    def _head(self, url: str, digest: bytes, notes: Notes, number: int, count: int) -> Iterator[str]:
        """Yield what the request is, where that is not plain."""
        wanted = self._wanted.url
        if url != wanted and number == 1:
            yield from self._other(url, digest)
        first = self._first.setdefault(digest, number)
        if count == 1 and notes.method == "GET":
            return
        told = notes.method
        if notes.body:
            told += f" with a body of {_many(notes.body, 'byte')}"
        if first != number:
            told += f", the same as request {first}; {self._why_again(notes)}"
        yield f"Request {number} of {count}: {told}"

    def _other(self, url: str, digest: bytes) -> Iterator[str]:
        """Yield what *url*, with the fingerprint *digest*, which the job has, is to the one that is wanted."""
        wanted, differs = self._wanted.url, _difference(self._wanted.url, url)
        if digest != self._wanted.digest:
            yield f"{wanted} itself was never taken in. This is {url}, which differs from it by {differs} only."
            return
        yield (
            f"{wanted} counts as the same as {url}, which was found first, so a link to it is a duplicate: they differ by "
            f"{differs} only."
        )

    def _why_again(self, notes: Notes) -> str:
        if notes.again:
            return f"its callback asked for it again: {notes.again}"
        off = self._settings.get("frontier.filter_duplicates") == "False"
        return f"it was not filtered ({'frontier.filter_duplicates = false' if off else 'dont_filter'})"

    def _found(self, parent: int, notes: Notes | None = None) -> Iterator[str]:
        """Yield the pages that lead from the start to a request, and the rule that found it."""
        chain, begin = chain_to(parent, self._database)
        if begin == OF_NO_PAGE and not chain:
            yield "  No page led to it: the project's own code asked for it (engine.crawl)."
        elif not chain:
            yield (
                "  The spider started with it." if not begin else "  It was found on a page that the job does not hold."
            )
        else:
            yield "  Found on:"
            yield from _steps([f"{step.url}{_led(step.led, is_replaced=step.is_replaced)}" for step in chain])
        if notes is not None and notes.rule is not None:
            rules = self._kept.get("rules", ())
            rule = f": {rules[notes.rule]}" if 0 <= notes.rule < len(rules) else ""
            yield f"  By rule {notes.rule + 1} of the spider (rules[{notes.rule}]){rule}"

    def _end(self, ended: _Ended, notes: Notes) -> Iterator[str]:
        """Yield how a request ended."""
        at = f" at {_time(ended.ended)}" if ended.ended else ""
        if ended.reason.startswith(REPLACED):
            yield f"  Done{at}: it led to"
            hops = hops_from(ended.sequence, ended.reason, self._database)
            yield from _steps([f"{hop.url}{_of_hop(hop.outcome, hop.status, hop.led)}" for hop in hops])
            return
        if ended.outcome == "done":
            yield f"  Done{at}, with {_items(ended, notes)}.{_sentence(_handled(ended))}"
        elif ended.outcome == "failed":
            again = (
                f"it was given up after {ended.attempts} attempts" if ended.attempts > 1 else "it was not tried again"
            )
            errback = _ERRBACK.search(ended.reason)
            items = f", with {_items(ended, notes)}" if ended.items or notes.dropped else ""
            yield f"  Failed{at}{items}: {again}.{_sentence(errback[1] if errback else '')}"
        else:
            yield f"  Dropped{at}: {_dropped(ended)}."

    def _waits(self, waiting: _Waiting) -> Iterator[str]:
        """Yield for what a request waits."""
        (before,) = self._database.execute(
            "SELECT count(*) FROM waiting WHERE host = ? AND (rank, sequence) < (?, ?)",
            (waiting.host, waiting.rank, waiting.sequence),
        ).fetchone()
        row = self._database.execute("SELECT key FROM host WHERE number = ?", (waiting.host,)).fetchone()
        host = row[0] if row else "its host"
        told = f"{_many(before, 'request')} of {host} come{'s' * (before == 1)} before it" if before else ""
        if self._state == "running":
            yield f"  It waits; {told}." if told else f"  It is on its way, or the next of {host}."
        else:
            told = told or f"it is the next of {host}"
            yield f"  It waits; {told}. The job is {self._state}: crawler resume {self._name} goes on with it."
        until = dict(self._kept.get("waits", ())).get(host, 0)
        if until > time.time():
            yield f"  {host} asked to be let alone until {_time(until)}."


def _steps(steps: list[str]) -> Iterator[str]:
    """Yield the lines of a chain of requests, cut where it goes in circles, and in the middle if it is long."""
    first: dict[str, int] = {}
    again = next((at for at, step in enumerate(steps) if first.setdefault(step, at) != at), len(steps))
    head, tail, what = steps[:again], steps[-1:], "more, in circles"
    if len(head) > _MOST_STEPS:
        half = _MOST_STEPS // 2
        head, tail, what = steps[:half], steps[-half:], "more"
    left_out = len(steps) - len(head) - len(tail)
    if left_out < 1:
        head, tail = steps, []
    yield from (f"    {step}" for step in head)
    if tail:
        yield f"    ... {left_out:,} {what} ..."
    yield from (f"    {step}" for step in tail)


def _attempts(ended: _Ended, notes: Notes, earlier: list[str]) -> Iterator[str]:
    """Yield the attempts at a request that has ended."""
    seconds = f"{ended.seconds:.2f} s"
    size = f", {_many(ended.size, 'byte')}" if ended.size else ""
    if ended.reason.startswith(REPLACED):
        last = f"{notes.led or 'a middleware put another request in its place'}, {seconds}"
    elif ended.status:
        last = f"status {ended.status}, {seconds}{size}"
    elif ended.outcome == "failed":
        last = f"{_ERRBACK.sub('', ended.reason)}, {seconds}"
    else:
        last = ""  # what was dropped was not sent, or nobody was told of the answer
    yield from _numbered([*earlier, *filter(None, [last])])


def _numbered(attempts: list[str]) -> Iterator[str]:
    for number, attempt in enumerate(attempts, 1):
        yield f"  Attempt {number}: {_one_line(attempt)}"


def _handled(ended: _Ended) -> str:
    """Return what is to be said of a page that was visited, beside its items: nothing for nearly all."""
    head, _, rest = ended.reason.partition("; ")
    seen = {NOT_HANDLED: "no callback", FOR_ERRBACK: "its errback"}.get(head)
    if seen is None:
        return ended.reason
    told = f"{seen} saw it: status {ended.status} is not in handle_httpstatus_list"
    return f"{told}.{_sentence(rest).removesuffix('.')}" if rest else told


def _dropped(ended: _Ended) -> str:
    """Return why a request was dropped."""
    reason, _, text = ended.reason.partition(": ")
    text = _one_line(text)
    if reason == "robots":
        return f"{origin(ended.url)}/robots.txt forbids it{f' ({text})' if text else ''}, so nothing was sent"
    if reason == "ignored":
        return f"it was ignored (IgnoreRequest){f': {text}' if text else ''}"
    if reason == "private_address":
        return f"nothing was sent, as {text or 'it is at a private address'}"
    return ended.reason


def _items(ended: _Ended, notes: Notes) -> str:
    told = _many(ended.items, "item")
    if notes.dropped:
        told += f", and {notes.dropped:,} that {'was' if notes.dropped == 1 else 'were'} dropped"
    return told


def _led(led: str, *, is_replaced: bool) -> str:
    """Return what is said of a page that went on as the next of the chain."""
    return f"  ({led or 'a middleware put the next in its place'})" if is_replaced else ""


def _of_hop(outcome: str, status: int, led: str) -> str:
    if led:
        return f"  ({led})"
    if outcome == "unknown":
        return "  (which was taken in before, or not at all)"
    return f"  ({outcome or 'waits'}{f', status {status}' if status else ''})"


def _difference(one: str, other: str) -> str:
    """Return by what two URLs differ that count as one."""
    if canonical(one) != canonical(other):
        return "what makes no difference to this job"
    parts, others = split(one), split(other)
    told = []
    if one.partition("#")[2] != other.partition("#")[2]:
        told.append("the fragment")
    if parts.query != others.query:
        told.append("the order of the query")
    if parts.path != others.path:
        told.append("how the path is written")
    if _up_to_the_path(one) != _up_to_the_path(other):
        told.append("how the host is written")
    return " and ".join(told) or "how it is written"


def _up_to_the_path(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _sentence(text: str) -> str:
    """Return *text* as a sentence behind another, empty if it is."""
    text = _one_line(text)
    return f" {text[:1].upper()}{text[1:]}." if text else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1)}"


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
