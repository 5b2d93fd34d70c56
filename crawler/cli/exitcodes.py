"""How a command says how it went."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.crawler import CrawlResult


class ExitCode(IntEnum):
    """The exit codes of all commands; part of the interface, as scripts depend on them."""

    FINISHED = 0
    FAILURES = 1
    USAGE = 2
    NOT_STARTED = 3
    #: 128 + SIGINT, as shells report a program that Ctrl-C ended.
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What the code says, in a line."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.FINISHED: "finished, also by a limit that was set",
    ExitCode.FAILURES: "finished, but requests failed for good, or callbacks or pipelines raised",
    ExitCode.USAGE: "not run: a wrong option, or an unknown spider, setting, argument or output",
    ExitCode.NOT_STARTED: "could not start: a spider, middleware or pipeline raised while it was built",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}

# The reason of a crawl whose output could not be written any more.
_FEED_ERROR = "feed_error"


def of_result(result: CrawlResult) -> ExitCode:
    """Return the code that tells how a crawl ended."""
    if result.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILURES if result.failed or result.reason == _FEED_ERROR else ExitCode.FINISHED
