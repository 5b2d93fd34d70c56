"""What does watching cost? One crawl that is watched and not watched in turn; CPU of the crawling process a page.

    python -m tests.benchmarks.watching

    unnoted      nobody watches, and what counts waits and what holds the crawl back is cut out
    bare         nobody watches; waits are counted, as always
    live         the screen of a terminal, on a pty of 120 x 40 columns that is read
    dashboard    the dashboard, and a client that asks for /api/look once a second, as its page does
    all          live and dashboard

Beside the whole CPU of each way stands what was spent in drawing, sampling and answering themselves: that can be told from noise.
What is done for every item is in the whole only: reading the clock of a thread there costs more than what is done.

The crawl is that of the demo shop by ``crawler bench``, with a job. Every few seconds it goes on in another way, forwards and
backwards through the list, so that each way has its share of the shop and of what else the machine does. On a machine that others
use the same crawl differs by a tenth from one run to the next, which is more than what is to be seen here.
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import json
import os
import pty
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from crawler import signals
from crawler.cli.progress import LiveView
from crawler.demo.bench import SETTINGS, _BenchSpider
from crawler.demo.server import serving
from crawler.download.phases import Phases, Stopwatch
from crawler.engine.holdback import Holdback
from crawler.engine.waits import Callbacks, Waits
from crawler.extensions.dashboard import Dashboard, server
from crawler.running import run_crawl
from crawler.settings import Settings

KINDS = ("unnoted", "bare", "live", "dashboard", "all")
TOKEN = "watching"

#: CPU seconds of a page in each turn by kind: in all, and of the watching itself.
Costs = tuple[dict[str, list[float]], dict[str, list[float]]]

# What is asked of "all" against "unnoted".
MOST = 1.05

# Connections and caches settle.
WARM_UP = 3.0

# A port is closed, and a poll that was on its way is over.
_BETWEEN = 0.1

_NOTHING = Phases()
_NOTES: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (Waits, "add_visit", lambda *_, **__: None),
    (Callbacks, "add", lambda *_: None),
    (Holdback, "note", lambda *_: None),
    (Stopwatch, "phases", lambda _: _NOTHING),
)


class Watching:
    """Takes turns with the ways of watching *crawler*, each for so many *seconds*, and measures them."""

    def __init__(self, crawler: Any, kinds: list[str], *, seconds: float, port: int) -> None:
        self._crawler = crawler
        self._turns = [*kinds, *reversed(kinds)]
        self._seconds = seconds
        self._turn = 0
        self._view: LiveView | None = None
        self._dashboard = Dashboard(crawler, host="127.0.0.1", port=port, token=TOKEN)
        self._notes = [(owner, name, getattr(owner, name), nothing) for owner, name, nothing in _NOTES]
        self._spent = 0.0
        self._timed()
        self.costs: dict[str, list[float]] = {kind: [] for kind in kinds}
        self.direct: dict[str, list[float]] = {kind: [] for kind in kinds}

    def _timed(self) -> None:
        """Let what watches count its own time."""

        def timed(function: Callable[..., Any]) -> Callable[..., Any]:
            def timing(*args: Any, **named: Any) -> Any:
                began = time.thread_time()
                try:
                    return function(*args, **named)
                finally:
                    self._spent += time.thread_time() - began

            return timing

        for owner, name in (
            (LiveView, "_draw"),
            (Dashboard, "_sample"),
            (server._Root, "render"),
        ):
            setattr(owner, name, timed(getattr(owner, name)))

    def begin(self) -> None:
        """Begin the next turn."""
        kind = self._turns[self._turn % len(self._turns)]
        self._turn += 1
        if kind == "unnoted":
            for owner, name, _, nothing in self._notes:
                setattr(owner, name, nothing)
        if kind in ("live", "all"):
            self._view = LiveView().__enter__()
            self._view.watch(self._crawler)
        if kind in ("dashboard", "all"):
            self._crawler.signals.connect(self._dashboard.item_scraped, signals.item_scraped)
            self._dashboard.engine_started()
        self._spent = 0.0
        self._crawler.clock.callLater(self._seconds, self._end, kind, time.process_time(), self._pages())

    def _pages(self) -> int:
        return int(self._crawler.engine.account.pages)

    def _end(self, kind: str, cpu: float, pages: int) -> None:
        if self._crawler.engine.state == "running":
            pages = self._pages() - pages
            self.costs[kind].append((time.process_time() - cpu) / pages)
            self.direct[kind].append(self._spent / pages)
        for owner, name, noting, _ in self._notes:
            setattr(owner, name, noting)
        if self._view is not None:
            self._view.__exit__()
            self._view = None
        if kind in ("dashboard", "all"):
            self._crawler.signals.disconnect(self._dashboard.item_scraped, signals.item_scraped)
            self._dashboard.engine_stopped()
        if self._crawler.engine.state == "running":
            self._crawler.clock.callLater(_BETWEEN, self.begin)


def crawl(url: str, kinds: list[str], seconds: float, folder: Path, port: int) -> Costs:
    """In a process of its own: crawl *url*; return the CPU seconds of a page in each turn by kind, in all and of the watching."""
    found: list[Watching] = []

    def on_start(crawler: Any) -> None:
        found.append(Watching(crawler, kinds, seconds=seconds, port=port))
        crawler.clock.callLater(WARM_UP, found[0].begin)

    _BenchSpider.start_urls = [url]
    values = {**SETTINGS, "frontier.store": "sqlite", "frontier.directory": str(folder / "state")}
    run_crawl(_BenchSpider, Settings(values), {}, on_start=on_start)
    return found[0].costs, found[0].direct


@contextmanager
def terminal() -> Iterator[int]:
    """Yield a terminal that is read as fast as it is written to."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def read() -> None:
        with suppress(OSError):
            while os.read(ours, 65536):
                pass

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reading.join(5)
        os.close(ours)


