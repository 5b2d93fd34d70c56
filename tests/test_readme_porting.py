"""README's table of what is otherwise than with Scrapy says what is so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.http import Response
from crawler.porting.findings import ENGINE_PARTS
from crawler.settings import Settings
from crawler.settings.scrapy_names import IGNORED, MAPPED
from crawler.testing import Page, Site, crawl_in_memory

ROOT = Path(__file__).resolve().parents[1]
SECTION = (ROOT / "README.md").read_text("utf-8").split("## Coming from Scrapy")[1].split("\n## ")[0]
ROWS = [line.split("|")[1:4] for line in SECTION.splitlines() if line.startswith("| ")][1:]
NAMED = [name for row in ROWS for name in re.findall(r"`([A-Z][A-Z_]+\*?)`", row[0]) if name != "DEBUG"]


@pytest.mark.parametrize("name", NAMED)
def test_a_setting_in_the_first_column_has_another_default_or_no_effect(name: str) -> None:
    assert name in MAPPED or any(fnmatchcase(ignored, name) for ignored in IGNORED)


def test_what_the_table_does_not_name_is_told_by_a_command() -> None:
    assert "`crawler settings --scrapy`" in SECTION


def test_the_defaults_are_those_of_the_table() -> None:
    settings = Settings()
    assert (settings.politeness.obey_robots, settings.politeness.delay) == (True, 0.25)
    assert (settings.politeness.concurrency_per_host, settings.http.verify_tls) == (4, True)
    assert settings.politeness.adaptive
    assert (settings.http.timeout, settings.http.max_body, settings.log.level) == (60.0, 64 * 1024**2, "INFO")
    assert (settings.retry.delay, settings.frontier.store) == (1.0, "sqlite")


def test_a_start_url_that_is_there_twice_is_visited_once() -> None:
    site = Site({"/": "x"})

    class Twice(Spider):
        name = "twice"
        start_urls = ["http://a.test/", "http://a.test/"]

        def parse(self, response: Response) -> None:
            pass

    crawl_in_memory(Twice, site)
    assert site.paths == ["/"]


def test_requests_of_one_priority_go_first_in_first_out() -> None:
    site = Site({"*": "x"})

    class Order(Spider):
        name = "order"

        async def start(self) -> Any:
            yield Request("http://a.test/0")

        def parse(self, response: Response) -> Iterator[Request]:
            if response.url.endswith("/0"):
                yield from (Request(f"http://a.test/{number}") for number in (1, 2, 3))

    crawl_in_memory(Order, site, {"CONCURRENT_REQUESTS": 1})
    assert site.paths == ["/0", "/1", "/2", "/3"]


def test_a_failed_request_is_tried_again_after_about_a_second_and_two_more() -> None:
    site = Site({"/": Page("busy", 503)})

    class Busy(Spider):
        name = "busy"
        start_urls = ["http://a.test/"]

    crawl_in_memory(Busy, site, {"politeness.delay": 0, "politeness.obey_robots": False})
    first, second, third = (hit.at for hit in site.log)
    assert 0.5 <= second - first <= 1.5  # give or take the jitter
    assert 1.0 <= third - second <= 3.0


def test_meta_is_copied_when_a_request_is_yielded() -> None:
    class Shared(Spider):
        name = "shared"

        async def start(self) -> Any:
            meta = {"seen": [1]}
            yield Request("http://a.test/", meta=meta)
            meta["seen"].append(2)

        def parse(self, response: Response) -> Iterator[Any]:
            yield {"seen": response.meta["seen"]}

    assert crawl_in_memory(Shared, {"/": Page("x", latency=1)}).items == [{"seen": [1]}]


def test_the_engine_has_none_of_the_parts_that_are_named() -> None:
    parts = re.findall(
        r"`(?:crawler\.engine)?\.(\w+)`", next(row[0] for row in ROWS if "crawler.engine.slot" in row[0])
    )
    assert set(parts) <= set(ENGINE_PARTS)
    engines: list[Any] = []

    class Looks(Spider):
        name = "looks"

        async def start(self) -> Any:
            engines.append(self.crawler.engine)
            yield {"n": 1}

    crawl_in_memory(Looks, {})
    assert [part for part in parts if hasattr(engines[0], part)] == []


def test_the_number_of_ported_spiders_is_that_of_the_folder() -> None:
    assert len(list((ROOT / "tests/ported/spiders").glob("*.py"))) == 20
