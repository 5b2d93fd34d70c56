"""Crawls that are broken in the ways that crawls break: what their reports say first, to somebody who knows nothing of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crawler import Request
from crawler.crawler import Crawler
from crawler.exceptions import DropItem
from crawler.report import facts_of, findings_of, report_page
from crawler.report.facts import Facts, HostFacts
from crawler.report.shortfalls import shortfalls
from crawler.testing import MemoryWorld, Page, Site
from tests.report.test_report import BOOKS, HOST, QUIET, Shop, crawl, text_of


def every(status: int, headers: Mapping[str, str] | None = None) -> dict[str, Page]:
    return {f"/{number}": Page("no", status, dict(headers or {})) for number in range(20)}


class Elsewhere(Shop):
    allowed_domains = ["shop.test"]

    async def start(self):
        yield Request(f"{HOST}/0")

    def parse(self, response):
        for number in range(30):
            yield Request(f"http://www.other.test/{number}")


class Misspelt(Shop):
    allowed_domains = ["shop.tset"]


class Idle(Shop):
    async def start(self):
        return
        yield


class Unstarted(Shop):
    async def start(self):
        raise ValueError("the list of URLs is empty")
        yield


class Picky:
    """Drops every second item."""

    def __init__(self) -> None:
        self.seen = 0

    def process_item(self, item: Any) -> Any:
        self.seen += 1
        if self.seen % 2:
            raise DropItem("the price is missing")
        return item


class Raising:
    def process_item(self, item: Any) -> Any:
        raise KeyError("currency")


class Alone(Shop):
    async def start(self):
        yield Request(f"{HOST}/0")

    def parse(self, response):
        yield from ()


LOGIN = {**every(302, {"Location": "/login"}), "/login": Page("<form>")}
CIRCLES = {f"/{number}": Page("", 302, {"Location": f"/{number}"}) for number in range(20)}


@pytest.mark.parametrize(
    ("spider", "site", "settings", "said"),
    [
        pytest.param(Shop, every(403), {}, (
            "20 of 20 answers of shop.test were 403, which no callback sees",
            "The site refuses this crawler: it may want a login, a cookie or another http.user_agent",
            f"crawler view {HOST}/0",
        ), id="banned"),
        pytest.param(Shop, every(404), {}, ("20 of 20 answers of shop.test were 404", "start_urls, or the links"), id="gone"),
        pytest.param(Shop, every(401), {}, ("were 401", "set auth.user, auth.password and auth.domain"), id="login by HTTP"),
        pytest.param(Shop, every(418), {}, ("were 418", f"crawler view {HOST}/0"), id="a status that nobody knows"),
        pytest.param(Shop, every(500), {}, (
            "20 of 20 requests failed (100%), most of them with status 500 (20 times)", "The site itself fails",
        ), id="out of order"),
        pytest.param(Shop, {**BOOKS, "/robots.txt": "User-agent: *\nDisallow: /"}, {"politeness__obey_robots": True}, (
            f"All requests (the first was {HOST}/0) are forbidden by robots.txt", "politeness.obey_robots = false",
        ), id="robots.txt"),
        pytest.param(Shop, LOGIN, {}, (
            f"20 of 21 requests were redirected to one page, {HOST}/login", "Log in with a FormRequest in start()",
        ), id="login page"),
        pytest.param(Shop, CIRCLES, {}, (
            "20 requests ended with 'max redirections reached'", "sends the crawler in circles", "cookies.enabled",
        ), id="circles"),
        pytest.param(Elsewhere, BOOKS, {}, (
            "30 of 31 requests (the first was http://www.other.test/0) lead to hosts that are not in allowed_domains",
        ), id="links to elsewhere"),
        pytest.param(Misspelt, BOOKS, {}, ("All requests", "are not in allowed_domains of the spider"), id="allowed_domains"),
        pytest.param(Idle, BOOKS, {}, ("The spider shop asked for nothing: give it start_urls",), id="nothing asked for"),
        pytest.param(Unstarted, BOOKS, {}, (
            "ValueError was raised once at", "test_shortfalls.py:", "in start: the list of URLs is empty.",
            "ended because the spider's start() raised",
        ), id="start raises"),
        pytest.param(Shop, BOOKS, {"components__pipelines": [Picky]}, (
            "10 of 20 items were dropped with DropItem at", "test_shortfalls.py:", "in process_item: the price is missing",
        ), id="items dropped"),
        pytest.param(Shop, BOOKS, {"components__pipelines": [Raising]}, (
            "KeyError was raised 20 times at", "20 items came from the callbacks, and not one out of the pipelines.",
        ), id="pipeline raises"),
        pytest.param(Alone, BOOKS, {}, (
            "Only 1 page came, with neither an item nor a link that was followed", f"crawler shell {HOST}/0",
        ), id="one page"),
        pytest.param(Shop, {f"/{number}": Page("<p>Are you a robot?") for number in range(20)}, {}, (
            "The fields 'title', 'price' are empty in all of 20 items", "a captcha", f"crawler shell {HOST}/0",
        ), id="captcha"),
    ],
)  # fmt: skip
def test_a_broken_crawl_says_in_its_first_lines_what_is_wrong_and_what_helps(
    spider: type[Shop], site: Mapping[str, Any], settings: dict[str, Any], said: tuple[str, ...], tmp_path: Path
) -> None:
    facts = facts_of(crawl(tmp_path / "job", spider, site, **settings))
    wrong = [finding.text for finding in findings_of(facts) if finding.kind == "wrong"]
    assert 1 <= len(wrong) <= 2
    first_lines = text_of(report_page(facts)).partition("pages a second")[0]
    for part in said:
        assert part in first_lines, first_lines
    assert ("selectors" in first_lines) == (spider is Alone or "captcha" in first_lines)


@pytest.mark.parametrize(
    ("kind", "advice"),
    [("CannotResolveHostError", "is it spelt right"), ("DownloadConnectionRefusedError", "is the site up"),
     ("DownloadTimeoutError", "http.timeout"), ("HostDownError", "crawler resume")],
)  # fmt: skip
def test_a_host_that_cannot_be_reached_is_told_with_what_to_look_at(kind: str, advice: str) -> None:
    facts = Facts("job", "shop", "now", "finished", stats={"start_time": 0}, failures={kind: (5, f"{HOST}/")})
    facts.ended["failed"] = 5
    (finding,) = shortfalls(facts)
    assert finding.text.startswith(
        f"5 of 5 requests failed (100%), most of them with {kind} (5 times), the first {HOST}/."
    )
    assert advice in finding.text


def test_who_is_refused_is_not_told_to_ask_faster(tmp_path: Path) -> None:
    facts = facts_of(crawl(tmp_path / "job", Shop, every(503)))
    told = " ".join(finding.text for finding in findings_of(facts))
    assert "Raise politeness.delay or lower politeness.concurrency_per_host" in told
    assert "Lower politeness.delay" not in told


def test_a_crawl_with_nothing_wrong_says_so(tmp_path: Path) -> None:
    facts = facts_of(crawl(tmp_path / "job", Shop, BOOKS))
    assert findings_of(facts) == []
    assert "Nothing stands out." in text_of(report_page(facts))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"crawl__max_pages": 5, "crawl__concurrency": 1}, "crawl.max_pages = 5"),
        ({"crawl__max_items": 5}, "crawl.max_items = 5"),
    ],
)
def test_a_limit_that_ended_a_crawl_is_named(settings: dict[str, Any], said: str, tmp_path: Path) -> None:
    (finding,) = findings_of(facts_of(crawl(tmp_path / "job", Shop, BOOKS, **settings)))
    assert finding.kind == "noted"
    assert finding.text == (
        f"The crawl was ended by its limit, {said}. The crawl has not finished: 15 requests wait. Go on with  crawler resume job"
    )


def test_a_killed_crawl_says_that_it_was_killed() -> None:
    facts = Facts("job", "shop", "now", "interrupted", stats={"response_received_count": 1}, items=1, waiting=15)
    (finding,) = findings_of(facts)
    assert finding.text.startswith("The crawl was killed, or the machine went down")
    assert "15 requests wait. Go on with  crawler resume job" in finding.text


def test_a_crawl_that_lost_the_network_says_so() -> None:
    stats = {"response_received_count": 1, "finish_reason": "unreachable"}
    facts = Facts("job", "shop", "now", "interrupted", stats=stats, items=1, waiting=15)
    (finding,) = findings_of(facts)
    assert finding.kind == "wrong"
    assert finding.text.startswith("Nothing could be reached any more: this machine was off the network")
    assert "15 requests wait. Go on with  crawler resume job" in finding.text


def test_a_crawl_without_memory_says_so() -> None:
    stats = {"response_received_count": 1, "finish_reason": "out_of_memory"}
    facts = Facts("job", "shop", "now", "interrupted", stats=stats, items=1, waiting=15)
    (finding,) = findings_of(facts)
    assert finding.kind == "wrong"
    assert finding.text.startswith(
        "The process had no memory left: see what the spider keeps, and memory.limit_mb. The crawl has"
    )


def test_how_an_earlier_process_ended_is_not_told_of_the_one_that_goes_on(tmp_path: Path) -> None:
    job = crawl(tmp_path / "job", Shop, BOOKS, crawl__max_pages=5, crawl__concurrency=1)
    assert facts_of(job).stats["finish_reason"] == "closespider_pagecount"
    world = MemoryWorld(Site(BOOKS))
    settings = {**QUIET, "frontier.store": "sqlite", "frontier.job": str(job), "crawl.concurrency": 1}
    crawler = Crawler(Shop, settings, runtime=world.runtime)
    results: list[Any] = []
    crawler.crawl().addBoth(results.append)
    while crawler.engine is None or crawler.engine.account.pages < 19:
        world.step(crawler)
    assert facts_of(job).pages > 5
    assert "finish_reason" not in facts_of(job).stats
    while not results:
        world.step(crawler)
    assert facts_of(job).stats["finish_reason"] == "finished"


def test_what_was_dropped_is_listed_with_an_example_each(tmp_path: Path) -> None:
    page = text_of(report_page(facts_of(crawl(tmp_path / "job", Elsewhere, BOOKS, components__pipelines=[Picky]))))
    assert "offsite 30 http://www.other.test/0" in " ".join(page.split())
    page = text_of(report_page(facts_of(crawl(tmp_path / "other", Shop, BOOKS, components__pipelines=[Picky]))))
    assert "the price is missing" in page.partition("items dropped with")[2]


def test_many_hosts_that_refuse_are_one_sentence() -> None:
    facts = Facts("job", "shop", "now", "finished", stats={"start_time": 0})
    for number in range(4):
        facts.hosts[f"{number}.test"] = HostFacts(pages=100, refused=50 + number)
    (finding,) = [one for one in shortfalls(facts) if "refuses" in one.text]
    assert finding.text.startswith("3.test refuses: 53 of 153 answers were 429 or 503")
    assert (
        "3 other hosts do the same. Raise politeness.delay or lower politeness.concurrency_per_host for them."
        in finding.text
    )


@pytest.mark.parametrize(
    ("name", "where", "kind", "advice"),
    [
        ("Shop.parse", "shop.py:9 in parse", "wrong", "await crawler.threads.run(...)"),
        (
            "crawler's own SqliteStore.commit",
            "/lib/crawler/frontier/sqlite.py:1 in commit",
            "noted",
            "frontier.directory",
        ),
        ("something", "?", "noted", "Nobody saw what"),
    ],
)
def test_only_a_stall_of_ones_own_code_is_to_be_moved_to_a_thread(
    name: str, where: str, kind: str, advice: str
) -> None:
    stall = {"name": name, "where": where, "count": 2, "seconds": 0.6, "most": 0.4, "stack": ""}
    facts = Facts(
        "job", "shop", "now", "finished", stats={"finish_reason": "finished"}, items=1, watch={"stalls": [stall]}
    )
    told = [one for one in findings_of(facts) if "blocked everything else 2 times" in one.text]
    assert [one.kind for one in told] == [kind]
    assert advice in told[0].text
    assert ("threads.run" in told[0].text) == (kind == "wrong")


def test_long_urls_are_shortened_in_their_middle(tmp_path: Path) -> None:
    class Long(Shop):
        async def start(self):
            yield Request(f"{HOST}/{'x' * 400}-end")

    page = report_page(facts_of(crawl(tmp_path / "job", Long, {"*": "<h1>Long"})))
    assert "x" * 200 not in text_of(page)
    assert re.search(r"http://shop.test/x{50,}\u2026x{10,}-end", text_of(page))
