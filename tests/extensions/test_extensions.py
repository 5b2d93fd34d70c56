"""The small extensions: limits without items, memory, counts of log lines, periodic lines, the system's signals."""

from __future__ import annotations

import json
import logging
import os
import signal
from typing import Any

import pytest

from crawler import Request, Spider, signals
from crawler.crawler import Crawler
from crawler.exceptions import NotConfigured, SettingsError
from crawler.extensions.closespider import CloseSpider
from crawler.extensions.corestats import CoreStats
from crawler.extensions.debug import Debugger, StackTraceDump
from crawler.extensions.logcount import LogCount
from crawler.extensions.memusage import MemoryUsage, MiB, memory_at_most, memory_in_use
from crawler.extensions.periodic_log import PeriodicLog
from crawler.http import Response
from crawler.testing import MemoryWorld, Page, Site, crawl_in_memory

FAST = {"politeness.delay": 0, "politeness.obey_robots": False, "politeness.concurrency_per_host": 1}


class Pages(Spider):
    """Visits ten pages, ten seconds each; the pages of *items* bring one."""

    name = "pages"
    items: tuple[int, ...] = ()

    async def start(self) -> Any:
        for number in range(10):
            yield Request(f"http://a.test/{number}", cb_kwargs={"number": number})

    def parse(self, response: Response, number: int) -> Any:
        if number in self.items:
            yield {"number": number}


SITE = {"*": Page("x", latency=10.0)}


def crawl(spidercls: type[Spider] = Pages, **settings: Any) -> Any:
    return crawl_in_memory(spidercls, SITE, {**FAST, **settings})


class Some(Pages):
    items = (1, 2)


def test_a_crawl_ends_after_so_many_pages_in_a_row_without_an_item() -> None:
    result = crawl(Some, CLOSESPIDER_PAGECOUNT_NO_ITEM=3, CONCURRENT_REQUESTS=1)
    assert result.reason == "closespider_pagecount_no_item"
    assert result.stats["response_received_count"] in (7, 8)  # 1 + 2 + 3, the one that ends it, and what was on its way


def test_a_crawl_ends_after_so_many_seconds_without_an_item() -> None:
    result = crawl(Some, CLOSESPIDER_TIMEOUT_NO_ITEM=25, CONCURRENT_REQUESTS=1)
    assert result.reason == "closespider_timeout_no_item"
    assert 50 <= result.stats["elapsed_time_seconds"] <= 85


def test_without_limits_the_extension_is_left_out() -> None:
    with pytest.raises(NotConfigured):
        CloseSpider.from_crawler(Crawler(Pages, {}, runtime=MemoryWorld(Site({})).runtime))


def test_switched_off_no_limit_ends_a_crawl() -> None:
    result = crawl(CLOSESPIDER_PAGECOUNT=2, EXTENSIONS={"scrapy.extensions.closespider.CloseSpider": None})
    assert result.stats["response_received_count"] == 10


def with_memory(megabytes: list[int], **settings: Any) -> tuple[Any, list[str]]:
    """Crawl while the process seems to hold one after the other of *megabytes*."""
    told: list[str] = []
    used = iter(megabytes)

    class Measured(MemoryUsage):
        def __init__(self, crawler: Any) -> None:
            last = megabytes[-1]
            super().__init__(crawler, now=lambda: next(used, last) * MiB, at_most=lambda: max(megabytes) * MiB)
            crawler.signals.connect(lambda: told.append("warned"), signals.memusage_warning_reached)

    extensions = {MemoryUsage: None, Measured: 0}
    result = crawl(EXTENSIONS=extensions, MEMUSAGE_CHECK_INTERVAL_SECONDS=5, **settings)
    return result, told


def test_the_memory_at_the_beginning_and_at_the_most_is_kept() -> None:
    result, told = with_memory([10, 20, 50, 30])
    assert (result.stats["memusage/startup"], result.stats["memusage/max"]) == (10 * MiB, 50 * MiB)
    assert (result.reason, told) == ("finished", [])


def test_too_much_memory_is_warned_of_once() -> None:
    result, told = with_memory([10, 20, 50, 60], MEMUSAGE_WARNING_MB=40)
    assert (result.reason, told) == ("finished", ["warned"])
    assert result.stats["memusage/warning_reached"] == 1


def test_far_too_much_memory_ends_the_crawl() -> None:
    result, _ = with_memory([10, 20, 50, 60], MEMUSAGE_LIMIT_MB=55)
    assert result.reason == "memusage_exceeded"
    assert result.stats["memusage/limit_reached"] == 1
    assert result.stats["response_received_count"] < 10


