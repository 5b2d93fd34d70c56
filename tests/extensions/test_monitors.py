"""Monitors: what a crawl must bring, and who is told when it has not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crawler import Spider
from crawler.cli.exitcodes import ExitCode, of_result
from crawler.crawler import Crawler
from crawler.exceptions import SettingsError
from crawler.extensions.monitors import FAILED, Brought, failures
from crawler.report import facts_of, findings_of
from crawler.result import CrawlResult
from crawler.settings import Settings
from crawler.testing import Hit, MemoryWorld, Page, Site

HOST = "http://shop.test"


@pytest.mark.parametrize(
    ("settings", "brought", "told"),
    [
        ({"min_items": 10}, Brought(10, 0, 10), ""),
        ({"min_items": 11}, Brought(10, 0, 10), "10 items are fewer than monitors.min_items = 11"),
        ({"max_error_share": 0.1}, Brought(10, 1, 10), ""),
        ({"max_error_share": 0.1}, Brought(10, 2, 10), "2 errors in 10 requests (20.0%) are more than"),
        ({"max_error_share": 0.0}, Brought(0, 1, 0), "1 errors in 0 requests"),
        ({"fill": {"price": 0.9}}, Brought(10, 0, 10, {"price": 9}), ""),
        (
            {"fill": {"price": 0.9}},
            Brought(10, 0, 10, {"price": 8}),
            "the field 'price' holds something in 80% of the items",
        ),
        ({"fill": {"price": 0.9}}, Brought(10, 0, 10), "the field 'price' holds something in 0%"),
        ({"fill": {"price": 0.9}}, Brought(0, 0, 10), ""),
        ({"max_fewer_items": 0.2}, Brought(80, 0, 10, before=100), ""),
        (
            {"max_fewer_items": 0.2},
            Brought(79, 0, 10, before=100),
            "79 items are 21% fewer than the 100 of the last job",
        ),
        ({"max_fewer_items": 0.2}, Brought(79, 0, 10), ""),
    ],
)
def test_a_monitor_that_is_not_met_is_told_in_a_sentence(settings: dict[str, Any], brought: Brought, told: str) -> None:
    section = Settings({f"monitors.{name}": value for name, value in settings.items()}).monitors
    said = failures(section, brought)
    assert told in "".join(said)
    assert bool(said) == bool(told)


class Shop(Spider):
    name = "shop"
    start_urls = [f"{HOST}/"]

    def parse(self, response):
        for number in range(int(response.text)):
            yield {"number": number, "price": None}


def crawl(folder: Path, items: int = 5, site: Site | None = None, **monitors: Any) -> CrawlResult:
    world = MemoryWorld(site or Site({"/": f"{items}"}))
    settings = {
        "log.stats_interval": 0,
        "frontier.store": "sqlite",
        "frontier.job": str(folder),
        **{f"monitors.{name}": value for name, value in monitors.items()},
    }
    return world.run(Crawler(Shop, settings, runtime=world.runtime))


def test_what_failed_is_in_the_statistics_the_report_and_the_exit_code(tmp_path: Path) -> None:
    result = crawl(tmp_path / "jobs" / "a", min_items=6, fill={"price": 0.5})
    assert len(result.stats[FAILED]) == 2
    assert of_result(result) is ExitCode.MONITORS
    told = [finding.text for finding in findings_of(facts_of(tmp_path / "jobs" / "a"))]
    assert "A monitor failed: 5 items are fewer than monitors.min_items = 6." in told


def test_a_crawl_that_brings_enough_is_fine(tmp_path: Path) -> None:
    result = crawl(tmp_path / "jobs" / "a", min_items=5)
    assert result.stats[FAILED] == []
    assert of_result(result) is ExitCode.FINISHED


def test_a_crawl_is_held_against_the_last_one_of_its_spider(tmp_path: Path) -> None:
    crawl(tmp_path / "jobs" / "monday", items=10)
    assert of_result(crawl(tmp_path / "jobs" / "tuesday", items=9, max_fewer_items=0.2)) is ExitCode.FINISHED
    assert of_result(crawl(tmp_path / "jobs" / "wednesday", items=5, max_fewer_items=0.2)) is ExitCode.MONITORS


class Hooked(Site):
    """Takes webhooks, after having refused *refusals*."""

    def __init__(self, refusals: int = 0) -> None:
        super().__init__({"/": "5"})
        self.refusals = refusals
        self.taken: list[Hit] = []

    def answer(self, hit: Hit) -> Page:
        if hit.method != "POST":
            return super().answer(hit)
        self.taken.append(hit)
        self.refusals -= 1
        return Page("no", 500) if self.refusals >= 0 else Page("thanks", 204)


HOOK = {"webhook": "http://hooks.test/crawls", "webhook_headers": {"X-Secret": "s3cret"}}


def test_a_webhook_tells_of_a_failure(tmp_path: Path) -> None:
    site = Hooked()
    crawl(tmp_path / "jobs" / "a", site=site, min_items=6, **HOOK)
    (hit,) = site.taken
    said = json.loads(hit.body)
    assert hit.headers["X-Secret"] == "s3cret"
    assert hit.headers["Content-Type"] == "application/json"
    assert (said["spider"], said["job"], said["ok"], said["items"]) == ("shop", "a", False, 5)
    assert said["failed"] == ["5 items are fewer than monitors.min_items = 6"]


@pytest.mark.parametrize(("on", "hits"), [("failure", 0), ("end", 1)])
def test_a_webhook_may_tell_of_every_end(tmp_path: Path, on: str, hits: int) -> None:
    site = Hooked()
    crawl(tmp_path / "jobs" / "a", site=site, webhook_on=on, **HOOK)
    assert len(site.taken) == hits


def test_a_webhook_that_is_refused_is_sent_again_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = Hooked(refusals=9)
    result = crawl(tmp_path / "jobs" / "a", site=site, webhook_on="end", **HOOK)
    assert len(site.taken) == 3
    assert site.taken[2].at - site.taken[0].at == pytest.approx(6.0, abs=0.1)
    assert of_result(result) is ExitCode.FINISHED
    assert "attempt 3 of 3" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("monitors.fill", {"price": 2}, "price = 2 is no number from 0 to 1"),
        ("monitors.webhook", "example.org", "it begins with http:// or https://"),
        ("monitors.max_error_share", 5, "max_error_share"),
    ],
)
def test_a_wrong_monitor_is_told(setting: str, value: Any, error: str) -> None:
    with pytest.raises(SettingsError, match=error):
        Settings({setting: value}).monitors  # noqa: B018
