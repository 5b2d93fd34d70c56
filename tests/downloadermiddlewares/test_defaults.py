"""Headers and time limits that a request gets where it names none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from crawler.downloadermiddlewares.defaultheaders import DefaultHeadersMiddleware
from crawler.downloadermiddlewares.downloadtimeout import DownloadTimeoutMiddleware
from crawler.downloadermiddlewares.useragent import UserAgentMiddleware
from crawler.exceptions import NotConfigured
from crawler.http import Request
from crawler.settings import Settings

URL = "https://example.com/"


def crawler_with(spider: Any = None, **values: Any) -> Any:
    settings = Settings({f"http.{name}": value for name, value in values.items()})
    return SimpleNamespace(settings=settings, spider=spider)


def test_default_headers_are_added_in_their_order_and_spelling() -> None:
    middleware = DefaultHeadersMiddleware.from_crawler(
        crawler_with(headers={"accept": "text/html", "X-b": "1", "X-a": "2"})
    )
    request = Request(URL)
    middleware.process_request(request)
    assert request.headers.raw_items() == [(b"accept", b"text/html"), (b"X-b", b"1"), (b"X-a", b"2")]


def test_headers_of_the_request_stay() -> None:
    middleware = DefaultHeadersMiddleware(headers={"Accept": "text/html", "X-A": "1"})
    request = Request(URL, headers={"ACCEPT": "*/*"})
    middleware.process_request(request)
    assert request.headers.raw_items() == [(b"ACCEPT", b"*/*"), (b"X-A", b"1")]


def test_two_requests_do_not_share_their_headers() -> None:
    middleware = DefaultHeadersMiddleware(headers={"Accept": "text/html"})
    one, other = Request(URL), Request(URL)
    middleware.process_request(one)
    middleware.process_request(other)
    one.headers["Accept"] = "*/*"
    one.headers["X-A"] = "1"
    assert other.headers.raw_items() == [(b"Accept", b"text/html")]


def test_the_user_agent_is_that_of_the_request_then_of_the_spider_then_of_the_settings() -> None:
    of_settings = UserAgentMiddleware.from_crawler(crawler_with(user_agent="mybot/1"))
    of_spider = UserAgentMiddleware.from_crawler(
        crawler_with(SimpleNamespace(user_agent="spider/1"), user_agent="mybot/1")
    )
    for middleware, expected in ((of_settings, b"mybot/1"), (of_spider, b"spider/1")):
        request = Request(URL)
        middleware.process_request(request)
        assert request.headers["User-Agent"] == expected
        own = Request(URL, headers={"user-agent": "own/1"})
        middleware.process_request(own)
        assert own.headers["User-Agent"] == b"own/1"


def test_the_time_limit_of_the_spider_is_for_requests_that_have_none() -> None:
    middleware = DownloadTimeoutMiddleware.from_crawler(crawler_with(SimpleNamespace(download_timeout=7)))
    request, own = Request(URL), Request(URL, meta={"download_timeout": 1})
    middleware.process_request(request)
    middleware.process_request(own)
    assert (request.meta, own.meta) == ({"download_timeout": 7.0}, {"download_timeout": 1})


@pytest.mark.parametrize(
    ("middleware", "values"),
    [
        (DefaultHeadersMiddleware, {"headers": {}}),
        (UserAgentMiddleware, {"user_agent": ""}),
        (DownloadTimeoutMiddleware, {}),
    ],
)
def test_what_has_nothing_to_add_is_left_out(middleware: Any, values: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured):
        middleware.from_crawler(crawler_with(**values))
