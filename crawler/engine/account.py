"""The account of a crawl: what happened, counted once and told to log, statistics and signals.

Every way in which a request, a response or an item can go is one method here, so that the numbers, the log lines and the
signals cannot disagree. Names of statistics and signals are Scrapy's; ``dropped/<reason>`` is ours, one for each reason.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from twisted.python.failure import Failure

from crawler import signals
from crawler.engine.admission import DUPLICATE, OFFSITE, ROBOTS, URL_LENGTH
from crawler.engine.itemshape import invalid_item
from crawler.engine.lines import UNKNOWN, Lines, of_user
from crawler.engine.scrape import default_callback, qualified_name
from crawler.exceptions import (
    CloseSpider,
    DropItem,
    IgnoreRequest,
    InvalidItem,
    InvalidOutputError,
    NotStorableError,
    SpiderError,
    describe,
)
from crawler.url import host_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from crawler.engine.watch import Watch
    from crawler.frontier import Visit
    from crawler.http import Request, Response
    from crawler.signals import SignalManager
    from crawler.stats import StatsCollector

logger = logging.getLogger(__name__)

# The names that Scrapy has for some of our ``dropped/<reason>``.
_NAMED_BY_SCRAPY = {
    DUPLICATE: "dupefilter/filtered",
    OFFSITE: "offsite/filtered",
    ROBOTS: "robotstxt/forbidden",
    URL_LENGTH: "urllength/request_ignored_count",
}

# Hosts outside of the spider's domains are counted up to this many: a page full of made-up hosts must not fill the memory.
MOST_HOSTS = 10_000


class Account:
    """Counts pages, items and errors of *spider*'s crawl, and tells who listens."""

    def __init__(
        self,
        spider: Any,
        stats: StatsCollector,
        signal_manager: SignalManager,
        watch: Watch,
        *,
        now: Callable[[], float],
        lines: Lines | None = None,
    ) -> None:
        self._spider = spider
        self._lines = lines or Lines(spider)
        self._is_told = self._lines.is_told
        self._troubles, self._profile = watch.troubles, watch.profile
        self._refused_items, self._first_dropped = watch.refused_items, watch.first_dropped
        self._now = now
        self._stats = stats
        self._signals = signal_manager
        self._dropped_receivers = signal_manager.receivers(signals.request_dropped)
        self._response_receivers = signal_manager.receivers(signals.response_received)
        self._item_receivers = signal_manager.receivers(signals.item_scraped)
        self._extra = {"spider": spider}
        self._invalid_fields: set[str] = set()
        self._offsite: set[str] = set()
        self._deepest = 0
        self._drop_level = _level(spider.settings.log.dropped_level)
        self.pages = 0
        self.items = 0
        self.errors = 0
        self.dropped = 0

    # Hot: once per response.
    def page(self, request: Request, response: Response) -> None:
        """A response has come that a callback will see."""
        self.pages += 1
        self._stats.inc_value("response_received_count")
        if self._response_receivers:
            self._signals.send(signals.response_received, response=response, request=request, spider=self._spider)
        if self._is_told():
            self._lines.crawled(request, response)

    # Hot: once per link.
    def request_dropped(self, request: Request, reason: str) -> None:
        """A request ends without a response, for *reason*."""
        self.dropped += 1
        self._stats.inc_value(f"dropped/{reason}")
        if reason not in self._first_dropped:
            self._first_dropped[reason] = request.url
        named = _NAMED_BY_SCRAPY.get(reason)
        if named is not None:
            self._stats.inc_value(named)
            if reason == OFFSITE:
                self._note_offsite(host_key(request.url))
        if self._dropped_receivers:
            self._signals.send(signals.request_dropped, request=request, spider=self._spider, reason=reason)

    def _note_offsite(self, host: str) -> None:
        if len(self._offsite) < MOST_HOSTS and host not in self._offsite:
            self._offsite.add(host)
            self._stats.inc_value("offsite/domains")

    # Hot: once per link that is new.
    def request_scheduled(self, depth: int) -> None:
        """A request of *depth* has been taken into the frontier."""
        self._stats.inc_value("scheduler/enqueued")
        if depth > self._deepest:
            self._deepest = depth
            self._stats.set_value("request_depth_max", depth)

    # Hot: once per request.
    def request_begun(self) -> None:
        """A request has left the frontier."""
        self._stats.inc_value("scheduler/dequeued")

    def request_failed(self, request: Request, error: BaseException) -> None:
        """A request ends with *error*, and no errback wants to know."""
        if isinstance(error, IgnoreRequest):
            logger.info("Ignoring %s: %s", request, error, extra=self._extra)
        else:
            self._lines.download_error(request, error)
            self._note(error, host_key(request.url), request.url)

    def status_ignored(self, status: int) -> None:
        """A response was not given to a callback because of its status."""
        self._stats.inc_value("httperror/response_ignored_count")
        self._stats.inc_value(f"httperror/response_ignored_status_count/{status}")

    def spider_error(self, error: BaseException, request: Request, response: Response | None) -> str:
        """A callback or errback raised *error*. pydantic's ValidationError is about an item, which is dropped for it.

        Return what to say of it.
        """
        invalid = invalid_item(error)
        if invalid is not None:
            self._let_run(self.item_refused(invalid, invalid.item, response))
            logger.log(
                self._level_of("(callback)"),
                "%s ended with the invalid item, and what it would have yielded after it is not known; "
                "where it yields dictionaries and the spider has an item_type it goes on",
                spider_line(error, self._spider),
                extra=self._extra,
            )
            return f"ended with an item that was dropped: {invalid}"
        where = spider_line(error, self._spider)
        self._lines.spider_error(error, request, response, where)
        self._count_error(type(error).__name__)
        self._note(error, where, request.url)
        self._signals.send(signals.spider_error, failure=Failure(error), response=response, spider=self._spider)
        return f"raised {describe(error)}{f', at {where}' if where != UNKNOWN else ''}"

    def output_refused(self, output: Any, visit: Visit) -> str:
        """A callback yielded something that is neither a request nor an item, or an item that is not what was declared.

        Return what to say of it.
        """
        if isinstance(output, InvalidItem):
            self._let_run(self.item_refused(output, output.item, output.response))
            return f"an item was dropped: {output}"
        callback = visit.request.callback or default_callback(self._spider)
        told = f"{qualified_name(callback)} yielded {output!r} of type {type(output).__name__}"
        error = InvalidOutputError(
            f"{told}; yield a Request, a dict, an Item, a dataclass, an attrs or a pydantic object, or None"
        )
        logger.error("Spider error processing %s: %s", visit.request, error, extra=self._extra)
        self._count_error("InvalidOutputError")
        self._note(error, qualified_name(callback), visit.request.url)
        return told

    def request_refused(self, error: NotStorableError, visit: Visit) -> str:
        """A callback yielded a request that cannot be kept with the job. Return what to say of it."""
        callback = visit.request.callback or default_callback(self._spider)
        logger.error(
            "Spider error processing %s, in %s: %s", visit.request, qualified_name(callback), error, extra=self._extra
        )
        self._count_error("NotStorableError")
        self._note(error, qualified_name(callback), visit.request.url)
        return f"{qualified_name(callback)} yielded a request that cannot be kept: {error}"

    def restore(self, stats: StatsCollector, *, items: int) -> None:
        """Go on from the statistics of an earlier process, whose committed visits brought *items*."""
        self.pages = stats.get_value("response_received_count", 0)
        self.items = items
        stats.set_value("item_scraped_count", items)
        self.errors = stats.get_value("spider_exceptions/count", 0) + stats.get_value("item_error_count", 0)
        self._deepest = stats.get_value("request_depth_max", 0)
        self.dropped = sum(count for name, count in stats.get_stats().items() if name.startswith("dropped/"))

    def start_failed(self, error: BaseException) -> None:
        """What the crawl starts with raised *error*."""
        where = spider_line(error, self._spider)
        what = "Error while reading what the crawl starts with"
        if isinstance(error, SpiderError):  # it says itself what to write instead
            logger.error("%s%s: %s", what, "" if where == UNKNOWN else f", at {where}", error, extra=self._extra)
        else:
            logger.error(what, exc_info=of_user(error), extra=self._extra)
        self._stats.inc_value("start/errors")
        self._note(error, where, "")

    def _note(self, error: BaseException, where: str, url: str) -> None:
        self._troubles.add(type(error).__name__, where, str(error), url, self._now())

    def _count_error(self, name: str) -> None:
        self.errors += 1
        self._stats.inc_value("spider_exceptions/count")
        self._stats.inc_value(f"spider_exceptions/{name}")

    # Hot: once per item.
    def item_scraped(self, item: Any, response: Response | None) -> list[Any]:
        """An item has passed the pipelines; return what handlers returned."""
        self.items += 1
        self._stats.inc_value("item_scraped_count")
        self._profile.add(item)
        if self._is_told():
            self._lines.scraped(item, response)
        if not self._item_receivers:
            return []
        about = {"item": item, "response": response, "spider": self._spider}
        return self._signals.send(signals.item_scraped, dont_log=CloseSpider, **about)

    def item_refused(self, error: Exception, item: Any, response: Response | None) -> list[Any]:
        """A pipeline dropped an item, or failed on it; or it was invalid. Return what handlers returned."""
        error = invalid_item(error) or error
        if isinstance(error, DropItem):
            url = response.url if response is not None else ""
            self._refused_items.add(type(error).__name__, foreign_line(error), str(error), url, self._now())
            if isinstance(error, InvalidItem):
                self._note_invalid(error, url)
            level = self._drop_level if error.log_level is None else _level(error.log_level)
            self._lines.dropped(item, error, response, level)
            self._stats.inc_value("item_dropped_count")
            self._stats.inc_value(f"item_dropped_reasons_count/{type(error).__name__}")
            about = {"item": item, "response": response, "spider": self._spider}
            return self._signals.send(signals.item_dropped, exception=error, dont_log=CloseSpider, **about)
        self._lines.item_error(item, error, response)
        self.errors += 1
        self._stats.inc_value("item_error_count")
        self._note(error, foreign_line(error), response.url if response is not None else "")
        about = {"item": item, "response": response, "spider": self._spider}
        return self._signals.send(signals.item_error, failure=Failure(error), dont_log=CloseSpider, **about)

    def _let_run(self, results: list[Any]) -> None:
        """Let asynchronous handlers run where nobody can wait for them."""
        for result in results:
            if hasattr(result, "__await__"):
                self._signals.bridge.deferred(result).addErrback(
                    lambda failure: logger.error("Error in a handler of item_dropped: %s", failure.getTraceback())
                )

    def _note_invalid(self, error: InvalidItem, url: str) -> None:
        """Count *error* by field; only the first of each field is a warning."""
        levels = [self._level_of(field) for field in error.fields]
        for field in error.fields:
            self._stats.inc_value(f"item_invalid/{field}")
        error.log_level = max(levels, default=logging.WARNING)
        self._note(error, ", ".join(error.fields), url)

    def _level_of(self, field: str) -> int:
        """Return the level at which to tell that *field* is wrong: a warning, but only once."""
        if field in self._invalid_fields:
            return logging.DEBUG
        self._invalid_fields.add(field)
        return logging.WARNING


