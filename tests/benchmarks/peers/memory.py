"""This project with the memory store: what durability costs is the difference."""

from __future__ import annotations

import sys

from tests.benchmarks.peers.crawler import SETTINGS, main

if __name__ == "__main__":
    SETTINGS["frontier.store"] = "memory"
    main(*sys.argv[1:])
