"""Remembering what was worked out for a text, for the many texts of a crawl that come again and again.

In place of ``functools.lru_cache``, whose every entry is an object that the garbage collector visits: with a hundred thousand of
them that costs more than they save. A dictionary of texts is one object, and not visited at all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

Value = TypeVar("Value")


def remembered(limit: int) -> Callable[[Callable[[str], Value]], Callable[[str], Value]]:
    """Decorate a function of a text so that up to *limit* results but None are kept; beyond that all are forgotten at once."""

    def decorate(work_out: Callable[[str], Value]) -> Callable[[str], Value]:
        known: dict[str, Value] = {}

        @wraps(work_out)
        def look_up(text: str) -> Value:
            value = known.get(text)
            if value is None:
                if len(known) >= limit:
                    known.clear()
                value = known[text] = work_out(text)
            return value

        return look_up

    return decorate
