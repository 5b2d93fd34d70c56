"""Crawls that cannot begin: told in one line where the user can mend it, and the exit code of a process that nobody minds it in."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from twisted.python.failure import Failure

from crawler.exceptions import UsageError

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

logger = logging.getLogger("crawler.crawler")

# As those of the command line: a mistake in settings and arguments, and code that raised while the crawl was built.
_NOT_RUN, _NOT_STARTED = 2, 3


class Refusals:
    """The crawls of a runner that did not begin."""

    def __init__(self) -> None:
        self._crawls: list[Deferred[Any]] = []

    def note(self, crawling: Deferred[Any], name: str, result: Any) -> None:
        """Note that *crawling*, of the spider *name*, has come to *result* before it began; say so if it is a user's mistake."""
        self._crawls.append(crawling)
        if isinstance(result, Failure) and isinstance(result.value, UsageError):
            logger.error("The crawl of %s cannot begin: %s", name, result.value)

    def end_process(self) -> None:
        """Raise SystemExit if there was a crawl whose error nobody has taken from its Deferred."""
        code = 0
        for crawling in self._crawls:
            failure = getattr(crawling, "result", None)
            if not isinstance(failure, Failure):
                continue
            is_mistake = isinstance(failure.value, UsageError)
            if not is_mistake:
                logger.error("A crawl could not begin:\n%s", failure.getTraceback())
            code = max(code, _NOT_RUN if is_mistake else _NOT_STARTED)
            crawling.addErrback(lambda _: None)  # it has been told: not once more as "Unhandled error in Deferred"
        self._crawls.clear()
        if code:
            raise SystemExit(code)
