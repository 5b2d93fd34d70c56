"""MemoryUsage: how much memory the process holds, a warning and an end when that is too much.

The crawl that is ended may be resumed, in a process that begins small. What is measured is what is in use now where the system
tells (Linux), else the most that was ever in use.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from crawler import signals
from crawler.exceptions import NotConfigured
from crawler.extensions.repeating import Repeating
from crawler.mail import MailSender

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.crawler import Crawler

logger = logging.getLogger(__name__)

MiB = 1024 * 1024


def memory_in_use() -> int:
    """Return the bytes of memory that the process holds now."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except OSError:
        return memory_at_most()
    return pages * os.sysconf("SC_PAGE_SIZE")


def memory_at_most() -> int:
    """Return the most bytes of memory that the process has ever held."""
    import resource  # not on every system

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class MemoryUsage:
    """Writes memusage/startup and memusage/max; sends memusage_warning_reached once and ends the crawl as the settings say.

    Where nothing is to be limited, nothing is done while the crawl lasts: the system itself knows the most that was held.
    """

    def __init__(
        self, crawler: Crawler, *, now: Callable[[], int] = memory_in_use, at_most: Callable[[], int] = memory_at_most
    ) -> None:
        memory = crawler.settings.memory
        self._crawler = crawler
        self._now, self._at_most = now, at_most
        self._limit, self._warn_at = memory.limit_mb * MiB, memory.warn_mb * MiB
        self._is_warned = False
        self._mailer = MailSender.from_crawler(crawler) if memory.notify else None
        crawler.signals.connect(self._begin, signals.engine_started)
        crawler.signals.connect(self._end, signals.spider_closed)
        if self._limit or self._warn_at:
            Repeating(crawler, memory.interval, self.look)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from ``settings.memory``; left out where that is switched off or the system does not tell."""
        if not crawler.settings.memory.watch:
            raise NotConfigured
        try:
            memory_at_most()
        except (ImportError, OSError) as error:
            raise NotConfigured("the system does not tell how much memory is in use") from error
        return cls(crawler)

    def _begin(self) -> None:
        self._crawler.stats.set_value("memusage/startup", self._now())

    def _end(self) -> None:
        self._crawler.stats.max_value("memusage/max", self._at_most())

    def look(self) -> None:
        """Note how much is in use now; warn or end the crawl if it is too much."""
        used, stats = self._now(), self._crawler.stats
        stats.max_value("memusage/max", used)
        if self._limit and used > self._limit:
            stats.set_value("memusage/limit_reached", 1)
            logger.error(
                "The process holds %d MB of memory, more than memory.limit_mb = %d", used // MiB, self._limit // MiB
            )
            self._notify("limit", "which ended the crawl", used, self._limit)
            if self._crawler.engine is not None:
                self._crawler.engine.stop("memusage_exceeded")
        elif self._warn_at and used > self._warn_at and not self._is_warned:
            self._is_warned = True
            stats.set_value("memusage/warning_reached", 1)
            logger.warning(
                "The process holds %d MB of memory, more than memory.warn_mb = %d", used // MiB, self._warn_at // MiB
            )
            self._notify("warning", "of which it was to be warned", used, self._warn_at)
            self._crawler.signals.send(signals.memusage_warning_reached)

    def _notify(self, what: str, why: str, used: int, limit: int) -> None:
        """Send mail to whom ``memory.notify`` names; a failure is logged by the mailer."""
        if self._mailer is None:
            return
        self._crawler.stats.set_value(f"memusage/{what}_notified", 1)
        name = self._crawler.spidercls.name
        subject = f"{name}: memory {what} on {socket.gethostname()}"
        body = f"The crawl of {name} holds {used // MiB} MB of memory, more than {limit // MiB} MB, {why}.\n"
        sent = self._mailer.send(self._crawler.settings.memory.notify, subject, body)
        if sent is not None:
            sent.addErrback(lambda _: None)
