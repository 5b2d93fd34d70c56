"""A manual as a CrawlSpider: rules say which links are followed, and which pages are read."""

from __future__ import annotations

from urllib.parse import urljoin

from crawler import Request, threads
from crawler.demo.server import Server, start_server
from crawler.linkextractors import LinkExtractor
from crawler.spiders import CrawlSpider, Rule


class ManualSpider(CrawlSpider):
    """Every section of a manual: title and number of words. Without a *site* it crawls the bundled demo site."""

    name = "manual"
    rules = [
        Rule(LinkExtractor(allow=r"/manual/.*/section-\d+\.html"), callback="parse_section", follow=True),
        Rule(LinkExtractor(allow=r"/manual/")),
    ]
    custom_settings = {"politeness.hosts": {"127.0.0.1": {"delay": 0.0}}}

    def __init__(self, site: str = "", **kwargs) -> None:
        super().__init__(**kwargs)
        self.site = site
        self.demo: Server | None = None

    async def start(self):
        if not self.site:
            self.demo = await threads.run(start_server)
            self.site = self.demo.url
        yield Request(urljoin(self.site, "/manual/"))

    def parse_section(self, response):
        yield {"title": response.css("h1::text").get(), "words": len(response.css("p::text").get("").split())}

    def closed(self, reason: str) -> None:
        if self.demo is not None:
            self.demo.stop()
