"""What a running crawl does, asked for by a signal of the system. Not on by default: name them in ``components.extensions``.

StackTraceDump logs the state of the crawl and the stack of every thread at SIGUSR2 and SIGQUIT; Debugger opens Python's debugger
where the crawl is at SIGUSR2. Both work in the main thread only, and put back what was there when the crawl has ended.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import traceback
from pdb import Pdb
from typing import TYPE_CHECKING, Any, Self

from crawler import signals
from crawler.exceptions import NotConfigured

if TYPE_CHECKING:
    from types import FrameType

    from crawler.crawler import Crawler

logger = logging.getLogger(__name__)


class _OnSignal:
    """Answers the system's signals of the names *asked_by* while *crawler* runs."""

    asked_by: tuple[str, ...] = ()

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._before: dict[int, Any] = {}
        crawler.signals.connect(self._begin, signals.engine_started)
        crawler.signals.connect(self._end, signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Listen while *crawler* runs; left out where the system has none of the signals, and in other threads."""
        if threading.current_thread() is not threading.main_thread() or not any(
            hasattr(signal, name) for name in cls.asked_by
        ):
            raise NotConfigured("signals of the system reach the main thread only")
        return cls(crawler)

    def _begin(self) -> None:
        for name in self.asked_by:
            number = getattr(signal, name, None)
            if number is not None:
                self._before[number] = signal.signal(number, self.answer)

    def _end(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def answer(self, number: int, frame: FrameType | None) -> None:
        """Do what the signal asks for."""
        raise NotImplementedError


class StackTraceDump(_OnSignal):
    """Logs the state of the crawl and the stacks of all threads at SIGUSR2 and SIGQUIT."""

    asked_by = ("SIGUSR2", "SIGQUIT")

    def answer(self, number: int, frame: FrameType | None) -> None:
        """Log what goes on."""
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        stacks = [
            f"# Thread: {names.get(ident, '?')} ({ident})\n{''.join(traceback.format_stack(stack))}"
            for ident, stack in sys._current_frames().items()
        ]
        logger.info("Dumping stack trace and engine status\n%r\n\n%s", self._crawler.engine, "\n".join(stacks))


class Debugger(_OnSignal):
    """Opens Python's debugger at SIGUSR2."""

    asked_by = ("SIGUSR2",)

    def answer(self, number: int, frame: FrameType | None) -> None:
        """Stop where the crawl is."""
        if frame is not None:
            Pdb().set_trace(frame.f_back)
