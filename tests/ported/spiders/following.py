"""meta, priority, dont_filter, urljoin, follow, replace, headers, flags."""

import scrapy


class FollowSpider(scrapy.Spider):
    name = "following"
    start_urls = ["http://site.test/facts"]
    custom_settings = {"CONCURRENT_REQUESTS": 1, "DEFAULT_REQUEST_HEADERS": {"X-From": "defaults"}}

    def parse(self, response):
        yield {"joined": [response.urljoin(href).partition("//")[2] for href in response.css("a::attr(href)").getall()]}
        for priority in (1, 3, 2):
            yield response.follow(f"/echo/{priority}", self.parse_echo, priority=priority, meta={"asked": priority})
        again = scrapy.Request(response.urljoin("/echo/1"), self.parse_echo, headers={"X-From": "me"}, flags=["twice"])
        yield again  # seen, so it is dropped
        yield again.replace(dont_filter=True, meta={"asked": "again"})

    def parse_echo(self, response):
        data = response.json()
        yield {
            "path": data["path"],
            "asked": response.meta["asked"],
            "from": data["x"],
            "depth": response.meta["depth"],
            "flags": response.request.flags,
        }
