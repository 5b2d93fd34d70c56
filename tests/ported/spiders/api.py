"""A JSON API: pages, a POST, and JMESPath."""

import json

import scrapy
from scrapy.http import JsonRequest


class ApiSpider(scrapy.Spider):
    name = "api"
    page_url = "http://site.test/api/quotes?page=%d"
    start_urls = [page_url % 1]

    def parse(self, response):
        data = json.loads(response.text)
        for quote in data["quotes"]:
            yield {"text": quote["text"], "by": quote["author"]["name"]}
        if data["has_next"]:
            yield scrapy.Request(url=self.page_url % (data["page"] + 1), callback=self.parse)
        else:
            yield {"names": sorted(set(response.jmespath("quotes[].author.name").getall()))}
            yield JsonRequest("http://site.test/search", data={"tag": "care"}, callback=self.parse_found)

    def parse_found(self, response):
        yield {"found": response.json()["found"], "type": response.json()["type"], "status": response.status}
