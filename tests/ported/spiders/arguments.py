"""Arguments of the command line: in __init__, and as attributes."""

import scrapy


class ArgumentSpider(scrapy.Spider):
    name = "arguments"

    def __init__(self, category=None, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.start_urls = [f"http://site.test/shop/{category}"]

    def parse(self, response):
        limit = int(getattr(self, "limit", 0))
        names = response.css("a[href^='/item/']::text").getall()
        yield {"title": response.css("title::text").get(), "names": names[:limit] if limit else names}
