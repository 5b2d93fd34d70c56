"""Blocking work in a thread, and at once where there are none."""

from __future__ import annotations

import threading

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from crawler import Request, Spider, runtime, threads
from crawler.crawler import Crawler
from crawler.testing import crawl_in_memory
from tests.loopback.servers import FAST, response, say, serving

MAIN = threading.get_ident()


def where() -> int:
    return threading.get_ident()


@threads.off_loop
def half(number: int) -> float:
    """Return half of *number*."""
    if number < 0:
        raise ValueError("negative")
    return number / 2


class Threaded(Spider):
    name = "threaded"

    def __init__(self, url: str = "http://site.test/", **kwargs):
        super().__init__(**kwargs)
        self.url = url
        self.seen = []

    async def start(self):
        yield Request(self.url)

    async def parse(self, response):
        self.seen = [await threads.run(where), await half(3)]
        with pytest.raises(ValueError, match="negative"):
            await half(-1)
        yield {"half": self.seen[1]}


@ensureDeferred
async def test_what_blocks_runs_in_another_thread_and_its_result_or_error_comes_back() -> None:
    with serving(say(response(b"<p>x"))) as server:
        crawler = Crawler(Threaded, FAST, runtime=runtime.of_reactor(reactor))
        result = await crawler.crawl(url=server.url)
    assert isinstance(crawler.spider, Threaded)
    assert crawler.spider.seen[0] != MAIN
    assert crawler.spider.seen[1] == 1.5
    assert result.failed == 0


def test_in_memory_it_runs_at_once() -> None:
    assert crawl_in_memory(Threaded, {"/": "x"}).items == [{"half": 1.5}]


def test_a_decorated_function_keeps_its_name_and_documentation() -> None:
    assert (half.__name__, half.__doc__) == ("half", "Return half of *number*.")
