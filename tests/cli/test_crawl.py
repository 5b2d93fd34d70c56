"""Crawls from the command line, as users run them: processes, outputs, exit codes, Ctrl-C."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crawler import runtime
from crawler.cli.running import deaf_to_ctrl_c
from crawler.demo.server import serving
from tests.loopback.killing import ROOT, project

BOOKS = 40


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(BOOKS) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path)


ENV = {**os.environ, "PYTHONPATH": str(ROOT)}


def crawler(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crawler", *arguments]
    return subprocess.run(command, cwd=folder, env=ENV, capture_output=True, text=True, timeout=120)


def test_a_crawl_fills_every_output_and_ends_with_zero(folder: Path, shop: str) -> None:
    outputs = [argument for name in ("a.jsonl", "b.json", "c.csv", "d.xml", "e.jsonl.gz") for argument in ("-o", name)]
    done = crawler(folder, "crawl", "books", "-a", f"site={shop}", *outputs)
    assert done.returncode == 0, done.stderr
    urls = [json.loads(line)["url"] for line in (folder / "a.jsonl").read_text().splitlines()]
    assert (len(urls), len(set(urls))) == (BOOKS, BOOKS)
    assert [item["url"] for item in json.loads((folder / "b.json").read_text())] == urls
    with (folder / "c.csv").open(newline="") as file:
        assert [row["url"] for row in csv.DictReader(file)] == urls
    assert (folder / "d.xml").read_text().count("<url>") == BOOKS
    assert gzip.decompress((folder / "e.jsonl.gz").read_bytes()) == (folder / "a.jsonl").read_bytes()


def test_without_a_terminal_there_are_plain_log_lines(folder: Path, shop: str) -> None:
    done = crawler(folder, "crawl", "books", "-a", f"site={shop}")
    lines = done.stderr.splitlines()
    assert lines[-1].endswith("s")
    assert f"{BOOKS} items, 0 errors" in lines[-1]
    assert all(line[:2] == "20" and "] " in line for line in lines)
    assert "\x1b" not in done.stderr


def test_standard_output_gets_the_items_and_nothing_else(folder: Path, shop: str) -> None:
    done = crawler(folder, "crawl", "books", "-a", f"site={shop}", "-o", "-:jsonl")
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == BOOKS


def test_o_goes_on_after_what_is_there_and_capital_o_begins_anew(folder: Path, shop: str) -> None:
    for option in ("-o", "-o"):
        assert crawler(folder, "crawl", "books", "-a", f"site={shop}", option, "a.json").returncode == 0
    assert len(json.loads((folder / "a.json").read_text())) == 2 * BOOKS
    assert crawler(folder, "crawl", "books", "-a", f"site={shop}", "-O", "a.json").returncode == 0
    assert len(json.loads((folder / "a.json").read_text())) == BOOKS


def test_docs_follows_any_documentation(folder: Path, shop: str) -> None:
    options = ("-s", "politeness.delay=0", "-s", "crawl.max_pages=12", "-o", "pages.jsonl")
    done = crawler(folder, "crawl", "docs", "-a", f"url={shop}catalogue/page-1.html", *options)
    assert done.returncode == 0, done.stderr
    pages = [json.loads(line) for line in (folder / "pages.jsonl").read_text().splitlines()]
    assert len(pages) == 12
    assert all(page["title"] and page["headings"] and page["text_length"] > 100 for page in pages)


SPIDER = """
from crawler import Request, Spider

class Own(Spider):
    name = "own"

    def __init__(self, url: str):
        super().__init__()
        self.start_urls = [url]

    def parse(self, response):
        yield {{"url": response.url}}
        {rest}
