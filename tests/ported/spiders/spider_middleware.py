"""A spider middleware: what goes into callbacks, what comes out, and what goes wrong in them."""

import scrapy


class Stamp:
    def process_spider_input(self, response, spider):
        response.meta["seen"] = response.meta.get("seen", 0) + 1

    async def process_spider_output(self, response, result, spider):
        async for output in result:
            if isinstance(output, dict):
                output["page"] = response.url.rsplit("/", 1)[-1]
            yield output

    def process_spider_exception(self, response, exception, spider):
        if isinstance(exception, ZeroDivisionError):
            return [{"mended": response.url.rsplit("/", 1)[-1]}]
        return None

    async def process_start(self, start):
        async for output in start:
            yield output
        yield scrapy.Request("http://site.test/page/3")


class StampSpider(scrapy.Spider):
    name = "spider_middleware"
    start_urls = ["http://site.test/page/1", "http://site.test/page/2"]
    custom_settings = {"SPIDER_MIDDLEWARES": {Stamp: 500}}

    def parse(self, response):
        yield {"quotes": len(response.css(".quote")), "seen": response.meta["seen"]}
        if response.url.endswith("/2"):
            1 / 0  # noqa: B018
