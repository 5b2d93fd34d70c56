"""A terminal for tests: a program in it, what is typed, and what is shown, waited for by what it says."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

_ESCAPES = re.compile(r"\x1b(\[[0-9;?>=]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)|[=>()][0-9A-B]?)")

_BACKSPACES = re.compile(r"[^\x08]?\x08")

CTRL_C, CTRL_D, TAB = "\x03", "\x04", "\t"


class Terminal:
    """The process *command* in a terminal of its own."""

    def __init__(self, command: list[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            command, cwd=cwd, env={**env, "TERM": "xterm"}, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=_take_terminal,
        )  # fmt: skip
        os.close(slave)
        self.shown = ""
        self.is_coloured = False

    def type(self, text: str) -> None:
        """Type *text*."""
        os.write(self._master, text.encode())

    def expect(self, pattern: str, *, within: float = 30.0) -> str:
        """Wait until *pattern* is shown; return what was shown up to its end, and forget it. Escape sequences do not count."""
        until = time.monotonic() + within
        while True:
            found = re.search(pattern, self.shown)
            if found is not None:
                before, self.shown = self.shown[: found.end()], self.shown[found.end() :]
                return before
            ready, _, _ = select.select([self._master], [], [], max(0.0, until - time.monotonic()))
            data = b""
            with contextlib.suppress(OSError):  # the program has ended
                data = os.read(self._master, 65536) if ready else b""
            if not data:
                raise AssertionError(f"{pattern!r} is not shown, but:\n{self.shown!r}")
            self._answer(data)
            self.is_coloured |= b"\x1b[1;3" in data
            self.shown = _ESCAPES.sub("", self.shown + data.decode(errors="replace"))
            self.shown = _BACKSPACES.sub("", self.shown).replace("\r", "").replace("\x07", "")

    def _answer(self, data: bytes) -> None:
        """Answer the question where the cursor is, as terminals do."""
        if b"\x1b[6n" in data:
            os.write(self._master, b"\x1b[1;1R")
        if b"\x1b[c" in data or b"\x1b[0c" in data:
            os.write(self._master, b"\x1b[?62;c")

    def wait(self) -> int:
        """Wait for the end of the program; return its exit code."""
        with contextlib.suppress(AssertionError):
            self.expect("(?!)", within=30)
        return self._process.wait(30)

    def close(self) -> None:
        """End the program if it runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._master)


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # As a terminal's shell has it: tests that run in the background of a script inherit that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def terminal(command: list[str], *, cwd: Path, env: Mapping[str, str]) -> Iterator[Terminal]:
    """Run *command* in a terminal for as long as the block lasts."""
    opened = Terminal(command, cwd=cwd, env=env)
    try:
        yield opened
    finally:
        opened.close()
