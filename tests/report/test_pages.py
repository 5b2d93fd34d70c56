"""Reports in a browser: charts and tables show what the crawl counted, on any screen and on paper; nothing runs, nothing loads."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from crawler import Request
from crawler.report import compared, comparison_page, facts_of, report_page
from crawler.report.facts import Facts
from crawler.testing import Page
from tests.browser import DESKTOP, PHONE, Browser, browser, needs_chromium
from tests.report.test_report import BOOKS, HOST, Shop, crawl

pytestmark = needs_chromium

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"

SITE: dict[str, Any] = {
    **BOOKS, "/3": Page(EVIL, 404), "/4": Page("", 404), "/5": Page("<h1>slow</h1>", latency=3.0), "/6": Page("x" * 9000),
}  # fmt: skip


class Hostile(Shop):
    """What comes from pages wants to be more than text."""

    async def start(self):
        async for request in super().start():
            yield request
        yield Request(f"{HOST}/0?q={EVIL}")

    def parse(self, response):
        if response.url.endswith("/7"):
            raise ValueError(EVIL)
        yield {**next(super().parse(response)), EVIL: EVIL}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def shown(page: str, chromium: Browser, folder: Path) -> str:
    """Open *page* and return its address."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    chromium.complaints.clear()
    chromium.asked.clear()
    chromium.open(file.as_uri())
    return file.as_uri()


def table(chromium: Browser, head: str) -> list[list[str]]:
    """Return the cells of the table whose first heading is *head*."""
    found: list[list[str]] = chromium.value(
        f"[...[...document.querySelectorAll('table')].find((one) => one.rows[0].cells[0].innerText === {head!r}).rows]"
        ".map((row) => [...row.cells].map((cell) => cell.innerText))"
    )
    return found


def bars(chromium: Browser) -> list[int]:
    """Return what the bars of the histogram say that they are."""
    names: list[str] = chromium.value(
        "[...document.querySelectorAll('svg.chart rect.bar title')].map((one) => one.textContent)"
    )
    return [int(name.rpartition(": ")[2]) for name in names]


def heights(chromium: Browser, kind: str) -> list[float]:
    """Return how high the points of a line are."""
    points: str = chromium.value(f"document.querySelector('polyline.{kind}').getAttribute('points')")
    return [156 - float(point.partition(",")[2]) for point in points.split()]


def test_charts_and_tables_of_a_report_show_what_the_crawl_counted(chromium: Browser, tmp_path: Path) -> None:
    facts = facts_of(crawl(tmp_path / "job", Shop, SITE))
    shown(report_page(facts), chromium, tmp_path)
    numbers = dict(zip(*[iter(reversed(chromium.text(".numbers").split("\n")))] * 2, strict=False))
    assert (numbers["pages"], numbers["items"], numbers["failed"]) == (
        str(facts.stats["response_received_count"]), str(facts.stats["item_scraped_count"]), "0",
    )  # fmt: skip
    assert table(chromium, "host")[0][-2:] == ["200", "404"]
    assert table(chromium, "host")[1] == ["shop.test", "20", "0", "0", "18", "2"]
    assert facts.stats["downloader/response_status_count/404"] == 2
    assert sum(bars(chromium)) == facts.latency.count == 20
    tall = heights(chromium, "one")
    counts = [pages for pages, _ in facts.timeline]
    assert [count / max(counts) for count in counts] == pytest.approx([one / max(tall) for one in tall], abs=0.01)
    fields = {row[0]: row[2] for row in table(chromium, "field")[1:]}
    assert fields == {"title": "94%", "price": "89%", "url": "100%"}
    slowest, largest = [one[1] for one in _tables_of_pages(chromium)]
    assert slowest[0] == f"{HOST}/5"
    assert largest[0] == f"{HOST}/6"


def _tables_of_pages(chromium: Browser) -> list[list[list[str]]]:
    found: list[list[list[str]]] = chromium.value(
        "[...document.querySelectorAll('table')].filter((one) => one.rows[0].cells[0].innerText === 'page')"
        ".map((one) => [...one.rows].map((row) => [...row.cells].map((cell) => cell.innerText)))"
    )
    return found


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("pages", ["report", "comparison"])
def test_a_report_fits_every_screen_and_can_be_read(
    pages: str, size: tuple[int, int], dark: bool, chromium: Browser, tmp_path: Path
) -> None:
    facts = facts_of(crawl(tmp_path / "job", Hostile, SITE))
    chromium.look_like(size, dark=dark)
    address = shown(_page(pages, facts, facts), chromium, tmp_path)
    assert not chromium.is_wider_than_its_window()
    assert chromium.pale() == []
    assert len(chromium.picture(tmp_path / "page.png")) > 10_000
    assert chromium.complaints == []
    assert {one["url"] for one in chromium.asked} == {address}


def _page(pages: str, before: Facts, after: Facts) -> str:
    return report_page(after) if pages == "report" else comparison_page(before, after, compared(before, after))


@pytest.mark.parametrize("pages", ["report", "comparison"])
def test_what_hostile_pages_say_stays_text(pages: str, chromium: Browser, tmp_path: Path) -> None:
    facts = facts_of(crawl(tmp_path / "job", Hostile, SITE))
    shown(_page(pages, facts, facts), chromium, tmp_path)
    assert chromium.value("document.title") != "owned"
    assert chromium.value("document.querySelectorAll('img, script, iframe, object, a').length") == 0
    assert "<img src=x" in chromium.text()


def test_a_report_can_be_printed(chromium: Browser, tmp_path: Path) -> None:
    facts = facts_of(crawl(tmp_path / "job", Shop, SITE))
    shown(report_page(facts), chromium, tmp_path)
    document = chromium.printed(tmp_path / "report.pdf")
    assert document.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", document)) <= 6


def test_a_comparison_shows_both_crawls_what_changed_and_what_is_wrong_now(chromium: Browser, tmp_path: Path) -> None:
    class Later(Shop):
        price = "p.cost::text"

    before, after = (
        facts_of(crawl(tmp_path / name, spider, site))
        for name, spider, site in (("monday", Shop, BOOKS), ("tuesday", Later, SITE))
    )
    shown(_page("comparison", before, after), chromium, tmp_path)
    rows = {row[0]: row[1:] for row in table(chromium, "")[1:]}
    assert table(chromium, "")[0] == ["", "monday", "tuesday", "change"]
    for name, stat in (("pages", "response_received_count"), ("items", "item_scraped_count")):
        assert rows[name][:2] == [str(before.stats[stat]), str(after.stats[stat])]
    assert rows["field price"] == ["100%", "0%", "-100%"]
    assert rows["status 404"] == ["0", "2", "new"]
    assert "The field 'price' is empty in all of 18 items" in chromium.text("ul.findings")
    assert Counter(chromium.value("[...document.querySelectorAll('tr.notable')].map((one) => one.cells[0].innerText)"))[
        "field price"
    ]
