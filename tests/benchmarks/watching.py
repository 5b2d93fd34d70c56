"""What does watching cost? The same crawl bare, and watched in each way, in turn; CPU of the crawling process a page.

    python -m tests.benchmarks.watching

    bare         as with --quiet; the waits of each visit are counted, as always
    unnoted      bare, and what counts waits and what holds the crawl back is cut out
    live         the screen of a terminal, on a pty of 120 x 40 columns that is read
    dashboard    --dashboard, and a client that asks for /api/look once a second, as the page does
    all          live and dashboard
    telemetry    OpenTelemetry, every visit traced, to a collector on this machine (needs the extra otel)

Each round runs every kind once, in an order that turns, beside a bare run of its own: a ratio is that of two runs one after the
other, so that what else the machine does hits both. What is printed is the median of the ratios, and how far they spread. The crawl
is that of the demo shop by ``crawler bench``, with a job, as a crawl has it by default. Starting the program is not counted.
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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from crawler.demo.bench import SETTINGS
from crawler.demo.server import serving

WATCHED = ("unnoted", "live", "dashboard", "all", "telemetry")
TOKEN = "watching"

# What the requirement asks of "all" against "bare", and against "unnoted".
MOST = 1.05


def crawl(kind: str, url: str, folder: Path, port: int, collector: str) -> dict[str, float]:
    """In a process of its own: crawl *url* as *kind*; return pages and seconds."""
    from crawler.cli.progress import LiveView
    from crawler.demo.bench import _BenchSpider
    from crawler.running import run_crawl
    from crawler.settings import Settings

    if kind == "unnoted":
        _cut_out()
    values: dict[str, Any] = {**SETTINGS, "frontier.store": "sqlite", "frontier.directory": str(folder / "state")}
    if kind in ("dashboard", "all"):
        values |= {"dashboard.enabled": True, "dashboard.port": port, "dashboard.token": TOKEN}
    if kind == "telemetry":
        values |= {"telemetry.endpoint": collector}
    _BenchSpider.start_urls = [url]
    with LiveView() if kind in ("live", "all") else nullcontext() as view:
        wall, cpu = time.perf_counter(), time.process_time()
        result = run_crawl(_BenchSpider, Settings(values), {}, on_start=view.watch if view is not None else None)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"pages": result.stats["response_received_count"], "wall": wall, "cpu": cpu}


def _cut_out() -> None:
    """Let nothing be counted of where the time goes."""
    from crawler.download import transport
    from crawler.engine.holdback import Holdback
    from crawler.engine.waits import Callbacks, Histogram, Waits

    def nothing(*_: Any, **__: Any) -> None:
        """Do nothing."""

    for owner, name in (
        (Histogram, "add"),
        (Callbacks, "add"),
        (Holdback, "note"),
        (Waits, "add_download"),
        (transport._Exchange, "phases"),
    ):
        setattr(owner, name, nothing)


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
    """Ask the dashboard at *port* once a second, from when it is there; yield the sizes of its answers."""
    over, sizes = threading.Event(), list[int]()

    def poll() -> None:
        while not over.wait(0.1):
            with suppress(OSError, http.client.HTTPException):
                browser = http.client.HTTPConnection("127.0.0.1", port)
                while True:
                    browser.request("GET", "/api/look", headers={"Authorization": f"Bearer {TOKEN}"})
                    sizes.append(len(browser.getresponse().read()))
                    if over.wait(1.0):
                        return

    asking = threading.Thread(target=poll, daemon=True)
    asking.start()
    try:
        yield sizes
    finally:
        over.set()
        asking.join(5)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def run(kind: str, url: str, collector: str) -> dict[str, float]:
    """Run *kind* in a process of its own; return what it took."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = _free_port()
        screen: Any = stack.enter_context(terminal()) if kind in ("live", "all") else subprocess.DEVNULL
        sizes = stack.enter_context(polling(port)) if kind in ("dashboard", "all") else [0]
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.watching",
            "--one",
            kind,
            url,
            str(folder),
            str(port),
            collector,
        ]
        env = {**os.environ, "TERM": "xterm-256color"}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=screen, env=env)
        if not sizes:
            raise SystemExit(f"{kind}: nobody saw the dashboard")
        return dict(json.loads((folder / "result.json").read_text()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--books", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--kind", action="append", default=[], choices=WATCHED, help="may be repeated; by default all")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        kind, url, folder, port, collector = given.one
        took = crawl(kind, url, Path(folder), int(port), collector)
        (Path(folder) / "result.json").write_text(json.dumps(took))
        return
    kinds = given.kind or list(WATCHED)
    ratios: dict[str, list[float]] = {kind: [] for kind in kinds}
    costs: dict[str, list[float]] = {kind: [] for kind in ["bare", *kinds]}
    with ExitStack() as stack:
        url = stack.enter_context(serving(given.books))
        collector = ""
        if "telemetry" in kinds:
            from tests.loopback.collector import collecting

            collector = stack.enter_context(collecting()).url
        for number in range(given.rounds):
            for kind in kinds[number % len(kinds) :] + kinds[: number % len(kinds)]:
                pair = {one: run(one, url, collector) for one in (["bare", kind] if number % 2 else [kind, "bare"])}
                bare, watched = (pair[one]["cpu"] / pair[one]["pages"] for one in ("bare", kind))
                costs["bare"].append(bare)
                costs[kind].append(watched)
                ratios[kind].append(watched / bare)
            shown = "  ".join(f"{kind} {ratios[kind][-1]:.3f}" for kind in kinds)
            print(f"  round {number + 1}: {shown}", flush=True)
    print(f"\n{'':10}{'CPU ms a page':>15}{'ratio to bare':>15}{'from':>8}{'to':>8}")
    print(f"{'bare':10}{statistics.median(costs['bare']) * 1e3:15.3f}{1:15.3f}")
    for kind in kinds:
        spread = sorted(ratios[kind])
        cost = statistics.median(costs[kind]) * 1e3
        print(f"{kind:10}{cost:15.3f}{statistics.median(spread):15.3f}{spread[0]:8.3f}{spread[-1]:8.3f}")
    if "all" in kinds and "unnoted" in kinds:
        ratio = statistics.median(ratios["all"]) / statistics.median(ratios["unnoted"])
        print(f"all, against a crawl of which nothing is noted: {ratio:.3f} (wanted: at most {MOST})")


if __name__ == "__main__":
    main()
