"""The engine and what it is made of: one crawl, from submission to commit. ``engine`` is the page to read first."""

from __future__ import annotations

from crawler.engine.engine import Engine
from crawler.engine.parts import Capacity, Parts

__all__ = ["Capacity", "Engine", "Parts"]
