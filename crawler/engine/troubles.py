"""Troubles: errors that are alike counted together, with one example each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

# A crawl with more kinds of errors than this has one problem: that of the first.
_MOST = 100
_LENGTH = 2_000


@dataclass(slots=True)
class Trouble:
    """Errors of one *kind* at one place; *example* is the URL of the first, *text* what it said."""

    kind: str
    where: str
    text: str
    example: str
    count: int = 0
    last: float = 0.0


class Troubles:
    """Errors by kind and place, in the order in which they first came."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Trouble] = {}

    def __repr__(self) -> str:
        return f"<Troubles of {len(self._known)} kinds>"

    def add(self, kind: str, where: str, text: str, url: str, now: float) -> None:
        """Count an error."""
        known = self._known.get((kind, where))
        if known is None:
            if len(self._known) >= _MOST:
                return
            known = self._known[kind, where] = Trouble(kind, where, text[:_LENGTH], url)
        known.count += 1
        known.last = now

    def most(self, count: int = _MOST) -> list[Trouble]:
        """Return the kinds that came most often."""
        return sorted(self._known.values(), key=lambda trouble: -trouble.count)[:count]

    def latest(self, count: int = 5) -> list[Trouble]:
        """Return the kinds that came last, the latest first."""
        return sorted(self._known.values(), key=lambda trouble: -trouble.last)[:count]

    def plain(self) -> list[dict[str, Any]]:
        """Return what :meth:`restore` takes."""
        return [asdict(trouble) for trouble in self.most()]

    def restore(self, kept: Iterable[dict[str, Any]]) -> None:
        """Go on from what :meth:`plain` returned."""
        self._known = {(one["kind"], one["where"]): Trouble(**one) for one in kept}
