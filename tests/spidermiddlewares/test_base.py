"""The base of spider middlewares that look at requests and items one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crawler import Request, Spider
from crawler.http import Response
from crawler.spidermiddlewares.base import BaseSpiderMiddleware
from crawler.testing import Site, crawl_in_memory


class Twice(BaseSpiderMiddleware):
    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        return (
            None
            if request.url.endswith("/no")
            else request.replace(headers={"X-Page": response.url if response else "start"})
        )

    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        return None if item["n"] == 1 else {**item, "from": response.url if response else "start"}


class Pages(Spider):
    name = "pages"
    custom_settings = {"SPIDER_MIDDLEWARES": {Twice: 100}}

    async def start(self) -> Any:
        yield Request("http://a.test/")
        yield Request("http://a.test/no")
        yield {"n": 0}

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Any]:
        yield {"n": 1}
        yield {"n": 2}
        yield response.follow("/next", self.parse_next)

    def parse_next(self, response: Response) -> None:
        pass


def test_requests_and_items_are_changed_or_dropped_wherever_they_come_from() -> None:
    site = Site({"/": "x", "/next": "y"})
    result = crawl_in_memory(Pages, site, {"politeness.obey_robots": False})
    assert sorted(result.items, key=lambda item: item["n"]) == [
        {"n": 0, "from": "start"},
        {"n": 2, "from": "http://a.test/"},
    ]
    assert [(hit.url[13:], hit.headers["X-Page"]) for hit in site.log] == [("/", "start"), ("/next", "http://a.test/")]
