"""The retry policy: what is worth another attempt, and after how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crawler.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionLostError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    DownloadTLSError,
    ResponseDataLossError,
    ResponseDecodeError,
    ResponseTooLargeError,
    UnsupportedURLSchemeError,
)
from crawler.http.retry import HostBudget, RetryPolicy, error_reason, status_reason

if TYPE_CHECKING:
    from crawler.exceptions import (
        DownloadError,
    )

POLICY = RetryPolicy(times=2, delay=1.0, max_delay=60.0)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 522, 524, 408, 429])
def test_a_get_is_tried_again_after_statuses_that_may_pass(status: int) -> None:
    assert POLICY.may_repeat_status(status, "GET")


@pytest.mark.parametrize("status", [200, 301, 400, 403, 404, 410, 501, 505])
def test_other_statuses_are_final(status: int) -> None:
    assert not POLICY.may_repeat_status(status, "GET")


def test_the_wait_doubles_up_to_its_limit_and_half_of_it_is_random() -> None:
    assert [POLICY.wait(attempt, jitter=1.0) for attempt in (0, 1, 2, 5, 6, 1000)] == [1.0, 2.0, 4.0, 32.0, 60.0, 60.0]
    assert [POLICY.wait(attempt, jitter=0.0) for attempt in (0, 1, 6)] == [0.5, 1.0, 30.0]


def test_a_retry_after_is_taken_at_its_word_up_to_a_limit() -> None:
    assert POLICY.wait(0, retry_after=30.0) == 30.0
    assert POLICY.wait(0, retry_after=0.0) == 0.0
    assert POLICY.wait(0, retry_after=1e12) == POLICY.max_retry_after


@pytest.mark.parametrize(
    "error",
    [
        CannotResolveHostError(),
        DownloadConnectionRefusedError(),
        DownloadConnectionLostError(),
        DownloadTimeoutError(phase="first byte"),
        ResponseDataLossError(),
    ],
)
def test_a_get_is_tried_again_after_errors_of_the_network(error: DownloadError) -> None:
    assert POLICY.may_repeat_error(error, "GET")


@pytest.mark.parametrize(
    "error",
    [
        DownloadTLSError(),
        ResponseTooLargeError(),
        ResponseDecodeError(),
        UnsupportedURLSchemeError(),
        DownloadCancelledError(),
        ValueError(),
    ],
)
def test_errors_that_would_come_back_are_final(error: Exception) -> None:
    assert not POLICY.may_repeat_error(error, "GET")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_have_changed_something_is_repeated_only_if_it_was_not_acted_upon(method: str) -> None:
    assert not POLICY.may_repeat_status(500, method)
    assert POLICY.may_repeat_status(503, method)
    assert POLICY.may_repeat_status(429, method)
    assert not POLICY.may_repeat_error(DownloadConnectionLostError(), method)
    assert not POLICY.may_repeat_error(DownloadTimeoutError(phase="first byte"), method)
    assert POLICY.may_repeat_error(DownloadTimeoutError(phase="connect"), method)
    assert POLICY.may_repeat_error(DownloadConnectionRefusedError(), method)


def test_a_post_that_asks_for_retries_gets_them() -> None:
    assert POLICY.may_repeat_status(500, "POST", is_asked=True)
    assert POLICY.may_repeat_error(DownloadConnectionLostError(), "POST", is_asked=True)
    assert not POLICY.may_repeat_status(404, "POST", is_asked=True)


def test_a_host_is_worth_a_number_of_retries_and_every_answer_earns_one_back() -> None:
    budget = HostBudget(size=2)
    assert [budget.take("example.com") for _ in range(3)] == [True, True, False]
    assert budget.take("example.org")
    budget.earn("example.com")
    assert budget.take("example.com")
    for _ in range(5):
        budget.earn("example.com")
        budget.earn("example.org")
    assert budget.spent == {}


def test_reasons_read_as_in_scrapy() -> None:
    class OurTimeout(DownloadTimeoutError, TimeoutError):
        pass

    assert status_reason(503) == "503 Service Unavailable"
    assert status_reason(599) == "599 Unknown Status"
    assert error_reason(OurTimeout()) == error_reason(DownloadTimeoutError) == "crawler.exceptions.DownloadTimeoutError"
    assert error_reason(ValueError()) == "builtins.ValueError"
