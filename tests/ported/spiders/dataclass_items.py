"""Dataclass items, and a pipeline that sees every kind of item alike."""

from dataclasses import dataclass, field

import scrapy
from itemadapter import ItemAdapter


@dataclass
class Quote:
    text: str
    author: str = "nobody"
    tags: list = field(default_factory=list)
    length: int = 0


class CountLetters:
    def process_item(self, item, spider):
        adapter = ItemAdapter(item)
        if "text" in adapter:
            adapter["length"] = len(adapter["text"])
        return item


class DataclassSpider(scrapy.Spider):
    name = "dataclass_items"
    start_urls = ["http://site.test/page/2"]
    custom_settings = {"ITEM_PIPELINES": {CountLetters: 300}}

    def parse(self, response):
        for quote in response.css(".quote"):
            yield Quote(quote.css(".text::text").get(), tags=quote.css(".tag::text").getall())
        yield {"page": 2}
