"""RetryMiddleware and get_retry_request: what is tried again, when, and what is counted."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from crawler import Spider
from crawler.downloadermiddlewares.retry import RetryMiddleware, get_retry_request
from crawler.exceptions import (
    CannotResolveHostError,
    DownloadConnectionLostError,
    DownloadTLSError,
    IgnoreRequest,
    NotConfigured,
    SettingsError,
)
from crawler.http import Request, Response
from crawler.http.retry import HostBudget, RetryPolicy
from crawler.settings import Settings
from crawler.stats import StatsCollector
from crawler.testing import crawl_in_memory

URL = "https://example.com/"


class Case:
    """A middleware with fixed chance and time, and the statistics that it counts."""

    def __init__(self, *, budget: int = 500, **policy: Any) -> None:
        self.stats = StatsCollector()
        self.middleware = RetryMiddleware(
            policy=RetryPolicy(**policy),
            stats=self.stats,
            budget=HostBudget(budget),
            jitter=lambda: 1.0,
            now=lambda: 784111777.0,
        )

    def answer(self, request: Request, status: int = 503, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.middleware.process_response(request, Response(request.url, status=status, headers=named))

    def fail(self, request: Request, error: Exception) -> Any:
        return self.middleware.process_exception(request, error)


def test_a_200_goes_on_to_the_spider() -> None:
    assert isinstance(Case().answer(Request(URL), 200), Response)


def test_a_503_is_tried_again_later_with_less_priority_and_past_the_duplicates_filter() -> None:
    request = Request(URL, priority=5, meta={"mine": 1})
    again = Case().answer(request)
    assert (again.url, again.priority, again.dont_filter) == (URL, 4, True)
    reason = "503 Service Unavailable"
    assert again.meta == {"mine": 1, "retry_times": 1, "retry_delay": 1.0, "retry_reason": reason}
    assert request.meta == {"mine": 1}


def test_attempts_are_further_and_further_apart_until_they_are_used_up() -> None:
    case, delays = Case(times=3), []
    request: Any = Request(URL)
    while isinstance(answer := case.answer(request), Request):
        request = answer
        delays.append(request.meta.pop("retry_delay"))
    assert delays == [1.0, 2.0, 4.0]
    assert answer.status == 503
    assert case.stats.get_stats() == {
        "retry/count": 3,
        "retry/reason_count/503 Service Unavailable": 3,
        "retry/max_reached": 1,
    }


def test_a_503_is_tried_again_after_its_retry_after() -> None:
    assert Case().answer(Request(URL), Retry_After="30").meta["retry_delay"] == 30.0
    assert Case().answer(Request(URL), Retry_After="999999").meta["retry_delay"] == 600.0
    assert Case().answer(Request(URL), Retry_After="soon").meta["retry_delay"] == 1.0


def test_a_retry_after_date_counts_from_the_clock_of_the_server() -> None:
    later = "Sun, 06 Nov 1994 08:50:37 GMT"
    assert Case().answer(Request(URL), Retry_After=later).meta["retry_delay"] == 60.0
    assert (
        Case().answer(Request(URL), Retry_After=later, Date="Sun, 06 Nov 1994 08:50:32 GMT").meta["retry_delay"] == 5.0
    )


def test_an_error_of_the_network_is_tried_again_and_then_goes_to_the_errback() -> None:
    case = Case(times=1)
    again = case.fail(Request(URL), CannotResolveHostError("no such host"))
    assert again.meta["retry_times"] == 1
    assert case.fail(again, CannotResolveHostError("no such host")) is None
    assert case.stats.get_stats() == {
        "retry/count": 1,
        "retry/reason_count/crawler.exceptions.CannotResolveHostError": 1,
        "retry/max_reached": 1,
    }


@pytest.mark.parametrize("error", [IgnoreRequest(), DownloadTLSError(), ValueError()])
def test_other_errors_go_to_the_errback_at_once(error: Exception) -> None:
    assert Case().fail(Request(URL), error) is None


def test_a_post_that_may_have_been_acted_upon_is_not_repeated_unless_it_asks_for_that() -> None:
    post = Request(URL, method="POST", body=b"buy")
    assert isinstance(Case().answer(post, 500), Response)
    assert Case().fail(post, DownloadConnectionLostError()) is None
    assert isinstance(Case().answer(post, 503), Request)
    asked = post.replace(meta={"max_retry_times": 1})
    assert Case().answer(asked, 500).body == b"buy"
    assert isinstance(Case().fail(asked, DownloadConnectionLostError()), Request)


def test_meta_says_no_how_often_and_with_which_priority() -> None:
    assert isinstance(Case().answer(Request(URL, meta={"dont_retry": True})), Response)
    assert Case().fail(Request(URL, meta={"dont_retry": True}), DownloadConnectionLostError()) is None
    assert isinstance(Case().answer(Request(URL, meta={"max_retry_times": 0})), Response)
    assert isinstance(Case().answer(Request(URL, meta={"max_retry_times": 5, "retry_times": 4})), Request)
    assert Case().answer(Request(URL, meta={"priority_adjust": 7})).priority == 7


def test_giving_up_is_logged_at_the_level_of_the_request(caplog: pytest.LogCaptureFixture) -> None:
    Case(times=0).answer(Request(URL, meta={"give_up_log_level": "WARNING"}))
    Case(times=0).answer(Request(URL))
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.ERROR]
    assert caplog.messages[0] == f"Gave up retrying <GET {URL}> (failed 1 times): 503 Service Unavailable"


def test_an_unknown_log_level_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"give_up_log_level 'LOUD'.*WARNING"):
        Case(times=0).answer(Request(URL, meta={"give_up_log_level": "LOUD"}))


def test_a_host_that_never_answers_is_not_retried_for_ever() -> None:
    case = Case(budget=2)
    answers = [case.answer(Request(f"{URL}{number}")) for number in range(3)]
    assert [isinstance(answer, Request) for answer in answers] == [True, True, False]
    assert case.stats.get_value("retry/host_budget_spent") == 1
    case.answer(Request(URL), 200)
    assert isinstance(case.answer(Request(URL)), Request)


# --- building and callbacks -----------------------------------------------------------------------


def crawler_with(**values: Any) -> Any:
    settings = Settings({f"retry.{name}": value for name, value in values.items()})
    return SimpleNamespace(settings=settings, stats=StatsCollector(), spider=None)


def test_it_is_built_from_the_settings() -> None:
    middleware = RetryMiddleware.from_crawler(crawler_with(times=1, statuses=[418], priority_adjust=-3, delay=8.0))
    again = middleware.process_response(Request(URL), Response(URL, status=418))
    assert isinstance(again, Request)
    assert again.priority == -3
    assert 4.0 <= again.meta["retry_delay"] <= 8.0
    assert isinstance(middleware.process_response(again, Response(URL, status=418)), Response)
    assert isinstance(middleware.process_response(Request(URL), Response(URL, status=503)), Response)


def test_it_is_left_out_where_it_is_switched_off() -> None:
    with pytest.raises(NotConfigured):
        RetryMiddleware.from_crawler(crawler_with(enabled=False))


def test_a_callback_can_ask_for_another_attempt() -> None:
    spider: Any = SimpleNamespace(crawler=crawler_with(times=1, priority_adjust=-2))
    again = get_retry_request(Request(URL), spider=spider, reason="empty")
    assert again is not None
    assert (again.meta["retry_times"], again.priority, again.dont_filter) == (1, -2, True)
    assert get_retry_request(again, spider=spider, reason="empty") is None
    assert spider.crawler.stats.get_stats() == {"retry/count": 1, "retry/reason_count/empty": 1, "retry/max_reached": 1}


def test_a_callback_can_say_how_often_when_and_under_which_names() -> None:
    spider: Any = SimpleNamespace(crawler=crawler_with(times=0))
    again = get_retry_request(
        Request(URL, method="POST"),
        spider=spider,
        reason=ValueError,
        max_retry_times=3,
        priority_adjust=9,
        delay=4.5,
        stats_base_key="mine",
    )
    assert again is not None
    assert (again.priority, again.meta["retry_delay"]) == (9, 4.5)
    assert spider.crawler.stats.get_stats() == {"mine/count": 1, "mine/reason_count/builtins.ValueError": 1}


class Banned(Exception):
    pass


def test_errors_of_the_project_are_tried_again_where_the_settings_name_them() -> None:
    class Raises:
        def process_request(self, request: Request) -> None:
            raise Banned

    class Once(Spider):
        name = "once"
        start_urls = ["http://a.test/"]

    settings = {"ROBOTSTXT_OBEY": False, "retry.delay": 0.0, "DOWNLOADER_MIDDLEWARES": {Raises: 900}}
    known = ["scrapy.core.downloader.handlers.http11.TunnelError", f"{__name__}.Banned"]
    assert "retry/count" not in crawl_in_memory(Once, {}, settings).stats
    for named in (known, [Banned]):
        assert crawl_in_memory(Once, {}, {**settings, "RETRY_EXCEPTIONS": named}).stats["retry/count"] == 2


@pytest.mark.parametrize(("named", "why"), [("no.such.Error", "cannot be imported"), ("os.path", "is no exception")])
def test_a_name_that_is_no_error_is_told(named: str, why: str) -> None:
    with pytest.raises(SettingsError, match=f"retry.exceptions: '{named}' {why}"):
        RetryMiddleware(Settings({"RETRY_EXCEPTIONS": [named]}))


def test_the_level_of_giving_up_is_that_of_the_settings(caplog: pytest.LogCaptureFixture) -> None:
    middleware = RetryMiddleware(Settings({"RETRY_TIMES": 0, "RETRY_GIVE_UP_LOG_LEVEL": "INFO"}))
    with caplog.at_level("INFO"):
        middleware.process_response(Request("http://a.test/"), Response("http://a.test/", status=503))
    assert [(record.levelname, record.message[:16]) for record in caplog.records] == [("INFO", "Gave up retrying")]
