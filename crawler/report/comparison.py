"""Two crawls beside each other: what changed in counts, fields and rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.report.facts import Facts

# Changes of less than this are what happens between any two crawls.
_NOTABLE = 0.1


@dataclass(frozen=True, slots=True)
class Change:
    """One number *before* and *after*; *is_notable* if they differ by more than two crawls usually do."""

    name: str
    before: float
    after: float
    unit: str = ""

    @property
    def share(self) -> float | None:
        """The change as a share of what was before; None if there was nothing."""
        return (self.after - self.before) / self.before if self.before else None

    @property
    def is_notable(self) -> bool:
        """Whether the change is worth looking at."""
        share = self.share
        return self.before != self.after if share is None else abs(share) > _NOTABLE


def compared(before: Facts, after: Facts) -> list[Change]:
    """Return every number of the two crawls."""
    changes = [
        Change("pages", before.pages, after.pages),
        Change("items", before.items, after.items),
        Change("failed requests", before.ended["failed"], after.ended["failed"]),
        Change("pages a second", _rate(before), _rate(after)),
        Change("seconds", round(before.elapsed, 1), round(after.elapsed, 1)),
        Change(
            "median seconds a page", round(before.latency.percentile(0.5), 3), round(after.latency.percentile(0.5), 3)
        ),
        Change("bytes", before.bytes, after.bytes),
    ]
    for name in sorted({*before.dropped, *after.dropped}):
        changes.append(Change(f"dropped: {name}", before.dropped.get(name, 0), after.dropped.get(name, 0)))
    for status in sorted({*before.statuses, *after.statuses}):
        changes.append(Change(f"status {status}", before.statuses[status], after.statuses[status]))
    for field in dict.fromkeys([*before.fields, *after.fields]):
        changes.append(Change(f"field {field}", _filled(before, field), _filled(after, field), "%"))
    return changes


def _rate(facts: Facts) -> float:
    return round(facts.pages / facts.elapsed, 2) if facts.elapsed else 0.0


def _filled(facts: Facts, field: str) -> float:
    """Return the percentage of items in which *field* holds something."""
    if field not in facts.fields or not facts.profiled:
        return 0.0
    filled: int = facts.fields[field]["filled"]
    return round(100 * filled / facts.profiled, 1)
