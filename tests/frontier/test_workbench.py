"""The workbench: which request may start now."""

from __future__ import annotations

import random

import pytest

from crawler.exceptions import JobError
from crawler.frontier.codec import RequestCodec
from crawler.frontier.memory import MemoryStore
from crawler.frontier.workbench import BROUGHT_BACK, REFILL, Workbench
from crawler.http import Request
from crawler.settings import HostRules
from crawler.spiders import Spider


class NamedSpider(Spider):
    name = "named"


def workbench(
    delay: float = 0.0, concurrency: int = 100, capacity: int = 1000, jitter: float = 0.0, **options
) -> Workbench:
    rules = HostRules(delay=delay, jitter=jitter, concurrency=concurrency)
    store = MemoryStore(RequestCodec(NamedSpider()))
    return Workbench(lambda key: rules, store, capacity=capacity, **options)


def request(path: str = "/", priority: int = 0) -> Request:
    return Request(f"http://example.com{path}", priority=priority)


def paths(bench: Workbench, now: float = 0.0) -> list[str]:
    """Pop all that may start at *now*."""
    found = []
    while (handed := bench.pop(now)) is not None:
        found.append(handed[1].url.removeprefix("http://example.com"))
    return found


def test_requests_start_in_the_order_in_which_they_came() -> None:
    bench = workbench()
    for number in range(5):
        bench.add(f"host{number % 2}", request(f"/{number}"), 0.0)
    assert paths(bench) == ["/0", "/1", "/2", "/3", "/4"]


def test_a_higher_priority_starts_first_across_hosts() -> None:
    bench = workbench()
    bench.add("a", request("/low"), 0.0)
    bench.add("b", request("/high", priority=5), 0.0)
    bench.add("a", request("/highest", priority=9), 0.0)
    assert paths(bench) == ["/highest", "/high", "/low"]


def test_no_more_requests_of_a_host_are_on_the_wire_than_it_allows() -> None:
    bench = workbench(concurrency=2)
    for number in range(3):
        bench.add("a", request(f"/{number}"), 0.0)
    assert paths(bench) == ["/0", "/1"]
    bench.release("a", 0.0)
    assert paths(bench) == ["/2"]


def test_a_host_waits_for_its_delay_and_others_do_not_wait_for_it() -> None:
    bench = workbench(delay=5.0)
    bench.add("slow", request("/s1"), 0.0)
    bench.add("slow", request("/s2"), 0.0)
    bench.add("other", request("/o1"), 0.0)
    assert paths(bench) == ["/s1", "/o1"]
    assert bench.wake_at() == 5.0
    assert paths(bench, 4.9) == []
    assert paths(bench, 5.0) == ["/s2"]


def test_the_delay_is_drawn_within_its_jitter() -> None:
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    bench = workbench(delay=2.0, jitter=0.5, uniform=uniform)
    bench.add("a", request("/1"), 0.0)
    bench.add("a", request("/2"), 0.0)
    assert paths(bench) == ["/1"]
    assert drawn == [(-0.25, 0.25)]
    assert bench.wake_at() == 2.5


def test_a_delayed_request_starts_at_its_time_and_not_before() -> None:
    bench = workbench()
    bench.add("a", request("/later"), 0.0, not_before=10.0)
    assert bench.waiting == 1
    assert paths(bench, 9.0) == []
    assert bench.wake_at() == 10.0
    assert paths(bench, 10.0) == ["/later"]


def test_a_snoozed_host_starts_nothing_until_its_time() -> None:
    bench = workbench()
    bench.add("a", request("/1"), 0.0)
    bench.snooze("a", 30.0, 0.0)
    assert paths(bench, 29.0) == []
    assert bench.wake_at() == 30.0
    assert paths(bench, 30.0) == ["/1"]


def test_an_earlier_snooze_does_not_shorten_a_later_one() -> None:
    bench = workbench()
    bench.add("a", request("/1"), 0.0)
    bench.snooze("a", 30.0, 0.0)
    bench.snooze("a", 10.0, 0.0)
    assert paths(bench, 20.0) == []


def test_a_host_without_work_is_forgotten_when_its_delay_has_passed() -> None:
    bench = workbench(delay=5.0)
    bench.add("a", request("/1"), 0.0)
    assert paths(bench) == ["/1"]
    bench.release("a", 1.0)
    assert bench.hosts == 1
    assert paths(bench, 5.0) == []
    assert bench.hosts == 0


def test_a_host_that_comes_back_within_its_delay_still_waits_for_it() -> None:
    bench = workbench(delay=5.0)
    bench.add("a", request("/1"), 0.0)
    assert paths(bench) == ["/1"]
    bench.release("a", 1.0)
    bench.add("a", request("/2"), 2.0)
    assert paths(bench, 2.0) == []
    assert paths(bench, 5.0) == ["/2"]


