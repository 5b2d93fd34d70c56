"""Kills crawls of the demo shop with SIGKILL until enough are dead, resumes each to its end, and compares the outputs.

    python -m tests.benchmarks.crash --kills 1000
    python -m tests.benchmarks.crash --simulated 2000     on a fake clock, crashing at any event

Prints the counts; ends with an error at the first item that is missing or came twice.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

from crawler.demo.server import serving
from tests.engine.crashes import Job
from tests.loopback.killing import kill_at_random


def kill(kills: int, books: int, seed: int) -> None:
    """Kill processes until *kills* were killed."""
    chance = random.Random(seed)
    killed = crawls = 0
    with serving(books) as url:
        while killed < kills:
            with tempfile.TemporaryDirectory() as folder:
                killed += kill_at_random(Path(folder), url, books=books, chance=chance, shortest=0.5, longest=1.3)
            crawls += 1
            print(f"\r{killed} processes killed in {crawls} crawls", end="", flush=True)
    print(f"\n{killed} kills, {crawls} crawls of {books} books: nothing missing, nothing twice in 3 outputs of each")


def simulate(crawls: int, seed: int) -> None:
    """Let *crawls* crawls crash at random events on the fake clock."""
    crashes = 0
    for number in range(crawls):
        chance = random.Random(seed + number)
        with tempfile.TemporaryDirectory() as folder:
            job = Job(Path(folder), seed=seed + number)
            while not job.run(chance.randint(1, 60)):
                crashes += 1
                waiting, ended, seen = job.balance()
                assert waiting + ended == seen, f"seed {seed + number}: {waiting} + {ended} is not {seen}"
            assert job.items() == [job.expected()] * 2, f"seed {seed + number}"
    print(f"{crashes} simulated crashes in {crawls} crawls: nothing missing, nothing twice, every account balanced")


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