def _level(level: int | str | None) -> int:
    """Return the number of a log level that a DropItem names."""
    if isinstance(level, str):
        return logging.getLevelNamesMapping().get(level.upper(), logging.WARNING)
    return logging.WARNING if level is None else level


def spider_line(error: BaseException, spider: Any) -> str:
    """Return ``file:line in function`` of the spider's own code where *error* passed last; "?" if it never did."""
    file_name = getattr(sys.modules.get(type(spider).__module__), "__file__", None)
    return _line_of(error, lambda frame: frame.f_code.co_filename == file_name)


def foreign_line(error: BaseException) -> str:
    """Return ``file:line in function`` of the first code outside of the crawler that *error* passed, coming from within; or "?"."""
    return _line_of(error, lambda frame: not str(frame.f_globals.get("__name__")).startswith("crawler."))


def raised_at(error: BaseException) -> str:
    """Return ``file:line in function`` where *error* was raised, empty if that was in the crawler itself."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None or str(frame.tb_frame.f_globals.get("__name__")).partition(".")[0] in ("crawler", "twisted"):
        return ""
    code = frame.tb_frame.f_code
    return f"{code.co_filename}:{frame.tb_lineno} in {code.co_qualname}"


def _line_of(error: BaseException, is_wanted: Callable[[FrameType], bool]) -> str:
    place = UNKNOWN
    frame = error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        if is_wanted(frame.tb_frame):
            place = f"{code.co_filename}:{frame.tb_lineno} in {code.co_name}"
        frame = frame.tb_next
    return place
