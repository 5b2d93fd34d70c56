"""The testing kit keeps what it promises: real HTTP, exact times, no waiting."""

from __future__ import annotations

import time

import pytest

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.testing import Hit, MemoryWorld, Page, Site, crawl_in_memory


class OnePage(Spider):
    name = "one"
    start_urls = ["http://site.test/"]

    def parse(self, response):
        yield {"text": response.text, "status": response.status, "type": response.headers["Content-Type"]}


NO_ROBOTS = {"politeness.obey_robots": False}


def test_a_site_answers_with_text_bytes_pages_and_functions() -> None:
    class Four(OnePage):
        start_urls = [f"http://site.test/{name}" for name in ("text", "bytes", "page", "function")]

    site = Site(
        {
            "/text": "as text",
            "/bytes": b"as bytes",
            "/page": Page("a page", headers={"Content-Type": "text/plain"}),
            "/function": lambda hit: f"{hit.method} {hit.url}",
        }
    )
    result = crawl_in_memory(Four, site, NO_ROBOTS)
    assert [item["text"] for item in result.items] == ["as text", "as bytes", "a page", "GET http://site.test/function"]


def test_hosts_are_told_apart_where_they_matter() -> None:
    class Two(OnePage):
        start_urls = ["http://one.test/", "http://two.test/"]

    result = crawl_in_memory(Two, {"http://one.test/": "first", "http://two.test/": "second"}, NO_ROBOTS)
    assert [item["text"] for item in result.items] == ["first", "second"]


def test_a_site_logs_what_it_was_asked() -> None:
    class Posts(OnePage):
        async def start(self):
            yield Request("http://site.test/form", method="POST", body=b"a=b", headers={"X-Asked": "yes"})

    site = Site({"/form": "thanks"})
    crawl_in_memory(Posts, site, NO_ROBOTS)
    hit = site.log[0]
    assert (hit.method, hit.url, hit.body, hit.headers["X-Asked"]) == ("POST", "http://site.test/form", b"a=b", "yes")


def test_latencies_and_delays_pass_on_the_fake_clock_only() -> None:
    class Slow(OnePage):
        start_urls = [f"http://site.test/{number}" for number in range(100)]

    began = time.perf_counter()
    world = MemoryWorld(Site({"*": Page("x", latency=10.0)}))
    settings = {**NO_ROBOTS, "politeness.delay": 60.0, "politeness.jitter": 0.0}
    world.run(Crawler(Slow, settings, runtime=world.runtime))
    assert world.clock.seconds() == 99 * 60.0 + 10.0
    assert time.perf_counter() - began < 60


def test_a_crawl_that_can_never_end_is_an_error() -> None:
    class Stuck(OnePage):
        async def parse(self, response):
            from twisted.internet.defer import Deferred

            await Deferred()

    with pytest.raises(AssertionError, match="nothing is left to happen"):
        crawl_in_memory(Stuck, {"/": "x"}, {**NO_ROBOTS, "log.stats_interval": 0})


def test_what_is_missing_is_a_404() -> None:
    assert Site().answer(Hit(0.0, "GET", "http://site.test/x", {}, b"")).status == 404


def test_a_step_in_which_a_crawl_ends_needs_no_event_after_it() -> None:
    world = MemoryWorld(Site({"/": "<h1>shop</h1>"}))
    crawler = Crawler(OnePage, NO_ROBOTS, runtime=world.runtime)
    assert world.run(crawler).reason == "finished"
    assert not world.clock.getDelayedCalls()
    world.step(crawler)
