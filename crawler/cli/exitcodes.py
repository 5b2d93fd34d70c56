"""How a command says how it went."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

# As crawler.extensions.monitors counts what it finds; --help does without importing that.
FAILED = "monitors/failed"

if TYPE_CHECKING:
    from crawler.result import CrawlResult


class ExitCode(IntEnum):
    """The exit codes of all commands; part of the interface, as scripts depend on them."""

    FINISHED = 0
    FAILURES = 1
    USAGE = 2
    NOT_STARTED = 3
    MONITORS = 4
    #: 128 + SIGINT, as shells report a program that Ctrl-C ended.
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What the code says, in a line."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.FINISHED: "finished, also by a limit that was set",
    ExitCode.FAILURES: "finished, but requests failed for good, or code of yours raised",
    ExitCode.USAGE: "not run: a wrong option, spider, setting, argument or output",
    ExitCode.NOT_STARTED: "could not start: a spider or component raised while it was built",
    ExitCode.MONITORS: "finished, but brought less than the monitors ask for",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}

# The reasons of a crawl that could not go on: its output or its job could not be written, nothing could be reached any more, there
# was no memory left, or the engine failed.
_BROKEN = frozenset({"feed_error", "job_error", "unreachable", "out_of_memory", "engine_error", "start_error"})


def of_result(result: CrawlResult) -> ExitCode:
    """Return the code that tells how a crawl ended."""
    if result.interrupted:
        return ExitCode.INTERRUPTED
    if result.reason in _BROKEN:
        return ExitCode.FAILURES
    if result.stats.get(FAILED):
        return ExitCode.MONITORS
    return ExitCode.FAILURES if result.failed else ExitCode.FINISHED
