"""What blocks the reactor is named, with the stack that it had while it blocked."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import weakref
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from crawler import Request, Spider, runtime
from crawler.crawler import Crawler
from crawler.engine.stalls import Stalls, StallWatch, sample_of
from crawler.frontier import MemoryStore, Workbench
from crawler.frontier.codec import RequestCodec
from crawler.settings import HostRules
from crawler.testing import MemoryWorld, Site
from tests.loopback.servers import FAST, response, say, serving

LONG = 0.5


def block() -> None:
    time.sleep(LONG)  # not to wait for anything: it is what the test is about


class Blocking(Spider):
    name = "blocking"
    where = ""

    def __init__(self, url: str = "", where: str = "", **kwargs):
        super().__init__(**kwargs)
        self.url, type(self).where = url, where

    async def start(self):
        yield Request(self.url)

    def parse(self, response):
        if self.where == "callback":
            block()
        yield {"url": response.url}


class Pipeline:
    def process_item(self, item):
        if Blocking.where == "pipeline":
            block()
        return item


class Middleware:
    def process_response(self, request, response):
        if Blocking.where == "middleware":
            block()
        return response


@pytest.mark.parametrize("where", ["callback", "pipeline", "middleware"])
@ensureDeferred
async def test_a_component_that_blocks_is_named_with_a_sample_of_its_stack(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    caller = {"callback": "in parse", "pipeline": "in process_item", "middleware": "in process_response"}[where]
    settings = {
        **FAST,
        "crawl.max_callback_seconds": 0.1,
        "components.pipelines": [Pipeline],
        "components.downloader_middlewares": [Middleware],
    }
    with serving(say(response(b"<p>x"))) as server, caplog.at_level(logging.WARNING):
        crawler = Crawler(Blocking, settings, runtime=runtime.of_reactor(reactor))
        await crawler.crawl(url=server.url, where=where)
    assert crawler.engine is not None
    (stall,) = crawler.engine.watch.stalls.most()
    assert stall.name == "block"
    assert f"{__file__}:" in stall.where
    assert caller in stall.stack
    assert "time.sleep(LONG)" in stall.stack
    assert LONG * 0.9 <= stall.seconds < 20 * LONG
    assert "block held the reactor for 0.5" in caplog.text
    assert "can be moved to a thread" in caplog.text


@ensureDeferred
async def test_what_a_function_had_that_blocked_does_not_live_on() -> None:
    class Large:
        pass

    class Holding(Blocking):
        still_there: list[bool] = []

        async def start(self):
            yield Request(f"{self.url}/1")
            yield Request(f"{self.url}/2", priority=-1)

        def parse(self, response):
            if response.url.endswith("2"):
                self.still_there.append(self.large() is not None)
                return
            large = Large()
            self.large = weakref.ref(large)
            block()

    settings = {**FAST, "crawl.max_callback_seconds": 0.1, "crawl.concurrency": 1}
    with serving(say(response(b"<p>x"))) as server:
        await Crawler(Holding, settings, runtime=runtime.of_reactor(reactor)).crawl(url=server.url.rstrip("/"))
    assert Holding.still_there == [False]


@ensureDeferred
async def test_what_does_not_block_is_not_named() -> None:
    with serving(say(response(b"<p>x"))) as server:
        crawler = Crawler(Blocking, {**FAST, "crawl.max_callback_seconds": 2.0}, runtime=runtime.of_reactor(reactor))
        await crawler.crawl(url=server.url, where="callback")
    assert crawler.engine is not None
    assert crawler.engine.watch.stalls.most() == []


def test_the_function_that_is_named_is_the_users_own() -> None:
    def own() -> tuple[str, str, str]:
        return sorted([1], key=lambda _: taken.append(sample_of(sys._getframe())) or 0) and taken[0]

    taken: list[tuple[str, str, str]] = []
    name, where, stack = own()
    assert name.endswith("<lambda>")
    assert "in <lambda>" in where
    assert "in own" in stack


def test_who_started_the_reactor_is_not_blamed_for_what_is_no_code_of_the_users() -> None:
    taken: list[tuple[str, str, str]] = []

    def rules(host_key: str) -> HostRules:
        taken.append(sample_of(sys._getframe(1)))  # as if this were not here
        return HostRules(0.0, 0.0, 1)

    workbench = Workbench(rules, MemoryStore(RequestCodec(Blocking())))
    names: dict[str, Any] = {}
    exec(compile("def _run_once(call, *args): call(*args)", asyncio.base_events.__file__, "exec"), names)
    names["_run_once"](workbench.add, "site.test", Request("http://site.test/"), 0.0)
    ((name, where, _),) = taken
    assert name == "crawler's own Workbench._host"
    assert "workbench.py:" in where


def test_of_the_crawlers_own_work_it_is_not_said_to_move_it_to_a_thread(caplog: pytest.LogCaptureFixture) -> None:
    watch = StallWatch(MemoryWorld(Site({})).clock, Stalls(), patience=0.1)
    watch._tell(1.0, "crawler's own SqliteStore.commit", "sqlite.py:1 in commit", "")
    assert "crawler's own SqliteStore.commit held the reactor for 1.00 s" in caplog.text
    assert "a page with very many links" in caplog.text
    assert "thread" not in caplog.text


def test_of_a_stall_that_nobody_saw_it_is_said_what_it_may_have_been(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    watch = StallWatch(MemoryWorld(Site({})).clock, Stalls(), patience=0.1, time_now=lambda: now[0])
    watch._give_sign()
    now[0] = 15.0  # as after a suspension: the thread that looks was not let run either
    watch._note()
    assert "Nothing could run for 15.00 s" in caplog.text
    assert "suspended" in caplog.text
    assert "thread" not in caplog.text


def test_stalls_of_one_function_are_counted_together_and_survive_the_process() -> None:
    stalls = Stalls()
    stalls.add("parse", "a.py:1", "stack", 1.0)
    stalls.add("parse", "a.py:2", "other", 3.0)
    stalls.add("save", "b.py:1", "stack", 2.0)
    again = Stalls()
    again.restore(stalls.plain())
    assert [(one.name, one.count, one.seconds, one.most) for one in again.most()] == [
        ("parse", 2, 4.0, 3.0),
        ("save", 1, 2.0, 2.0),
    ]
