"""The example spiders, each against the demo site in memory: how many items, and one of them exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crawler.crawler import Crawler
from crawler.demo.areas import CHAPTERS, FILES, QUOTES, REVIEWS, SECTIONS, picture, quote, review
from crawler.demo.server import site_answer
from crawler.demo.shop import Shop
from crawler.result import CrawlResult
from crawler.spiders.loader import load_file
from crawler.testing import Hit, MemoryWorld, Page, Site

HOST = "http://demo.test"
BOOKS = 40
EXAMPLES = Path(__file__).resolve().parents[2] / "spiders"


class DemoSite(Site):
    """The demo site, with fewer books."""

    shop = Shop(BOOKS)

    def answer(self, hit: Hit) -> Page:
        uri = hit.url.removeprefix(HOST)
        said = site_answer(self.shop, hit.method, uri, cookie=hit.headers.get("Cookie", ""), body=hit.body, base=HOST)
        return Page(said.body, said.status, {"Content-Type": said.kind, **said.headers})


def crawl(name: str, **arguments: Any) -> tuple[list[Any], CrawlResult, DemoSite]:
    spidercls = load_file(str(EXAMPLES / f"{name}.py"), name)
    site, items = DemoSite(), []
    world = MemoryWorld(site)
    settings = {"log.stats_interval": 0, "politeness.delay": 0.0, "http.allow_private": ["all"]}
    crawler = Crawler(spidercls, settings, runtime=world.runtime, on_item=items.append)
    result = world.run(crawler, site=HOST, **arguments)
    return items, result, site


def test_books_are_all_found() -> None:
    items, _, _ = crawl("books")
    assert len(items) == BOOKS
    assert {item["title"] for item in items} == {book.title for book in DemoSite.shop.books}


def test_quotes_are_read_after_a_login_with_the_token_of_the_form() -> None:
    items, result, site = crawl("quotes")
    assert len(items) == QUOTES
    assert items[0] == quote(1)
    assert result.failed == 0
    assert [hit.method for hit in site.log if hit.url.endswith("/quotes/login")] == ["GET", "POST"]


def test_a_login_that_is_refused_is_told(caplog: pytest.LogCaptureFixture) -> None:
    items, _, _ = crawl("quotes", password="wrong")
    assert items == []
    assert "The login as reader was refused" in caplog.text


def test_a_form_with_a_token_of_another_session_is_refused() -> None:
    body = b"csrf_token=guess&username=reader&password=letters"
    said = site_answer(DemoSite.shop, "POST", "/quotes/login", cookie="session=x", body=body, base=HOST)
    assert said.status == 403


def test_reviews_are_loaded_page_by_page() -> None:
    items, _, site = crawl("reviews")
    assert items == [review(number) for number in range(1, REVIEWS + 1)]
    assert len(site.paths) == 5


def test_books_are_found_by_the_sitemaps_alone() -> None:
    items, _, site = crawl("shelf")
    assert {item["title"] for item in items} == {book.title for book in DemoSite.shop.books}
    assert len(items) == BOOKS
    assert not [path for path in site.paths if path in ("/", "/manual/index.html")]


def test_sections_of_the_manual_are_found_by_rules() -> None:
    items, _, _ = crawl("manual")
    assert len(items) == CHAPTERS * SECTIONS
    assert {"title": "Chapter 2 section 3", "words": 80} in items


def test_files_are_kept_with_their_checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    items, result, _ = crawl("files")
    assert len(items) == 2 * FILES
    assert result.failed == 0
    cover = next(item for item in items if item["name"] == "cover-3.png")
    (kept,) = cover["files"]
    assert (tmp_path / "files" / kept["path"]).read_bytes() == picture("cover-3.png")
    assert kept["url"] == f"{HOST}/files/cover-3.png"
