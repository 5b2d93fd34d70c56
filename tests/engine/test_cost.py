"""What a request costs does not grow with how many wait, nor with how many hosts: counted in Python calls, not in time."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from crawler import Request, Spider
from crawler.frontier import Frontier, MemoryStore, SeenSet, Workbench
from crawler.frontier.codec import RequestCodec
from crawler.http.fingerprint import fingerprint
from crawler.settings import HostRules
from crawler.testing import Site, crawl_in_memory
from crawler.url import host_key


class ManySpider(Spider):
    name = "many"

    def __init__(self, count: int, hosts: int) -> None:
        super().__init__()
        self.count = count
        self.hosts = hosts

    async def start(self):
        for number in range(self.count):
            yield Request(f"http://host{number % self.hosts}.test/{number}")

    def parse(self, response):
        yield {"url": response.url}


def calls(function: Callable[[], object]) -> int:
    """Return how many Python functions are called while *function* runs."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
    return counted


def calls_per_request(count: int, hosts: int) -> float:
    settings = {"politeness.obey_robots": False, "frontier.workbench": 200, "retry.enabled": False}
    site = Site({"*": "page"})
    return calls(lambda: crawl_in_memory(ManySpider, site, settings, count=count, hosts=hosts)) / count


def test_calls_per_request_do_not_grow_with_the_number_of_requests() -> None:
    few, many = calls_per_request(200, 10), calls_per_request(1600, 10)
    assert many < few * 1.15, (few, many)


def test_calls_per_request_do_not_grow_with_the_number_of_hosts() -> None:
    few, many = calls_per_request(800, 4), calls_per_request(800, 400)
    assert many < few * 1.15, (few, many)


@pytest.mark.parametrize("waiting", [100, 10_000])
def test_a_hand_out_takes_the_same_calls_however_many_wait(waiting: int) -> None:
    rules = HostRules(delay=0.0, jitter=0.0, concurrency=10)
    bench = Workbench(lambda key: rules, MemoryStore(RequestCodec(ManySpider(0, 1))), capacity=100_000)
    frontier = Frontier(bench, SeenSet(), fingerprint=fingerprint, host_key=lambda request: host_key(request.url))
    for number in range(waiting):
        frontier.submit(Request(f"http://host{number % 50}.test/{number}"), 0.0)

    def hand_out() -> None:
        for _ in range(50):
            visit = frontier.next(0.0)
            assert visit is not None
            frontier.release(visit, 0.0)

    # next, pop, start, settle, release, release, settle, and the visit itself: a fixed handful.
    assert calls(hand_out) / 50 < 12
