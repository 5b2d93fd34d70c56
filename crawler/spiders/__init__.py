"""Spiders: the base class and the ready-made kinds; those that read feeds and sitemaps are imported when they are first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from crawler.spiders.crawl import CrawlSpider, Rule
from crawler.spiders.spider import Spider

if TYPE_CHECKING:
    from crawler.spiders.feed import CSVFeedSpider, XMLFeedSpider
    from crawler.spiders.sitemap import SitemapSpider

__all__ = ["CSVFeedSpider", "CrawlSpider", "Rule", "SitemapSpider", "Spider", "XMLFeedSpider"]

_MODULES = {"CSVFeedSpider": "feed", "XMLFeedSpider": "feed", "SitemapSpider": "sitemap", "feed": "", "sitemap": ""}


def _kind(name: str) -> Any:
    """Import a kind of spider, or the module of one, when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name] or name}")
    return getattr(module, name) if _MODULES[name] else module


if not TYPE_CHECKING:  # type checkers know the names from above, and tell one that is misspelled
    __getattr__ = _kind  # as modules have it (PEP 562)
