"""Spiders: the base class and the ready-made kinds."""

from __future__ import annotations

from crawler.spiders.crawl import CrawlSpider, Rule
from crawler.spiders.feed import CSVFeedSpider, XMLFeedSpider
from crawler.spiders.sitemap import SitemapSpider
from crawler.spiders.spider import Spider

__all__ = ["CSVFeedSpider", "CrawlSpider", "Rule", "SitemapSpider", "Spider", "XMLFeedSpider"]
