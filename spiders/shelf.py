"""Books from the sitemap: no links to follow, each page once."""

from __future__ import annotations

from urllib.parse import urljoin

from crawler import threads
from crawler.demo.server import Server, start_server
from crawler.spiders import SitemapSpider


class ShelfSpider(SitemapSpider):
    """Title and price of every book that the sitemaps of a shop name. Without a *site* it crawls the bundled demo site."""

    name = "shelf"
    sitemap_rules = [("/catalogue/", "parse_book")]
    custom_settings = {"politeness.hosts": {"127.0.0.1": {"delay": 0.0, "concurrency": 16}}}

    def __init__(self, site: str = "", **kwargs) -> None:
        super().__init__(**kwargs)
        self.site = site
        self.demo: Server | None = None

    async def start(self):
        if not self.site:
            self.demo = await threads.run(start_server)
            self.site = self.demo.url
        # robots.txt names the sitemaps.
        self.sitemap_urls = [urljoin(self.site, "/robots.txt")]
        async for request in super().start():
            yield request

    def parse_book(self, response):
        yield {"title": response.css("h1::text").get(), "price": response.css("p.price_color::text").get()}

    def closed(self, reason: str) -> None:
        if self.demo is not None:
            self.demo.stop()
