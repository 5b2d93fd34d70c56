"""Items through two pipelines: one drops, one is set up by from_crawler and the settings."""

import scrapy
from scrapy.exceptions import DropItem


class Product(scrapy.Item):
    name = scrapy.Field()
    price = scrapy.Field(serializer=str)
    with_tax = scrapy.Field()


class NoPrice:
    def process_item(self, item, spider):
        if not item.get("price"):
            raise DropItem(f"no price: {item['name']}")
        return item


class Tax:
    def __init__(self, rate, stats):
        self.rate = rate
        self.stats = stats

    @classmethod
    def from_crawler(cls, crawler):
        return cls(crawler.settings.getfloat("TAX_RATE"), crawler.stats)

    def open_spider(self, spider):
        spider.notes = ["open"]

    def process_item(self, item, spider):
        item["with_tax"] = round(float(item["price"]) * (1 + self.rate), 2)
        self.stats.inc_value("taxed")
        return item

    def close_spider(self, spider):
        spider.notes.append(f"taxed {self.stats.get_value('taxed')}")
        spider.notes.append(f"dropped {self.stats.get_value('item_dropped_count')}")


class PipelinesSpider(scrapy.Spider):
    name = "pipelines"
    start_urls = [f"http://site.test/item/{name}" for name in ("kettle", "spade", "rake", "cup")]
    custom_settings = {"TAX_RATE": 0.2, "ITEM_PIPELINES": {Tax: 800, NoPrice: 100}}

    def parse(self, response):
        item = Product(name=response.css("h1::text").get())
        item["price"] = response.css("p.price::text").re_first(r"£(.*)")
        yield item
