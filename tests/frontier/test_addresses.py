"""Hosts at one IP address, which share a limit and a delay where that is asked for."""

from __future__ import annotations

import random

import pytest

from crawler.frontier.codec import RequestCodec
from crawler.frontier.memory import MemoryStore
from crawler.frontier.workbench import Workbench
from crawler.http import Request
from crawler.settings import HostRules
from crawler.spiders import Spider


class NamedSpider(Spider):
    name = "named"


def workbench(*, delay: float = 0.0, per_address: int = 2) -> Workbench:
    rules = HostRules(delay=delay, jitter=0.0, concurrency=100, adaptive=False)
    store = MemoryStore(RequestCodec(NamedSpider()))
    return Workbench(lambda key: rules, store, per_address=per_address)


def add(bench: Workbench, host: str, count: int = 1) -> None:
    for number in range(count):
        bench.add(host, Request(f"http://{host}/{number}"), 0.0)


def popped(bench: Workbench, now: float = 0.0) -> list[str]:
    found = []
    while (handed := bench.pop(now)) is not None:
        found.append(handed[0])
    return found


def settled(bench: Workbench, *hosts: str) -> None:
    """Let each of *hosts* have its first answer, from the same address."""
    for host in hosts:
        add(bench, host)
    for host in popped(bench):
        bench.is_at(host, "192.0.2.1")
        bench.release(host, 0.0)


def test_hosts_at_one_address_have_one_limit() -> None:
    bench = workbench(per_address=2)
    settled(bench, "a", "b", "c")
    for host in ("a", "b", "c"):
        add(bench, host, 2)
    assert popped(bench) == ["a", "a"]
    bench.release("a", 0.0)
    assert popped(bench) == ["b"]
    bench.release("a", 0.0)
    bench.release("b", 0.0)
    assert len(popped(bench)) == 2


def test_hosts_at_one_address_share_their_delay() -> None:
    bench = workbench(delay=5.0, per_address=10)
    add(bench, "a")
    assert popped(bench) == ["a"]
    bench.is_at("a", "192.0.2.1")
    add(bench, "b")
    assert popped(bench) == ["b"]
    bench.is_at("b", "192.0.2.1")
    add(bench, "a")
    add(bench, "b")
    assert popped(bench, 4.9) == []
    assert len(popped(bench, 5.0)) == 1
    assert popped(bench, 9.9) == []
    assert len(popped(bench, 10.0)) == 1


def test_a_host_elsewhere_waits_for_none_of_them() -> None:
    bench = workbench(per_address=1)
    settled(bench, "a", "b")
    add(bench, "a")
    add(bench, "b")
    add(bench, "other", 3)
    assert sorted(popped(bench)) == ["a", "other", "other", "other"]


def test_without_the_setting_hosts_are_told_by_name_only() -> None:
    bench = workbench(per_address=0)
    settled(bench, "a", "b")
    add(bench, "a", 5)
    add(bench, "b", 5)
    assert len(popped(bench)) == 10


@pytest.mark.parametrize("seed", range(20))
def test_the_limit_holds_and_nothing_is_left_behind(seed: int) -> None:
    chance = random.Random(seed)
    bench = workbench(delay=chance.choice((0.0, 0.5)), per_address=chance.randint(1, 3))
    limit = bench._addresses._concurrency
    hosts = [f"host{number}" for number in range(6)]
    settled(bench, *hosts)
    now, on_wire, done, submitted = 10.0, [], 0, 0
    for _ in range(400):
        now += chance.random()
        for host in chance.sample(hosts, 2):
            if submitted < 200:
                bench.add(host, Request(f"http://{host}/{submitted}"), now)
                submitted += 1
        while (handed := bench.pop(now)) is not None:
            on_wire.append(handed[0])
            assert len(on_wire) <= limit
        while on_wire and chance.random() < 0.8:
            bench.release(on_wire.pop(chance.randrange(len(on_wire))), now)
            done += 1
    while bench.waiting or on_wire:
        now += 1.0
        while (handed := bench.pop(now)) is not None:
            on_wire.append(handed[0])
        assert on_wire, "requests wait, and nothing would ever start them"
        for host in on_wire:
            bench.release(host, now)
            done += 1
        on_wire.clear()
    assert done == submitted
