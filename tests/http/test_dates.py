"""HTTP dates, cookie dates and Retry-After, against the sets of curl, Go, Rust's httpdate, http-state and urllib3."""

from __future__ import annotations

import pytest

from crawler.http.dates import cookie_date, http_date, retry_after
from tests.vectors import vectors

NOVEMBER_1994 = 784111777.0

# What curl's list says and this crawler does not, with the reason.
HTTP_DATES_THAT_DIFFER = {
    "Thu, 31-Dec-1969 23:59:59 GMT": (-1.0, "curl returns 0 because -1 is its error; we have None for errors"),
    "Sun, 06 Nov 2044 08:49:37 GMT": (2362034977.0, "curl's expectation for machines with 32-bit times"),
}


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_the_three_formats_of_rfc_9110_are_read(text: str) -> None:
    assert http_date(text) == NOVEMBER_1994


def test_http_dates_are_read_as_curl_go_and_rust_read_them() -> None:
    wrong = []
    for case in vectors("http-headers", "http_dates.json"):
        expected, _ = HTTP_DATES_THAT_DIFFER.get(case["input"], (case["epoch"], ""))
        if http_date(case["input"]) != expected:
            wrong.append((case["source"], case["input"], expected, http_date(case["input"])))
    assert wrong == []


@pytest.mark.parametrize("text", ["", "soon", "0", "12", "Sun", "08:49:37", "\x00", "9" * 100_000, "Nov " * 10_000])
def test_what_is_no_date_is_none(text: str) -> None:
    assert http_date(text) is None


def test_a_year_beyond_the_calendar_is_none() -> None:
    assert http_date("Sun, 06 Nov 99999 08:49:37 GMT") is None


def test_cookie_dates_are_read_as_http_state_expects() -> None:
    for case in vectors("cookies", "http_state_dates.json"):
        expected = None if case["expected"] is None else http_date(case["expected"])
        assert cookie_date(case["test"]) == expected, case


@pytest.mark.parametrize(
    "text", ["31 Feb 2020 10:00:00", "29 Feb 2021 10:00:00", "1 Jan 1600 10:00:00", "1 Jan 2020 10:00:60"]
)
def test_a_cookie_date_that_does_not_exist_is_none(text: str) -> None:
    assert cookie_date(text) is None


def test_a_leap_day_is_a_cookie_date() -> None:
    assert cookie_date("29 Feb 2020 00:00:00") == 1582934400.0


def test_retry_after_is_read_as_urllib3_reads_it() -> None:
    for case in vectors("http-headers", "retry_after.json"):
        now = http_date("Mon, 03 Jun 2019 11:00:00 GMT")
        assert now is not None
        expected = None if case.get("expected") == "error" else case["seconds"]
        assert retry_after(case["value"], now=now) == expected, case


@pytest.mark.parametrize("value", ["", "1e3", "0x10", "1,2", "١٢", "soon", "12 seconds"])
def test_a_retry_after_that_is_neither_seconds_nor_a_date_is_none(value: str) -> None:
    assert retry_after(value, now=0.0) is None


def test_a_retry_after_in_the_past_means_now() -> None:
    assert retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now=NOVEMBER_1994 + 5) == 0.0


def test_a_retry_after_of_a_thousand_digits_is_a_long_time_and_no_error() -> None:
    wait = retry_after("9" * 1000, now=0.0)
    assert wait is not None
    assert wait > 1e11
