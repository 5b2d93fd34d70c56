"""A page that scrolls for ever: the JSON that its script loads."""

from __future__ import annotations

from urllib.parse import urljoin

from crawler import Request
from crawler.demo.hosted import DemoSpider


class ReviewsSpider(DemoSpider):
    """Reads an API page by page, as long as it says that there is more. Without a *site* it crawls the bundled demo site."""

    name = "reviews"
    custom_settings = {"politeness.hosts": {"127.0.0.1": {"delay": 0.0}}}

    def __init__(self, site: str = "", **kwargs) -> None:
        super().__init__(**kwargs)
        self.site = site

    async def start(self):
        yield self.page(1)

    def page(self, number: int) -> Request:
        return Request(urljoin(self.site, f"/api/reviews?page={number}"), headers={"Accept": "application/json"})

    def parse(self, response):
        loaded = response.json()
        yield from loaded["reviews"]
        if loaded["has_next"]:
            yield self.page(loaded["page"] + 1)
