"""This project."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from crawler import Spider
from crawler.exporters import FeedOptions
from crawler.running import run_crawl
from crawler.settings import Settings

SETTINGS = {
    "crawl.concurrency": 32,
    "politeness.concurrency_per_host": 32,
    "politeness.delay": 0.0,
    "politeness.obey_robots": False,
    "log.level": "WARNING",
}


class PagesSpider(Spider):
    name = "pages"

    def parse(self, response):
        yield {
            "url": response.url,
            "title": response.css("title::text").get(),
            "h1": [heading.xpath("string()").get() for heading in response.css("h1")],
        }
        yield from response.follow_all(css="a")


def main(start: str, output: str) -> None:
    """Crawl from *start* and write to *output*."""
    PagesSpider.start_urls = [start]
    PagesSpider.allowed_domains = [urlsplit(start).hostname or ""]
    result = run_crawl(
        PagesSpider, Settings(SETTINGS), {}, feeds=[FeedOptions.parse(f"{output}:jsonl", overwrite=True)]
    )
    if result.failed:
        print(result.stats, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
