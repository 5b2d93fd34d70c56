"""How fast this machine crawls: the demo shop in a second process, crawled whole."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crawler.demo.server import serving
from crawler.http import HtmlResponse
from crawler.running import run_crawl
from crawler.settings import Settings
from crawler.spiders import Spider

if TYPE_CHECKING:
    from crawler.http import Response

#: Nobody is there to be polite to, and nothing is to be seen but the crawler.
SETTINGS = {
    "politeness.delay": 0.0,
    "politeness.concurrency_per_host": 32,
    "crawl.concurrency": 32,
    "politeness.obey_robots": False,
    "frontier.store": "memory",
    "log.level": "WARNING",
}


class _BenchSpider(Spider):
    name = "bench"

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Any]:
        assert isinstance(response, HtmlResponse)
        yield {"url": response.url, "title": response.css("title::text").get(), "h1": response.css("h1::text").getall()}
        yield from response.follow_all(css="a")


def run_bench(size: int = 1000) -> None:
    """Crawl a shop with *size* books and print pages a second, CPU a page and memory."""
    with serving(size) as url:
        _BenchSpider.start_urls = [url]
        wall, cpu = time.perf_counter(), time.process_time()
        result = run_crawl(_BenchSpider, Settings(SETTINGS), {})
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    pages = result.stats.get("response_received_count", 0)
    received = result.stats.get("downloader/response_bytes", 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{pages:,} pages of {received / max(1, pages) / 1024:.0f} KiB in {wall:.2f} s: {pages / wall:,.0f} pages/s")
    print(f"{cpu / max(1, pages) * 1000:.2f} ms of CPU a page, {peak / 1024:.0f} MiB of memory at most")
