"""CloseSpider, state, and the reason."""

import scrapy
from scrapy.exceptions import CloseSpider


class ClosingSpider(scrapy.Spider):
    name = "closing"
    start_urls = ["http://site.test/page/1"]
    custom_settings = {"CONCURRENT_REQUESTS": 1}

    def parse(self, response):
        self.state["pages"] = self.state.get("pages", 0) + 1
        number = int(response.url[-1])
        yield {"page": number}
        if number == 2:
            raise CloseSpider("enough")
        yield response.follow(f"/page/{number + 1}")

    def closed(self, reason):
        self.notes = [reason, self.state["pages"]]
