"""Reports of crawls, made from their jobs: what they tell, and that a stranger finds in them what is wrong."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from crawler import Request, Spider, runtime
from crawler.crawler import Crawler
from crawler.exceptions import JobError
from crawler.report import compared, comparison_page, facts_of, findings_of, report_page
from crawler.report.facts import Facts
from crawler.testing import MemoryWorld, Page, Site
from tests.loopback.servers import FAST, response, say, serving

HOST = "http://shop.test"
QUIET = {"log.stats_interval": 0, "politeness.obey_robots": False, "politeness.delay": 0.0}


class Shop(Spider):
    name = "shop"
    price = "p.price::text"

    async def start(self):
        for number in range(20):
            yield Request(f"{HOST}/{number}")

    def parse(self, response):
        yield {"title": response.css("h1::text").get(), "price": response.css(self.price).get(), "url": response.url}


def book(number: int) -> Page:
    return Page(f"<h1>Book <b>{number}</b></h1><p class=price>{number}.00</p>", latency=0.1)


BOOKS = {f"/{number}": book(number) for number in range(20)}


def crawl(folder: Path, spider: type[Spider], site: Site | Mapping[str, Any], **settings: Any) -> Path:
    """Crawl *site* as a job in *folder*; return its folder."""
    world = MemoryWorld(site if isinstance(site, Site) else Site(site))
    named = {name.replace("__", "."): value for name, value in settings.items()}
    values = {**QUIET, "frontier.store": "sqlite", "frontier.job": str(folder), **named}
    world.run(Crawler(spider, values, runtime=world.runtime))
    return folder


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


def test_the_facts_are_those_of_the_crawl(tmp_path: Path) -> None:
    facts = facts_of(crawl(tmp_path / "job", Shop, {**BOOKS, "/3": Page("", 404)}, http__user_agent="tester"))
    assert (facts.spider, facts.state, facts.pages, facts.items, facts.waiting) == ("shop", "finished", 20, 19, 0)
    assert dict(facts.statuses) == {200: 19, 404: 1}
    assert facts.hosts["shop.test"].pages == 20
    assert facts.fields["title"]["filled"] == 19
    assert facts.fields["price"]["types"] == {"str": 19}
    assert facts.latency.count == 20
    assert sum(pages for pages, _ in facts.timeline) == 20
    assert sum(items for _, items in facts.timeline) == 19
    assert ("http.user_agent", "tester", "code") in facts.settings


def test_the_slowest_and_the_largest_pages_are_told(tmp_path: Path) -> None:
    site = {**BOOKS, "/7": Page("<h1>slow</h1>", latency=9.0), "/8": "<h1>large</h1>" + "x" * 50_000}
    facts = facts_of(crawl(tmp_path / "job", Shop, site))
    assert facts.slowest[0].url == f"{HOST}/7"
    assert facts.slowest[0].seconds == pytest.approx(9.0, abs=0.01)
    assert facts.largest[0].url == f"{HOST}/8"
    assert facts.largest[0].size > 50_000


def test_a_report_is_one_valid_page_that_asks_for_nothing_else(tmp_path: Path) -> None:
    page = report_page(facts_of(crawl(tmp_path / "job", Shop, BOOKS)))
    assert not re.search(r"""(src|href)\s*=|url\(|@import|<script|https?://(?!shop\.test)""", page)
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(drawing)
    assert "20 pages" in " ".join(text_of(page).split())


def test_what_pages_say_is_escaped(tmp_path: Path) -> None:
    class Nasty(Shop):
        def parse(self, response):
            yield {"<script>alert(1)</script>": "<img src=x onerror=alert(2)>"}

    page = report_page(facts_of(crawl(tmp_path / "job", Nasty, BOOKS)))
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_a_selector_that_has_stopped_matching_is_told(tmp_path: Path) -> None:
    class Broken(Shop):
        price = "p.cost::text"

    page = report_page(facts_of(crawl(tmp_path / "job", Broken, BOOKS)))
    assert "The field 'price' is empty in all of 20 items: its selector matches nothing any more." in text_of(page)


def test_a_crawl_without_any_item_is_told(tmp_path: Path) -> None:
    class Empty(Shop):
        def parse(self, response):
            yield from ()

    finding = findings_of(facts_of(crawl(tmp_path / "job", Empty, BOOKS)))[0]
    assert finding.text == (
        "20 pages came, and not one item of them: the selectors of Empty.parse match nothing there. "
        f"Try them with  crawler shell {HOST}/0"
    )


def test_a_host_that_limits_the_rate_is_told(tmp_path: Path) -> None:
    class Limiting(Site):
        def answer(self, hit):
            is_first = [one.url for one in self.log].count(hit.url) == 1
            return Page("no", 429, {"Retry-After": "30"}) if is_first else super().answer(hit)

    page = report_page(facts_of(crawl(tmp_path / "job", Shop, Limiting(BOOKS), politeness__concurrency_per_host=1)))
    said = text_of(page)
    assert "shop.test refuses: 20 of 40 answers were 429 or 503, so it is asked too often." in said
    assert re.search(r"The crawl waited for \d\d% of its time because it was asked to", said)
    assert "Raise politeness.delay or lower politeness.concurrency_per_host for it" in said


class Blocking(Spider):
    name = "blocking"

    def __init__(self, url: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.url = url

    async def start(self):
        for number in range(2):
            yield Request(f"{self.url}/{number}")

    def parse(self, response):
        time.sleep(0.3)  # not to wait for anything: it is what the report must find
        yield {"url": response.url}


@ensureDeferred
async def test_a_callback_that_blocks_is_told_with_the_place_where_it_does(tmp_path: Path) -> None:
    settings = {
        **FAST,
        "frontier.store": "sqlite",
        "frontier.job": str(tmp_path / "job"),
        "crawl.max_callback_seconds": 0.1,
    }
    with serving(say(response(b"<p>x"))) as server:
        crawler = Crawler(Blocking, settings, runtime=runtime.of_reactor(reactor))
        await crawler.crawl(url=server.url)
    said = text_of(report_page(facts_of(tmp_path / "job")))
    assert re.search(r"Blocking\.parse blocked everything else (twice|once|2 times): 0\.\d s in all", said)
    assert f"at {__file__}:" in said
    assert "Move blocking work to a thread: await crawler.threads.run(...)" in said
    assert "time.sleep(0.3)" in said


def test_what_holds_a_crawl_back_is_told_with_the_setting_that_would_help(tmp_path: Path) -> None:
    facts = facts_of(crawl(tmp_path / "job", Shop, BOOKS, politeness__delay=2.0, politeness__jitter=0.0))
    (finding,) = findings_of(facts)
    assert re.fullmatch(
        r"(9\d|100)% of the time was spent waiting for politeness.delay of one host, shop.test. Lower politeness.delay, or set it "
        r"for this host alone, if the site may be asked more often.",
        finding.text,
    )


def test_errors_are_grouped_with_an_example_each(tmp_path: Path) -> None:
    class Failing(Shop):
        def parse(self, response):
            raise ZeroDivisionError(f"at {response.url}")

    facts = facts_of(crawl(tmp_path / "job", Failing, BOOKS))
    (trouble,) = facts.watch["troubles"]
    assert (trouble["kind"], trouble["count"]) == ("ZeroDivisionError", 20)
    said = text_of(report_page(facts))
    assert "ZeroDivisionError was raised 20 times at" in said
    assert "in parse" in said


def test_a_crawl_that_is_resumed_is_told_as_one(tmp_path: Path) -> None:
    crawl(tmp_path / "job", Shop, BOOKS, crawl__max_pages=5, crawl__concurrency=1)
    facts = facts_of(tmp_path / "job")
    assert facts.state == "interrupted"
    assert any("The crawl has not finished: 15 requests wait" in finding.text for finding in findings_of(facts))
    crawl(tmp_path / "job", Shop, BOOKS)
    facts = facts_of(tmp_path / "job")
    assert (facts.state, facts.pages, facts.items, facts.profiled) == ("finished", 20, 20, 20)


def test_two_crawls_are_compared_in_counts_fields_and_rate(tmp_path: Path) -> None:
    class Later(Shop):
        price = "p.cost::text"

    before = facts_of(crawl(tmp_path / "before", Shop, BOOKS))
    after = facts_of(crawl(tmp_path / "after", Later, {**BOOKS, "/1": Page("", 404)}))
    changes = {change.name: change for change in compared(before, after)}
    assert (changes["items"].before, changes["items"].after) == (20, 19)
    assert not changes["items"].is_notable
    assert (changes["field price"].before, changes["field price"].after) == (100, 0)
    assert changes["field price"].share == -1.0
    assert changes["status 404"].is_notable
    said = " ".join(text_of(comparison_page(before, after, list(changes.values()))).split())
    assert "Changed by more than a tenth:" in said
    assert "field price 100% 0% -100%" in said


def test_a_comparison_shows_all_digits_of_large_numbers() -> None:
    facts = [Facts(name, "shop", "now", "finished", stats={"response_received_count": 1_234_567}) for name in "ab"]
    facts[1].bytes = 3_104_380
    page = comparison_page(*facts, compared(*facts))
    assert page.count(">1,234,567<") == 2
    assert ">3,104,380<" in page
    assert "e+" not in text_of(page)


def test_what_is_no_job_is_told(tmp_path: Path) -> None:
    (tmp_path / "job.sqlite").write_text("no database")
    with pytest.raises(JobError, match="file is not a database"):
        facts_of(tmp_path)
