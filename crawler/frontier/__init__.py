"""The frontier: where requests wait, in which order they start, and what became of each.

``workbench`` decides what may start now, ``memory`` keeps what does not fit it, ``codec`` writes requests as records, ``seen``
knows which were submitted, ``frontier`` joins them. All of it is pure: time comes in as an argument.
"""

from __future__ import annotations

from crawler.frontier.frontier import Frontier
from crawler.frontier.memory import MemoryStore
from crawler.frontier.seen import SeenIndex, SeenSet
from crawler.frontier.visit import Outcome, Visit
from crawler.frontier.workbench import Workbench

__all__ = ["Frontier", "MemoryStore", "Outcome", "SeenIndex", "SeenSet", "Visit", "Workbench"]