def test_a_prerequisite_starts_first_and_holds_its_host_until_it_is_admitted() -> None:
    known = set()

    def prerequisite(wanted: Request, now: float) -> Request | None:
        return None if "robots" in known else request("/robots.txt")

    bench = workbench(prerequisite=prerequisite)
    bench.add("a", request("/1"), 0.0)
    bench.add("a", request("/2"), 0.0)
    assert paths(bench) == ["/robots.txt"]
    bench.release("a", 0.0)
    assert paths(bench) == []
    known.add("robots")
    bench.admit("a", 0.0)
    assert paths(bench) == ["/1", "/2"]


@pytest.mark.parametrize("seed", range(20))
def test_one_order_holds_however_little_fits_the_workbench(seed: int) -> None:
    chance = random.Random(seed)
    bench = workbench(capacity=chance.choice([1, 3, 10, 50]), concurrency=1000)
    expected = []
    for number in range(400):
        priority = chance.choice([0, 0, 0, 5, -5])
        bench.add("one", request(f"/{number}", priority), 0.0)
        expected.append((-priority, number))
    assert paths(bench) == [f"/{number}" for _, number in sorted(expected)]
    assert bench.waiting == 0


@pytest.mark.parametrize("seed", range(20))
def test_every_request_is_handed_out_once_whatever_happens_in_between(seed: int) -> None:
    chance = random.Random(seed)
    bench = workbench(delay=chance.choice([0.0, 1.0]), concurrency=chance.choice([1, 3]), capacity=5)
    now, added, active, seen = 0.0, 0, [], []
    while len(seen) < 300:
        step = chance.random()
        if step < 0.5 and added < 300:
            bench.add(
                f"host{chance.randrange(4)}",
                request(f"/{added}", chance.randrange(3)),
                now,
                not_before=chance.choice([0, now + 2]),
            )
            added += 1
        elif step < 0.75 and active:
            bench.release(active.pop(chance.randrange(len(active))), now)
        elif (handed := bench.pop(now)) is not None:
            active.append(handed[0])
            seen.append(handed[1].url)
        else:
            now += 0.5
    assert len(set(seen)) == 300
    assert bench.waiting == 0


def test_only_the_capacity_is_held_as_objects() -> None:
    store = MemoryStore(RequestCodec(NamedSpider()))
    rules = HostRules(delay=0.0, jitter=0.0, concurrency=1)
    bench = Workbench(lambda key: rules, store, capacity=100)
    for number in range(1000):
        bench.add("a", request(f"/{number}"), 0.0)
    assert len(store) >= 900
    assert bench.waiting == 1000


def test_stored_requests_come_back_in_portions() -> None:
    store = MemoryStore(RequestCodec(NamedSpider()))
    rules = HostRules(delay=0.0, jitter=0.0, concurrency=1000)
    bench = Workbench(lambda key: rules, store, capacity=100)
    for number in range(400):
        bench.add("a", request(f"/{number}"), 0.0)
    before = len(store)
    while len(store) == before:
        bench.pop(0.0)
    assert before - len(store) == REFILL


def test_of_many_hosts_few_requests_each_come_back_ahead_of_their_turn() -> None:
    store = MemoryStore(RequestCodec(NamedSpider()))
    rules = HostRules(delay=0.0, jitter=0.0, concurrency=1000)
    bench = Workbench(lambda key: rules, store, capacity=10_000)
    hosts, each = 200, 60
    for number in range(hosts * each):
        bench.add(str(number % hosts), request(f"/{number}"), 0.0)
    stored = len(store)
    while len(store) == stored:
        bench.pop(0.0)
    assert stored - len(store) == BROUGHT_BACK // hosts


def test_what_cannot_be_read_from_the_store_leaves_the_workbench_as_it_was() -> None:
    class Unreadable(MemoryStore):
        def take(self, host: str, count: int) -> list[tuple[int, int, Request]]:
            raise JobError("the disk cannot be read")

    rules = HostRules(delay=0.0, jitter=0.0, concurrency=1000)
    bench = Workbench(lambda key: rules, Unreadable(RequestCodec(NamedSpider())), capacity=2)
    for number in range(10):
        bench.add("a", request(f"/{number}"), 0.0)
    popped = 0
    with pytest.raises(JobError):
        while bench.pop(0.0):
            popped += 1
    assert bench.waiting == 10 - popped
    bench.add("a", request("/given-back"), 0.0)
    assert bench.waiting == 11 - popped


def test_no_more_stored_requests_come_back_than_there_is_room_for() -> None:
    store = MemoryStore(RequestCodec(NamedSpider()))
    rules = HostRules(delay=0.0, jitter=0.0, concurrency=1000)
    bench = Workbench(lambda key: rules, store, capacity=1)
    for number in range(200):
        bench.add("a", request(f"/{number}"), 0.0)
    before = len(store)
    bench.pop(0.0)
    assert before - len(store) == 1