@pytest.mark.parametrize(("limit", "what"), [("MEMUSAGE_WARNING_MB", "warning"), ("MEMUSAGE_LIMIT_MB", "limit")])
def test_who_is_to_know_of_too_much_memory_gets_mail(limit: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Server:
        """Takes what the standard library would send."""

        def __init__(self, **where: Any) -> None:
            self.where = where

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *error: object) -> None: ...

        def send_message(self, message: Any, from_addr: str, to_addrs: list[str]) -> None:
            sent.append((self.where["host"], to_addrs, message["Subject"]))

    monkeypatch.setattr("smtplib.SMTP", Server)
    result, _ = with_memory(
        [10, 20, 50, 60], **{limit: 40}, MEMUSAGE_NOTIFY_MAIL=["me@x.test"], MAIL_HOST="mail.x.test"
    )
    [(host, receivers, subject)] = sent
    assert (host, receivers) == ("mail.x.test", ["me@x.test"])
    assert subject.startswith(f"pages: memory {what} on ")
    assert result.stats[f"memusage/{what}_notified"] == 1


def test_the_memory_of_this_process_is_known() -> None:
    assert 5 * MiB < memory_in_use() <= memory_at_most() * 1.01 < 100_000 * MiB


def test_memory_is_not_looked_at_where_that_is_switched_off() -> None:
    assert "memusage/max" not in crawl(MEMUSAGE_ENABLED=False).stats


class Logs(Pages):
    def parse(self, response: Response, number: int) -> Any:
        self.logger.warning("of the spider")
        logging.getLogger("lib").error("of a library")
        logging.getLogger("lib").error("of another crawl", extra={"spider": "other"})


def test_log_lines_are_counted_by_level_without_those_of_other_crawls() -> None:
    before = list(logging.getLogger().handlers)
    stats = crawl(Logs).stats
    assert (stats["log_count/WARNING"], stats["log_count/ERROR"]) == (10, 10)
    assert logging.getLogger().handlers == before


@pytest.mark.parametrize(("cls", "name"), [(LogCount, "log_count/WARNING"), (CoreStats, "finish_reason")])
def test_an_extension_is_switched_off_by_none(cls: type, name: str) -> None:
    path = f"scrapy.{cls.__module__.removeprefix('crawler.')}.{cls.__qualname__}"
    assert name in crawl(Logs).stats
    assert name not in crawl(Logs, EXTENSIONS={path: None}).stats


def lines(caplog: pytest.LogCaptureFixture, **settings: Any) -> list[dict[str, Any]]:
    with caplog.at_level(logging.INFO):
        crawl(EXTENSIONS={"scrapy.extensions.periodic_log.PeriodicLog": 0}, LOGSTATS_INTERVAL=9, **settings)
    logged = [one.getMessage() for one in caplog.records if one.name.endswith("periodic_log")]
    return [json.loads(line) for line in logged]


def test_statistics_are_logged_now_and_then_and_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    logged = lines(caplog, PERIODIC_LOG_STATS={"include": ["response_"], "exclude": ["_bytes"]})
    assert len(logged) > 2
    assert logged[-1]["stats"]["response_received_count"] == 10
    assert {name for line in logged for name in line["stats"]} == {
        "downloader/response_count",
        "downloader/response_status_count/200",
        "response_received_count",
    }


def test_what_has_changed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    logged = lines(caplog, PERIODIC_LOG_DELTA=True, PERIODIC_LOG_TIMING_ENABLED=True)
    assert sum(line["delta"].get("response_received_count", 0) for line in logged) == 10
    assert logged[1]["time"]["log_interval_real"] == 9


def test_a_periodic_log_of_nothing_is_left_out_and_nonsense_is_an_error() -> None:
    runtime = MemoryWorld(Site({})).runtime
    with pytest.raises(NotConfigured):
        PeriodicLog.from_crawler(Crawler(Pages, {}, runtime=runtime))
    with pytest.raises(SettingsError, match="PERIODIC_LOG_STATS is 'downloader': write True"):
        PeriodicLog.from_crawler(Crawler(Pages, {"PERIODIC_LOG_STATS": "downloader"}, runtime=runtime))


class Signalled(Pages):
    async def start(self) -> Any:
        os.kill(os.getpid(), signal.SIGUSR2)
        yield {"n": 1}


def test_the_stacks_and_the_state_are_logged_when_the_system_asks(caplog: pytest.LogCaptureFixture) -> None:
    before = signal.getsignal(signal.SIGUSR2)
    with caplog.at_level(logging.INFO):
        crawl(Signalled, EXTENSIONS={StackTraceDump: 0})
    assert "<Engine running" in caplog.text
    assert "# Thread: MainThread" in caplog.text
    assert signal.getsignal(signal.SIGUSR2) is before


def test_the_debugger_opens_where_the_crawl_is_when_the_system_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("pdb.Pdb.set_trace", lambda self, frame: opened.append(frame))
    crawl(Signalled, EXTENSIONS={"scrapy.extensions.debug.Debugger": 0})
    assert len(opened) == 1
    assert Debugger.asked_by == ("SIGUSR2",)
