"""The live view: its line, its rate, the table at the end."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.console import Console, Group, RenderableType
from rich.segment import Segment

from crawler.cli.progress import LiveView, end_table, status_line
from crawler.cli.screen import Rate, duration, size
from crawler.crawler import Crawler
from crawler.interfaces import CrawlSnapshot
from crawler.logs import configure_logging, silence_logging
from crawler.result import CrawlResult
from crawler.settings import Settings
from crawler.spiders import Spider
from crawler.testing import MemoryWorld, Page, Site

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


@pytest.mark.parametrize(("state", "told"), [("running", False), ("closing", True), ("paused", True)])
def test_the_line_says_when_the_crawl_is_on_its_way_out(state: str, told: bool) -> None:
    assert (state in rendered(status_line(replace(NOW, state=state), 0), 200)) is told


def test_errors_are_seen_by_their_colour() -> None:
    def style_of(errors: int) -> set[str]:
        line = status_line(replace(NOW, errors=errors), 0)
        return {str(span.style) for span in line.spans if "errors" in line.plain[span.start : span.end]}

    assert (style_of(0), style_of(1)) == ({"dim"}, {"bold red"})


def test_the_table_leaves_out_what_there_is_nothing_to_say_of() -> None:
    table = rendered(end_table(CrawlResult("finished", {}), replace(NOW, waiting=0, statuses=())), 100)
    assert not any(word in table for word in ("waiting", "statuses", "written"))
    assert "waiting" in rendered(end_table(CrawlResult("shutdown", {}), NOW), 100)


def test_the_table_does_not_say_of_what_was_not_delivered_that_it_was_written() -> None:
    outputs = [("ftp://a.test/items.jsonl", 5), ("/tmp/items.jsonl", 5)]
    result = CrawlResult("feed_error", {}, outputs=outputs, undelivered=["ftp://a.test/items.jsonl"])
    told = [" ".join(line.split()) for line in rendered(end_table(result, NOW), 100).splitlines()]
    assert told[-2:] == ["not delivered ftp://a.test/items.jsonl (5 items)", "written /tmp/items.jsonl (5 items)"]


class Pages(Spider):
    name = "pages"
    start_urls = ["http://site.test/"]

    def parse(self, response):
        self.logger.info("[bold]seen[/bold] %s", response.url)
        yield {"url": response.url}


@pytest.fixture
def logging_as_in_a_terminal() -> Iterator[None]:
    """Log as the command line does; leave logging as it was."""
    loggers = [logging.root, *map(logging.getLogger, ("twisted", "asyncio", "urllib3"))]
    levels = [logger.level for logger in loggers]
    configure_logging(Settings({"log.format": "%(message)s"}).log)
    yield
    silence_logging()
    logging.captureWarnings(False)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.mark.usefixtures("logging_as_in_a_terminal")
def test_the_view_shows_lines_above_and_a_table_at_the_end() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    world = MemoryWorld(Site({"/": Page("x", latency=1.0)}))
    crawler = Crawler(Pages, {"politeness.obey_robots": False}, runtime=world.runtime)
    with LiveView(console) as live:
        live.watch(crawler)
        live.summary(world.run(crawler))
    told = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "0 pages" in told
    assert "1 in flight" in told
    assert "[bold]seen[/bold] http://site.test/" in told
    assert "pages: finished" in told
    assert world.clock.getDelayedCalls() == []


@pytest.mark.usefixtures("logging_as_in_a_terminal")
def test_a_narrower_window_leaves_nothing_of_the_wider_view() -> None:
    console = Console(file=io.StringIO(), width=120, height=30, force_terminal=True)
    world = MemoryWorld(Site({"/": Page("x", latency=1.0)}))
    crawler = Crawler(Pages, {"politeness.obey_robots": False}, runtime=world.runtime)
    with LiveView(console) as live:
        live.watch(crawler)
        crawler.crawl()
        live._draw()
        file = console.file
        assert isinstance(file, io.StringIO)
        wide = console.render_lines(live._shown, console.options.update(width=120), pad=False)
        rows = sum(-(-max(1, Segment.get_line_length(line)) // 60) for line in wide)
        file.seek(0)
        file.truncate()
        console.width = 60
        live._draw()
        # As many lines as the terminal has made of what was shown, but the one where the cursor is.
        assert file.getvalue().count("\x1b[1A") == rows - 1 > len(wide) - 1
        assert max(map(Segment.get_line_length, console.render_lines(live._shown, pad=False))) <= 57


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


def test_the_table_tells_errors_and_failed_requests_apart_as_the_live_view_does() -> None:
    lines = rendered(end_table(CrawlResult("finished", {}), replace(NOW, errors=5, failed=2)), 100).splitlines()
    assert {tuple(line.split()) for line in lines} >= {("errors", "3"), ("failed", "2")}


def test_the_rate_is_that_of_the_last_seconds() -> None:
    rate = Rate()
    for now, pages in ((0.0, 0), (1.0, 10), (100.0, 1000), (102.0, 1200)):
        rate.note(pages, pages // 2, now)
    assert (rate.pages, rate.items) == (100.0, 50.0)


def test_a_rate_of_one_moment_is_none() -> None:
    rate = Rate()
    rate.note(5, 5, 1.0)
    assert (rate.pages, rate.items) == (0.0, 0.0)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (59.9, "0:00:59"), (3600, "1:00:00")])
def test_durations_read_as_clocks(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 bytes"), (2048, "2.0 KiB"), (3 * 1024**3, "3.0 GiB")])
def test_sizes_read_in_units(count: int, text: str) -> None:
    assert size(count) == text
