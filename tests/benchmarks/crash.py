"""Crawls that meet trouble until there was enough of it, each resumed to its end and compared with one that was never interrupted.

    python -m tests.benchmarks.crash --kills 1000         processes that crawl the demo shop, killed with SIGKILL
    python -m tests.benchmarks.crash --simulated 2000     crawls on a fake clock: killed at any event and at any write to the disk,
                                                          without power, and with disks that are full or cannot be read

Prints the counts; ends with an error at the first page or item that is missing or came twice, and at an account that does not
balance.
"""

from __future__ import annotations

import argparse
import logging
import random
import tempfile
from collections import Counter
from pathlib import Path

from crawler.demo.server import serving
from tests.engine.troubles import survive
from tests.loopback.killing import kill_at_random, uninterrupted


def kill(kills: int, books: int, seed: int) -> None:
    """Kill processes until *kills* were killed."""
    chance = random.Random(seed)
    killed = crawls = 0
    with serving(books) as url:
        wanted = uninterrupted(url)
        while killed < kills:
            with tempfile.TemporaryDirectory() as folder:
                killed += kill_at_random(Path(folder), url, wanted, chance=chance)
            crawls += 1
            print(f"\r{killed} processes killed in {crawls} crawls", end="", flush=True)
    pages, items = wanted.visited.total(), wanted.items.total()
    print(
        f"\n{killed} kills in {crawls} crawls of {pages} pages and {items} items: all visited once, all once in 3 outputs"
    )


def simulate(crawls: int, seed: int) -> None:
    """Let *crawls* crawls meet trouble on the fake clock."""
    logging.getLogger("crawler").propagate = False
    met: Counter[str] = Counter()
    checks = 0
    for number in range(seed, seed + crawls):
        with tempfile.TemporaryDirectory() as folder:
            try:
                troubles, checked = survive(Path(folder), number)
            except BaseException as error:
                error.add_note(f"with --simulated 1 --seed {number}")
                raise
        met += troubles
        checks += checked
        print(f"\r{number - seed + 1} crawls, {met.total()} troubles", end="", flush=True)
    told = ", ".join(f"{count} {trouble}" for trouble, count in met.most_common())
    print(f"\n{crawls} crawls, {told}: nothing missing, nothing twice, and {checks} times the account balanced")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--simulated", type=int, default=0)
    parser.add_argument("--books", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.kills:
        kill(given.kills, given.books, given.seed)
    if given.simulated:
        simulate(given.simulated, given.seed)


if __name__ == "__main__":
    main()
