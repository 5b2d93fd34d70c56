"""Spiders: the base class and the ready-made kinds, each imported when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.first_use import at_first_use
from crawler.spiders.spider import Spider

if TYPE_CHECKING:
    from crawler.spiders.crawl import CrawlSpider, Rule
    from crawler.spiders.feed import CSVFeedSpider, XMLFeedSpider
    from crawler.spiders.sitemap import SitemapSpider

__all__ = ["CSVFeedSpider", "CrawlSpider", "Rule", "SitemapSpider", "Spider", "XMLFeedSpider"]

_KINDS = {
    "CSVFeedSpider": "crawler.spiders.feed",
    "CrawlSpider": "crawler.spiders.crawl",
    "Rule": "crawler.spiders.crawl",
    "SitemapSpider": "crawler.spiders.sitemap",
    "XMLFeedSpider": "crawler.spiders.feed",
}

if not TYPE_CHECKING:  # type checkers know the names from above, and tell one that is misspelled
    __getattr__ = at_first_use(globals(), _KINDS)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
