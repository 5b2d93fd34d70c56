"""What somebody who wrote a wrong name may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'books'?"`` with the known names that are near *name*; an empty string if none is."""
    names = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(repr(names[one]) for one in near)}?" if near else ""


def within_two_edits(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that differs from *name* in one or two letters at most, None if none does."""
    return next((other for other in known if abs(len(other) - len(name)) <= 2 and _distance(name, other) <= 2), None)


def _distance(one: str, other: str) -> int:
    """Return the Levenshtein distance: letters to insert, remove or change."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, other_letter in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (letter != other_letter))
    return row[-1]
