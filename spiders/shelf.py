"""Books from the sitemap: no links to follow, each page once."""

from __future__ import annotations

from urllib.parse import urljoin

from crawler.demo.hosted import DemoSpider
from crawler.spiders import SitemapSpider


class ShelfSpider(DemoSpider, SitemapSpider):
    """Title and price of every book that the sitemaps of a shop name. Without a *site* it crawls the bundled demo site."""

    name = "shelf"
    sitemap_rules = [("/catalogue/", "parse_book")]
    custom_settings = {"politeness.hosts": {"127.0.0.1": {"delay": 0.0, "concurrency": 16}}}

    def __init__(self, site: str = "", **kwargs) -> None:
        super().__init__(**kwargs)
        self.site = site

    async def start(self):
        # robots.txt names the sitemaps.
        self.sitemap_urls = [urljoin(self.site, "/robots.txt")]
        async for request in super().start():
            yield request

    def parse_book(self, response):
        yield {"title": response.css("h1::text").get(), "price": response.css("p.price_color::text").get()}
