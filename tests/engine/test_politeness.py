"""How hosts are treated in whole crawls: rates, refusals, waits, outages."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from twisted.internet.defer import fail
from twisted.internet.error import ConnectionRefusedError

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.engine.robots import RobotsGate
from crawler.exceptions import CannotResolveHostError, HostDownError
from crawler.http import Response
from crawler.testing import Hit, MemoryWorld, Page, Site, crawl_in_memory

HOST = "http://limited.test"
QUIET = {"log.stats_interval": 0, "politeness.obey_robots": False}


class LimitedSite(Site):
    """Answers *limit* requests in any second, then 429 with Retry-After."""

    def __init__(self, limit: int, *, latency: float, retry_after: int = 2) -> None:
        super().__init__()
        self.limit, self.latency, self.retry_after = limit, latency, retry_after
        self.answered: list[float] = []
        self.refused: list[float] = []
        self.too_soon: list[float] = []  # while the client knew that it was to wait
        self._lately: deque[float] = deque()
        self._closed_until = self._known_until = 0.0

    def answer(self, hit: Hit) -> Page:
        now = hit.at
        while self._lately and self._lately[0] <= now - 1.0 + 1e-9:
            self._lately.popleft()
        if now < self._closed_until - 1e-9 or len(self._lately) >= self.limit:
            if now >= self._closed_until:
                self._closed_until = now + self.retry_after
                self._known_from = now + self.latency
            elif now > self._known_from + 1e-9:
                self.too_soon.append(now)
            self.refused.append(now)
            wait = max(1, round(self._closed_until - now))
            return Page("slow down", 429, {"Retry-After": str(wait)}, latency=self.latency)
        self._lately.append(now)
        self.answered.append(now)
        return Page("fine", latency=self.latency)


class Many(Spider):
    name = "many"
    count = 3_000

    async def start(self):
        for number in range(int(self.count)):
            yield Request(f"{HOST}/{number}", errback=self.parse)

    def parse(self, response):
        pass


@pytest.mark.parametrize(
    ("limit", "latency"),
    [(1, 0.01), (1, 0.2), (2, 1.0), (2, 2.0), (5, 0.5), (10, 0.01), (10, 0.2), (10, 0.3), (20, 0.05)],
)
def test_a_limit_is_found_and_kept_to_and_a_retry_after_is_obeyed(limit: int, latency: float) -> None:
    site = LimitedSite(limit, latency=latency)
    crawl_in_memory(Many, site, {**QUIET, "politeness.delay": 0.05, "retry.times": 20})
    settled = [moment for moment in site.answered if moment > site.answered[len(site.answered) // 3]]
    rate = (len(settled) - 1) / (settled[-1] - settled[0])
    assert 0.9 * limit <= rate <= limit
    assert len(site.refused) / (len(site.answered) + len(site.refused)) < 0.02
    assert site.too_soon == []
    assert len(site.answered) == Many.count


def test_with_a_fixed_rate_a_retry_after_is_obeyed_all_the_same() -> None:
    site = LimitedSite(3, latency=0.0)
    settings = {**QUIET, "politeness.delay": 0.05, "politeness.adaptive": False, "retry.times": 20}
    crawl_in_memory(Many, site, settings, count=100)
    assert site.too_soon == []
    assert len(site.answered) == 100


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"RateLimit": '"all";r=0;t=40'}, 40.0),
        ({"Retry-After": "86400"}, 600.0),
        ({"RateLimit": '"all";r=1;t=40'}, 0.0),
    ],
)
def test_a_host_is_let_alone_for_as_long_as_it_asks_within_bounds(headers: dict[str, str], wait: float) -> None:
    first = Page("wait", 429 if "Retry-After" in headers else 200, headers)
    site = Site({"/0": first, "*": "fine"})
    settings = {**QUIET, "politeness.delay": 0.0, "politeness.concurrency_per_host": 1, "retry.enabled": False}
    crawl_in_memory(Many, site, settings, count=2)
    assert site.log[1].at == pytest.approx(wait, abs=0.001)


@pytest.mark.parametrize("status", [403, 413, 500, 502, 503, 504, 429])
def test_any_error_may_say_for_how_long_its_host_is_let_alone(status: int) -> None:
    site = Site({"/0": Page("wait", status, {"Retry-After": "40"}), "*": "fine"})
    settings = {**QUIET, "politeness.delay": 0.0, "politeness.concurrency_per_host": 1, "retry.enabled": False}
    crawl_in_memory(Many, site, settings, count=2)
    assert site.log[1].at == pytest.approx(40.0, abs=0.001)


@pytest.mark.parametrize(("asked", "wait"), [("40", 40.0), ("86400", 600.0), ("nonsense", 0.0)])
def test_a_redirect_may_say_after_how_long_it_is_to_be_followed(asked: str, wait: float) -> None:
    moved = Page("", 301, {"Location": "http://elsewhere.test/moved", "Retry-After": asked})
    site = Site({"/0": moved, "*": "fine"})
    crawl_in_memory(Many, site, {**QUIET, "politeness.delay": 0.0}, count=2)
    assert {hit.url: hit.at for hit in site.log}["http://elsewhere.test/moved"] == pytest.approx(wait, abs=0.001)
    assert {hit.url: hit.at for hit in site.log}[f"{HOST}/1"] == 0.0


def test_a_host_that_must_wait_does_not_hold_up_another() -> None:
    class Two(Spider):
        name = "two"
        start_urls = ["http://slow.test/1", "http://slow.test/2", "http://other.test/1", "http://other.test/2"]

        def parse(self, response):
            pass

    site = Site({"http://slow.test/1": Page("", 429, {"Retry-After": "100"}), "*": "fine"})
    crawl_in_memory(Two, site, {**QUIET, "politeness.delay": 0.5, "politeness.jitter": 0.0})
    assert {hit.url: hit.at for hit in site.log}["http://other.test/2"] == 0.5


def test_over_any_time_no_more_requests_start_than_the_delay_says() -> None:
    site = Site({"*": "fine"})
    crawl_in_memory(Many, site, {**QUIET, "politeness.delay": 1.0, "politeness.jitter": 0.5}, count=400)
    starts = [hit.at for hit in site.log]
    gaps = [later - sooner for sooner, later in pairwise(starts)]
    assert min(gaps) >= 0.5 - 1e-9
    assert max(gaps) <= 1.5 + 1e-9
    assert len({round(gap, 3) for gap in gaps}) > 100
    assert starts[-1] == pytest.approx(399.0, abs=0.5)


def test_a_request_may_ask_for_a_delay_of_its_own() -> None:
    class Later(Spider):
        name = "later"

        async def start(self):
            yield Request(f"{HOST}/later", meta={"delay": 30.0})
            yield Request(f"{HOST}/now")

        def parse(self, response):
            pass

    site = Site({"*": "fine"})
    crawl_in_memory(Later, site, {**QUIET, "politeness.delay": 0.0})
    assert [(hit.url, hit.at) for hit in site.log] == [(f"{HOST}/now", 0.0), (f"{HOST}/later", 30.0)]


@pytest.mark.parametrize(
    ("robots", "cap", "gap"),
    [
        ("User-agent: *\nCrawl-delay: 7\n", 30.0, 7.0),
        ("User-agent: *\nCrawl-delay: 7000\n", 30.0, 30.0),
        ("User-agent: *\nRequest-rate: 1/12\n", 30.0, 12.0),
        ("User-agent: *\nCrawl-delay: 7\n", 0.0, 1.0),
        ("User-agent: *\nCrawl-delay: 0.1\n", 30.0, 1.0),
    ],
)
def test_the_delay_that_robots_txt_asks_for_is_kept_within_bounds(robots: str, cap: float, gap: float) -> None:
    site = Site({"/robots.txt": robots, "*": "fine"})
    settings = {
        **QUIET,
        "politeness.obey_robots": True,
        "politeness.delay": 1.0,
        "politeness.jitter": 0.0,
        "politeness.max_crawl_delay": cap,
    }
    crawl_in_memory(Many, site, settings, count=4)
    pages = [hit.at for hit in site.log if not hit.url.endswith("robots.txt")]
    assert [later - sooner for sooner, later in pairwise(pages)] == [pytest.approx(gap)] * 3


def test_rules_for_a_host_take_the_place_of_those_for_all() -> None:
    site = Site({"*": "fine"})
    settings = {
        **QUIET,
        "politeness.delay": 1.0,
        "politeness.jitter": 0.0,
        "politeness.hosts": {"*.test": {"delay": 4}},
    }
    crawl_in_memory(Many, site, settings, count=2)
    assert site.log[1].at == 4.0


def test_a_robots_txt_that_cannot_be_had_is_tried_again_before_requests_fail() -> None:
    answers = iter([Page("", 503), Page("", 503), Page("User-agent: *\nDisallow: /1\n")])
    site = Site({"/robots.txt": lambda hit: next(answers), "*": "fine"})
    result = crawl_in_memory(Many, site, {**QUIET, "politeness.obey_robots": True, "politeness.delay": 0.0}, count=3)
    assert [hit.at for hit in site.log if hit.url.endswith("robots.txt")] == pytest.approx([0.0, 5.0, 35.0], abs=0.5)
    assert sorted(site.paths) == ["/0", "/2"]
    assert (result.failed, result.stats["dropped/robots"]) == (0, 1)


def test_a_robots_txt_that_cannot_be_had_is_told_and_tried_once_where_retries_are_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site({"/robots.txt": Page("", 503), "*": "fine"})
    settings = {**QUIET, "politeness.obey_robots": True}
    assert crawl_in_memory(Many, site, settings, count=1).failed == 1
    assert "limited.test/robots.txt could not be read (status 503) and is asked for again in 5 seconds" in caplog.text
    site.log.clear()
    assert crawl_in_memory(Many, site, {**settings, "retry.enabled": False}, count=1).failed == 1
    assert [hit.at for hit in site.log] == [0.0]


@pytest.mark.parametrize(("is_certain", "pauses"), [(True, False), (False, True)])
def test_a_host_whose_name_does_not_exist_is_not_waited_for(is_certain: bool, pauses: bool) -> None:
    error = CannotResolveHostError("no address")
    error.is_certain = is_certain
    gate, robots = RobotsGate("bot"), Request(f"{HOST}/robots.txt")
    gate.learn(robots, error, 0.0)
    assert bool(gate.pause_until(robots)) is pauses


def test_a_host_that_was_there_is_waited_for_when_its_name_is_gone() -> None:
    error = CannotResolveHostError("no address")
    error.is_certain = True
    gate, robots = RobotsGate("bot"), Request(f"{HOST}/robots.txt")
    gate.learn(robots, Response(robots.url, body=b""), 0.0)
    gate.learn(robots, error, 90_000.0)
    assert gate.pause_until(robots) == 90_005.0


def _moving_robots(hops: int, *, status: int = 302) -> dict[str, Any]:
    """Return pages whose robots.txt is found after so many redirects, half of them at another origin."""
    places = [
        f"{HOST}/robots.txt",
        *(f"http://{'elsewhere' if hop % 2 else 'limited'}.test/r{hop}" for hop in range(hops)),
    ]
    pages: dict[str, Any] = {one: Page("", status, {"Location": other}) for one, other in pairwise(places)}
    return {**pages, places[-1]: "User-agent: *\nDisallow: /1\n", "*": "fine"}


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_robots_txt_is_found_over_five_redirects_whatever_is_set_for_those_of_pages(
    status: int, enabled: bool
) -> None:
    site = Site(_moving_robots(5, status=status))
    settings = {**QUIET, "politeness.obey_robots": True, "politeness.delay": 0.0, "redirect.enabled": enabled}
    result = crawl_in_memory(Many, site, settings, count=3)
    assert [hit.url for hit in site.log if hit.url.startswith(HOST)][-2:] == [f"{HOST}/0", f"{HOST}/2"]
    assert result.stats["dropped/robots"] == 1


def test_a_robots_txt_behind_more_redirects_is_none() -> None:
    site = Site(_moving_robots(6))
    result = crawl_in_memory(Many, site, {**QUIET, "politeness.obey_robots": True, "politeness.delay": 0.0}, count=2)
    assert (len(site.log), result.failed, result.reason) == (6 + 2, 0, "finished")


def test_a_page_in_the_place_of_robots_txt_leads_nowhere() -> None:
    page = Page("<meta http-equiv='refresh' content='0; url=/elsewhere'>")
    site = Site({"/robots.txt": page, "*": "fine"})
    crawl_in_memory(Many, site, {**QUIET, "politeness.obey_robots": True, "politeness.delay": 0.0}, count=1)
    assert [hit.url for hit in site.log] == [f"{HOST}/robots.txt", f"{HOST}/0"]


def test_a_limit_for_pages_does_not_make_a_long_robots_txt_one_that_cannot_be_had() -> None:
    site = Site({"/robots.txt": "User-agent: *\nDisallow: /1\n" + "#" * 600_000, "*": "fine"})
    settings = {**QUIET, "politeness.obey_robots": True, "politeness.delay": 0.0, "http.max_body": 1000}
    result = crawl_in_memory(Many, site, settings, count=2)
    assert (result.failed, result.stats["dropped/robots"]) == (0, 1)


class Refusing:
    """An agent that refuses connections to *site* while it is down."""

    def __init__(self, world: MemoryWorld, up_at: float) -> None:
        self.world, self.up_at = world, up_at
        self.agent, self.tried = world.runtime.agent, []

    def request(self, *arguments: Any, **options: Any) -> Any:
        now = self.world.clock.seconds()
        self.tried.append(now)
        if now < self.up_at:
            return fail(ConnectionRefusedError("refused"))
        return self.agent.request(*arguments, **options)


def crawl_with_outage(up_at: float, count: int) -> tuple[Any, Refusing, list[BaseException]]:
    errors: list[BaseException] = []

    class Watching(Many):
        async def start(self):
            for number in range(count):
                yield Request(f"{HOST}/{number}", errback=self.note)

        def note(self, failure):
            errors.append(failure.value)

    world = MemoryWorld(Site({"*": "fine"}))
    refusing = Refusing(world, up_at)
    runtime = replace(world.runtime, agent=refusing)
    settings = {**QUIET, "politeness.delay": 0.0, "retry.times": 10, "retry.delay": 0.0, "crawl.concurrency": 4}
    return world.run(Crawler(Watching, settings, runtime=runtime)), refusing, errors


def test_a_host_that_is_down_is_set_aside_and_tried_again_later() -> None:
    result, refusing, errors = crawl_with_outage(up_at=60.0, count=20)
    assert result.stats["downloader/response_status_count/200"] == 20
    assert errors == []
    assert len([moment for moment in refusing.tried if moment < 60.0]) < 20


def test_a_host_that_stays_down_is_given_up_so_that_the_crawl_can_end() -> None:
    result, refusing, errors = crawl_with_outage(up_at=1e9, count=500)
    assert result.failed == 500
    assert any(isinstance(error, HostDownError) for error in errors)
    assert len(refusing.tried) < 60
    assert result.stats["elapsed_time_seconds"] < 1_000
