"""Code as users write it, for the type checker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import crawler
from crawler import CrawlerProcess, Field, FormRequest, Item, Request, Selector, Settings, Spider, signals
from crawler.crawler import Crawler, CrawlerRunner
from crawler.exceptions import CloseSpider, DontCloseSpider, DropItem, IgnoreRequest, NotConfigured
from crawler.http import Headers, HtmlResponse, JsonRequest, Response, TextResponse
from crawler.item import item_identity
from crawler.link import Link
from crawler.linkextractors import LinkExtractor
from crawler.loader import ItemLoader
from crawler.pipelines.files import FilesPipeline
from crawler.pipelines.media import MediaPipeline
from crawler.settings import get_project_settings
from crawler.spidermiddlewares.base import BaseSpiderMiddleware
from crawler.spidermiddlewares.httperror import HttpError
from crawler.spiders import CrawlSpider, Rule
from crawler.stats import StatsCollector
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
    item_type = Book
    start_urls = ["https://books.toscrape.com/"]
    custom_settings = {"politeness.delay": 1.0}

    def parse(self, response: HtmlResponse) -> Iterator[Book | Request]:
        for book in response.css("article.product_pod"):
            yield Book(title=book.css("h3 a::attr(title)").get(default=""), price=float(book.re_first(r"£(.*)") or 0))
        yield from response.follow_all(css="li.next a", callback=self.parse)
        with response.open_body() as file:
            self.logger.debug("%s begins with %r, of %d bytes", response.url, file.read(10), response.body_size)
        self.logger.info("seen %s of %s", response.url, self.settings.politeness.delay)


class ApiSpider(Spider):
    name = "api"
    item_type = Book | Quote

    async def start(self) -> AsyncIterator[Request]:
        yield JsonRequest("https://api.example.com/", data={"page": 1}, callback=self.parse_page)

    async def parse(self, response: TextResponse, page: int = 1) -> list[Request]:
        return [response.follow("/next", self.parse_page, cb_kwargs={"page": page + 1})]

    async def parse_page(self, response: TextResponse, page: int = 1) -> AsyncIterator[dict[str, Any]]:
        if response.status == 204:
            raise CloseSpider("empty")
        yield response.json()


class RulesSpider(CrawlSpider):
    name = "rules"
    rules = [Rule(LinkExtractor(allow=r"/item/"), callback="parse_item")]

    def parse_item(self, response: HtmlResponse) -> Iterator[Quote]:
        yield Quote(text=response.css("q::text").get(), author=response.xpath("//b/text()").get())


class LoginSpider(Spider):
    name = "login"
    handle_httpstatus_list = [403]

    def __init__(self, user: str = "", pages: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.user = user
        self.pages = pages

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> LoginSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.opened, signal=signals.spider_opened)
        return spider

    def opened(self, spider: Spider) -> None:
        self.state["opened"] = self.state.get("opened", 0) + 1

    async def start(self) -> AsyncIterator[Request]:
        yield Request("https://example.com/login", callback=self.log_in, errback=self.failed, meta={"cookiejar": 1})

    def log_in(self, response: HtmlResponse) -> FormRequest:
        return FormRequest.from_response(
            response, formid="in", formdata={"user": self.user}, callback=self.logged_in, cb_kwargs={"page": 1}
        )

    def logged_in(self, response: TextResponse, page: int) -> Iterator[Request | Quote]:
        row: Selector
        for row in response.xpath("//tr[@data-page=$page]", page=str(page)):
            loader = ItemLoader(Quote(), selector=row)
            loader.add_css("text", "td::text", re=r"(.*)")
            loader.add_value("author", row.attrib.get("author"))
            yield loader.load_item()
        link = response.css("a.next").attrib["href"]
        if page < self.pages:
            yield response.follow(link, self.logged_in, cb_kwargs={"page": page + 1}, priority=-page, dont_filter=True)
        headers: Headers = response.headers
        self.logger.debug("%s", headers.get("Server", b"").decode())

    def failed(self, failure: Any) -> None:
        if failure.check(HttpError):
            self.logger.error("%s", failure.value.response.status)

    async def closed(self, reason: str) -> None:
        self.logger.info("%s: %s", reason, self.crawler.stats.get_value("item_scraped_count", 0))


class Numbers:
    """A pipeline that is set up from the settings."""

    def __init__(self, stats: StatsCollector, limit: int) -> None:
        self.stats = stats
        self.limit = limit

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Numbers:
        if not crawler.settings.getbool("NUMBERS_ENABLED"):
            raise NotConfigured("NUMBERS_ENABLED is not set")
        return cls(crawler.stats, crawler.settings.getint("NUMBERS_LIMIT", 10))

    async def process_item(self, item: dict[str, Any], spider: Spider) -> dict[str, Any]:
        self.stats.inc_value(f"numbers/{spider.name}")
        item["id"] = str(item_identity())
        return item


class Patient:
    """An extension."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.waiting = ["https://example.com/later"]
        crawler.signals.connect(self.idle, signal=signals.spider_idle)
        crawler.signals.connect(self.scraped, signal=signals.item_scraped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Patient:
        return cls(crawler)

    def idle(self, spider: Spider) -> None:
        if self.waiting and self.crawler.engine is not None:
            self.crawler.engine.crawl(Request(self.waiting.pop()))
            raise DontCloseSpider

    def scraped(self, item: Any, response: Response | None, spider: Spider) -> None:
        self.crawler.stats.max_value("patient/length", len(item))


class Shorter(BaseSpiderMiddleware):
    """A spider middleware."""

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        return request if len(request.url) < 100 else None


class Retrying:
    """A downloader middleware with all of its hooks."""

    def process_request(self, request: Request, spider: Spider) -> Request | Response | None:
        return HtmlResponse(request.url, body=b"made up") if request.meta.get("made_up") else None

    def process_response(self, request: Request, response: Response, spider: Spider) -> Request | Response:
        return request.replace(dont_filter=True) if response.status == 503 else response

    def process_exception(self, request: Request, exception: Exception, spider: Spider) -> None:
        spider.logger.warning("%s: %s", request, exception)


def links_of(response: HtmlResponse) -> list[Link]:
    return LinkExtractor(allow=[r"/a/", r"/b/"], restrict_css="main", deny_extensions=["pdf"]).extract_links(response)


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
    process.crawl("api")
    process.start()
    runner = CrawlerRunner(get_project_settings())
    runner.crawl(LoginSpider, user="ada", pages=2).addCallback(lambda result: print(result.reason))


def test_in_memory() -> None:
    site = Site({"/": Page("<h1>x</h1>", latency=1.0), "/book": lambda hit: f"<p>{hit.url}</p>"})
    result = crawl_in_memory(BooksSpider, site, {"politeness.delay": 0.0})
    assert site.log[0].at == 0.0
    assert not result.failed
