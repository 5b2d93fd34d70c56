"""An argument that is an attribute, and maybe not there."""

import scrapy


class TagSpider(scrapy.Spider):
    name = "tagged"

    async def start(self):
        url = "http://site.test/"
        tag = getattr(self, "tag", None)
        if tag is not None:
            url = url + "echo/tag/" + tag
        yield scrapy.Request(url, self.parse)

    def parse(self, response):
        yield {"asked": response.json()["path"]}
