"""Notes: what a job tells of a request beside the columns of its tables.

Of one that has ended, they stand in the column of its earlier attempts, in a line before these: JSON, behind a blank, which no
attempt begins with. Most requests have none. Of one that waits, they are read from its record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from crawler.frontier.codec import outline_of
from crawler.frontier.visit import REPLACED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.frontier.sealing import Seal
    from crawler.frontier.visit import Visit


class Notes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told of a request. ``dropped`` are the items that it brought and that were not kept."""

    method: str = "GET"
    body: int = 0
    #: The place in ``rules`` of the rule of a CrawlSpider that found it.
    rule: int | None = None
    dropped: int = 0
    #: What made another request follow it: a status, for one.
    led: str = ""
    #: Why a callback asked for it again.
    again: str = ""


_NONE = Notes()
_decode_notes = msgspec.json.Decoder(Notes).decode


# Hot: once per visit.
def told_of(visit: Visit, attempts: Sequence[str]) -> str:
    """Return the notes of *visit* and its earlier *attempts*, as the history keeps them."""
    request = visit.request
    meta = request._meta
    if (
        request.method == "GET"
        and visit.taken == visit.items
        and not visit.reason
        and not (meta and ("rule" in meta or "retry_reason" in meta))
    ):
        return "\n".join(attempts)
    notes = Notes(
        method=request.method,
        body=len(request.body),
        rule=_rule(meta or {}),
        dropped=visit.taken - visit.items,
        led=visit.detail if visit.reason.startswith(REPLACED) else "",
        again=one_line(str((meta or {}).get("retry_reason", ""))),
    )
    line = [] if notes == _NONE else [" " + msgspec.json.encode(notes).decode()]
    return "\n".join([*line, *attempts])


def read(told: str) -> tuple[Notes, list[str]]:
    """Return the notes and the earlier attempts that :func:`told_of` has put together."""
    lines = [line for line in told.split("\n") if line]
    if not lines or not lines[0].startswith(" "):
        return _NONE, lines
    return _decode_notes(lines[0]), lines[1:]


def one_line(text: str) -> str:
    """Return *text* without line breaks, since here a line is an attempt."""
    return " ".join(text.split())


def _rule(meta: dict[str, Any]) -> int | None:
    rule = meta.get("rule")
    return rule if type(rule) is int else None


def notes_of_record(record: bytes, seal: Seal) -> tuple[Notes, list[str]]:
    """Return the notes and the earlier attempts of a request that waits; of what is sealed, nothing if its key is not there."""
    outline = outline_of(record, seal)
    meta = outline.meta if isinstance(outline.meta, dict) else {}
    notes = Notes(
        method=outline.method,
        body=len(outline.body),
        rule=_rule(meta),
        again=one_line(str(meta.get("retry_reason", ""))),
    )
    return notes, list(meta.get("earlier_attempts", ()))
