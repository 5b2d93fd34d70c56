"""The live view of a crawl in a terminal: a screen that is drawn anew, log lines above it, a table at the end.

It is drawn from the crawl's own clock, some times a second; there is no thread. In a low terminal it is one line.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from rich.cells import cell_len
from rich.console import Console
from rich.constrain import Constrain
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType, Segment
from rich.table import Table
from rich.text import Text

from crawler.cli.exitcodes import FAILED
from crawler.cli.screen import Rate, duration, screen, size
from crawler.logs import lines_to

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.interfaces import CrawlSnapshot
    from crawler.result import CrawlResult

# Often enough to look alive, seldom enough to cost nothing beside the crawl.
INTERVAL = 0.5

# Lines of a terminal below which one line is shown, so that the log keeps most of it.
_LOW = 24

# Columns that stay free at the right: a terminal writes ^C where the cursor is, and must not begin a new line for it.
_ROOM = 3


class LiveView:
    """A context in which a crawl can be watched."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._lines = lines_to(self._log, self._aside)
        self._crawler: Crawler | None = None
        self._timer: Any = None
        self._rate = Rate()
        self._shown: Constrain | None = None
        self._width = 0

    def __enter__(self) -> Self:
        self._live.start()
        self._lines.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._lines.__exit__(None, None, None)
        self._live.stop()

    @contextmanager
    def _aside(self) -> Iterator[None]:
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def _log(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)

    def watch(self, crawler: Crawler) -> None:
        """Show the progress of *crawler* from now on."""
        self._crawler = crawler
        self._draw()

    def _draw(self) -> None:
        assert self._crawler is not None  # watch() sets it
        snapshot = self._crawler.snapshot()
        self._rate.note(snapshot.pages, snapshot.items, time.monotonic())
        if self._crawler.engine is None or self._console.height < _LOW:
            drawn: Any = status_line(snapshot, self._rate.pages)
        else:
            drawn = screen(self._crawler.look(), self._rate, width=self._console.width - _ROOM)
        self._forget_what_wraps()
        self._shown, self._width = Constrain(drawn, max(1, self._console.width - _ROOM)), self._console.width
        self._live.update(self._shown, refresh=True)
        self._timer = self._crawler.clock.callLater(INTERVAL, self._draw)

    def _forget_what_wraps(self) -> None:
        """Remove the lines that a narrower window has made of what is shown: whoever draws it anew knows only of its own."""
        width = self._console.width
        if self._shown is None or width >= self._width:
            return
        options = self._console.options.update(width=self._width)
        lines = self._console.render_lines(self._shown, options, pad=False)
        more = sum(max(0, (Segment.get_line_length(line) - 1) // width) for line in lines)
        up = (ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)
        self._console.control(Control(*(up * more)))

    def summary(self, result: CrawlResult, go_on: str = "") -> None:
        """Print the table at the end, with the command that goes on with the crawl."""
        if result.snapshot is not None:
            self._console.print(end_table(result, result.snapshot, go_on))


def status_line(now: CrawlSnapshot, rate: float) -> Text:
    """Return the line that is shown while a crawl runs."""
    line = Text(overflow="ellipsis", no_wrap=True)
    line.append(f" {now.spider} ", style="bold reverse")
    for text, style in (
        (f"{now.pages:,} pages", "bold"),
        (f"{rate:,.0f}/s", ""),
        (f"{now.items:,} items", "bold green"),
        (f"{now.errors:,} errors", "bold red" if now.errors else "dim"),
        (f"{now.waiting:,} waiting", ""),
        (f"{now.in_flight} in flight", ""),
        (f"{now.hosts:,} hosts", ""),
        (duration(now.elapsed), "dim"),
    ):
        line.append("  ")
        line.append(text, style=style)
    if now.state in ("closing", "paused"):
        line.append(f"  {now.state}", style="yellow")
    return line


def end_table(result: CrawlResult, now: CrawlSnapshot, go_on: str = "") -> Table:
    """Return the table that says what a crawl came to, and the command to *go_on* with it."""
    title = f"{now.spider}: {result.reason}"
    # A title that is wider than its table would be wrapped.
    table = Table(
        title=title, title_justify="left", show_header=False, box=None, pad_edge=False, min_width=cell_len(title)
    )
    table.add_column(style="dim")
    table.add_column()
    statuses = "   ".join(f"{status}: {count:,}" for status, count in now.statuses)
    rows = {
        "pages": f"{now.pages:,}   ({now.pages_per_second:,.1f}/s)",
        "items": f"{now.items:,}",
        "errors": f"{now.errors - now.failed:,}",
        "failed": f"{now.failed:,}" if now.failed else "",
        "dropped": f"{now.dropped:,}   {_reasons(result)}",
        "waiting": f"{now.waiting:,}" if now.waiting else "",
        "statuses": statuses,
        "received": size(now.bytes_received),
        "time": duration(now.elapsed),
    }
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    for told in result.stats.get(FAILED, ()):
        table.add_row("[red]monitor[/red]", told)
    for path, items in result.outputs:
        table.add_row(
            "[red]not delivered[/red]" if path in result.undelivered else "written", f"{path}   ({items:,} items)"
        )
    if go_on:
        table.add_row("go on", go_on)
    return table


def _reasons(result: CrawlResult) -> str:
    prefix = "dropped/"
    reasons = {name.removeprefix(prefix): count for name, count in result.stats.items() if name.startswith(prefix)}
    return f"({', '.join(f'{reason} {count:,}' for reason, count in reasons.items())})" if reasons else ""
