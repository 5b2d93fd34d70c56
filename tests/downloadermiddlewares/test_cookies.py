"""CookiesMiddleware: which of header, ``cookies=`` and jar is sent, and what is kept."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from crawler.downloadermiddlewares.cookies import CookiesMiddleware
from crawler.exceptions import NotConfigured
from crawler.http import Request, Response
from crawler.http.redirects import RedirectPolicy, next_request
from crawler.settings import Settings

URL = "https://example.com/"


def middleware(*set_cookies: str, **meta: Any) -> CookiesMiddleware:
    made = CookiesMiddleware(now=lambda: 1_700_000_000.0)
    receive(made, *set_cookies, **meta)
    return made


def receive(made: CookiesMiddleware, *set_cookies: str, url: str = URL, **meta: Any) -> None:
    if set_cookies:
        request = Request(url, meta=meta)
        response = Response(url, headers={"Set-Cookie": list(set_cookies)})
        assert made.process_response(request, response) is response


def sent(made: CookiesMiddleware, request: Request) -> bytes | None:
    made.process_request(request)
    cookie: bytes | None = request.headers.get("Cookie")
    assert len(request.headers.getlist("Cookie")) <= 1
    return cookie


def test_what_a_response_sets_goes_with_the_next_request() -> None:
    assert sent(middleware("a=1", "b=2; Path=/x"), Request(URL)) == b"a=1"
    assert sent(middleware("a=1", "b=2; Path=/x"), Request(URL + "x/y")) == b"b=2; a=1"


def test_a_request_without_cookies_is_left_alone() -> None:
    request = Request(URL)
    middleware().process_request(request)
    assert not request.has_headers
    assert not request.has_meta


def test_jars_know_nothing_of_each_other() -> None:
    made = middleware("a=1", cookiejar="one")
    receive(made, "a=2", cookiejar=2)
    assert sent(made, Request(URL, meta={"cookiejar": "one"})) == b"a=1"
    assert sent(made, Request(URL, meta={"cookiejar": 2})) == b"a=2"
    assert sent(made, Request(URL)) is None
    assert sent(made, Request(URL, meta={"cookiejar": "three"})) is None
    assert "three" not in made.jars


def test_cookies_of_a_request_are_sent_and_kept() -> None:
    made = middleware()
    assert sent(made, Request(URL, cookies={"a": "1", "b": 2, "c": b"3", "d": True})) == b"a=1; b=2; c=3; d=True"
    assert sent(made, Request(URL)) == b"a=1; b=2; c=3; d=True"


def test_cookies_of_a_request_may_say_for_what_they_are() -> None:
    made = middleware()
    cookies = [
        {"name": "a", "value": "1", "domain": ".example.com", "path": "/x", "secure": False},
        {"name": "b", "value": "2", "domain": "example.org"},
        {"name": "c", "value": "3"},
    ]
    assert sent(made, Request(URL, cookies=cookies)) == b"c=3"
    assert sent(made, Request("http://www.example.com/x", cookies={})) == b"a=1"


def test_cookies_do_not_go_to_another_host_GHSA_cjvr_mfj7_j4j8_CVE_2022_23607() -> None:
    made = middleware()
    request = Request(URL, cookies={"session": "1"}, headers={"Cookie": "hand=2"})
    assert sent(made, request) == b"hand=2; session=1"
    following = next_request(request, "https://example.org/", method="GET", reason=302, policy=RedirectPolicy())
    assert sent(made, following) is None
    back = next_request(following, "https://example.com/x", method="GET", reason=302, policy=RedirectPolicy())
    assert sent(made, back) == b"session=1"


def test_a_header_by_hand_counts_before_cookies_and_these_before_the_jar() -> None:
    made = middleware("a=jar", "b=jar", "c=jar")
    request = Request(URL, headers={"Cookie": "a=hand"}, cookies={"a": "given", "b": "given"})
    assert sent(made, request) == b"a=hand; b=given; c=jar"


def test_a_header_by_hand_is_not_kept() -> None:
    made = middleware()
    assert sent(made, Request(URL, headers={"Cookie": "a=hand"})) == b"a=hand"
    assert sent(made, Request(URL)) is None


def test_a_second_attempt_gets_the_cookies_of_its_time() -> None:
    made = middleware("a=1", "b=1")
    request = Request(URL, headers={"Cookie": "hand=1"})
    assert sent(made, request) == b"hand=1; a=1; b=1"
    receive(made, "a=2", "b=; Max-Age=0")
    assert sent(made, request.replace(dont_filter=True)) == b"hand=1; a=2"
    made.jars.discard(None)
    assert sent(made, request.replace(dont_filter=True)) == b"hand=1"


def test_a_second_attempt_without_any_cookie_left_has_no_header() -> None:
    made = middleware("a=1")
    request = Request(URL)
    assert sent(made, request) == b"a=1"
    made.jars.discard(None)
    assert sent(made, request.replace()) is None


def test_a_redirect_gets_the_cookies_of_its_url() -> None:
    made = middleware("a=1; Path=/x", "b=2")
    request = Request(URL + "x")
    assert sent(made, request) == b"a=1; b=2"
    following = next_request(request, URL + "y", method="GET", reason=302, policy=RedirectPolicy())
    assert sent(made, following) == b"b=2"


def test_dont_merge_cookies_leaves_the_jar_alone() -> None:
    made = middleware("a=1")
    request = Request(URL, meta={"dont_merge_cookies": True}, cookies={"mine": "2"})
    assert sent(made, request) == b"mine=2"
    receive(made, "a=3", dont_merge_cookies=True)
    assert sent(made, Request(URL)) == b"a=1"
    assert sent(made, Request(URL, meta={"dont_merge_cookies": True})) is None


@pytest.mark.parametrize(
    "cookie",
    [
        {"name": None, "value": "x"},
        {"value": "x"},
        {"name": "", "value": "x"},
        {"name": "a", "value": None},
        {"name": "a"},
        {"name": "a", "value": "x; Domain=example.org"},
        {"name": "a", "value": "x\r\nX-Evil: 1"},
        {"name": "a=b", "value": "x"},
    ],
)
def test_a_cookie_that_cannot_be_sent_is_left_out_and_logged(
    cookie: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert sent(middleware(), Request(URL, cookies=[cookie, {"name": "good", "value": "1"}])) == b"good=1"
    assert caplog.messages[0].startswith(f"Invalid cookie found in request <GET {URL}>")


def test_a_public_suffix_cannot_be_given_a_cookie_GHSA_mfjm_vh54_3f96() -> None:
    made = middleware()
    receive(made, "a=b; Domain=co.uk", url="https://x.co.uk/")
    assert sent(made, Request("https://y.co.uk/")) is None
    assert sent(made, Request("https://x.co.uk/", cookies=[{"name": "a", "value": "b", "domain": "co.uk"}])) is None


def test_secrets_are_logged_only_where_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert sent(middleware("a=secret"), Request(URL)) == b"a=secret"
    assert caplog.messages == []
    made = CookiesMiddleware(debug=True)
    receive(made, "a=secret")
    made.process_request(Request(URL))
    assert caplog.messages == [
        f"Received cookies from: <200 {URL}>\nSet-Cookie: a=secret",
        f"Sending cookies to: <GET {URL}>\nCookie: a=secret",
    ]


def test_it_is_left_out_where_it_is_switched_off() -> None:
    off: Any = SimpleNamespace(settings=Settings({"cookies.enabled": False}))
    on: Any = SimpleNamespace(settings=Settings())
    with pytest.raises(NotConfigured):
        CookiesMiddleware.from_crawler(off)
    assert len(CookiesMiddleware.from_crawler(on).jars) == 0
