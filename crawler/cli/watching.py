"""Watching the job of another process: its screen, drawn anew once a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from crawler.cli.screen import Rate, screen
from crawler.exceptions import UsageError
from crawler.frontier.jobs import RUNNING, reading, state_of

if TYPE_CHECKING:
    from rich.console import Group

INTERVAL = 1.0


def watch_job(path: Path, *, also: Sequence[str] = (), once: bool = False, console: Console | None = None) -> None:
    """Show the job in the folder *path* until it no longer runs; only once where *once* or where there is no terminal.

    *also* are the names of other jobs that run, which are told of.
    """
    console = console or Console(highlight=False)
    rate = Rate()
    if once or not console.is_terminal:
        console.print(_drawn(path, rate, console.width, also))
        return
    try:
        with Live(_drawn(path, rate, console.width, also), console=console, screen=True, auto_refresh=False) as live:
            while is_running(path):
                live.update(_drawn(path, rate, console.width, also), refresh=True)
                time.sleep(INTERVAL)
    except KeyboardInterrupt:
        pass
    console.print(_drawn(path, rate, console.width))


def is_running(path: Path) -> bool:
    """Tell whether the job in the folder *path* runs."""
    with reading(path) as (_, kept):
        return state_of(path, kept) == RUNNING


def _drawn(path: Path, rate: Rate, width: int, also: Sequence[str] = ()) -> Group:
    now = look_of(path)
    rate.note(now["pages"], now["items"], now["at"])
    drawn = screen(now, rate, width=width)
    if also:
        told = Text(f"running too: {', '.join(also)}", style="dim", no_wrap=True, overflow="ellipsis")
        drawn.renderables.append(told)
    return drawn


def look_of(path: Path) -> dict[str, Any]:
    """Return what the crawl whose job is in the folder *path* looked like at most about a second ago."""
    with reading(path) as (_, kept):
        now: dict[str, Any] | None = kept.get("look")
        state = state_of(path, kept)
    if now is None:
        raise UsageError(
            f"the job {path.name} was kept by a crawler that noted nothing to watch: see  crawler report {path.name}"
        )
    if state != RUNNING:
        now["state"] = state
    elif now["state"] == RUNNING and (silent := time.time() - now["at"]) > 10:
        now["state"] = f"running, and nothing has ended for {silent:.0f} s"
    return now
