"""Second attempts: after statuses and errors that may pass, as the policy in ``crawler.http.retry`` decides.

A retry is a copy of the request that waits in the workbench for ``meta["retry_delay"]`` seconds: the back-off, or the
Retry-After of the response. When the attempts are used up the response goes on to the spider, the error to the errback.

``meta``: ``dont_retry``, ``max_retry_times``, ``priority_adjust``, ``give_up_log_level``; ``retry_times`` counts.
"""

from __future__ import annotations

import importlib
import logging
import random
import time
from typing import TYPE_CHECKING, Any, Self

from crawler.exceptions import NotConfigured, SettingsError
from crawler.http.ratelimit import wait_asked_for
from crawler.http.retry import RETRYABLE, HostBudget, RetryPolicy, error_reason, status_reason
from crawler.scrapy_paths import our_path
from crawler.stats import StatsCollector
from crawler.url import host_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from crawler.crawler import Crawler
    from crawler.http import Request, Response
    from crawler.settings import Settings
    from crawler.spiders import Spider

retry_logger = logging.getLogger(__name__)


class RetryMiddleware:
    """Returns a request to try again for responses and errors that *policy* (by default that of *settings*) calls worth it.

    A subclass in its place may change ``max_retry_times``, ``retry_http_codes``, ``priority_adjust`` and ``exceptions_to_retry``,
    and ask for a retry with ``_retry``, as Scrapy's do.
    """

    #: The crawl, where the middleware was built by ``from_crawler``.
    crawler: Crawler

    #: What ``exceptions_to_retry`` begins as, under its older name.
    EXCEPTIONS_TO_RETRY: tuple[type[Exception], ...] = RETRYABLE

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        policy: RetryPolicy | None = None,
        stats: StatsCollector | None = None,
        budget: HostBudget | None = None,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        if policy is None:
            policy = policy_of(settings) if settings is not None else RetryPolicy()
        self._policy = policy
        self.max_retry_times = policy.times
        self.retry_http_codes: Collection[int] = policy.statuses
        self.priority_adjust = policy.priority_adjust
        more = settings.retry.exceptions if settings is not None else ()
        self.exceptions_to_retry = (*self.EXCEPTIONS_TO_RETRY, *_errors_named(more))
        self._stats = stats if stats is not None else StatsCollector()
        self._budget = budget if budget is not None else HostBudget()
        self._jitter = jitter
        self._now = now

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from ``settings.retry``."""
        if not crawler.settings.retry.enabled:
            raise NotConfigured
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        middleware._stats = crawler.stats
        return middleware

    # Hot: once per response.
    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Return a retry of *request* if the status of *response* is worth one, else *response*."""
        if response.status not in self.retry_http_codes:
            if self._budget.spent:
                self._budget.earn(host_key(request.url))
            return response
        meta = request.meta
        is_asked = meta.get("max_retry_times") is not None
        is_own = response.status not in self._policy.statuses  # a subclass has added it
        if meta.get("dont_retry") or not (
            is_own or self._policy.may_repeat_status(response.status, request.method, is_asked=is_asked)
        ):
            return response
        asked = wait_asked_for(response.headers, self._now())
        return self._again(request, status_reason(response.status), spider, retry_after=asked) or response

    def process_exception(self, request: Request, exception: Exception, spider: Any = None) -> Request | None:
        """Return a retry of *request* if *exception* is worth one, else None: the errback gets it."""
        if not isinstance(exception, self.exceptions_to_retry):
            return None
        meta = request.meta
        is_asked = meta.get("max_retry_times") is not None
        is_own = not isinstance(exception, RETRYABLE)  # a subclass has added it
        if meta.get("dont_retry") or not (
            is_own or self._policy.may_repeat_error(exception, request.method, is_asked=is_asked)
        ):
            return None
        return self._again(request, exception, spider)

    def _retry(self, request: Request, reason: str | Exception | type[Exception], spider: Any = None) -> Request | None:
        """Return a request that tries *request* again, None if it was tried often enough; for subclasses."""
        return self._again(request, reason, spider)

    def _again(
        self,
        request: Request,
        reason: str | Exception | type[Exception],
        spider: Any,
        *,
        retry_after: float | None = None,
    ) -> Request | None:
        meta = request.meta
        # A subclass that is built in a way of its own may know no crawl but that of the spider that it is given.
        stats = self._stats if spider is None else spider.crawler.stats
        times = _given(meta.get("max_retry_times"), self.max_retry_times)
        if meta.get("retry_times", 0) < times and not self._budget.take(host_key(request.url)):
            stats.inc_value("retry/host_budget_spent")
            times = 0
        return _retry(
            request,
            reason,
            stats=stats,
            times=times,
            priority_adjust=_given(meta.get("priority_adjust"), self.priority_adjust),
            give_up_log_level=_given(meta.get("give_up_log_level"), self._policy.give_up_log_level),
            delay=self._policy.wait(meta.get("retry_times", 0), retry_after=retry_after, jitter=self._jitter()),
        )