"""


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ("raise ValueError('boo')", "own.py:13 in parse"),
        ("yield 5", "Own.parse yielded 5 of type int; yield a Request"),
        ("yield Request('example.com/x')", "write https://example.com/x"),
        ("yield Request('http://:80/x')", "names no host"),
        ("yield Request('http://example.com:port/')", "the port 'port' is no number"),
        ("yield Request(response.url + '?x', callback=lambda r: None)", "make it a method"),
    ],
)
def test_a_mistake_in_a_callback_is_told_counted_and_the_crawl_goes_on(
    folder: Path, shop: str, rest: str, says: str
) -> None:
    (folder / "own.py").write_text(SPIDER.format(rest=rest))
    done = crawler(folder, "runspider", "own.py", "-a", f"url={shop}", "-o", "a.jsonl")
    assert done.returncode == 1
    assert says in done.stderr
    assert "1 items, 1 errors" in done.stderr
    assert len((folder / "a.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(("line", "told"), [("Request(response.url)", True), ("yield {}", False)])
def test_a_crawl_whose_callbacks_yield_nothing_asks_for_the_yield(
    folder: Path, shop: str, line: str, told: bool
) -> None:
    code = SPIDER.format(rest=line).replace('        yield {"url": response.url}\n', "")
    (folder / "own.py").write_text(code)
    done = crawler(folder, "runspider", "own.py", "-a", f"url={shop}", "-q")
    assert done.returncode == 0, done.stderr
    assert ("is a  yield  missing" in done.stderr) == told


def test_a_failed_request_ends_with_one(folder: Path) -> None:
    (folder / "own.py").write_text(SPIDER.format(rest=""))
    done = crawler(folder, "runspider", "own.py", "-a", "url=http://127.0.0.1:1/", "-s", "retry.enabled=false")
    assert done.returncode == 1
    assert "DownloadConnectionRefusedError" in done.stderr


def wait_for(text: str, process: subprocess.Popen[str]) -> None:
    """Read what *process* tells until there is *text* in a line; kill it if that takes a minute."""
    assert process.stderr is not None
    deadline = threading.Timer(60, process.kill)
    deadline.start()
    try:
        if not any(text in line for line in process.stderr):
            raise AssertionError(f"the process ended without a word of {text!r}")
    finally:
        deadline.cancel()


@pytest.mark.parametrize("signals", [1, 2])
def test_ctrl_c_ends_well_and_leaves_valid_outputs(folder: Path, shop: str, signals: int) -> None:
    slow = ("-s", 'politeness.hosts={"127.0.0.1": {"delay": 0.1}}', "-L", "DEBUG")
    command = [sys.executable, "-m", "crawler", "crawl", "books", "-a", f"site={shop}", "-o", "a.json", *slow]
    process = subprocess.Popen(command, cwd=folder, env=ENV, stderr=subprocess.PIPE, text=True)
    wait_for("Scraped from", process)
    for _ in range(signals):
        process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Received SIGINT: finishing what is in flight" in rest
    assert 0 < len(json.loads((folder / "a.json").read_text())) < BOOKS


def test_a_callback_that_never_gives_way_is_named_at_the_second_ctrl_c_and_ended_by_the_third(
    folder: Path, shop: str
) -> None:
    stuck = "import sys; print('stuck', file=sys.stderr, flush=True)\n        while True: pass"
    (folder / "own.py").write_text(SPIDER.format(rest=stuck))
    command = [sys.executable, "-m", "crawler", "runspider", "own.py", "-a", f"url={shop}"]
    process = subprocess.Popen(command, cwd=folder, env=ENV, stderr=subprocess.PIPE, text=True)
    wait_for("stuck", process)
    process.send_signal(signal.SIGINT)
    while process.poll() is None:  # those that come before the last is taken are one to the system
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "own.py:" in rest
    assert "Received SIGINT a third time: ending the process" in rest


def test_sigterm_ends_as_well_as_ctrl_c(folder: Path, shop: str) -> None:
    slow = ("-s", 'politeness.hosts={"127.0.0.1": {"delay": 0.1}}', "-L", "DEBUG", "-o", "a.csv")
    command = [sys.executable, "-m", "crawler", "crawl", "books", "-a", f"site={shop}", *slow]
    process = subprocess.Popen(command, cwd=folder, env=ENV, stderr=subprocess.PIPE, text=True)
    wait_for("Scraped from", process)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 130
    with (folder / "a.csv").open(newline="") as file:
        assert 0 < len([row["url"] for row in csv.DictReader(file)]) < BOOKS


def test_a_ctrl_c_that_comes_when_the_crawl_has_ended_already_is_not_heard() -> None:
    before = signal.getsignal(signal.SIGINT)
    with deaf_to_ctrl_c() as begun:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        begun()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_signals_go_where_they_went_before_when_a_crawl_has_ended() -> None:
    def own(*_: object) -> None:
        """Stand for what a program does at a signal."""

    # That of asyncio does so, whatever was there.
    loop = SimpleNamespace(
        add_signal_handler=lambda *_: None,
        remove_signal_handler=lambda number: signal.signal(number, signal.SIG_DFL),
    )
    where: Any = SimpleNamespace(loop=loop)
    before = {number: signal.signal(number, own) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with runtime.stopped_by_signals(where, list):
            assert signal.getsignal(signal.SIGINT) is not own
        assert [signal.getsignal(number) for number in before] == [own, own]
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_limit_that_was_set_ends_with_zero(folder: Path, shop: str) -> None:
    done = crawler(folder, "crawl", "books", "-a", f"site={shop}", "-s", "crawl.max_items=3")
    assert done.returncode == 0
    assert "(closespider_itemcount)" in done.stderr


def test_feeds_of_the_settings_are_written_besides_those_of_the_command(folder: Path, shop: str) -> None:
    with (folder / "settings.toml").open("a") as file:
        file.write('[[feeds]]\nuri = "out/%(name)s.jsonl"\nfields = ["upc"]\n')
    assert crawler(folder, "crawl", "books", "-a", f"site={shop}", "-o", "a.jsonl").returncode == 0
    items = [json.loads(line) for line in (folder / "out" / "books.jsonl").read_text().splitlines()]
    assert (len(items), {tuple(item) for item in items}) == (BOOKS, {("upc",)})
    assert len((folder / "a.jsonl").read_text().splitlines()) == BOOKS


def test_quiet_nolog_and_a_log_file_leave_the_terminal_empty(folder: Path, shop: str) -> None:
    # On a busy machine a callback may hold the reactor for so long that it is warned of.
    crawl = ("crawl", "books", "-a", f"site={shop}", "-s", "crawl.max_callback_seconds=0")
    for options in (("-q",), ("--nolog",), ("--logfile", "crawl.log")):
        done = crawler(folder, *crawl, *options)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert f"{BOOKS} items, 0 errors" in (folder / "crawl.log").read_text()


def test_runspider_needs_no_project(tmp_path: Path, shop: str) -> None:
    (tmp_path / "own.py").write_text(SPIDER.format(rest=""))
    done = crawler(tmp_path, "runspider", "own.py", "-a", f"url={shop}", "-o", "-", "-s", "politeness.delay=0")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"url": shop})


def test_runspider_takes_the_spider_that_is_named(tmp_path: Path, shop: str) -> None:
    two = SPIDER.format(rest="") + SPIDER.format(rest="").replace("own", "other").replace("Own", "Other")
    (tmp_path / "two.py").write_text(two)
    wrong = crawler(tmp_path, "runspider", "two.py", "-a", f"url={shop}")
    assert (wrong.returncode, "several spiders (other, own); say which one with --spider" in wrong.stderr) == (2, True)
    done = crawler(tmp_path, "runspider", "two.py", "--spider", "other", "-a", f"url={shop}")
    assert (done.returncode, "Crawl of other ended (finished): 1 pages, 1 items" in done.stderr) == (0, True)


PIPELINE = """
class P:
    def process_item(self, item):
        if item["rating"] == 1:
            raise ValueError(item["title"])
        return item
"""


def test_a_pipeline_that_raises_ends_with_one_and_keeps_the_other_items(folder: Path, shop: str) -> None:
    (folder / "pipes.py").write_text(PIPELINE)
    options = ("-s", 'components.pipelines=["pipes.P"]', "-o", "a.jsonl")
    done = crawler(folder, "crawl", "books", "-a", f"site={shop}", *options)
    assert done.returncode == 1
    assert 'pipes.py", line 5, in process_item' in done.stderr
    ratings = [json.loads(line)["rating"] for line in (folder / "a.jsonl").read_text().splitlines()]
    assert 0 < len(ratings) < BOOKS
    assert 1 not in ratings


def test_update_settings_is_asked_once(folder: Path, shop: str) -> None:
    counting = """
    @classmethod
    def update_settings(cls, settings):
        settings.set("MY_COUNT", settings.getint("MY_COUNT") + 1, "spider")

    def closed(self, reason):
        print("asked", self.settings.getint("MY_COUNT"))
"""
    (folder / "own.py").write_text(SPIDER.format(rest="") + counting)
    assert crawler(folder, "runspider", "own.py", "-a", f"url={shop}").stdout == "asked 1\n"
