"""Errands: what a visit downloads besides waits for its host, and never for a visit."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import DeferredList

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.testing import MemoryWorld, Page, Site, crawl_in_memory

HOST = "http://site.test"
FAST = {"politeness.obey_robots": False, "politeness.delay": 0.0, "retry.enabled": False}


class Asking(Spider):
    """Downloads *files* from each of its pages, and yields what became of each."""

    name = "asking"
    pages: list[str] = ["/page"]
    files: list[str] = ["/file"]
    meta: dict[str, Any] = {}

    async def start(self):
        for page in self.pages:
            yield Request(HOST + page)

    async def parse(self, response):
        download = self.crawler.engine.download
        urls = [file if "://" in file else HOST + file for file in self.files]
        results = await DeferredList([download(Request(url, meta=dict(self.meta))) for url in urls], consumeErrors=True)
        for url, (ok, result) in zip(urls, results, strict=True):
            yield {"url": url, "got": result.body.decode() if ok else type(result.value).__name__}


def asking(**attributes: Any) -> type[Asking]:
    return type("Asking", (Asking,), attributes)


def got(result: Any) -> list[str]:
    return [item["got"] for item in result.items]


def test_an_errand_brings_its_response() -> None:
    result = crawl_in_memory(Asking, {"/page": "page", "/file": "file"}, FAST)
    assert result.items == [{"url": f"{HOST}/file", "got": "file"}]
    assert result.stats["downloader/request_count"] == 2


def test_errands_keep_to_the_delay_of_their_host() -> None:
    site = Site({"*": "x"})
    spider = asking(files=["/1", "/2", "http://other.test/3"])
    crawl_in_memory(spider, site, {**FAST, "politeness.delay": 2.0, "politeness.jitter": 0.0})
    assert {hit.url: hit.at for hit in site.log} == {
        f"{HOST}/page": 0.0,
        f"{HOST}/1": 2.0,
        f"{HOST}/2": 4.0,
        "http://other.test/3": 0.0,
    }


def test_errands_keep_to_the_number_of_requests_at_once() -> None:
    site = Site({"/page": "x", "*": Page("x", latency=1.0)})
    crawl_in_memory(
        asking(files=[f"/{number}" for number in range(6)]), site, {**FAST, "politeness.concurrency_per_host": 2}
    )
    assert [hit.at for hit in site.log] == [0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0]


def test_errands_of_all_hosts_keep_to_the_places_on_the_wire() -> None:
    site = Site({"/page": "x", "*": Page("x", latency=1.0)})
    files = [f"http://host{number}.test/" for number in range(4)]
    assert got(crawl_in_memory(asking(files=files), site, {**FAST, "crawl.concurrency": 2})) == ["x"] * 4
    assert [hit.at for hit in site.log] == [0.0, 0.0, 0.0, 1.0, 1.0]


def test_the_robots_txt_of_a_new_host_comes_first() -> None:
    site = Site({"http://other.test/robots.txt": "User-agent: *\nDisallow: /private", "*": "x"})
    spider = asking(files=["http://other.test/private", "http://other.test/open"])
    result = crawl_in_memory(spider, site, {**FAST, "politeness.obey_robots": True})
    assert got(result) == ["IgnoreRequest", "x"]
    assert [hit.url for hit in site.log if "other" in hit.url] == [
        "http://other.test/robots.txt",
        "http://other.test/open",
    ]


def test_an_errand_may_ask_to_do_without_robots_txt() -> None:
    site = Site({"http://other.test/robots.txt": "User-agent: *\nDisallow: /", "*": "x"})
    spider = asking(files=["http://other.test/"], meta={"dont_obey_robotstxt": True})
    assert got(crawl_in_memory(spider, site, {**FAST, "politeness.obey_robots": True})) == ["x"]


@pytest.mark.parametrize(("meta", "expected"), [({}, ["IgnoreRequest", "x"]), ({"allow_offsite": True}, ["x", "x"])])
def test_errands_keep_to_the_domains_of_the_spider(meta: dict[str, Any], expected: list[str]) -> None:
    spider = asking(files=["http://other.test/", "/file"], meta=meta, allowed_domains=["site.test"])
    assert got(crawl_in_memory(spider, {"*": "x"}, FAST)) == expected


def test_visits_that_all_wait_for_errands_do_not_wait_for_each_other() -> None:
    spider = asking(pages=[f"/{number}" for number in range(20)], files=["/one", "/two"])
    settings = {**FAST, "crawl.concurrency": 1, "politeness.concurrency_per_host": 1, "politeness.delay": 1.0}
    result = crawl_in_memory(spider, {"*": Page("x", latency=0.5)}, settings)
    assert got(result) == ["x"] * 40


def test_an_errand_goes_before_the_requests_that_wait() -> None:
    site = Site({"*": "x"})
    spider = asking(pages=["/1", "/2", "/3"])
    crawl_in_memory(spider, site, {**FAST, "crawl.concurrency": 1, "politeness.concurrency_per_host": 1})
    assert site.paths == ["/1", "/file", "/2", "/file", "/3", "/file"]


class Login:
    """Logs in before the first other request, through the crawl itself."""

    def __init__(self) -> None:
        self.crawler: Any = None
        self.is_done = False

    @classmethod
    def from_crawler(cls, crawler: Any) -> Login:
        login = cls()
        login.crawler = crawler
        return login

    async def process_request(self, request: Request) -> None:
        if not self.is_done and not request.url.endswith("/login"):
            self.is_done = True
            await self.crawler.engine.download(Request(f"{HOST}/login"))


@pytest.mark.parametrize("first", ["a visit", "an errand"])
def test_a_middleware_may_download_at_the_host_that_it_holds_up(first: str) -> None:
    class Late(Login):
        async def process_request(self, request: Request) -> None:
            if first == "a visit" or request.url.endswith("/file"):
                await super().process_request(request)

    site = Site({"*": Page("x", latency=1.0)})
    settings = {**FAST, "crawl.concurrency": 1, "politeness.concurrency_per_host": 1}
    result = crawl_in_memory(Asking, site, {**settings, "components.downloader_middlewares": [Late]})
    assert got(result) == ["x"]
    assert site.paths == (["/login", "/page", "/file"] if first == "a visit" else ["/page", "/login", "/file"])


def test_an_errand_is_tried_again_when_its_time_has_come() -> None:
    answers = iter([Page("", 503), Page("", 429, {"Retry-After": "30"}), Page("file")])
    site = Site({"/page": "x", "/file": lambda hit: next(answers)})
    result = crawl_in_memory(Asking, site, {**FAST, "retry.enabled": True})
    assert got(result) == ["file"]
    first, second, third = (hit.at for hit in site.log[1:])
    assert 0.5 <= second - first <= 1.5
    assert third - second >= 30


def test_redirects_of_an_errand_are_followed_each_hop_polite() -> None:
    site = Site(
        {
            "/page": "x",
            "/file": Page("", 302, {"Location": "http://other.test/moved"}),
            "http://other.test/robots.txt": "User-agent: *\nDisallow: /moved",
        }
    )
    result = crawl_in_memory(Asking, site, {**FAST, "politeness.obey_robots": True})
    assert got(result) == ["IgnoreRequest"]


def test_a_crawl_that_is_asked_to_stop_finishes_its_errands() -> None:
    world = MemoryWorld(Site({"/page": "x", "*": Page("x", latency=5.0)}))
    crawler = Crawler(asking(files=["/1", "/2"]), {**FAST, "politeness.concurrency_per_host": 1}, runtime=world.runtime)
    world.clock.callLater(1.0, lambda: crawler.engine.stop())
    result = world.run(crawler)
    assert result.stats["item_scraped_count"] == 2
    assert world.clock.seconds() == 10.0


def test_a_crawl_that_is_stopped_at_once_does_not_wait_for_its_errands() -> None:
    world = MemoryWorld(Site({"/page": "x", "*": Page("x", latency=5.0)}))
    crawler = Crawler(asking(files=["/1", "/2"]), {**FAST, "politeness.concurrency_per_host": 1}, runtime=world.runtime)
    world.clock.callLater(1.0, lambda: crawler.engine.stop_now())
    result = world.run(crawler)
    assert "item_scraped_count" not in result.stats
    assert world.clock.seconds() < 2.0
    assert not crawler.engine._downloads


def test_an_errand_from_nowhere_is_served_too() -> None:
    """An extension may download while nothing else happens; the crawl waits for it."""
    world = MemoryWorld(Site({"/page": Page("x", latency=3.0), "/file": "file"}))
    crawler = Crawler(asking(files=[]), FAST, runtime=world.runtime)
    bodies: list[bytes] = []

    def ask() -> None:
        crawler.engine.download(Request(f"{HOST}/file")).addCallback(lambda response: bodies.append(response.body))

    world.clock.callLater(1.0, ask)
    world.run(crawler)
    assert bodies == [b"file"]


def test_a_crawl_that_is_stopped_at_once_does_not_wait_for_what_nobody_waits_for_either() -> None:
    world = MemoryWorld(Site({"*": Page("x", latency=50.0)}))
    crawler = Crawler(asking(files=[]), FAST, runtime=world.runtime)

    def ask() -> None:
        crawler.engine.download(Request(f"{HOST}/file")).addErrback(lambda failure: None)
        crawler.engine.stop_now()

    world.clock.callLater(1.0, ask)
    world.run(crawler)
    assert world.clock.seconds() < 2.0


def test_errands_go_on_when_no_visit_may_start() -> None:
    hosts = [f"http://host{number}.test/" for number in range(10)]
    spider = asking(pages=[host.removeprefix(HOST) for host in hosts], files=["http://files.test/"])
    spider.start_urls, spider.start = hosts, Spider.start  # type: ignore[method-assign]
    settings = {**FAST, "crawl.concurrency": 1, "politeness.hosts": {"files.test": {"delay": 5.0, "jitter": 0.0}}}
    site = Site({"*": "x"})
    assert got(crawl_in_memory(spider, site, settings)) == ["x"] * 10
    assert [hit.at for hit in site.log if "files" in hit.url] == [5.0 * number for number in range(10)]


def test_hosts_that_could_go_on_while_no_visit_may_start_wake_nobody_in_vain() -> None:
    spider = asking(pages=[f"/{number}" for number in range(12)], files=["http://files.test/"])
    settings = {
        **FAST,
        "crawl.concurrency": 2,
        "politeness.delay": 1.0,
        "politeness.jitter": 0.0,
        "politeness.hosts": {"files.test": {"delay": 0.0, "concurrency": 1}},
    }
    world = MemoryWorld(Site({"http://files.test/": Page("x", latency=30.0), "*": "x"}))
    crawler = Crawler(spider, settings, runtime=world.runtime)
    ended: list[object] = []
    crawler.crawl().addBoth(ended.append)
    for _ in range(300):
        if not ended:
            world.step(crawler)
    assert ended
