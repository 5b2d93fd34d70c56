"""The signals of a crawl: each is sent at its moment, with Scrapy's arguments, and waits for whom Scrapy waits for."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from crawler import Request, Spider, signals
from crawler.crawler import Crawler
from crawler.exceptions import CloseSpider, ComponentError, DropItem, IgnoreRequest
from crawler.http import Response
from crawler.robots import RobotsRules
from crawler.testing import MemoryWorld, Page, Site

HOST = "http://a.test"


class Everything(Spider):
    """Does what each signal is about once."""

    name = "everything"

    async def start(self) -> Any:
        for path in ("/", "/broken", "/"):
            yield Request(f"{HOST}{path}")

    def parse(self, response: Response) -> Any:
        if response.url.endswith("/broken"):
            raise ValueError("broken")
        for kind in ("good", "dropped", "wrong"):
            yield {"kind": kind}


class Judge:
    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["kind"] == "dropped":
            raise DropItem("no")
        if item["kind"] == "wrong":
            raise KeyError("wrong")
        return item


# Scrapy's arguments, besides signal and sender.
ARGUMENTS = {
    "engine_started": set(),
    "engine_stopped": set(),
    "scheduler_empty": set(),
    "spider_opened": {"spider"},
    "spider_idle": {"spider"},
    "spider_closed": {"spider", "reason"},
    "spider_error": {"failure", "response", "spider"},
    "request_scheduled": {"request", "spider"},
    "request_dropped": {"request", "spider"},
    "request_reached_downloader": {"request", "spider"},
    "request_left_downloader": {"request", "spider"},
    "headers_received": {"headers", "body_length", "request", "spider"},
    "bytes_received": {"data", "request", "spider"},
    "response_downloaded": {"response", "request", "spider"},
    "response_received": {"response", "request", "spider"},
    "item_scraped": {"item", "response", "spider"},
    "item_dropped": {"item", "response", "exception", "spider"},
    "item_error": {"item", "response", "failure", "spider"},
    "feed_slot_closed": {"slot"},
    "feed_exporter_closed": set(),
    "robots_parsed": {"robotparser", "request", "spider"},
}


def crawl(spidercls: type[Spider], handlers: dict[str, Any], **settings: Any) -> Any:
    world = MemoryWorld(Site({"/": "x", "/broken": Page("x", latency=0.5)}))
    crawler = Crawler(
        spidercls, {"ITEM_PIPELINES": {Judge: 1}, "retry.enabled": False, **settings}, runtime=world.runtime
    )
    for name, handler in handlers.items():
        crawler.signals.connect(handler, signal=getattr(signals, name))
    return world.run(crawler)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_signal_is_sent_with_scrapys_arguments(name: str, tmp_path: Any) -> None:
    got: list[dict[str, Any]] = []
    crawl(Everything, {name: lambda **arguments: got.append(arguments)}, feeds=[{"uri": str(tmp_path / "items.jsonl")}])
    assert got
    assert set(got[0]) >= ARGUMENTS[name] | {"signal", "sender"}
    assert isinstance(got[0]["sender"], Crawler)


def test_scrapys_signals_are_all_there() -> None:
    names = {name for name, value in vars(signals).items() if isinstance(value, signals.Signal)}
    assert names >= set(ARGUMENTS) | {"memusage_warning_reached", "update_telnet_vars"}


@pytest.mark.parametrize("name", [name for name in ARGUMENTS if getattr(signals, name).is_awaited])
def test_an_asynchronous_handler_is_waited_for_where_scrapy_does(name: str, tmp_path: Any) -> None:
    done: list[str] = []

    async def handler(sender: Crawler) -> None:
        pause: Deferred[None] = Deferred()
        sender.clock.callLater(5.0, pause.callback, None)
        await pause
        done.append(name)

    crawl(Everything, {name: handler}, feeds=[{"uri": str(tmp_path / "items.jsonl")}])
    assert done


def test_the_next_page_waits_for_the_handler_of_robots_parsed() -> None:
    order: list[str] = []

    async def parsed(robotparser: RobotsRules, sender: Crawler) -> None:
        pause: Deferred[None] = Deferred()
        sender.clock.callLater(5.0, pause.callback, None)
        await pause
        order.append(f"parsed: {robotparser.allowed(f'{HOST}/x', 'crawler')}")

    crawl(Everything, {"robots_parsed": parsed, "spider_closed": lambda: order.append("closed")})
    assert order == ["parsed: True", "closed"]


@pytest.mark.parametrize("name", [name for name in ARGUMENTS if not getattr(signals, name).is_awaited])
def test_a_coroutine_function_that_nobody_would_wait_for_is_refused_when_it_is_connected(name: str) -> None:
    async def handler() -> None: ...

    with pytest.raises(ComponentError, match=f"handlers of {name} are not waited for"):
        signals.SignalManager().connect(handler, signal=getattr(signals, name))


@pytest.mark.parametrize("name", ["item_scraped", "item_dropped", "item_error"])
@pytest.mark.parametrize("is_async", [True, False])
def test_a_handler_of_items_may_end_the_crawl(name: str, is_async: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def later() -> None:
        await succeed(None)
        raise CloseSpider("enough")

    def at_once() -> None:
        raise CloseSpider("enough")

    result = crawl(Everything, {name: later if is_async else at_once})
    assert result.reason == "enough"
    assert "handler" not in caplog.text


def test_an_error_in_an_asynchronous_handler_is_told_and_the_item_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise RuntimeError("broken handler")

    result = crawl(Everything, {"item_scraped": broken})
    assert result.stats["item_scraped_count"] == 1
    assert result.stats["spider_exceptions/count"] == 1  # that of the spider itself
    assert "broken handler" in caplog.text


def test_a_request_that_a_handler_of_request_scheduled_refuses_is_dropped() -> None:
    def refuse(request: Request) -> None:
        if request.url.endswith("/broken"):
            raise IgnoreRequest

    result = crawl(Everything, {"request_scheduled": refuse})
    assert (result.stats["dropped/ignored"], result.stats["response_received_count"]) == (1, 1)


def test_a_callback_may_wait_for_a_signal() -> None:
    class Waits(Spider):
        name = "waits"

        async def start(self) -> Any:
            yield Request(f"{HOST}/")
            await self.crawler.signals.wait_for(signals.scheduler_empty)
            yield {"kind": "good"}

    assert crawl(Waits, {}).stats["item_scraped_count"] == 1


def test_a_signal_of_ones_own_is_sent_and_waited_for() -> None:
    mine = object()
    heard: list[Any] = []

    async def handler(value: int) -> int:
        await succeed(None)
        return value + 1

    def broken() -> None:
        raise ValueError("no")

    class Sends(Spider):
        name = "sends"

        async def start(self) -> Any:
            manager = self.crawler.signals
            manager.connect(handler, signal=mine)
            heard.append(await manager.send_catch_log_async(mine, value=1))
            heard.append(await manager.send_catch_log_deferred(mine, value=2))
            manager.disconnect(handler, signal=mine)
            manager.connect(broken, signal=mine)
            heard.append([type(answer) for _, answer in manager.send_catch_log(mine)])
            manager.disconnect_all(mine)
            heard.append(manager.send_catch_log(mine))
            yield None

    crawl(Sends, {})
    assert heard == [[(handler, 2)], [(handler, 3)], [ValueError], []]
