"""What extensions call on the engine and the crawler, as they do with Scrapy."""

from __future__ import annotations

from typing import Any

import pytest

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.downloadermiddlewares.cookies import CookiesMiddleware
from crawler.extensions.corestats import CoreStats
from crawler.http import Response
from crawler.testing import MemoryWorld, Page, Site, crawl_in_memory

HOST = "http://a.test"
FAST = {"politeness.delay": 0, "politeness.obey_robots": False}


class One(Spider):
    name = "one"
    start_urls = [f"{HOST}/"]

    def parse(self, response: Response) -> Any:
        yield {"url": response.url}


def test_a_download_may_be_awaited_under_either_name() -> None:
    class Downloads(One):
        async def parse(self, response: Response) -> Any:
            engine = self.crawler.engine
            assert engine is not None
            yield {"body": (await engine.download(Request(f"{HOST}/1"))).body}
            yield {"body": (await engine.download_async(Request(f"{HOST}/2"))).body}

    pages = {"/": "x", "/1": "one", "/2": "two"}
    assert crawl_in_memory(Downloads, pages, FAST).items == [{"body": b"one"}, {"body": b"two"}]


@pytest.mark.parametrize("form", ["plain", "awaited", "async", "stop", "crawler"])
def test_a_crawl_is_ended_under_each_of_scrapys_names(form: str) -> None:
    class Ends(One):
        async def parse(self, response: Response) -> Any:
            engine = self.crawler.engine
            assert engine is not None
            if form == "plain":
                engine.close_spider(self, "enough")
            elif form == "awaited":
                await engine.close_spider(self, reason="enough")
            elif form == "async":
                await engine.close_spider_async(reason="enough")
            elif form == "stop":
                engine.stop("enough")
            else:
                await self.crawler.stop_async()
            yield Request(f"{HOST}/never")

    result = crawl_in_memory(Ends, {"*": "x"}, FAST)
    assert result.reason == ("shutdown" if form == "crawler" else "enough")
    assert result.stats["response_received_count"] == 1


def test_a_crawl_is_paused_and_goes_on() -> None:
    class Pauses(One):
        def parse(self, response: Response) -> Any:
            yield {"url": response.url}
            engine = self.crawler.engine
            assert engine is not None
            if response.url == f"{HOST}/":
                yield Request(f"{HOST}/next")
                engine.pause()
                self.crawler.clock.callLater(50.0, engine.unpause)

    site = Site({"*": "x"})
    crawl_in_memory(Pauses, site, FAST)
    assert [hit.at for hit in site.log] == [0.0, 50.0]


def test_requests_may_be_brought_from_outside_of_callbacks_with_and_without_the_spider() -> None:
    class Brings(One):
        def parse(self, response: Response) -> Any:
            yield {"url": response.url}
            engine = self.crawler.engine
            assert engine is not None
            engine.crawl(Request(f"{HOST}/1"), self)
            engine.crawl(Request(f"{HOST}/2"))

    items = crawl_in_memory(Brings, {"*": Page("x")}, FAST).items
    assert sorted(item["url"] for item in items) == [f"{HOST}/", f"{HOST}/1", f"{HOST}/2"]


def test_components_are_found_by_their_class() -> None:
    world = MemoryWorld(Site({"*": "x"}))
    crawler = Crawler(One, FAST, runtime=world.runtime)
    assert crawler.get_extension(CoreStats) is None
    world.run(crawler)
    assert isinstance(crawler.get_extension(CoreStats), CoreStats)
    assert isinstance(crawler.get_downloader_middleware(CookiesMiddleware), CookiesMiddleware)
    assert crawler.get_item_pipeline(CoreStats) is crawler.get_spider_middleware(CoreStats) is None
    assert crawler.spider is not None and crawler.spider.crawler is crawler
    assert crawler.spider.crawler.engine is crawler.engine
