"""Errbacks: which error it was, and the response behind it."""

import scrapy
from scrapy.spidermiddlewares.httperror import HttpError


class ErrbackSpider(scrapy.Spider):
    name = "errbacks"
    custom_settings = {"RETRY_TIMES": 1, "RETRY_PRIORITY_ADJUST": -1}

    async def start(self):
        for path in ("/page/1", "/missing", "/error", "/gone"):
            yield scrapy.Request(f"http://site.test{path}", callback=self.fine, errback=self.wrong)
        yield scrapy.Request(
            "http://site.test/slow", self.fine, meta={"download_timeout": 0.5, "dont_retry": True}, errback=self.wrong
        )

    def fine(self, response):
        yield {"fine": response.status}

    def wrong(self, failure):
        if failure.check(HttpError):
            response = failure.value.response
            yield {"status": response.status, "body": response.text[:6], "retried": response.meta.get("retry_times", 0)}
        else:
            yield {"error": "Timeout" in failure.type.__name__, "url": failure.request.url}
