"""async def start: requests and items, forms, methods and bodies."""

import scrapy


class StartSpider(scrapy.Spider):
    name = "starting"

    async def start(self):
        yield {"started": True}
        for number in (1, 2):
            yield scrapy.Request(f"http://site.test/echo/{number}?b=2&a=1#top", method="POST", body=f"n={number}")
        yield scrapy.FormRequest("http://site.test/echo/form", formdata={"x": "1", "y": ["2", "3"]})
        yield scrapy.FormRequest("http://site.test/echo/get", method="GET", formdata={"q": "ü b"})

    async def parse(self, response):
        data = response.json()
        yield {"path": data["path"], "method": data["method"], "body": data["body"]}
