"""What a feed names: classes and functions by dotted path, and names that may be misspelled."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from crawler.exceptions import FeedError
from crawler.nearest import did_you_mean


def load(path: Any) -> Any:
    """Return the object at the dotted *path*; anything but text is the object itself."""
    if not isinstance(path, str):
        return path
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise FeedError(f"cannot load {path!r}, which a feed names: {error}") from error


def unknown(what: str, name: str, allowed: Iterable[str]) -> str:
    """Return what to say about *name*, which is none of those that are *allowed*."""
    names = sorted(allowed)
    return f"unknown {what} {name!r}{did_you_mean(name, names)} (allowed: {', '.join(names)})"
