"""start_requests, as spiders had it for fifteen years."""

import scrapy


class OldStartSpider(scrapy.Spider):
    name = "starting_before"

    def start_requests(self):
        urls = ["http://site.test/page/1", "http://site.test/page/2"]
        for url in urls:
            yield scrapy.Request(url=url, callback=self.parse, meta={"number": url[-1]})

    def parse(self, response):
        page = response.url.split("/")[-1]
        self.log(f"seen {page}")
        yield {"page": page, "number": response.meta["number"], "quotes": len(response.xpath("//div[@class='quote']"))}
