"""Code as users write it, for the type checker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import crawler
from crawler import CrawlerProcess, Field, Item, Request, Settings, Spider
from crawler.exceptions import CloseSpider, DropItem, IgnoreRequest
from crawler.http import HtmlResponse, JsonRequest, Response, TextResponse
from crawler.linkextractors import LinkExtractor
from crawler.pipelines.files import FilesPipeline
from crawler.pipelines.media import MediaPipeline
from crawler.spiders import CrawlSpider, Rule
from crawler.testing import Page, Site, crawl_in_memory


@dataclass
class Book:
    title: str
    price: float


class Quote(Item):
    text = Field()
    author = Field()


class BooksSpider(Spider):
    name = "books"
    start_urls = ["https://books.toscrape.com/"]
    custom_settings = {"politeness.delay": 1.0}

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Book | Request]:
        assert isinstance(response, HtmlResponse)
        for book in response.css("article.product_pod"):
            yield Book(title=book.css("h3 a::attr(title)").get(default=""), price=float(book.re_first(r"£(.*)") or 0))
        yield from response.follow_all(css="li.next a", callback=self.parse)
        with response.open_body() as file:
            self.logger.debug("%s begins with %r, of %d bytes", response.url, file.read(10), response.body_size)
        self.logger.info("seen %s of %s", response.url, self.settings.politeness.delay)


class ApiSpider(Spider):
    name = "api"

    async def start(self) -> AsyncIterator[Request]:
        yield JsonRequest("https://api.example.com/", data={"page": 1}, callback=self.parse_page)

    async def parse_page(self, response: TextResponse) -> AsyncIterator[dict[str, Any]]:
        if response.status == 204:
            raise CloseSpider("empty")
        yield response.json()


class RulesSpider(CrawlSpider):
    name = "rules"
    rules = [Rule(LinkExtractor(allow=r"/item/"), callback="parse_item")]

    def parse_item(self, response: HtmlResponse) -> Iterator[Quote]:
        yield Quote(text=response.css("q::text").get(), author=response.xpath("//b/text()").get())


class Prices:
    """A pipeline."""

    def process_item(self, item: Book) -> Book:
        if not item.price:
            raise DropItem("no price")
        return item


class Papers(FilesPipeline):
    """A pipeline made of one that comes with the crawler."""

    def get_media_requests(self, item: Any, info: MediaPipeline.SpiderInfo) -> Iterator[Request]:
        for url in item["papers"]:
            yield Request(url, meta={"name": item["name"]})

    def file_path(
        self,
        request: Request,
        response: Response | None = None,
        info: MediaPipeline.SpiderInfo | None = None,
        *,
        item: Any = None,
    ) -> str:
        return f"{request.meta['name']}.pdf"

    def item_completed(
        self, results: list[tuple[bool, Any]], item: Any, info: MediaPipeline.SpiderInfo
    ) -> dict[str, Any]:
        return {**item, "paths": [result["path"] for ok, result in results if ok]}


class Agent:
    """A downloader middleware."""

    def process_request(self, request: Request) -> None:
        if request.url.endswith(".pdf"):
            raise IgnoreRequest("no PDFs")
        request.headers.setdefault("X-Why", request.meta.get("why", ""))


def as_a_library() -> list[Any]:
    result = crawler.run(BooksSpider, {"crawl.max_pages": 5}, category="poetry")
    assert result.reason == "finished"
    return [*result.items]


async def in_a_loop() -> int:
    result = await crawler.crawl(BooksSpider, Settings({"crawl.max_items": 1}))
    pages = result.stats.get("response_received_count", 0)
    async for item in crawler.stream(ApiSpider):
        print(item)
    return int(pages)


def as_scrapy_users_do() -> None:
    process = CrawlerProcess({"DOWNLOAD_DELAY": 1})
    process.crawl(BooksSpider)
    process.start()


def test_in_memory() -> None:
    site = Site({"/": Page("<h1>x</h1>", latency=1.0), "/book": lambda hit: f"<p>{hit.url}</p>"})
    result = crawl_in_memory(BooksSpider, site, {"politeness.delay": 0.0})
    assert site.log[0].at == 0.0
    assert not result.failed
