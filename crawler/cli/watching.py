"""Watching the job of another process: its screen, drawn anew once a second."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live

from crawler.cli.screen import Rate, screen
from crawler.exceptions import UsageError
from crawler.frontier.jobs import RUNNING, reading, summary_of

if TYPE_CHECKING:
    from rich.console import Group

INTERVAL = 1.0


def watch_job(path: Path, *, once: bool = False, console: Console | None = None) -> None:
    """Show the job in the folder *path* until it no longer runs; only once where *once* or where there is no terminal."""
    console = console or Console(highlight=False)
    rate = Rate()
    if once or not console.is_terminal:
        console.print(_drawn(path, rate, console.width))
        return
    try:
        with Live(_drawn(path, rate, console.width), console=console, screen=True, auto_refresh=False) as live:
            while summary_of(path).state == RUNNING:
                live.update(_drawn(path, rate, console.width), refresh=True)
                time.sleep(INTERVAL)
    except KeyboardInterrupt:
        pass
    console.print(_drawn(path, rate, console.width))


def _drawn(path: Path, rate: Rate, width: int) -> Group:
    now = look_of(path)
    rate.note(now["pages"], now["items"], now["at"])
    return screen(now, rate, width=width)


def look_of(path: Path) -> dict[str, Any]:
    """Return what the crawl whose job is in the folder *path* looked like at most about a second ago."""
    with reading(path) as (_, kept):
        now: dict[str, Any] | None = kept.get("look")
    if now is None:
        raise UsageError(
            f"the job {path.name} was kept by a crawler that noted nothing to watch: see  crawler report {path.name}"
        )
    state = summary_of(path).state
    if state != RUNNING:
        now["state"] = state
    elif now["state"] == RUNNING and (silent := time.time() - now["at"]) > 10:
        now["state"] = f"running, and nothing has ended for {silent:.0f} s"
    return now
