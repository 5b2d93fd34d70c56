"""Crawlee, with its BeautifulSoup crawler on lxml."""

from __future__ import annotations

import asyncio
import json
import logging
import sys

from crawlee import ConcurrencySettings
from crawlee.crawlers import BeautifulSoupCrawler, BeautifulSoupCrawlingContext
from crawlee.storage_clients import MemoryStorageClient

CONCURRENCY = 32


async def crawl(start: str, output: str) -> None:
    """Crawl from *start* and write to *output*."""
    crawler = BeautifulSoupCrawler(
        parser="lxml",
        concurrency_settings=ConcurrencySettings(
            min_concurrency=CONCURRENCY, desired_concurrency=CONCURRENCY, max_concurrency=CONCURRENCY
        ),
        storage_client=MemoryStorageClient(),
        configure_logging=False,
    )
    logging.getLogger("crawlee").setLevel(logging.WARNING)
    with open(output, "w", encoding="utf-8") as out:

        @crawler.router.default_handler
        async def page(context: BeautifulSoupCrawlingContext) -> None:
            title = context.soup.title.string if context.soup.title else None
            headings = [heading.get_text() for heading in context.soup.find_all("h1")]
            out.write(json.dumps({"url": context.request.url, "title": title, "h1": headings}) + "\n")
            await context.enqueue_links(strategy="same-hostname")

        await crawler.run([start])


if __name__ == "__main__":
    asyncio.run(crawl(*sys.argv[1:]))
