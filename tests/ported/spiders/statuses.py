"""Statuses that callbacks want: by the class, by the request, by the settings; and a redirect that is not followed."""

from scrapy import Request, Spider


class StatusSpider(Spider):
    name = "statuses"
    handle_httpstatus_list = [404]
    custom_settings = {"HTTPERROR_ALLOWED_CODES": [410], "RETRY_HTTP_CODES": [503]}

    async def start(self):
        for path in ("/missing", "/gone", "/error", "/page/1"):
            yield Request(f"http://site.test{path}")
        yield Request("http://site.test/broken", meta={"handle_httpstatus_list": [404, 500]})
        yield Request("http://site.test/old", meta={"dont_redirect": True, "handle_httpstatus_all": True})
        yield Request("http://site.test/flaky?statuses")

    def parse(self, response):
        yield {
            "path": response.url.split("/", 3)[3],
            "status": response.status,
            "location": response.headers.get("Location", b"").decode(),
            "tries": response.meta.get("retry_times", 0),
        }
