"""The profile of the items: how many have each field, of which types, and what the values look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Enough to see what a field holds.
_EXAMPLES = 3
_EXAMPLE_LENGTH = 120

# Fields beyond these are those of items whose keys are data.
_MOST_FIELDS = 200

_EMPTIABLE = (str, bytes, list, tuple, dict, set)


class Profile:
    """Counts the items, and by field how many have it, how many of these hold something, types and examples."""

    def __init__(self) -> None:
        self.items = 0
        self.fields: dict[str, dict[str, Any]] = {}

    def __repr__(self) -> str:
        return f"<Profile of {self.items} items with {len(self.fields)} fields>"

    # Hot: once per item.
    def add(self, item: Any) -> None:
        """Count *item*."""
        self.items += 1
        for name, value in (item if isinstance(item, dict) else _adapted(item)).items():
            field = self.fields.get(name)
            if field is None:
                if len(self.fields) >= _MOST_FIELDS:
                    continue
                field = self.fields[name] = {"present": 0, "filled": 0, "types": {}, "examples": []}
            field["present"] += 1
            kind = type(value)
            if value is None or (kind in _EMPTIABLE and not value):
                continue
            field["filled"] += 1
            types = field["types"]
            types[kind.__name__] = types.get(kind.__name__, 0) + 1
            if len(field["examples"]) < _EXAMPLES:
                shown = value[:_EXAMPLE_LENGTH] if isinstance(value, str | bytes) else value
                field["examples"].append(repr(shown)[:_EXAMPLE_LENGTH])

    def plain(self) -> dict[str, Any]:
        """Return what :meth:`restore` takes."""
        return {"items": self.items, "fields": self.fields}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on from what :meth:`plain` returned."""
        self.items, self.fields = kept["items"], kept["fields"]


def _adapted(item: Any) -> Mapping[str, Any]:
    from crawler.item_adapter import ItemAdapter  # heavy, see there

    return ItemAdapter(item)
