"""How much quicker is a crawl that is replayed from the HTTP cache than one that fetches?

    python -m tests.benchmarks.replay [--size 1000] [--rounds 5]

The demo shop in a second process, without delays: what is compared is the work, and not the waiting, of which a replay has none.
Rounds of the three ways take turns; told are the medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from crawler.demo.bench import SETTINGS
from crawler.demo.server import serving
from crawler.running import run_crawl
from crawler.settings import Settings
from crawler.spiders import Spider


class Shop(Spider):
    """Follows every link, and brings what a page is called."""

    name = "shop"

    def parse(self, response: Any, **kwargs: Any) -> Any:
        yield {"url": response.url, "title": response.css("title::text").get()}
        yield from response.follow_all(css="a")


def measured(settings: dict[str, Any]) -> tuple[float, float, int]:
    """Crawl; return seconds, seconds of CPU, and pages."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run_crawl(Shop, Settings({**SETTINGS, **settings}), {})
    pages = result.stats.get("response_received_count", 0)
    return time.perf_counter() - wall, time.process_time() - cpu, pages


def main() -> None:
    """Measure and print pages a second and CPU a page: fetched, fetched and kept, replayed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    rates: dict[str, list[float]] = {"fetched": [], "fetched and kept": [], "replayed": []}
    costs: dict[str, list[float]] = {name: [] for name in rates}
    with serving(given.size) as url:
        Shop.start_urls = [url]
        for _ in range(given.rounds):
            with tempfile.TemporaryDirectory() as folder:
                kept = {
                    "cache.enabled": True,
                    "cache.policy": "everything",
                    "cache.path": str(Path(folder, "c.sqlite")),
                }
                ways = {"fetched": {}, "fetched and kept": kept, "replayed": {**kept, "cache.offline": True}}
                seen = set()
                for name, settings in ways.items():
                    wall, cpu, pages = measured(settings)
                    seen.add(pages)
                    rates[name].append(pages / wall)
                    costs[name].append(cpu / pages * 1000)
                assert len(seen) == 1, f"not the same pages: {seen}"
    for name in rates:
        spread = f"{min(rates[name]):,.0f} to {max(rates[name]):,.0f}"
        rate, cost = statistics.median(rates[name]), statistics.median(costs[name])
        print(f"  {name:18}{rate:7,.0f} pages/s ({spread}), {cost:.2f} ms of CPU a page")


if __name__ == "__main__":
    main()
