"""Spiders: the base class and the ready-made kinds, each imported when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from crawler.spiders.spider import Spider

if TYPE_CHECKING:
    from crawler.spiders.crawl import CrawlSpider, Rule
    from crawler.spiders.feed import CSVFeedSpider, XMLFeedSpider
    from crawler.spiders.sitemap import SitemapSpider

__all__ = ["CSVFeedSpider", "CrawlSpider", "Rule", "SitemapSpider", "Spider", "XMLFeedSpider"]

_KINDS = {
    "CSVFeedSpider": "feed",
    "CrawlSpider": "crawl",
    "Rule": "crawl",
    "SitemapSpider": "sitemap",
    "XMLFeedSpider": "feed",
}


def _kind(name: str) -> Any:
    """Import a kind of spider when it is first asked for."""
    module = _KINDS.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    return value


if not TYPE_CHECKING:  # type checkers know the names from above, and tell one that is misspelled
    __getattr__ = _kind


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
