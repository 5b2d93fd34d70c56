"""Scrapy."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import scrapy
from scrapy.crawler import CrawlerProcess


class PagesSpider(scrapy.Spider):
    name = "pages"

    def parse(self, response):
        if not isinstance(response, scrapy.http.HtmlResponse):
            return
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
    process = CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": 32,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 32,
            "DOWNLOAD_DELAY": 0,
            "ROBOTSTXT_OBEY": False,
            "LOG_LEVEL": "WARNING",
            "TELNETCONSOLE_ENABLED": False,
            "FEEDS": {output: {"format": "jsonlines", "overwrite": True}},
        }
    )
    process.crawl(PagesSpider)
    process.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
