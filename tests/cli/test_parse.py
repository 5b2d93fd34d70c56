"""crawler parse: what is shown of what a callback yields."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.demo.server import serving
from tests.cli.terminal import terminal
from tests.cli.test_commands import ENV

SPIDERS = """
from crawler import Spider

class Books(Spider):
    name = "books"
    allowed_domains = ["127.0.0.1"]
    custom_settings = {"politeness.delay": 0.0, "components.pipelines": ["own.Marks"], "FEEDS": {"kept.jsonl": {}}}

    def __init__(self, most: int = 2):
        super().__init__()
        self.most = most

    def parse(self, response):
        for link in response.css("article.product_pod h3 a")[: self.most]:
            yield response.follow(link, self.parse_book, cb_kwargs={"n": 1}, priority=3)

    async def parse_book(self, response, n=0, word=""):
        yield {"title": response.css("h1::text").get(), "n": n, "word": word, "given": response.meta.get("given")}

    def fails(self, response):
        raise KeyError("x")
"""
OWN = "class Marks:\n    def process_item(self, item):\n        item['marked'] = True\n        return item\n"
BOOK = "catalogue/the-early-daughter_1/index.html"


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(20) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text("")
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "spiders").mkdir()
    (tmp_path / "spiders" / "books.py").write_text(SPIDERS)
    return tmp_path


def parse(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crawler", "parse", *arguments]
    return subprocess.run(command, cwd=folder, env=ENV, capture_output=True, text=True, timeout=60)


def test_items_and_requests_of_the_spider_for_the_site_are_shown(folder: Path, shop: str) -> None:
    done = parse(folder, shop)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:5] == [f"200 {shop}  Books.parse", "", "Items: 0", "", "Requests: 2"]
    assert lines[5] == f"GET {shop}{BOOK}  parse_book  priority=3  cb_kwargs={{'n': 1}}"
    assert not (folder / "kept.jsonl").exists()
    assert not (folder / ".crawler").exists()


def test_deeper_levels_are_shown_one_by_one(folder: Path, shop: str) -> None:
    shown = parse(folder, shop, "-d", "2", "-v", "--nolinks").stdout
    headings = [line for line in shown.splitlines() if line[:1] in ("#", "I")]
    assert headings == ["# Level 1", "Items: 0", "# Level 2", "Items: 2"]
    assert shown.count("'title': '") == 2
    assert "Requests" not in shown


def test_callback_arguments_and_meta_are_given(folder: Path, shop: str) -> None:
    options = ["-c", "parse_book", "--cbkwargs", '{"word": "w"}', "--meta", '{"given": [1]}', "-a", "most=1"]
    shown = parse(folder, shop + BOOK, *options).stdout
    assert "'word': 'w', 'given': [1]}" in shown
    assert "Items" not in parse(folder, shop + BOOK, *options, "--noitems").stdout


def test_items_go_through_the_pipelines_and_into_a_file_if_they_are_asked_to(folder: Path, shop: str) -> None:
    done = parse(folder, shop + BOOK, "-c", "parse_book", "--pipelines", "-O", "a.jsonl")
    assert "'marked': True" in done.stdout
    assert json.loads((folder / "a.jsonl").read_text())["marked"] is True
    parse(folder, shop + BOOK, "-c", "parse_book", "-O", "b.jsonl")
    assert "marked" not in json.loads((folder / "b.jsonl").read_text())
    assert not (folder / "kept.jsonl").exists()


def test_a_file_may_hold_the_spider_and_no_project_is_needed(folder: Path, shop: str) -> None:
    (folder / "settings.toml").unlink()
    assert "Requests: 1" in parse(folder, "--spider", "spiders/books.py", "-a", "most=1", shop).stdout
    outside = parse(folder, shop)
    assert (outside.returncode, "there is no project here" in outside.stderr) == (2, True)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("-c", "fails"), 1, "KeyError: 'x'"),
        (("-c", "prase"), 2, "no callback 'prase'; did you mean 'parse'"),
        (("-r",), 2, "has no rules: it is no CrawlSpider"),
        (("-a", "least=1"), 2, "has no argument 'least'"),
    ],
)
def test_what_goes_wrong_is_told(folder: Path, shop: str, options: tuple[str, ...], code: int, says: str) -> None:
    done = parse(folder, shop, *options)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert ("Traceback" in done.stderr) == (says == "KeyError: 'x'")


@pytest.mark.parametrize(
    ("path", "says"), [("nowhere", "HTTP status 404"), ("basket/", "forbidden by robots.txt: Disallow: /basket/")]
)
def test_a_page_that_does_not_come_is_told_in_a_line(folder: Path, shop: str, path: str, says: str) -> None:
    done = parse(folder, shop + path)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert says in done.stderr


def test_of_two_spiders_for_a_site_one_must_be_named(folder: Path, shop: str) -> None:
    (folder / "spiders" / "more.py").write_text(SPIDERS.replace('"books"', '"more"'))
    done = parse(folder, shop)
    assert (done.returncode, "the spiders books, more are all for the site of" in done.stderr) == (2, True)


def test_in_a_terminal_there_is_colour_unless_it_is_not_wanted(folder: Path, shop: str) -> None:
    for option, coloured in (("", True), ("--nocolour", False)):
        command = [sys.executable, "-m", "crawler", "parse", shop, *filter(None, [option])]
        with terminal(command, cwd=folder, env=ENV) as opened:
            assert opened.wait() == 0
            assert "Requests: 2" in opened.shown
            assert opened.is_coloured is coloured
