"""A finding: one sentence of a report, in plain words, with the setting, the line of code or the command that helps."""

from __future__ import annotations

import re
from dataclasses import dataclass

WRONG, NOTED = "wrong", "noted"

_LONG_WORD = re.compile(r"(\S{110})\S{20,}(\S{30})")


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence, and whether it tells of something *wrong* or is only *noted*."""

    kind: str
    text: str


def times(count: int) -> str:
    """Return *count* as ``once`` or ``5 times``."""
    return "once" if count == 1 else f"{count:,} times"


def many(count: int, one: str) -> str:
    """Return *count* of *one*, as ``1 page`` or ``5 pages``."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def first_line(text: str) -> str:
    """Return the beginning of *text*, on one line and without its full stop."""
    return text.strip().split("\n", 1)[0][:200].rstrip(".") or "without a word"


def shortened(text: str) -> str:
    """Return *text* without the middle of words so long, as URLs may be, that nobody reads them."""
    return _LONG_WORD.sub(r"\1…\2", text)
