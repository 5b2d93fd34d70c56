"""The live view in a real terminal, tmux, which knows how a window wraps, is resized and is pressed Ctrl-C in."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crawler.demo.server import serving
from tests.loopback.killing import ROOT, project

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

TOP = re.compile(r"^ books  +running  +\d:\d\d:\d\d", re.MULTILINE)


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(400) as url:
        yield url


class Window:
    """A window of tmux of its own, in which a command runs."""

    def __init__(self, folder: Path, command: str, width: int, height: int) -> None:
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
        script = f"{command}; echo exit code $?; sleep 300"
        size = ["-x", str(width), "-y", str(height)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
        for name in ("NO_COLOR", "TMUX", "COLUMNS", "LINES"):
            environment.pop(name, None)
        subprocess.run(
            [*self._tmux, "new-session", "-d", *size, script], cwd=folder, env=environment, check=True, timeout=30
        )

    def ask(self, *command: str) -> str:
        """Return what a command of tmux says."""
        return subprocess.run([*self._tmux, *command], capture_output=True, text=True, timeout=30).stdout

    def shown(self) -> str:
        """Return what the window shows."""
        return self.ask("capture-pane", "-p")

    def expect(self, is_so: Callable[[str], object], within: float = 20.0) -> str:
        """Wait until it *is_so* of what is shown; return that."""
        until = time.monotonic() + within
        while not is_so(shown := self.shown()):
            assert time.monotonic() < until, shown
            time.sleep(0.1)
        return shown


@contextmanager
def crawling(
    folder: Path, shop: str, *options: str, width: int = 80, height: int = 30, env: str = ""
) -> Iterator[Window]:
    """Crawl in a window for as long as the block lasts."""
    slow = ["-s", 'politeness.hosts={"127.0.0.1": {"delay": 0.2, "concurrency": 1}}', "-L", "WARNING"]
    command = [sys.executable, "-m", "crawler", "crawl", "books", "-a", f"site={shop}", *slow, *options]
    window = Window(project(folder), f"{env} {shlex.join(command)}", width, height)
    try:
        yield window
    finally:
        window.ask("kill-server")


def pages_in(shown: str) -> bool:
    return bool(re.search(r"^[1-9]\d* pages", shown, re.MULTILINE))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_view_is_one_screen_that_keeps_to_the_width_of_the_terminal(width: int, shop: str, tmp_path: Path) -> None:
    with crawling(tmp_path, shop, width=width, env="NO_COLOR=1") as window:
        shown = window.expect(lambda shown: pages_in(shown) and "politeness.delay" in shown)
        assert len(TOP.findall(shown)) == 1
        lines = [line for line in shown.splitlines() if line]
        assert len(lines) <= 24
        for part in ("done", "in flight", "waiting", "200: ", "host  ", "delay", "wire"):
            assert part in shown
        # What helps is said to its end, however narrow the window.
        assert "if the site may be asked more often." in " ".join(shown.split())


def test_a_window_that_is_resized_holds_one_view_and_no_rest_of_another(shop: str, tmp_path: Path) -> None:
    with crawling(tmp_path, shop, width=120, env="seq 60;") as window:  # at the bottom, as after some log lines
        window.expect(pages_in)
        for width in (60, 100, 50):
            window.ask("resize-window", "-x", str(width), "-y", "30")
            before = re.findall(r"(\d+) pages", window.shown())
            shown = window.expect(lambda shown, before=before: re.findall(r"(\d+) pages", shown) != before)  # type: ignore[misc]
            assert len(TOP.findall(window.expect(lambda shown: len(TOP.findall(shown)) == 1, within=60))) == 1, shown


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_the_crawl_and_leaves_the_table_alone(times: int, shop: str, tmp_path: Path) -> None:
    with crawling(tmp_path, shop) as window:
        window.expect(pages_in)
        for _ in range(times):
            window.ask("send-keys", "C-c")
        shown = window.expect(lambda shown: "exit code" in shown)
        assert "exit code 130" in shown
        assert "books: shutdown" in shown
        assert not TOP.search(shown)


def test_a_very_small_window_has_one_line(shop: str, tmp_path: Path) -> None:
    with crawling(tmp_path, shop, "-L", "ERROR", width=20, height=5) as window:
        shown = window.expect(lambda shown: re.search(r"^ books  +[1-9]\d* pages", shown, re.MULTILINE))
        assert len([line for line in shown.splitlines() if line]) == 1


@pytest.mark.parametrize(
    ("options", "env", "table"),
    [(("--no-progress", "-L", "INFO"), "", False), (("-q",), "", False), (("-L", "INFO"), "TERM=dumb", True)],
)
def test_without_a_view_there_are_plain_lines(
    options: tuple[str, ...], env: str, table: bool, shop: str, tmp_path: Path
) -> None:
    with crawling(tmp_path, shop, "-s", "crawl.max_pages=3", *options, env=env) as window:
        shown = window.expect(lambda shown: "exit code 0" in shown)
        assert not TOP.search(shown)
        assert ("books: closespider_pagecount" in shown) == table
        assert ("Closing spider" in shown) == ("-q" not in options)
