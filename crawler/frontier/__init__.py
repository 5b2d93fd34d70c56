"""The frontier: where requests wait, in which order they start, and what became of each.

``workbench`` decides what may start now; ``memory`` or, in a job, ``stock`` keeps what does not fit it; ``seen`` knows which were
submitted; ``frontier`` joins them. All of it is pure: time comes in as an argument.

A job is a folder (``folder``, ``locking``) with a database: ``jobs`` opens it, ``sqlite`` is its journal, ``codec`` writes requests
as records, ``ledger`` knows what its rows come to, ``digests`` finds the fingerprint of one, ``sealing`` keeps its secrets.
``story`` tells what became of a URL.
"""

from __future__ import annotations

from crawler.frontier.frontier import Frontier
from crawler.frontier.memory import MemoryStore
from crawler.frontier.seen import SeenIndex, SeenSet
from crawler.frontier.visit import Outcome, Visit
from crawler.frontier.workbench import Workbench

__all__ = ["Frontier", "MemoryStore", "Outcome", "SeenIndex", "SeenSet", "Visit", "Workbench"]
