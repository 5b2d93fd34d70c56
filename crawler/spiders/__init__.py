"""Spiders: the base class and the ready-made kinds."""

from __future__ import annotations

from crawler.spiders.crawl import CrawlSpider, Rule
from crawler.spiders.spider import Spider

__all__ = ["CrawlSpider", "Rule", "Spider"]
