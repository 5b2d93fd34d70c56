"""HttpAuthMiddleware: who gets credentials, and who never does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from crawler.downloadermiddlewares.httpauth import HttpAuthMiddleware
from crawler.exceptions import SettingsError
from crawler.http import Request, Response
from crawler.http.auth import Credentials, basic
from crawler.http.redirects import RedirectPolicy, next_request
from crawler.settings import Settings

URL = "https://example.com/"
ME = {"http_user": "me", "http_pass": "secret"}


def authorization(request: Request, **credentials: str) -> bytes | None:
    middleware = HttpAuthMiddleware(credentials=Credentials(**credentials) if credentials else None)
    middleware.process_request(request)
    value: bytes | None = request.headers.get("Authorization")
    return value


def test_a_request_without_credentials_is_left_alone() -> None:
    request = Request(URL)
    HttpAuthMiddleware().process_request(request)
    assert not request.has_headers


def test_credentials_go_to_their_domain_only_CVE_2021_41125() -> None:
    given = {"domain": "example.com", "user": "me", "password": "secret"}
    assert authorization(Request(URL), **given) == basic("me", "secret")
    assert authorization(Request("https://www.example.com/robots.txt"), **given) == basic("me", "secret")
    assert authorization(Request("https://example.org/"), **given) is None
    assert authorization(Request("https://example.org/robots.txt"), **given) is None


def test_a_header_by_hand_is_left_alone() -> None:
    request = Request(URL, headers={"Authorization": "Bearer mine"})
    assert authorization(request, domain="example.com", user="me") == b"Bearer mine"


def test_credentials_in_meta_count_before_those_of_the_crawl() -> None:
    assert authorization(Request(URL, meta=ME), domain="example.com", user="other") == basic("me", "secret")
    assert authorization(Request(URL, meta={"http_token": "abc"})) == b"Bearer abc"


def test_credentials_in_meta_for_another_domain_send_nothing() -> None:
    request = Request(URL, meta=ME | {"http_auth_domain": "example.org"})
    assert authorization(request, domain="example.com", user="other") is None


def test_credentials_in_meta_are_bound_to_the_origin_that_they_were_given_for() -> None:
    """Section 3.3, candidate 1 of the reference: meta is copied to the next request, credentials must not be."""
    first = Request(URL, meta=ME)
    assert authorization(first) == basic("me", "secret")
    for url in ("https://example.org/", "http://example.com/", "https://example.com:8443/", "https://www.example.com/"):
        assert authorization(Request(url, meta=first.meta)) is None
    assert authorization(Request(URL + "next", meta=first.meta)) == basic("me", "secret")


def test_a_redirect_to_another_origin_does_not_get_them_again_GHSA_cw9j_q3vf_hrrv() -> None:
    request = Request(URL, meta=ME)
    authorization(request)
    away = next_request(request, "https://example.org/", method="GET", reason=302, policy=RedirectPolicy())
    assert authorization(away) is None
    back = next_request(away, URL + "next", method="GET", reason=302, policy=RedirectPolicy())
    assert authorization(back) == basic("me", "secret")


def test_after_a_redirect_from_https_to_http_nothing_is_sent_in_clear_GHSA_4qqq_9vqf_3h3f() -> None:
    down = next_request(Request(URL), "http://example.com/", method="GET", reason=302, policy=RedirectPolicy())
    assert authorization(down, domain="example.com", user="me") is None
    assert authorization(Request("http://example.com/"), domain="example.com", user="me") is not None


# --- digest ---------------------------------------------------------------------------------------


def challenged(middleware: HttpAuthMiddleware, request: Request, **parameters: str) -> Any:
    given = {"realm": "r", "nonce": "n1", "qop": "auth"} | parameters
    value = "Digest " + ", ".join(f'{name}="{one}"' for name, one in given.items())
    return middleware.process_response(request, Response(request.url, status=401, headers={"WWW-Authenticate": value}))


def digest_middleware() -> HttpAuthMiddleware:
    credentials = Credentials(domain="example.com", user="me", password="pw", scheme="digest")
    return HttpAuthMiddleware(credentials=credentials, client_nonce=lambda: "c")


def test_a_digest_is_given_when_it_is_asked_for_and_ahead_of_the_next_requests() -> None:
    middleware = digest_middleware()
    request = Request(URL)
    middleware.process_request(request)
    assert "Authorization" not in request.headers
    again = challenged(middleware, request)
    assert again.dont_filter
    for expected, one in enumerate((again, Request(URL + "next"), again.replace()), 1):
        middleware.process_request(one)
        assert one.headers["Authorization"].startswith(b'Digest username="me"')
        assert f"nc={expected:08x}".encode() in one.headers["Authorization"]


def test_a_wrong_password_is_not_tried_for_ever_and_a_stale_nonce_once_more() -> None:
    middleware = digest_middleware()
    second = challenged(middleware, Request(URL))
    assert isinstance(challenged(middleware, second), Response)
    third = challenged(middleware, second, nonce="n2", stale="true")
    assert isinstance(third, Request)
    assert isinstance(challenged(middleware, third, nonce="n3", stale="true"), Response)


def test_a_challenge_from_elsewhere_is_not_answered_CVE_2021_41125() -> None:
    assert isinstance(challenged(digest_middleware(), Request("https://example.org/")), Response)


def test_a_401_without_digest_reaches_the_spider() -> None:
    response = Response(URL, status=401, headers={"WWW-Authenticate": "Basic realm=x"})
    assert digest_middleware().process_response(Request(URL), response) is response
    assert HttpAuthMiddleware().process_response(Request(URL), response) is response


# --- building -------------------------------------------------------------------------------------


def crawler_with(spider: Any = None, **values: str) -> Any:
    settings = Settings({f"auth.{name}": value for name, value in values.items()})
    return SimpleNamespace(settings=settings, spider=spider)


def test_it_is_built_from_the_settings() -> None:
    middleware = HttpAuthMiddleware.from_crawler(crawler_with(user="me", password="secret", domain="example.com"))
    request = Request(URL)
    middleware.process_request(request)
    assert request.headers["Authorization"] == basic("me", "secret")


def test_credentials_without_a_domain_are_an_error() -> None:
    """Section 3.3, candidate 2 of the reference: no domain must not mean every domain."""
    with pytest.raises(SettingsError, match=r"auth\.domain"):
        HttpAuthMiddleware.from_crawler(crawler_with(user="me"))


def test_attributes_of_the_spider_count_before_the_settings() -> None:
    spider = SimpleNamespace(http_user="me", http_pass="secret", http_auth_domain="example.com")
    middleware = HttpAuthMiddleware.from_crawler(crawler_with(spider, user="other", domain="example.org"))
    request = Request(URL)
    middleware.process_request(request)
    assert request.headers["Authorization"] == basic("me", "secret")


def test_an_unknown_scheme_is_an_error() -> None:
    with pytest.raises(SettingsError, match="http_auth_scheme 'ntlm'"):
        authorization(Request(URL, meta=ME | {"http_auth_scheme": "ntlm"}))
