"""Signals: opened, idle with a second round, items counted, closed with a reason."""

import scrapy
from scrapy import signals
from scrapy.exceptions import DontCloseSpider


class SignalSpider(scrapy.Spider):
    name = "signalled"
    start_urls = ["http://site.test/page/1"]

    @classmethod
    def from_crawler(cls, crawler, *args, **kwargs):
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.notes, spider.rounds, spider.items = [], ["http://site.test/page/2", "http://site.test/page/3"], 0
        crawler.signals.connect(spider.opened, signal=signals.spider_opened)
        crawler.signals.connect(spider.idle, signal=scrapy.signals.spider_idle)
        crawler.signals.connect(spider.scraped, signal=signals.item_scraped)
        return spider

    def opened(self, spider):
        self.notes.append(f"opened {spider.name}")

    def idle(self):
        if self.rounds:
            self.crawler.engine.crawl(scrapy.Request(self.rounds.pop(0)))
            raise DontCloseSpider

    def scraped(self, item, response, spider):
        self.items += 1

    def parse(self, response):
        yield {"page": response.url[-1]}

    def closed(self, reason):
        self.notes.append(f"closed {reason} with {self.items}")
