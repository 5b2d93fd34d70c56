"""A shop in memory with a page for every way in which a visit can end, and its spider; to be crawled, killed and crawled again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred

from crawler import Request, Spider, signals
from crawler.exceptions import DownloadConnectionRefusedError, IgnoreRequest, PrivateAddressError
from crawler.testing import Hit, Page, Site

HOST = "http://shop.test"

# The numbered pages are at three hosts, whose turns come at different times.
_HOSTS = (HOST, "http://b.shop.test", "http://c.shop.test")

#: Pages beside the numbered ones; links to them are at random places.
ASIDE = (
    "/staff/1",  # forbidden by robots.txt
    "http://elsewhere.test/1",  # offsite
    "/ignored/1",  # a middleware raises IgnoreRequest
    "/unheard/1",  # a handler of request_scheduled does
    "/inside/1",  # leads to a private address
    "/shut/1",  # the connection is refused, again and again
    "/broken/1",  # status 500, again and again
    "/missing/1",  # status 404
    "/busy/1",  # status 503 once
    "/busy/2",  # and twice
    "/moved/1",  # a redirect to a page that nothing else leads to
    "/moved/2",  # and to one that other pages have links to
    "/late/1",  # its callback takes its time
    "/late/2",
    "/counter",  # is asked again for every page that has a link to it
)


def shop(size: int, seed: int) -> Site:
    """Return a site of *size* numbered pages with links at random, some of them slow, and of the pages :data:`ASIDE`."""
    chance = random.Random(seed)
    pages: dict[str, Any] = {
        "/robots.txt": "User-agent: *\nDisallow: /staff/\n",
        "/broken/1": Page("out of order", 500),
        "/busy/1": _busy(1),
        "/busy/2": _busy(2),
        "/moved/1": Page("", 302, {"Location": "/hidden"}),
        "/moved/2": Page("", 301, {"Location": _url(size // 2)}),
        "/hidden": _page("hidden"),
        "/counter": _page("counter"),
    }
    aside: dict[int, list[str]] = {}
    for path in ASIDE * 2:
        aside.setdefault(chance.randrange(size), []).append(path)
    for number in range(size):
        numbers = [number + 1, *(chance.randrange(size) for _ in range(3))]
        links = [_url(linked) for linked in numbers if linked < size] + aside.get(number, [])
        pages[f"/{number}"] = Page(_page(str(number), links), latency=chance.choice((0.0, 0.1, 1.0)))
    for path in ("/late/1", "/late/2"):
        links = ["/counter", f"{path}/more", "/counter", _url(chance.randrange(size)), "/counter"]
        pages[path] = Page(_page(path, links), latency=0.1)
        pages[f"{path}/more"] = _page(f"{path}/more")
    return Site(pages)


def _url(number: int) -> str:
    return f"{_HOSTS[number % len(_HOSTS)]}/{number}"


def _page(name: str, links: Sequence[str] = ()) -> str:
    return f"<h1>{name}</h1>" + "".join(f"<a href='{link}'>{link}</a>" for link in links)


def _busy(times: int) -> Callable[[Hit], Page]:
    """Return a page that answers 503 to the first *times* requests."""
    left = [times]

    def answer(_: Hit) -> Page:
        left[0] -= 1
        return Page("wait", 503) if left[0] >= 0 else Page(_page("busy"))

    return answer


class ShopSpider(Spider):
    """Begins with items and requests, follows every link, and yields an item for each half of a page."""

    name = "shop"
    allowed_domains = ["shop.test"]

    @classmethod
    def from_crawler(cls, crawler, *args, **kwargs):
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.is_unheard, signals.request_scheduled)
        return spider

    def is_unheard(self, request):
        if "/unheard/" in request.url:
            raise IgnoreRequest

    async def start(self):
        for number in range(5):
            yield {"page": f"start {number}", "part": 0}
        yield Request(f"{HOST}/0")
        await self.sleep(0.5)
        yield Request(f"{HOST}/counter", self.parse_counter, dont_filter=True, cb_kwargs={"asked_by": "start"})
        yield {"page": "start 5", "part": 0}

    def parse(self, response):
        page = response.css("h1::text").get()
        yield {"page": page, "part": 1}
        for link in response.css("a::attr(href)").getall():
            yield self.request(response, link)
        yield {"page": page, "part": 2}
        self.state["pages"] = self.state.get("pages", 0) + 1

    def request(self, response, link):
        if link == "/counter":
            return response.follow(link, self.parse_counter, dont_filter=True, cb_kwargs={"asked_by": response.url})
        if link.startswith("/late"):
            return response.follow(link, self.parse_late, priority=1)
        return response.follow(link, errback=self.failed)

    def parse_counter(self, response, asked_by):
        yield {"page": asked_by, "part": 3}

    async def parse_late(self, response):
        for part, link in enumerate(response.css("a::attr(href)").getall()):
            yield {"page": response.url, "part": part}
            yield self.request(response, link)
            await self.sleep(0.7)

    def failed(self, failure):
        """Yield an item and a link for what has failed."""
        path = urlsplit(failure.request.url).path
        yield {"page": path, "part": 4}
        yield Request(f"{HOST}/instead{path}", self.parse_missing, meta={"handle_httpstatus_list": [404]})

    def parse_missing(self, response):
        yield {"page": response.url, "part": 5}

    def sleep(self, seconds):
        over = Deferred()
        self.crawler.clock.callLater(seconds, over.callback, None)
        return over


class Obstacles:
    """A downloader middleware that stands for what no site in memory can do."""

    def process_request(self, request, spider):
        path = urlsplit(request.url).path
        if path == "/ignored/1":
            raise IgnoreRequest("not today")
        if path == "/inside/1":
            raise PrivateAddressError("it leads to 10.0.0.1", host="shop.test", address="10.0.0.1")
        if path == "/shut/1":
            raise DownloadConnectionRefusedError("nobody listens")


class SlowPipeline:
    """Takes its time over some items, so that their visits last."""

    def process_item(self, item, spider):
        if item["page"][-1] not in "37":
            return item
        return spider.sleep(0.4).addCallback(lambda _: item)
