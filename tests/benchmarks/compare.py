"""A site, crawled whole by several crawlers: pages a second, CPU a page, memory, and the ratios.

    python -m tests.benchmarks.compare --site /usr/share/doc/postgresql-doc-15/html --peer scrapy --peer crawlee --peer bare

The site is served by nginx from loopback. Runs are interleaved, so that what else the machine does hits all alike; medians are
compared. The peers must have fetched the same pages, or there is nothing to compare.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urldefrag

from tests.benchmarks.nginx import serving

PEERS = ("crawler", "memory", "bare", "scrapy", "crawlee")


@dataclass(frozen=True)
class Run:
    """One crawl of the site by one peer."""

    pages: frozenset[str]
    wall: float
    cpu: float
    peak: int

    @property
    def ms_a_page(self) -> float:
        """CPU a page in milliseconds, the start of the program included."""
        return self.cpu / max(1, len(self.pages)) * 1000


def run(peer: str, url: str, output: Path) -> Run:
    """Let *peer* crawl *url* in a process of its own."""
    began = time.perf_counter()
    # With bytecode for all, as an installed program has it.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen([sys.executable, "-m", f"tests.benchmarks.peers.{peer}", url, str(output)], env=env)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if status:
        raise SystemExit(f"{peer} ended with status {status}")
    lines = output.read_text("utf-8").splitlines()
    pages = frozenset(urldefrag(json.loads(line)["url"])[0] for line in lines)
    if len(pages) != len(lines):
        print(f"  {peer}: {len(lines) - len(pages)} pages came twice")
    return Run(pages, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def compare(site: Path, start: str, peers: Sequence[str], rounds: int) -> None:
    """Crawl *site* *rounds* times with each of *peers* and print what came out."""
    runs: dict[str, list[Run]] = {peer: [] for peer in peers}
    with serving(site) as url, tempfile.TemporaryDirectory() as scratch:
        for number in range(rounds):
            for peer in peers:
                one = run(peer, url + start, Path(scratch) / f"{peer}.jsonl")
                runs[peer].append(one)
                print(f"  round {number + 1} {peer:8} {len(one.pages)} pages {one.ms_a_page:.2f} ms", flush=True)
    _check_pages(runs)
    own = statistics.median(one.ms_a_page for one in runs[peers[0]])
    print(f"\n{site}, {len(runs[peers[0]][0].pages)} pages, median of {rounds} runs")
    print(f"{'':10}{'pages/s':>10}{'CPU ms/page':>14}{'peak MiB':>10}   {'CPU, ' + peers[0] + ' = 1':>10}")
    for peer, results in runs.items():
        rate = statistics.median(len(one.pages) / one.wall for one in results)
        cpu = statistics.median(one.ms_a_page for one in results)
        peak = max(one.peak for one in results) / 1024
        print(f"{peer:10}{rate:10.0f}{cpu:14.2f}{peak:10.0f}   {cpu / own:10.2f}")


def _check_pages(runs: dict[str, list[Run]]) -> None:
    """Tell where the peers did not fetch the same pages."""
    every = {page for results in runs.values() for one in results for page in one.pages}
    for peer, results in runs.items():
        for one in results:
            missing = every - one.pages
            if missing:
                print(f"NOT THE SAME PAGES: {peer} lacks {len(missing)}, such as {min(missing)}")
                break


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", type=Path, required=True, help="directory of HTML to serve")
    parser.add_argument("--start", default="index.html", help="page to start from")
    parser.add_argument(
        "--peer", action="append", default=[], choices=PEERS[1:], help="whom to compare with; may be repeated"
    )
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if not (given.site / given.start).is_file():
        parser.error(f"{given.site / given.start} is no file")
    compare(given.site, given.start, ["crawler", *dict.fromkeys(given.peer)], given.rounds)


if __name__ == "__main__":
    main()