def get_retry_request(
    request: Request,
    *,
    spider: Spider,
    reason: str | Exception | type[Exception] = "unspecified",
    max_retry_times: int | None = None,
    priority_adjust: int | None = None,
    logger: logging.Logger = retry_logger,
    give_up_log_level: int | str | None = None,
    stats_base_key: str = "retry",
    delay: float | None = None,
) -> Request | None:
    """Return a request that tries *request* again, None if it was tried often enough; for callbacks.

    For pages that say 200 and are none: ``return get_retry_request(response.request, spider=self, reason="empty")``.
    *delay* is in seconds; without one it is the back-off of the settings. The statistics are counted under
    *stats_base_key* and *reason*.
    """
    policy = policy_of(spider.crawler.settings)
    meta = request.meta
    wait = policy.wait(meta.get("retry_times", 0), jitter=random.random()) if delay is None else delay
    return _retry(
        request,
        reason,
        stats=spider.crawler.stats,
        times=_given(max_retry_times, _given(meta.get("max_retry_times"), policy.times)),
        priority_adjust=_given(priority_adjust, policy.priority_adjust),
        give_up_log_level=_given(give_up_log_level, policy.give_up_log_level),
        delay=wait,
        logger=logger,
        key=stats_base_key,
    )


def policy_of(settings: Settings) -> RetryPolicy:
    """Return the policy that ``settings.retry`` describes."""
    retry = settings.retry
    return RetryPolicy(
        times=retry.times,
        statuses=frozenset(retry.statuses),
        delay=retry.delay,
        max_delay=retry.max_delay,
        priority_adjust=retry.priority_adjust,
        give_up_log_level=retry.give_up_log_level,
    )


def _retry(
    request: Request,
    reason: str | Exception | type[Exception],
    *,
    stats: StatsCollector,
    times: int,
    priority_adjust: int,
    give_up_log_level: int | str,
    delay: float,
    logger: logging.Logger = retry_logger,
    key: str = "retry",
) -> Request | None:
    """Return the next attempt at *request*, counted and logged; None, counted and logged too, if there is none."""
    retry_times = request.meta.get("retry_times", 0) + 1
    told = {"request": request, "retry_times": retry_times, "reason": reason}
    if retry_times > times:
        stats.inc_value(f"{key}/max_reached")
        logger.log(
            _level(give_up_log_level), "Gave up retrying %(request)s (failed %(retry_times)d times): %(reason)s", told
        )
        return None
    logger.debug("Retrying %(request)s (failed %(retry_times)d times): %(reason)s", told)
    again: Request = request.replace(dont_filter=True, priority=request.priority + priority_adjust)
    again.meta["retry_times"] = retry_times
    again.meta["retry_delay"] = delay
    again.meta["retry_reason"] = reason if isinstance(reason, str) else error_reason(reason)
    stats.inc_value(f"{key}/count")
    stats.inc_value(f"{key}/reason_count/{reason if isinstance(reason, str) else error_reason(reason)}")
    return again


def _errors_named(paths: Iterable[str]) -> Iterator[type[Exception]]:
    """Yield the exception classes at the dotted *paths* of the setting ``retry.exceptions``."""
    for named in paths:
        path = our_path(named)
        module, _, name = path.rpartition(".")
        try:
            error = getattr(importlib.import_module(module or "builtins"), name)
        except (ImportError, AttributeError) as missing:
            if path.startswith("crawler."):
                continue  # one of Scrapy's errors, in the place of which ours are
            raise SettingsError(f"retry.exceptions: {named!r} cannot be imported: {missing}") from missing
        if not (isinstance(error, type) and issubclass(error, Exception)):
            raise SettingsError(f"retry.exceptions: {named!r} is no exception class")
        yield error


def _level(level: int | str) -> int:
    """Return the number of *level*, which may be a name."""
    if isinstance(level, int):
        return level
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(
            f"unknown give_up_log_level {level!r}; write one of {', '.join(logging.getLevelNamesMapping())}"
        )
    return number


def _given(value: Any, default: Any) -> Any:
    """Return *value*, *default* if it is None."""
    return default if value is None else value