@contextmanager
def polling(port: int) -> Iterator[list[int]]:
    """Ask the dashboard at *port* once a second whenever it is there; yield the sizes of its answers."""
    over, sizes = threading.Event(), list[int]()

    def poll() -> None:
        while not over.wait(0.05):
            browser = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with suppress(OSError, http.client.HTTPException), closing(browser):
                browser.request("GET", "/api/look", headers={"Authorization": f"Bearer {TOKEN}"})
                sizes.append(len(browser.getresponse().read()))
                over.wait(1.0)

    asking = threading.Thread(target=poll, daemon=True)
    asking.start()
    try:
        yield sizes
    finally:
        over.set()
        asking.join(10)


def measure(url: str, kinds: list[str], seconds: float) -> tuple[Costs, int]:
    """Return the costs of one crawl, and how often the dashboard was asked."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        screen = stack.enter_context(terminal())
        sizes = stack.enter_context(polling(port))
        given = [url, ",".join(kinds), str(seconds), str(folder), str(port)]
        command = [sys.executable, "-m", "tests.benchmarks.watching", "--one", *given]
        env = {**os.environ, "TERM": "xterm-256color"}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=screen, env=env)
        return json.loads((folder / "costs.json").read_text()), len(sizes)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--books", type=int, default=40_000)
    parser.add_argument("--crawls", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn")
    parser.add_argument("--kind", action="append", default=[], choices=KINDS, help="may be repeated; by default all")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        url, kinds, seconds, folder, port = given.one
        costs = crawl(url, kinds.split(","), float(seconds), Path(folder), int(port))
        (Path(folder) / "costs.json").write_text(json.dumps(costs))
        return
    kinds = [kind for kind in KINDS if not given.kind or kind in given.kind]
    every: dict[str, list[float]] = {kind: [] for kind in kinds}
    watching: dict[str, list[float]] = {kind: [] for kind in kinds}
    with serving(given.books) as url:
        for number in range(given.crawls):
            (costs, direct), asked = measure(url, kinds, given.seconds)
            for kind, turns in costs.items():
                every[kind] += turns
                watching[kind] += direct[kind]
            shown = "  ".join(f"{kind} {statistics.median(turns) * 1e3:.3f}" for kind, turns in costs.items())
            print(f"  crawl {number + 1}: {shown} ms (the dashboard was asked {asked} times)", flush=True)
    first = statistics.median(every[kinds[0]])
    print(
        f"\n{'':10}{'turns':>7}{'CPU ms a page':>15}{'to ' + kinds[0]:>12}{'quarter to quarter':>22}{'watching itself':>22}"
    )
    for kind, turns in every.items():
        low, cost, high = statistics.quantiles(turns, n=4)
        print(
            f"{kind:10}{len(turns):7}{cost * 1e3:15.3f}{cost / first:12.3f}{low * 1e3:14.3f} - {high * 1e3:.3f}", end=""
        )
        spent = statistics.mean(watching[kind])
        print(f"{spent * 1e3:12.4f} = {spent / cost:5.1%}")
    if kinds[0] == "unnoted" and "all" in kinds:
        print(f"all to unnoted is to be at most {MOST}")


if __name__ == "__main__":
    main()
