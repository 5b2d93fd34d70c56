"""A downloader middleware: answers by itself, asks again, and makes up for what failed."""

from scrapy import Request, Spider
from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse


class Shortcuts:
    @classmethod
    def from_crawler(cls, crawler):
        middleware = cls()
        middleware.word = crawler.settings.get("SECRET_WORD")
        return middleware

    def process_request(self, request, spider):
        if "/secret" in request.url:
            raise IgnoreRequest("not this one")
        if "/made-up" in request.url:
            return HtmlResponse(request.url, body=f"<p>{self.word}</p>".encode(), request=request)
        request.headers.setdefault("X-From", "middleware")
        return None

    def process_response(self, request, response, spider):
        if response.status == 404 and not request.meta.get("again"):
            return request.replace(url="http://site.test/echo/instead", meta={"again": True}, dont_filter=True)
        return response

    def process_exception(self, request, exception, spider):
        if "Timeout" in type(exception).__name__:
            return HtmlResponse(request.url, status=200, body=b"<p>gave up waiting</p>", request=request)
        return None


class MiddlewareSpider(Spider):
    name = "downloader_middleware"
    custom_settings = {"DOWNLOADER_MIDDLEWARES": {Shortcuts: 543}, "SECRET_WORD": "hush", "RETRY_ENABLED": False}

    async def start(self):
        for path in ("/echo/a", "/made-up", "/nowhere"):
            yield Request(f"http://site.test{path}")
        yield Request("http://site.test/slow", meta={"download_timeout": 0.5})
        yield Request("http://site.test/secret", errback=self.refused)

    def parse(self, response):
        if "json" in response.headers.get("Content-Type", b"").decode():
            data = response.json()
            yield {"path": data["path"], "from": data["x"]}
        else:
            yield {"text": response.css("p::text").get()}

    def refused(self, failure):
        yield {"refused": failure.check(IgnoreRequest) is not None, "url": failure.request.url}
