"""The log lines of the account: our own, or those of the project's formatter (``components.log_formatter``).

A formatter may return any level, so it is always asked; without one nothing is formatted while DEBUG lines are off.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.python.failure import Failure

from crawler.exceptions import SpiderError, describe

if TYPE_CHECKING:
    from crawler.http import Request, Response

logger = logging.getLogger("crawler.engine.account")

#: The place of an error that came through no code of the spider's.
UNKNOWN = "?"


class Lines:
    """Writes the lines about pages, items and errors of *spider*'s crawl."""

    def __init__(self, spider: Any) -> None:
        self._spider = spider
        self._extra = {"spider": spider}

    def is_told(self) -> bool:
        """Tell whether a line about a page or an item would be read."""
        return logger.isEnabledFor(logging.DEBUG)

    def crawled(self, request: Request, response: Response) -> None:
        """A response has come."""
        logger.debug("Crawled (%d) %s", response.status, request, extra=self._extra)

    def scraped(self, item: Any, response: Response | None) -> None:
        """An item has passed the pipelines."""
        logger.debug("Scraped from %s\n%s", response, item, extra=self._extra)

    def dropped(self, item: Any, error: Exception, response: Response | None, level: int) -> None:
        """A pipeline dropped *item*."""
        logger.log(level, "Dropped: %s (%s)", error, response, extra=self._extra)

    def item_error(self, item: Any, error: BaseException, response: Response | None) -> None:
        """A pipeline failed on *item*."""
        logger.error("Error processing %r (%s)", item, response, exc_info=error, extra=self._extra)

    def spider_error(self, error: BaseException, request: Request, response: Response | None, where: str) -> None:
        """A callback raised *error*, *where* in the spider."""
        referer = request.headers.get("Referer") if request.has_headers else None
        place = (request, referer.decode("latin-1") if referer else None, where)
        if where == UNKNOWN and _was_never_called(error):
            logger.error("Spider error processing %s (referer: %s): %s", *place[:2], describe(error), extra=self._extra)
        elif isinstance(error, SpiderError):  # it says itself what to write instead
            logger.error("Spider error processing %s (referer: %s), at %s: %s", *place, error, extra=self._extra)
        else:
            logger.error(
                "Spider error processing %s (referer: %s), at %s", *place, exc_info=of_user(error), extra=self._extra
            )

    def download_error(self, request: Request, error: BaseException) -> None:
        """A request failed for good."""
        logger.error("Error downloading %s: %s", request, describe(error), extra=self._extra)


class FormattedLines(Lines):
    """Writes what *formatter* makes of them."""

    def __init__(self, spider: Any, formatter: Any) -> None:
        super().__init__(spider)
        self._formatter = formatter

    def is_told(self) -> bool:
        """Always: only the formatter knows at which level its line is."""
        return True

    def _write(self, error: BaseException | None, make: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        try:
            line = make(*args, **kwargs)
            if line is None:
                return
            logger.log(
                line.get("level", logging.INFO),
                line.get("msg") or "",
                line.get("args") or line,
                exc_info=error,
                extra=self._extra,
            )
        except Exception:  # a page is worth more than the line about it
            logger.exception("Error in %s of %s", getattr(make, "__name__", make), self._formatter, extra=self._extra)

    def crawled(self, request: Request, response: Response) -> None:
        """See the base class."""
        self._write(None, self._formatter.crawled, request, response, self._spider)

    def scraped(self, item: Any, response: Response | None) -> None:
        """See the base class."""
        self._write(None, self._formatter.scraped, item, response, self._spider)

    def dropped(self, item: Any, error: Exception, response: Response | None, level: int) -> None:
        """See the base class. The formatter has the level from the exception or the settings itself."""
        self._write(None, self._formatter.dropped, item, error, response, self._spider)

    def item_error(self, item: Any, error: BaseException, response: Response | None) -> None:
        """See the base class."""
        self._write(error, self._formatter.item_error, item, error, response, self._spider)

    def spider_error(self, error: BaseException, request: Request, response: Response | None, where: str) -> None:
        """See the base class."""
        self._write(of_user(error), self._formatter.spider_error, Failure(error), request, response, self._spider)

    def download_error(self, request: Request, error: BaseException) -> None:
        """See the base class."""
        told = describe(error)
        self._write(None, self._formatter.download_error, Failure(error), request, self._spider, told)


# Where a callback is called that does not take what it is given, and the one that stands for a parse that is not there.
_CALLERS = frozenset({"crawler.engine.scrape", "crawler.spiders.spider"})


def _was_never_called(error: BaseException) -> bool:
    """Tell whether *error* is that a callback could not be called: its message says it all, and no code of the user's ran."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    is_kind = isinstance(error, TypeError | NotImplementedError)
    return is_kind and frame is not None and frame.tb_frame.f_globals.get("__name__") in _CALLERS


# What calls a callback: the engine, and what drives coroutines.
_NOT_OF_USER = frozenset({"crawler", "twisted", "asyncio"})


def of_user(error: BaseException) -> BaseException:
    """Return *error* with a traceback that begins in the user's code: how it was called is always the same."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_globals.get("__name__", "").partition(".")[0] in _NOT_OF_USER:
        frame = frame.tb_next
    return error.with_traceback(frame) if frame is not None else error
