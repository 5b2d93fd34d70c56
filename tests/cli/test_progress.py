"""The live view: its line, its rate, the table at the end."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, Group, RenderableType

from crawler.cli.progress import Rate, duration, end_table, size, status_line
from crawler.crawler import CrawlResult
from crawler.interfaces import CrawlSnapshot

NOW = CrawlSnapshot(
    spider="books",
    state="running",
    pages=1234,
    items=1000,
    errors=2,
    dropped=7,
    waiting=56,
    in_flight=16,
    hosts=3,
    elapsed=3723.0,
    bytes_received=5 * 1024 * 1024,
    statuses=((200, 1232), (404, 2)),
)


def rendered(what: RenderableType, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(Group(what))  # as the live view renders it
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_the_line_says_how_far_the_crawl_is() -> None:
    line = rendered(status_line(NOW, 42.4), 200)
    for part in (
        "books",
        "1,234 pages",
        "42/s",
        "1,000 items",
        "2 errors",
        "56 waiting",
        "16 in flight",
        "3 hosts",
        "1:02:03",
    ):
        assert part in line


@pytest.mark.parametrize("width", [60, 80])
def test_the_line_stays_one_line_in_a_narrow_window(width: int) -> None:
    assert len(rendered(status_line(NOW, 42.4), width).splitlines()) == 1


def test_the_table_says_what_a_crawl_came_to() -> None:
    result = CrawlResult("finished", {"dropped/duplicate": 7}, outputs=[("/data/books.jsonl", 1000)])
    table = rendered(end_table(result, NOW), 100)
    for part in (
        "books: finished",
        "1,234",
        "200: 1,232   404: 2",
        "(duplicate 7)",
        "5.0 MiB",
        "/data/books.jsonl   (1,000 items)",
    ):
        assert part in table


def test_the_rate_is_that_of_the_last_seconds() -> None:
    rate = Rate()
    assert rate.of(0, 0.0) == 0.0
    assert rate.of(100, 1.0) == 100.0
    assert rate.of(100, 10.0) == 0.0


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (59.9, "0:00:59"), (3600, "1:00:00")])
def test_durations_read_as_clocks(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 bytes"), (2048, "2.0 KiB"), (3 * 1024**3, "3.0 GiB")])
def test_sizes_read_in_units(count: int, text: str) -> None:
    assert size(count) == text
