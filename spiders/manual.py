"""A manual as a CrawlSpider: rules say which links are followed, and which pages are read."""

from __future__ import annotations

from urllib.parse import urljoin

from crawler import Request
from crawler.demo.hosted import DemoSpider
from crawler.linkextractors import LinkExtractor
from crawler.spiders import CrawlSpider, Rule


class ManualSpider(DemoSpider, CrawlSpider):
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

    async def start(self):
        yield Request(urljoin(self.site, "/manual/"))

    def parse_section(self, response):
        yield {"title": response.css("h1::text").get(), "words": len(response.css("p::text").get("").split())}
