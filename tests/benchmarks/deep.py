"""Whether a crawl is slower with a million requests waiting than with a thousand: CPU a page, and pages/s.

python -m tests.benchmarks.deep [--waiting 1000000] [--pages 5000] [--rounds 3]

The first page has the links that wait, and each other page one more, so that as many wait all the time. All is kept in a job.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crawler import Request, Response, Spider, run
from crawler.exceptions import CloseSpider
from tests.benchmarks.nginx import serving

FEW = 1_000
# Pages before those that are measured.
FIRST = 1_000

PAGE = "<html><head><title>A book</title></head><body><h1>A book</h1><p class='price'>9.99</p></body></html>"


class DeepSpider(Spider):
    name = "deep"
    custom_settings = {
        "crawl.concurrency": 16,
        "politeness.concurrency_per_host": 16,
        "politeness.delay": 0.0,
        "politeness.obey_robots": False,
        "log.level": "ERROR",
    }
    #: The CPU of a page, in seconds, and pages a second, once they are known.
    measured = (0.0, 0.0)

    def __init__(self, url: str, waiting: int, pages: int) -> None:
        super().__init__()
        self.start_urls = [url]
        self.waiting, self.pages, self.visited = waiting, pages, 0
        self.began = (0.0, 0.0)

    def parse(self, response: Response) -> Iterator[Request]:
        for number in range(self.waiting):
            yield self.link(number)

    def link(self, number: int) -> Request:
        return Request(f"{self.start_urls[0]}?a-book-of-some-title={number}", callback=self.parse_book)

    def parse_book(self, response: Response) -> Iterator[Any]:
        self.visited += 1
        if self.visited == FIRST:
            self.began = time.process_time(), time.perf_counter()
        if self.visited == FIRST + self.pages:
            cpu, took = time.process_time() - self.began[0], time.perf_counter() - self.began[1]
            DeepSpider.measured = cpu / self.pages, self.pages / took
            raise CloseSpider("measured")
        yield {"title": response.css("h1::text").get(), "price": response.css(".price::text").get()}
        yield self.link(self.waiting + self.visited)


def crawl(url: str, waiting: int, pages: int) -> tuple[float, float]:
    """Crawl in this process; return the CPU of a page, in seconds, and pages a second."""
    with tempfile.TemporaryDirectory() as scratch:
        result = run(DeepSpider, {"frontier.directory": scratch}, url=url, waiting=waiting, pages=pages)
        if result.reason != "measured":
            raise SystemExit(f"the crawl ended before it was measured: {result.reason}")
    return DeepSpider.measured


def measured(url: str, waiting: int, pages: int) -> tuple[float, float]:
    """Crawl in a process of its own."""
    options = ["--of", url, "--waiting", str(waiting), "--pages", str(pages)]
    command = [sys.executable, "-m", "tests.benchmarks.deep", *options]
    cpu, rate = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return cpu, rate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=1_000_000)
    parser.add_argument("--pages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--of", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.of:
        print(json.dumps(crawl(given.of, given.waiting, given.pages)))
        return
    cpu, rate = [], []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # nginx reads it as another user
        (Path(folder) / "index.html").write_text(PAGE)
        with serving(Path(folder)) as url:
            for _ in range(given.rounds):
                few, many = measured(url, FEW, given.pages), measured(url, given.waiting, given.pages)
                print(
                    f"  {FEW:,} waiting: {few[0] * 1e6:.0f} microseconds of CPU a page, {few[1]:.0f} pages/s; ", end=""
                )
                print(f"{given.waiting:,}: {many[0] * 1e6:.0f} microseconds, {many[1]:.0f} pages/s")
                cpu.append(many[0] / few[0])
                rate.append(many[1] / few[1])
    print(f"with {given.waiting:,} waiting: CPU a page {statistics.median(cpu):.2f} of that with {FEW:,}, ", end="")
    print(f"pages/s {statistics.median(rate):.2f}")


if __name__ == "__main__":
    main()
