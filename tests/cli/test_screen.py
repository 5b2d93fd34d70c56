"""The screen that shows a running crawl: in this terminal and, read from its job, in another."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from crawler import Request, Spider
from crawler.cli.screen import Rate, screen, sparkline
from crawler.cli.top import command
from crawler.cli.watching import look_of, watch_job
from crawler.crawler import Crawler
from crawler.exceptions import UsageError
from crawler.frontier.jobs import Job
from crawler.testing import MemoryWorld, Page, Site
from crawler.watching import rest_of

NOW: dict[str, Any] = {
    "spider": "books",
    "job": "books-2026-11-23-090000",
    "state": "running",
    "elapsed": 3723.0,
    "pages": 1234,
    "items": 1000,
    "errors": 2,
    "done": 1200,
    "failed": 3,
    "waiting": 56,
    "in_flight": 16,
    "known_hosts": 3,
    "dropped": {"duplicate": 700, "offsite": 12},
    "statuses": {"200": 1232, "404": 2},
    "bytes": 5 * 1024 * 1024,
    "cpu": 372.3,
    "memory": 80 * 1024 * 1024,
    "latency": {"p50": 0.12, "p90": 0.5, "p99": 2.5},
    "waits": {
        "download": {"count": 1234, "total": 250.0, "p50": 0.1, "p90": 0.5, "p99": 2.5},
        "dns": {"count": 3, "total": 0.3, "p50": 0.1, "p90": 0.1, "p99": 0.1},
        "first byte": {"count": 1234, "total": 123.4, "p50": 0.1, "p90": 0.5, "p99": 2.0},
    },
    "held_back": "96% of the time was spent waiting for politeness.delay of one host, books.example.org.",
    "hosts": [
        {
            "host": "a-host-with-a-very-long-name.of-a-country.example.org",
            "waiting": 50,
            "more": True,
            "active": 2,
            "state": "set aside",
            "delay": 0.25,
            "concurrency": 4,
            "starts_in": 42.0,
        }
    ],
    "callbacks": [("BooksSpider.parse_book", 1000, 1.5, 0.02)],
    "troubles": [{"kind": "KeyError", "where": "books.py:3", "text": "'price'", "example": "http://x/", "count": 2}],
    "stalls": [{"name": "parse", "where": "books.py:9", "count": 1, "seconds": 1.25}],
}


def drawn(width: int, now: dict[str, Any] = NOW) -> str:
    rate = Rate()
    for second in range(20):
        rate.note(second * 10, second * 8, float(second))
    console = Console(file=io.StringIO(), width=width)
    console.print(screen(now, rate, width=width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_it_says_everything_in_a_wide_window() -> None:
    shown = drawn(200)
    for part in (
        "books", "running", "1:02:03", "1,234 pages", "10/s", "1,000 items", "8/s", "1,200 done", "16 in flight", "56 waiting",
        "3 failed", "12 dropped", "700 duplicates", "about 0:00:05 left",
        "200: 1,232", "404: 2", "half within 120 ms", "5.0 MiB", "80.0 MiB",
        "CPU 10%", "politeness.delay of one host", "set aside, 42.0 s", "50+", "2/4", "BooksSpider.parse_book", "2 x KeyError",
        "parse blocked for 1.2 s", "▁█", "dns 100 ms (3x)", "first byte 100 ms",
    ):  # fmt: skip
        assert part in shown, part


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_it_keeps_to_the_window_and_to_one_screen(width: int) -> None:
    lines = drawn(width).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= 20
    assert "1,234 pages" in drawn(width)


def test_what_holds_the_crawl_back_is_said_to_its_end_in_a_narrow_window() -> None:
    told = (
        "96% of the time was spent waiting for politeness.delay. Lower politeness.delay, or set it for this host alone."
    )
    assert "set it for this host alone." in " ".join(drawn(60, {**NOW, "held_back": told}).split())


def test_the_waits_go_on_in_another_line_where_the_window_is_narrow() -> None:
    waits = {**NOW["waits"], "callback": NOW["waits"]["first byte"], "store": NOW["waits"]["dns"]}
    for width in (40, 200):
        shown = drawn(width, {**NOW, "waits": waits})
        assert all(
            part in shown for part in ("dns 100 ms (3x)", "first byte 100 ms", "callback 100 ms", "store 100 ms")
        )


def test_what_hosts_and_errors_say_cannot_command_the_terminal() -> None:
    evil = "\x1b]0;owned\x07"
    trouble = {**NOW["troubles"][0], "text": evil, "kind": evil}
    shown = drawn(200, {**NOW, "spider": evil, "troubles": [trouble], "hosts": [{**NOW["hosts"][0], "host": evil}]})
    assert "\x1b]" not in shown
    assert shown.count("\\x1b]0;owned") == 4


def test_a_sparkline_has_a_bar_for_each_value() -> None:
    assert sparkline([0, 1, 2, 4]) == "▁▃▅█"
    assert sparkline([]) == sparkline([0, 0]) == ""


def test_the_rest_is_told_only_where_an_end_is_in_sight() -> None:
    assert rest_of({"pages": 100, "waiting": 50}, 10.0) == 5.0
    assert rest_of({"pages": 100, "waiting": 500}, 10.0) is None
    assert rest_of({"pages": 100, "waiting": 50}, 0.0) is None
    assert rest_of({"pages": 3, "waiting": 1}, 10.0) is None


class Slow(Spider):
    name = "slow"

    async def start(self):
        for number in range(30):
            yield Request(f"http://slow.test/{number}")

    def parse(self, response):
        yield {"url": response.url}


def test_a_crawl_of_another_process_is_read_from_its_job_while_it_runs(tmp_path: Path) -> None:
    world = MemoryWorld(Site({"*": Page("x", latency=0.1)}))
    settings = {"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job"), "politeness.delay": 1.0}
    crawler = Crawler(Slow, settings, runtime=world.runtime)
    results: list[Any] = []
    crawler.crawl().addBoth(results.append)
    while crawler.engine is None or crawler.engine.account.pages < 10:
        world.step(crawler)
    now = look_of(tmp_path / "job")
    assert now["state"].startswith("running")
    assert 5 <= now["pages"] <= 10
    assert now["pages"] + now["waiting"] <= 30
    console = Console(file=io.StringIO(), width=100)
    watch_job(tmp_path / "job", console=console)
    assert isinstance(console.file, io.StringIO)
    assert f"{now['pages']} pages" in console.file.getvalue()
    while not results:
        world.step(crawler)
    assert look_of(tmp_path / "job")["pages"] == 30
    assert look_of(tmp_path / "job")["state"] == "finished"


def test_a_job_with_nothing_to_watch_is_told(tmp_path: Path) -> None:
    Job(tmp_path / "job").close()
    with pytest.raises(UsageError, match="noted nothing to watch"):
        look_of(tmp_path / "job")


def crawling(folder: Path, name: str) -> tuple[MemoryWorld, Crawler, list[Any]]:
    """Return a crawl that runs, ten pages far, with its job in *folder*."""
    world = MemoryWorld(Site({"*": Page("x", latency=0.1)}))
    job = {"frontier.store": "sqlite", "frontier.directory": str(folder), "frontier.job": str(folder / "jobs" / name)}
    crawler = Crawler(Slow, {**job, "politeness.delay": 1.0}, runtime=world.runtime)
    results: list[Any] = []
    crawler.crawl().addBoth(results.append)
    while crawler.engine is None or crawler.engine.account.pages < 10:
        world.step(crawler)
    return world, crawler, results


def top(folder: Path, *job: str) -> Result:
    return CliRunner().invoke(command, [*job, "-s", f"frontier.directory={folder}"])


def end(world: MemoryWorld, crawler: Crawler, results: list[Any]) -> None:
    while not results:
        world.step(crawler)


def test_top_shows_the_crawl_that_runs_tells_of_others_and_at_last_how_it_ended(tmp_path: Path) -> None:
    first, second = crawling(tmp_path, "monday"), crawling(tmp_path, "tuesday")
    said = top(tmp_path).output
    assert "slow   running" in said
    assert "tuesday" in said.splitlines()[0]
    assert said.splitlines()[-1] == "running too: monday"
    assert "running too: tuesday" in top(tmp_path, str(tmp_path / "jobs" / "monday")).output
    end(*second)
    assert "monday" in top(tmp_path).output.splitlines()[0]
    end(*first)
    said = top(tmp_path).output
    assert said.startswith(
        ("monday does not run; this is how it ended:", "tuesday does not run; this is how it ended:")
    )
    assert "30 pages" in said


@pytest.mark.parametrize(
    ("job", "error"),
    [
        ((), "there is no job in"),
        (("monday",), "there is no job 'monday' in"),
        (("/none/there",), "there is no job in /none/there"),
    ],
)
def test_top_says_what_there_is_not(job: tuple[str, ...], error: str, tmp_path: Path) -> None:
    answer = top(tmp_path, *job)
    assert error in str(answer.exception)
