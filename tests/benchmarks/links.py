"""LinkExtractor against Scrapy's on one page with many links: links, CPU, and the ratio.

    python -m tests.benchmarks.links /usr/share/doc/python3.11/html/genindex-all.html          (with the bench extra)

Both run in this process, in interleaved rounds, so that what else the machine does hits both alike; medians of their CPU time are
compared. Two things are timed: a page from its bytes to its links (``whole``), and the links of a page that is parsed already
(``links``). Every round has a response of its own, which no earlier one has made anything of.

With ``--seed`` the page is made up instead: that many links, a third of them repeated, in paragraphs.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import scrapy.http
import scrapy.linkextractors

import crawler.http
import crawler.linkextractors

DOCUMENTATION = Path("/usr/share/doc/python3.11/html")
"""Where Debian's package python3.11-doc puts its pages."""

URL = "http://127.0.0.1/docs/genindex-all.html"

Peer = tuple[Callable[[], Any], Any]


def cpu_ms(work: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Return the milliseconds of CPU that *work* takes, and what it returns."""
    gc.collect()
    began = time.process_time()
    result = work(*arguments)
    return (time.process_time() - began) * 1000, result


def compare(body: bytes, rounds: int) -> None:
    """Extract the links of *body* with both, *rounds* times, and print what came out."""
    peers: dict[str, Peer] = {
        "crawler": (
            lambda: crawler.http.HtmlResponse(URL, body=body, encoding="utf-8"),
            crawler.linkextractors.LinkExtractor(),
        ),
        "scrapy": (
            lambda: scrapy.http.HtmlResponse(URL, body=body, encoding="utf-8"),
            scrapy.linkextractors.LinkExtractor(),
        ),
    }
    whole: dict[str, list[float]] = {name: [] for name in peers}
    links: dict[str, list[float]] = {name: [] for name in peers}
    found: dict[str, list[Any]] = {}
    for _ in range(rounds):
        for name, (respond, extractor) in peers.items():
            page = respond()
            parsing, _ = cpu_ms(getattr, page, "selector")
            spent, found[name] = cpu_ms(extractor.extract_links, page)
            whole[name].append(parsing + spent)
            links[name].append(spent)
    ours, theirs = found["crawler"], found["scrapy"]
    same = [(link.url, link.text, link.nofollow) for link in ours] == [
        (link.url, link.text, link.nofollow) for link in theirs
    ]
    print(
        f"{len(body) / 1024:.0f} KiB, median of {rounds} rounds, {'the same links' if same else 'NOT THE SAME LINKS'}"
    )
    print(f"{'':10}{'links':>8}{'whole, ms':>12}{'links, ms':>12}")
    for name in peers:
        print(
            f"{name:10}{len(found[name]):8}{statistics.median(whole[name]):12.2f}{statistics.median(links[name]):12.2f}"
        )
    for title, times in (("whole", whole), ("links", links)):
        ratio = statistics.median(times["crawler"]) / statistics.median(times["scrapy"])
        print(f"{title}: {ratio:.3f} of Scrapy's, {1 / ratio:.1f} times less")


def made_up(links: int, seed: int) -> bytes:
    """Return a page of *links* links, a third of them to pages that were linked before."""
    chance = random.Random(seed)
    rows = []
    for number in range(links):
        target = chance.randrange(number) if number and chance.random() < 1 / 3 else number
        rows.append(
            f"<p>words <a class='entry' href='../area{target % 7}/page{target}.html'>page {target}</a> more</p>"
        )
    return f"<html><head><title>Links</title></head><body>{''.join(rows)}</body></html>".encode()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "page", type=Path, nargs="?", help=f"page to read; by default the largest index of {DOCUMENTATION}"
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, help="make up a page of --count links instead")
    parser.add_argument("--count", type=int, default=4000)
    given = parser.parse_args()
    if given.seed is not None:
        compare(made_up(given.count, given.seed), given.rounds)
        return
    page = given.page or max(DOCUMENTATION.glob("genindex*.html"), key=lambda path: path.stat().st_size, default=None)
    if page is None or not page.is_file():
        parser.error(f"{page or DOCUMENTATION} is no page to read; name one, or use --seed 1")
    print(page)
    compare(page.read_bytes(), given.rounds)


if __name__ == "__main__":
    main()
