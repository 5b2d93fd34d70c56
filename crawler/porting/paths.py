"""What of Scrapy's is here: asked of the package itself, so that nothing has to be kept in step."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import Any

from crawler import scrapy_paths


@functools.cache
def missing_in(path: str) -> str | None:
    """Return what to do about the first part of the dotted *path* (``scrapy.http.Request.meta``) that is not here.

    None if all is here. What lies below a class is not looked at.
    """
    here: Any = importlib.import_module("crawler")
    parts = path.split(".")
    for end in range(2, len(parts) + 1):
        part = ".".join(parts[:end])
        found = _below(here, part)
        if found is None:
            return (
                scrapy_paths.advice(path) or f"there is no crawler.{part.partition('.')[2]}, and nothing is known of it"
            )
        if not isinstance(found, ModuleType):
            return None
        here = found
    return None


def _below(module: ModuleType, path: str) -> Any:
    """Return what stands at *path*, whose parent is *module*; None if nothing does."""
    found = getattr(module, path.rpartition(".")[2], None)
    if found is not None:
        return found
    try:
        return importlib.import_module(f"crawler.{path.partition('.')[2]}")
    except ImportError:
        return None
