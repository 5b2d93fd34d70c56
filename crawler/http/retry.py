"""When a request that failed is tried again. Decisions only: the workbench waits, and no place is held meanwhile.

    policy = RetryPolicy(times=2)
    policy.may_repeat_status(503, "GET")        # True
    policy.may_repeat_error(error, "POST")      # only if nothing of it can have reached the server
    policy.wait(0, retry_after=30.0)            # 30.0
    policy.wait(1, jitter=0.5)                  # 1.5: from 1 to 2 seconds

* The wait doubles with every attempt, up to ``max_delay``; half of it is random, so that what failed together does
  not come back together. A Retry-After is taken at its word, up to ``max_retry_after``.
* A request that may have changed something (POST, PATCH) is repeated only after an answer or an error which says that
  it was not acted upon, or where its ``max_retry_times`` asks for it.
* A host has a budget: one that fails hundreds of times and never answers is not asked everything three times.

Pure: the random number is passed in, and nothing here knows the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

from crawler.exceptions import (
    CannotResolveHostError,
    DownloadConnectionLostError,
    DownloadConnectionRefusedError,
    DownloadError,
    DownloadFailedError,
    DownloadTimeoutError,
    ProxyAuthenticationError,
    ProxyError,
    ResponseDataLossError,
)

#: Errors that another attempt may mend. Not: certificates, sizes, encodings, what is no HTTP, and our own decisions.
RETRYABLE: tuple[type[DownloadError], ...] = (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadConnectionLostError,
    DownloadTimeoutError,
    DownloadFailedError,
    ProxyError,
    ResponseDataLossError,
)

#: Those among them that it will not.
_FINAL = (ProxyAuthenticationError,)

#: RFC 9110 section 9.2.2: doing these twice is like doing them once.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

#: Answers which say that the request was not acted upon: Request Timeout, Too Early, Too Many Requests, Unavailable.
NOT_ACTED_UPON = frozenset({408, 425, 429, 503})

#: Scrapy's list.
STATUSES = frozenset({500, 502, 503, 504, 522, 524, 408, 429})

# Longer than the usual pause of a rate limiter, short enough that a crawl does not look dead for an hour.
MAX_RETRY_AFTER = 600.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after how long a request is tried again; in seconds. ``attempt`` counts retries from 0."""

    times: int = 2
    statuses: frozenset[int] = STATUSES
    delay: float = 1.0
    max_delay: float = 60.0
    max_retry_after: float = MAX_RETRY_AFTER
    priority_adjust: int = -1
    give_up_log_level: int | str = "ERROR"

    def may_repeat_status(self, status: int, method: str, *, is_asked: bool = False) -> bool:
        """Tell whether a response of *status* is a reason to try again; *is_asked* if the request asks for retries."""
        return status in self.statuses and (is_asked or method in IDEMPOTENT or status in NOT_ACTED_UPON)

    def may_repeat_error(self, error: Exception, method: str, *, is_asked: bool = False) -> bool:
        """Tell whether *error* is a reason to try again; *is_asked* if the request asks for retries."""
        if not isinstance(error, RETRYABLE) or isinstance(error, _FINAL):
            return False
        return is_asked or method in IDEMPOTENT or was_not_sent(error)

    def wait(self, attempt: int, *, retry_after: float | None = None, jitter: float = 0.5) -> float:
        """Return the seconds to wait before retry number *attempt*, which counts from 0."""
        if retry_after is not None:
            return min(retry_after, self.max_retry_after)
        full = min(self.max_delay, self.delay * 2.0 ** min(attempt, 64))
        return full / 2 + full / 2 * jitter


def was_not_sent(error: Exception) -> bool:
    """Tell whether *error* says that no byte of the request can have reached the server."""
    if isinstance(error, DownloadTimeoutError):
        return error.phase == "connect"
    return isinstance(error, CannotResolveHostError | DownloadConnectionRefusedError | ProxyError)


def status_reason(status: int) -> str:
    """Return ``503 Service Unavailable``, as statistics and logs name it."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown Status"


def error_reason(error: Exception | type[Exception]) -> str:
    """Return the dotted name of the public class of *error*, as statistics name it."""
    kind = error if isinstance(error, type) else type(error)
    known = next((one for one in kind.__mro__ if one.__module__ == DownloadError.__module__), kind)
    return f"{known.__module__}.{known.__qualname__}"


@dataclass(slots=True)
class HostBudget:
    """How many more retries each host is worth: *size*, without an answer in between. Each answer earns one back."""

    size: int = 500
    spent: dict[str, int] = field(default_factory=dict)

    def take(self, host: str) -> bool:
        """Spend one retry on *host*; False if it has none left."""
        spent = self.spent.get(host, 0)
        if spent >= self.size:
            return False
        self.spent[host] = spent + 1
        return True

    def earn(self, host: str) -> None:
        """Note that *host* answered."""
        spent = self.spent.get(host, 0)
        if spent > 1:
            self.spent[host] = spent - 1
        else:
            self.spent.pop(host, None)
