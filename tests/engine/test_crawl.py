"""A whole crawl in memory: what the engine promises, seen from a spider."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from twisted.internet import defer, task
from twisted.internet.defer import Deferred

from crawler import Request, Spider, signals
from crawler.crawler import Crawler
from crawler.exceptions import CloseSpider, DontCloseSpider, DropItem, IgnoreRequest, SettingsError, StopDownload
from crawler.http.fingerprint import fingerprint
from crawler.item import item_identity
from crawler.testing import MemoryWorld, Page, Site, crawl_in_memory

HOST = "http://site.test"
FAST = {"politeness.obey_robots": False, "politeness.delay": 0.0, "retry.enabled": False}


def links(*paths: str) -> str:
    return "<html><body>" + "".join(f"<a href='{path}'>{path}</a>" for path in paths) + "</body></html>"


class PathSpider(Spider):
    """Follows every link and yields the path of each page."""

    name = "paths"
    start_urls = [f"{HOST}/"]

    def parse(self, response):
        yield {"path": response.url.removeprefix(HOST)}
        yield from response.follow_all(css="a")


def found(result) -> list[str]:
    return [item["path"] for item in result.items]


# --- outputs and callbacks -----------------------------------------------------------------------------------------------


def test_every_page_is_visited_once() -> None:
    site = Site({"/": links("/a", "/b", "/a"), "/a": links("/", "/b"), "/b": links("/a#here")})
    result = crawl_in_memory(PathSpider, site, FAST)
    assert found(result) == ["/", "/a", "/b"]
    assert site.paths == ["/", "/a", "/b"]
    assert result.reason == "finished"


def test_callbacks_of_every_kind_give_their_outputs() -> None:
    class Kinds(Spider):
        name = "kinds"

        async def start(self):
            for kind in (
                "returns",
                "returns_list",
                "generator",
                "coroutine",
                "coroutine_list",
                "async_generator",
                "deferred",
            ):
                yield Request(f"{HOST}/{kind}", callback=getattr(self, kind))

        def returns(self, response):
            return {"kind": "returns"}

        def returns_list(self, response):
            return [{"kind": "returns_list"}, None]

        def generator(self, response):
            yield {"kind": "generator"}

        async def coroutine(self, response):
            await defer.succeed(None)
            return {"kind": "coroutine"}

        async def coroutine_list(self, response):
            return [{"kind": "coroutine_list"}]

        async def async_generator(self, response):
            yield {"kind": "async_generator"}
            await defer.succeed(None)
            yield {"kind": "async_generator again"}

        def deferred(self, response):
            return defer.succeed([{"kind": "deferred"}])

    result = crawl_in_memory(Kinds, {"*": "page"}, FAST)
    assert sorted(item["kind"] for item in result.items) == [
        "async_generator",
        "async_generator again",
        "coroutine",
        "coroutine_list",
        "deferred",
        "generator",
        "returns",
        "returns_list",
    ]
    assert result.failed == 0


@pytest.mark.parametrize("kind", ["start_urls", "start", "start_requests"])
def test_a_spider_may_say_in_three_ways_where_it_starts(kind: str) -> None:
    class Starts(PathSpider):
        start_urls = [f"{HOST}/x"] if kind == "start_urls" else []

        if kind == "start":

            async def start(self):
                yield Request(f"{HOST}/x")

        if kind == "start_requests":

            def start_requests(self):
                yield Request(f"{HOST}/x")

    assert found(crawl_in_memory(Starts, {"/x": "x"}, FAST)) == ["/x"]


def test_start_may_yield_items_too() -> None:
    class Items(PathSpider):
        async def start(self):
            yield {"path": "from start"}

    assert found(crawl_in_memory(Items, {}, FAST)) == ["from start"]


def test_callback_arguments_reach_the_callback() -> None:
    class Arguments(Spider):
        name = "arguments"

        async def start(self):
            yield Request(f"{HOST}/", callback=self.page, cb_kwargs={"number": 7}, meta={"note": "kept"})

        def page(self, response, number):
            yield {"number": number, "note": response.meta["note"], "depth": response.meta["depth"]}

    assert crawl_in_memory(Arguments, {"/": "x"}, FAST).items == [{"number": 7, "note": "kept", "depth": 0}]


def test_a_callback_that_raises_is_logged_once_with_its_request_and_line_and_the_crawl_goes_on(caplog) -> None:
    class Broken(PathSpider):
        def parse(self, response):
            yield from super().parse(response)
            if response.url.endswith("/a"):
                raise ValueError("broken page")

    result = crawl_in_memory(Broken, {"/": links("/a", "/b"), "/a": "a", "/b": "b"}, FAST)
    assert found(result) == ["/", "/a", "/b"]
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "<GET http://site.test/a>" in errors[0]
    assert "test_crawl.py:" in errors[0]
    assert " in parse" in errors[0]
    assert result.stats["spider_exceptions/ValueError"] == 1
    assert result.failed == 1


def test_an_output_of_a_wrong_type_is_named_with_its_callback_and_the_rest_is_taken(caplog) -> None:
    class Wrong(PathSpider):
        def parse(self, response):
            yield 17
            yield {"path": "after"}

    result = crawl_in_memory(Wrong, {"/": "x"}, FAST)
    assert found(result) == ["after"]
    assert "Wrong.parse yielded 17 of type int; yield a Request" in caplog.text
    assert result.stats["spider_exceptions/InvalidOutputError"] == 1


@pytest.mark.parametrize("url", ["no-scheme/page", "http://", "http://host:99999/", "http://[::1"])
def test_a_bad_url_is_an_error_at_the_yield_and_the_crawl_goes_on(url: str, caplog) -> None:
    class Bad(PathSpider):
        def parse(self, response):
            if response.url == f"{HOST}/":
                yield Request(f"{HOST}/good")
                yield Request(url)
            else:
                yield {"path": "/good"}

    result = crawl_in_memory(Bad, {"/": "x", "/good": "x"}, FAST)
    assert found(result) == ["/good"]
    assert url in caplog.text
    assert result.stats["spider_exceptions/InvalidURLError"] == 1


def test_a_slow_callback_is_named_with_the_time_it_took(caplog, monkeypatch) -> None:
    ticks = iter([0.0, 0.8])
    monkeypatch.setattr("crawler.engine.scrape.time.perf_counter", lambda: next(ticks, 0.8))
    crawl_in_memory(PathSpider, {"/": "x"}, FAST)
    assert "PathSpider.parse held the reactor for 0.80 s" in caplog.text


# --- the account ---------------------------------------------------------------------------------------------------------


def test_each_way_to_end_without_a_response_has_one_reason_and_all_are_counted() -> None:
    class Ways(Spider):
        name = "ways"
        allowed_domains = ["site.test"]
        start_urls = [f"{HOST}/"]

        def parse(self, response):
            for path in ("/a", "/a", "/deny", "/" + "long" * 30, "//elsewhere.test/", "/gone"):
                yield response.follow(path, callback=self.page)

        def page(self, response):
            yield response.follow("/deeper")

    class Refuse:
        def process_request(self, request):
            if request.url.endswith("/deny"):
                raise IgnoreRequest("not this one")

    dropped: list[tuple[str, str]] = []
    world = MemoryWorld(Site({"/": "x", "/a": "x", "/deeper": "x"}))
    settings = {
        **FAST,
        "crawl.depth_limit": 1,
        "crawl.url_length": 100,
        "components.downloader_middlewares": [Refuse],
    }
    crawler = Crawler(Ways, settings, runtime=world.runtime)
    crawler.signals.connect(lambda request, reason: dropped.append((request.url, reason)), signals.request_dropped)
    result = world.run(crawler)
    assert sorted(reason for _, reason in dropped) == ["depth", "duplicate", "ignored", "offsite", "url_length"]
    assert {name: count for name, count in result.stats.items() if name.startswith("dropped/")} == {
        "dropped/depth": 1,
        "dropped/duplicate": 1,
        "dropped/ignored": 1,
        "dropped/offsite": 1,
        "dropped/url_length": 1,
    }
    frontier = crawler.engine.frontier
    assert frontier.scheduled == sum(frontier.ended.values()) == 4
    assert frontier.is_idle


def test_a_robots_rule_is_a_reason_of_its_own() -> None:
    site = Site({"/robots.txt": "User-agent: *\nDisallow: /private\n", "/": links("/private/x", "/open"), "/open": "x"})
    result = crawl_in_memory(PathSpider, site, {**FAST, "politeness.obey_robots": True})
    assert found(result) == ["/", "/open"]
    assert result.stats["dropped/robots"] == 1
    assert site.log[0].url == f"{HOST}/robots.txt"


def test_a_server_that_fails_to_show_its_robots_txt_is_left_alone_for_a_while() -> None:
    class Once(Spider):
        name = "once"
        start_urls = [f"{HOST}/"]

        def parse(self, response):
            yield {"path": "/"}

    site = Site({"/robots.txt": Page("", 503), "/": "x"})
    result = crawl_in_memory(Once, site, {**FAST, "politeness.obey_robots": True})
    assert result.items == []
    assert (result.failed, site.paths) == (1, [])


def test_dont_filter_visits_a_page_again() -> None:
    class Again(PathSpider):
        def parse(self, response):
            yield {"path": "/"}
            if response.meta["depth"] == 0:
                yield Request(response.url, dont_filter=True)
                yield Request(response.url)

    result = crawl_in_memory(Again, {"/": "x"}, FAST)
    assert found(result) == ["/", "/"]
    assert result.stats["dropped/duplicate"] == 1


def test_start_requests_go_through_the_duplicates_filter() -> None:
    class Twice(PathSpider):
        start_urls = [f"{HOST}/", f"{HOST}/"]

    assert found(crawl_in_memory(Twice, {"/": "x"}, FAST)) == ["/"]


# --- order, politeness, room ---------------------------------------------------------------------------------------------


def test_higher_priorities_go_first() -> None:
    class Priorities(PathSpider):
        async def start(self):
            for number in (1, 3, 2):
                yield Request(f"{HOST}/{number}", priority=number)

    result = crawl_in_memory(
        Priorities, {"*": "x"}, {**FAST, "crawl.concurrency": 1, "politeness.concurrency_per_host": 1}
    )
    assert found(result)[1:] == ["/3", "/2"]


def test_the_delay_between_requests_of_a_host_is_kept() -> None:
    site = Site({"/": links("/a", "/b"), "/a": "x", "/b": "x"})
    crawl_in_memory(PathSpider, site, {**FAST, "politeness.delay": 2.0, "politeness.jitter": 0.0})
    assert [hit.at for hit in site.log] == [0.0, 2.0, 4.0]


def test_no_more_requests_are_on_the_wire_than_allowed() -> None:
    at_once: list[int] = []
    on_wire = 0

    class Counting(PathSpider):
        async def start(self):
            for number in range(12):
                yield Request(f"http://host{number % 4}.test/{number}")

    world = MemoryWorld(Site({"*": Page("x", latency=1.0)}))
    crawler = Crawler(
        Counting, {**FAST, "crawl.concurrency": 5, "politeness.concurrency_per_host": 2}, runtime=world.runtime
    )

    def reached() -> None:
        nonlocal on_wire
        on_wire += 1
        at_once.append(on_wire)

    def left() -> None:
        nonlocal on_wire
        on_wire -= 1

    crawler.signals.connect(reached, signals.request_reached_downloader)
    crawler.signals.connect(left, signals.request_left_downloader)
    world.run(crawler)
    assert max(at_once) == 5
    assert [hit.at for hit in world.site.log] == [0.0] * 5 + [1.0] * 5 + [2.0] * 2


def test_one_slow_host_does_not_slow_twenty_fast_ones() -> None:
    class Hosts(PathSpider):
        async def start(self):
            for number in range(8):
                yield Request(f"http://slow.test/{number}")
                for host in range(20):
                    yield Request(f"http://fast{host}.test/{number}")

    pages = {f"http://slow.test/{number}": Page("x", latency=5.0) for number in range(8)}
    site = Site({**pages, "*": Page("x", latency=0.1)})
    crawl_in_memory(Hosts, site, {**FAST, "crawl.concurrency": 22, "politeness.concurrency_per_host": 1})
    assert max(hit.at for hit in site.log if "fast" in hit.url) == pytest.approx(0.7)
    assert max(hit.at for hit in site.log if "slow" in hit.url) == pytest.approx(35.0)


def test_start_is_pulled_only_when_there_is_room() -> None:
    pulled: list[tuple[int, int]] = []

    class Endless(PathSpider):
        async def start(self):
            for number in range(200):
                pulled.append((number, len(site.log)))
                yield Request(f"{HOST}/{number}")

    site = Site({"*": Page("x", latency=1.0)})
    crawl_in_memory(Endless, site, {**FAST, "frontier.workbench": 20, "crawl.concurrency": 2})
    assert len(site.log) == 200
    assert all(number - sent <= 14 for number, sent in pulled)


def test_bytes_in_hand_are_bounded() -> None:
    class Holding(Spider):
        name = "holding"
        start_urls = [f"{HOST}/{number}" for number in range(4)]
        gates: list[Deferred[None]] = []

        async def parse(self, response):
            gate: Deferred[None] = Deferred()
            self.gates.append(gate)
            await gate

    world = MemoryWorld(Site({"*": "x" * 1000}))
    crawler = Crawler(Holding, {**FAST, "crawl.max_bytes_in_hand": 1500, "crawl.concurrency": 1}, runtime=world.runtime)
    ended: list[object] = []
    crawler.crawl().addBoth(ended.append)
    assert len(world.site.log) == 2  # the second took the room that was left; no third starts
    while not ended:
        Holding.gates.pop(0).callback(None)
    assert len(world.site.log) == 4


def test_a_body_in_a_file_is_in_hand_once_it_is_read_into_memory() -> None:
    held: list[tuple[int, int]] = []

    class Reading(Spider):
        name = "reading"
        start_urls = [f"{HOST}/"]

        def parse(self, response):
            in_hand = self.crawler.engine._in_hand
            before = in_hand.held
            assert len(response.body) == 1000
            held.append((before, in_hand.held))

    world = MemoryWorld(Site({"*": "x" * 1000}))
    crawler = Crawler(Reading, {**FAST, "http.spool_above": 500}, runtime=world.runtime)
    world.run(crawler)
    assert held == [(0, 1000)]
    assert crawler.engine._in_hand.held == 0


def test_a_request_may_ask_for_its_body_in_a_file() -> None:
    class Asking(Spider):
        name = "asking"

        async def start(self):
            yield Request(f"{HOST}/file", meta={"download_to_file": True})
            yield Request(f"{HOST}/page")

        def parse(self, response):
            yield {"url": response.url, "in a file": response.spool is not None, "body": response.body}

    result = crawl_in_memory(Asking, {"*": "few"}, FAST)
    assert result.items == [
        {"url": f"{HOST}/file", "in a file": True, "body": b"few"},
        {"url": f"{HOST}/page", "in a file": False, "body": b"few"},
    ]


def test_a_folder_for_large_bodies_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SettingsError, match="spool_directory = '/nowhere'"):
        crawl_in_memory(PathSpider, {"/": "x"}, {**FAST, "http.spool_directory": "/nowhere"})


# --- limits and the end --------------------------------------------------------------------------------------------------


def many_pages(count: int = 60) -> Site:
    return Site({"/": links(*(f"/{number}" for number in range(count))), "*": Page("x", latency=0.5)})


def test_a_page_limit_is_exact() -> None:
    site = many_pages()
    result = crawl_in_memory(PathSpider, site, {**FAST, "crawl.max_pages": 7})
    assert len(site.log) == len(result.items) == 7
    assert result.reason == "closespider_pagecount"


@pytest.mark.parametrize("waits", [False, True])
def test_a_page_that_reaches_the_item_limit_is_finished_and_no_other_begins(tmp_path: Path, waits: bool) -> None:
    class Three(PathSpider):
        async def parse(self, response):
            for number in range(3):
                yield {"path": number}
                if waits:
                    await self.crawler.engine.download(Request(f"http://site.test/more/{number}"))
            for link in response.follow_all(css="a"):
                yield link

    feed = tmp_path / "items.jsonl"
    settings = {**FAST, "crawl.max_items": 10, "FEEDS": {str(feed): {"format": "jsonl"}}}
    result = crawl_in_memory(Three, many_pages(), settings)
    assert result.reason == "closespider_itemcount"
    kept = len(feed.read_text().splitlines())
    assert kept == len(result.items) == result.stats["item_scraped_count"]
    # Of those that wait, sixteen have begun when the limit is reached.
    assert kept in range(12, 3 * 16 + 1 if waits else 13, 3)


def test_a_callback_that_brings_items_for_ever_is_ended_by_the_item_limit() -> None:
    class Endless(PathSpider):
        def parse(self, response):
            yield from ({"number": number} for number in count())

    result = crawl_in_memory(Endless, many_pages(), {**FAST, "crawl.max_items": 10})
    assert result.reason == "closespider_itemcount"
    assert 10 <= len(result.items) <= 2_000


def test_an_error_limit_is_exact() -> None:
    class Broken(PathSpider):
        def parse(self, response):
            yield from super().parse(response)
            raise ValueError

    result = crawl_in_memory(Broken, many_pages(), {**FAST, "crawl.max_errors": 3})
    assert result.stats["spider_exceptions/count"] == 3
    assert result.reason == "closespider_errorcount"


def test_a_time_limit_is_exact() -> None:
    site = Site({"/": links("/1"), "/1": Page("x", latency=100.0)})
    world = MemoryWorld(site)
    crawler = Crawler(PathSpider, {**FAST, "crawl.max_seconds": 10.0}, runtime=world.runtime)
    result = world.run(crawler)
    assert world.clock.seconds() == 10.0
    assert result.reason == "closespider_timeout"
    assert crawler.engine.frontier.waiting == 1  # what was in flight waits again


def test_a_time_limit_that_is_not_reached_leaves_no_timer_behind() -> None:
    world = MemoryWorld(Site({"/": "x"}))
    world.run(Crawler(PathSpider, {**FAST, "crawl.max_seconds": 1000.0}, runtime=world.runtime))
    assert world.clock.getDelayedCalls() == []


def test_a_graceful_stop_finishes_what_is_in_flight_and_keeps_the_rest_waiting() -> None:
    site = Site({"/": links(*(f"/{number}" for number in range(10))), "*": Page("x", latency=1.0)})
    world = MemoryWorld(site)
    crawler = Crawler(PathSpider, {**FAST, "crawl.concurrency": 3}, runtime=world.runtime, on_item=None)
    world.clock.callLater(0.5, lambda: crawler.engine.stop("shutdown"))
    result = world.run(crawler)
    assert result.interrupted
    assert result.stats["item_scraped_count"] == 4
    assert crawler.engine.frontier.waiting == 7


def test_an_immediate_stop_gives_back_what_is_in_flight() -> None:
    site = Site({"/": links(*(f"/{number}" for number in range(10))), "*": Page("x", latency=1.0)})
    world = MemoryWorld(site)
    crawler = Crawler(PathSpider, {**FAST, "crawl.concurrency": 3}, runtime=world.runtime)
    world.clock.callLater(0.5, lambda: crawler.engine.stop_now("shutdown"))
    result = world.run(crawler)
    assert world.clock.seconds() < 1.0
    assert result.stats["item_scraped_count"] == 1
    assert crawler.engine.frontier.waiting == 10


def test_close_spider_ends_the_crawl_with_its_reason() -> None:
    class Closing(PathSpider):
        def parse(self, response):
            raise CloseSpider("enough seen")

    result = crawl_in_memory(Closing, {"/": "x"}, FAST)
    assert result.reason == "enough seen"
    assert result.failed == 0


def test_an_idle_spider_may_bring_more_work_before_it_closes() -> None:
    class Idle(PathSpider):
        asked = 0

        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(spider.idle, signals.spider_idle)
            return spider

        def idle(self):
            self.asked += 1
            if self.asked == 1:
                self.crawler.engine.crawl(Request(f"{HOST}/more"))
            elif self.asked == 2:
                raise DontCloseSpider

    result = crawl_in_memory(Idle, {"*": "x"}, FAST)
    assert found(result) == ["/", "/more"]
    assert result.reason == "finished"


def test_an_error_in_start_is_the_reason_of_the_end(caplog) -> None:
    class Broken(PathSpider):
        async def start(self):
            yield Request(f"{HOST}/")
            raise RuntimeError("no more")

    result = crawl_in_memory(Broken, {"/": "x"}, FAST)
    assert found(result) == ["/"]
    assert result.reason == "start_error"
    assert result.failed == 1


def test_closed_is_called_with_the_reason_and_may_be_a_coroutine() -> None:
    reasons: list[str] = []

    class Closed(PathSpider):
        async def closed(self, reason):
            await defer.succeed(None)
            reasons.append(reason)

    crawl_in_memory(Closed, {"/": "x"}, FAST)
    assert reasons == ["finished"]


# --- errors --------------------------------------------------------------------------------------------------------------


def test_an_errback_gets_the_failure_with_its_request_and_may_yield() -> None:
    class Errback(Spider):
        name = "errback"

        async def start(self):
            yield Request(f"{HOST}/gone", errback=self.failed)

        def parse(self, response):
            raise AssertionError("not for a 404")

        def failed(self, failure):
            yield {"status": failure.value.response.status, "url": failure.request.url, "type": failure.type.__name__}

    assert crawl_in_memory(Errback, {}, FAST).items == [{"status": 404, "url": f"{HOST}/gone", "type": "HttpError"}]


def test_a_status_that_the_spider_handles_reaches_its_callback() -> None:
    class Handles(PathSpider):
        handle_httpstatus_list = [404]

    assert found(crawl_in_memory(Handles, {}, FAST)) == ["/"]


def test_the_spiders_list_of_statuses_stands_in_the_place_of_that_of_the_settings() -> None:
    class Handles(PathSpider):
        handle_httpstatus_list = [404]

    settings = {**FAST, "crawl.allowed_statuses": [410]}
    site = Site({"/": Page("gone", 410)})
    assert found(crawl_in_memory(PathSpider, site, settings)) == ["/"]
    assert found(crawl_in_memory(Handles, site, settings)) == []


def test_a_status_that_nobody_handles_is_counted_and_is_no_failure() -> None:
    result = crawl_in_memory(PathSpider, {}, FAST)
    assert result.items == []
    assert result.stats["httperror/response_ignored_status_count/404"] == 1
    assert result.failed == 0


# --- items ---------------------------------------------------------------------------------------------------------------


@dataclass
class Book:
    path: str


def test_pipelines_are_passed_in_order_sync_or_async() -> None:
    class First:
        def process_item(self, item, spider):
            return {**item, "first": spider.name}

    class Second:
        async def process_item(self, item):
            await defer.succeed(None)
            return {**item, "second": True}

    class Third:
        def process_item(self, item):
            return {**item, "third": True}

    result = crawl_in_memory(PathSpider, {"/": "x"}, {**FAST, "components.pipelines": [First, Second, Third]})
    assert result.items == [{"path": "/", "first": "paths", "second": True, "third": True}]


def test_pipelines_are_opened_before_and_closed_after_the_crawl() -> None:
    happened: list[str] = []

    class Recording:
        def open_spider(self, spider):
            happened.append("open")

        def process_item(self, item):
            happened.append("item")
            return item

        async def close_spider(self):
            await defer.succeed(None)
            happened.append("close")

    crawl_in_memory(PathSpider, {"/": "x"}, {**FAST, "components.pipelines": [Recording]})
    assert happened == ["open", "item", "close"]


def test_a_dropped_item_is_counted_by_its_reason_and_told() -> None:
    class Drop:
        def process_item(self, item):
            raise DropItem("not wanted")

    result = crawl_in_memory(PathSpider, {"/": "x"}, {**FAST, "components.pipelines": [Drop]})
    assert result.items == []
    assert result.stats["item_dropped_reasons_count/DropItem"] == 1
    assert result.failed == 0


def test_a_pipeline_that_forgets_to_return_the_item_is_told_so(caplog) -> None:
    class Forgets:
        def process_item(self, item):
            pass

    result = crawl_in_memory(PathSpider, {"/": "x"}, {**FAST, "components.pipelines": [Forgets]})
    assert "process_item returned None: return the item, or raise DropItem" in caplog.text
    assert result.failed == 1


def test_items_in_flight_are_bounded() -> None:
    gates: list[Deferred[None]] = []

    class Slow:
        async def process_item(self, item):
            gate: Deferred[None] = Deferred()
            gates.append(gate)
            await gate
            return item

    class Starts(PathSpider):
        start_urls = [f"{HOST}/{number}" for number in range(6)]

    world = MemoryWorld(Site({"*": "x"}))
    settings = {**FAST, "components.pipelines": [Slow], "crawl.max_items_in_flight": 2}
    crawler = Crawler(Starts, settings, runtime=world.runtime)
    ended: list[object] = []
    crawler.crawl().addBoth(ended.append)
    assert len(gates) <= 2
    while not ended:
        assert len(gates) <= 2
        gates.pop(0).callback(None)
    assert crawler.engine.account.items == 6


def test_items_of_a_dataclass_are_items() -> None:
    class Books(Spider):
        name = "books"
        start_urls = [f"{HOST}/"]

        def parse(self, response):
            yield Book("/")

    assert crawl_in_memory(Books, {"/": "x"}, FAST).items == [Book("/")]


# --- signals -------------------------------------------------------------------------------------------------------------


def test_the_signals_of_a_crawl_come_in_order() -> None:
    seen: list[str] = []
    world = MemoryWorld(Site({"/": "x"}))
    crawler = Crawler(PathSpider, FAST, runtime=world.runtime)
    for name in (
        "engine_started",
        "spider_opened",
        "request_scheduled",
        "request_reached_downloader",
        "request_left_downloader",
        "response_downloaded",
        "response_received",
        "item_scraped",
        "spider_idle",
        "spider_closed",
        "engine_stopped",
    ):
        crawler.signals.connect(lambda name=name: seen.append(name), getattr(signals, name))
    world.run(crawler)
    assert seen == [
        "engine_started",
        "spider_opened",
        "request_scheduled",
        "request_reached_downloader",
        "request_left_downloader",
        "response_downloaded",
        "response_received",
        "item_scraped",
        "spider_idle",
        "spider_closed",
        "engine_stopped",
    ]


class Listening(Spider):
    """Stops a download in a signal handler."""

    name = "listening"
    start_urls = [f"{HOST}/"]
    signal = signals.headers_received
    fail = True

    @classmethod
    def from_crawler(cls, crawler, *args, **kwargs):
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.stop, cls.signal)
        return spider

    def stop(self, request):
        raise StopDownload(fail=self.fail)

    async def start(self):
        yield Request(f"{HOST}/", errback=self.failed)

    def parse(self, response):
        yield {"flags": response.flags, "body": response.body}

    def failed(self, failure):
        yield {"error": type(failure.value).__name__}


@pytest.mark.parametrize("signal", [signals.headers_received, signals.bytes_received])
def test_a_handler_may_stop_a_download(signal: signals.Signal) -> None:
    class Stops(Listening):
        pass

    Stops.signal = signal
    assert crawl_in_memory(Stops, {"/": "a page"}, FAST).items == [{"error": "StopDownload"}]


def test_what_has_come_of_a_stopped_download_may_go_to_the_callback() -> None:
    class Stops(Listening):
        signal = signals.bytes_received
        fail = False

    assert crawl_in_memory(Stops, {"/": "a page"}, FAST).items == [{"flags": ["download_stopped"], "body": b"a page"}]


def test_a_download_that_its_headers_stop_has_an_empty_body() -> None:
    class Stops(Listening):
        fail = False

    assert crawl_in_memory(Stops, {"/": "a page"}, FAST).items == [{"flags": ["download_stopped"], "body": b""}]


def test_the_errback_of_a_stopped_download_finds_what_had_come() -> None:
    class Stops(Listening):
        signal = signals.bytes_received

        def failed(self, failure):
            yield {"status": failure.value.response.status, "body": failure.value.response.body}

    assert crawl_in_memory(Stops, {"/": "a page"}, FAST).items == [{"status": 200, "body": b"a page"}]


def test_a_middleware_may_answer_with_the_response_to_a_request_of_another_callback() -> None:
    class Elsewhere:
        def process_response(self, request, response, spider):
            other = request.replace(callback=spider.parse_other, cb_kwargs={"word": "hi"})
            return response.replace(request=other)

    class Asks(PathSpider):
        def parse_other(self, response, word):
            yield {"word": word}

    assert crawl_in_memory(Asks, {"/": "x"}, {**FAST, "DOWNLOADER_MIDDLEWARES": {Elsewhere: 500}}).items == [
        {"word": "hi"}
    ]


def test_a_spider_that_forgets_what_its_base_class_does_is_complete_all_the_same() -> None:
    class Forgets(PathSpider):
        def __init__(self, word):
            self.word = word

        @classmethod
        def from_crawler(cls, crawler, word):
            return cls(word)

        def parse(self, response):
            yield {
                "word": self.word,
                "bot": self.settings["BOT_NAME"],
                "state": self.state,
                "has": self.crawler.stats is not None,
            }

    result = crawl_in_memory(Forgets, {"/": "x"}, {**FAST, "BOT_NAME": "b"}, word="hi")
    assert result.items == [{"word": "hi", "bot": "b", "state": {}, "has": True}]


def test_a_spider_that_keeps_the_crawler_by_itself_has_the_settings_too() -> None:
    class Keeps(PathSpider):
        def __init__(self, crawler):
            self.crawler = crawler

        @classmethod
        def from_crawler(cls, crawler):
            return cls(crawler)

        def parse(self, response):
            yield {"bot": self.settings["BOT_NAME"]}

    assert crawl_in_memory(Keeps, {"/": "x"}, {**FAST, "BOT_NAME": "b"}).items == [{"bot": "b"}]


def test_the_ends_of_feeds_are_told() -> None:
    told = []

    class Tells(PathSpider):
        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(lambda: told.append("all"), signals.feed_exporter_closed, weak=False)
            return spider

    crawl_in_memory(Tells, {"/": "x"}, FAST)
    assert told == ["all"]


def test_retry_after_blocks_the_whole_host_until_then() -> None:
    answers = [Page("slow down", 429, {"Retry-After": "30"})]
    site = Site({"/": links("/a", "/b"), "/a": lambda hit: answers.pop() if answers else "a", "/b": "b"})
    settings = {**FAST, "retry.enabled": True, "politeness.concurrency_per_host": 1}
    result = crawl_in_memory(PathSpider, site, settings)
    assert sorted(found(result)) == ["/", "/a", "/b"]
    assert [hit.at >= 30.0 for hit in site.log] == [False, False, True, True]


def test_pipelines_are_told_which_item_they_have() -> None:
    told = []

    class Names:
        def process_item(self, item):
            told.append((item_identity().index, item_identity().fingerprint))
            return item

    class Two(PathSpider):
        def parse(self, response):
            yield {"path": 1}
            yield {"path": 2}
            yield from response.follow_all(css="a")

    crawl_in_memory(Two, {"/": links("/a"), "/a": ""}, {**FAST, "components.pipelines": [Names]})
    first, second = fingerprint(Request(f"{HOST}/")), fingerprint(Request(f"{HOST}/a"))
    assert told == [(1, first), (2, first), (1, second), (2, second)]


def test_an_asynchronous_callback_that_holds_the_reactor_is_named(caplog) -> None:
    class Holds(PathSpider):
        async def parse(self, response):
            await defer.succeed(None)
            time.sleep(0.3)

    class HoldsBetween(PathSpider):
        async def parse(self, response):
            yield {"path": 1}
            time.sleep(0.3)
            yield {"path": 2}

    crawl_in_memory(Holds, {"/": ""}, FAST)
    crawl_in_memory(HoldsBetween, {"/": ""}, FAST)
    told = [message for message in caplog.messages if "held the reactor for 0.3" in message]
    assert [message.partition(" ")[0].rpartition(">.")[2] for message in told] == ["Holds.parse", "HoldsBetween.parse"]


def test_waiting_is_not_holding(caplog) -> None:
    class Waits(PathSpider):
        async def parse(self, response):
            await task.deferLater(self.crawler.clock, 10.0, lambda: None)

    crawl_in_memory(Waits, {"/": ""}, FAST)
    assert "held the reactor" not in caplog.text


def test_that_nothing_waits_is_told() -> None:
    told = []

    class Tells(PathSpider):
        @classmethod
        def from_crawler(cls, crawler, *args, **kwargs):
            spider = super().from_crawler(crawler, *args, **kwargs)
            crawler.signals.connect(lambda: told.append(True), signals.scheduler_empty, weak=False)
            return spider

    crawl_in_memory(Tells, {"/": "x"}, FAST)
    assert told


@pytest.mark.parametrize("where", ["callback", "errback", "pipeline", "middleware"])
def test_code_that_calls_exit_is_an_error_of_its_own_and_the_crawl_goes_on(where: str) -> None:
    class Exits(Spider):
        name = "exits"

        async def start(self):
            yield Request(f"{HOST}/", errback=self.failed)
            yield Request(f"{HOST}/next")

        def parse(self, response):
            if where == "callback" and response.url.endswith("/"):
                raise SystemExit(3)
            yield {"url": response.url}

        def failed(self, failure):
            raise SystemExit(3)

    class Exit:
        def process_item(self, item):
            if where == "pipeline" and item["url"].endswith("/"):
                raise SystemExit(3)
            return item

    class Leave:
        def process_request(self, request):
            if where == "middleware" and request.url.endswith("/"):
                raise SystemExit(3)

    pages = {"/": Page("x", status=404 if where == "errback" else 200), "/next": "y"}
    settings = {**FAST, "components.pipelines": [Exit], "components.downloader_middlewares": [Leave]}
    result = crawl_in_memory(Exits, pages, settings)
    assert (result.reason, result.items) == ("finished", [{"url": f"{HOST}/next"}])
    assert result.stats["spider_exceptions/SystemExit"] == 1
    assert result.failed


@pytest.mark.parametrize("kind", ["generator", "returned", "coroutine"])
def test_a_start_that_is_no_asynchronous_generator_is_taken_as_well(kind: str) -> None:
    class Plain(PathSpider):
        def start(self):
            pages = [Request(f"{HOST}/"), {"path": "item"}]
            if kind == "generator":
                return (page for page in pages)
            return pages if kind == "returned" else self.later(pages)

        async def later(self, pages):
            return pages

    assert sorted(found(crawl_in_memory(Plain, {"/": "x"}, FAST))) == ["/", "item"]


@pytest.mark.parametrize(
    ("urls", "says"),
    [
        (f"{HOST}/", f"start_urls of <Starts 'starts'> is a text: write start_urls = ['{HOST}/']"),
        (["www.example.org"], "invalid URL 'www.example.org': it has no scheme; write https://www.example.org"),
    ],
)
def test_a_mistake_in_start_urls_is_told_in_a_line(urls: object, says: str, caplog: pytest.LogCaptureFixture) -> None:
    class Starts(Spider):
        name = "starts"
        start_urls = urls

    assert crawl_in_memory(Starts, {"/": "x"}, FAST).reason == "start_error"
    (told,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert (told.exc_info, told.getMessage()) == (None, f"Error while reading what the crawl starts with: {says}")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("parse", "NotImplementedError: Wrong.parse is not defined"),
        ("page", "takes 1 positional argument but 2 were given"),
        ("named", "got an unexpected keyword argument 'number'"),
    ],
)
def test_a_callback_that_cannot_be_called_is_told_in_a_line(
    kind: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Wrong(Spider):
        name = "wrong"

        async def start(self):
            callback = None if kind == "parse" else getattr(self, kind)
            yield Request(f"{HOST}/", callback, cb_kwargs={"number": 1} if kind == "named" else None)

        def page(self):
            pass

        def named(self, response):
            pass

    assert crawl_in_memory(Wrong, {"/": "x"}, FAST).stats["spider_exceptions/count"] == 1
    (told,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert (told.exc_info, says in told.getMessage()) == (None, True)
