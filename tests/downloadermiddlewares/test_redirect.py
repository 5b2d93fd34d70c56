"""RedirectMiddleware and MetaRefreshMiddleware: what is followed, and what reaches the spider."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from crawler.downloadermiddlewares.redirect import MetaRefreshMiddleware, RedirectMiddleware, policy_of
from crawler.exceptions import IgnoreRequest, NotConfigured
from crawler.http import HtmlResponse, Request, Response
from crawler.http.redirects import RedirectPolicy
from crawler.settings import Settings

URL = "https://example.com/"


def redirected(request: Request, location: str, *, status: int = 302, handled: Any = (), **headers: str) -> Any:
    named = {"Location": location} | {name.replace("_", "-"): value for name, value in headers.items()}
    middleware = RedirectMiddleware(policy=RedirectPolicy(), handled=handled)
    return middleware.process_response(request, Response(request.url, status=status, headers=named))


def refreshed(page: str, request: Request | None = None, **options: Any) -> Any:
    request = request or Request(URL)
    middleware = MetaRefreshMiddleware(policy=RedirectPolicy(), **options)
    return middleware.process_response(request, HtmlResponse(request.url, body=page.encode(), encoding="utf-8"))


def meta_tag(content: str) -> str:
    return f'<html><head><meta http-equiv="refresh" content="{content}"></head></html>'


# --- status and Location --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(status: int) -> None:
    following = redirected(Request(URL), "/next", status=status)
    assert (following.url, following.priority) == (f"{URL}next", 2)
    assert following.meta["redirect_reasons"] == [status]


@pytest.mark.parametrize("status", [200, 201, 300, 304, 305, 404])
def test_another_status_with_a_location_reaches_the_spider(status: int) -> None:
    assert redirected(Request(URL), "/next", status=status).status == status


def test_a_redirect_without_location_reaches_the_spider() -> None:
    response = Response(URL, status=302)
    assert RedirectMiddleware(policy=RedirectPolicy()).process_response(Request(URL), response) is response


@pytest.mark.parametrize("location", ["file:///etc/passwd", "data:,x", "ftp://example.com/", "s3://bucket/key"])
def test_a_redirect_to_another_scheme_reaches_the_spider_GHSA_23j4_mw76_5v7h(location: str) -> None:
    assert redirected(Request(URL), location).status == 302


@pytest.mark.parametrize(
    "meta", [{"dont_redirect": True}, {"handle_httpstatus_all": True}, {"handle_httpstatus_list": [302]}]
)
def test_meta_keeps_a_redirect_for_the_spider(meta: dict[str, Any]) -> None:
    assert redirected(Request(URL, meta=meta), "/next").status == 302


def test_a_spider_keeps_the_statuses_that_it_handles() -> None:
    assert redirected(Request(URL), "/next", handled=[302]).status == 302
    assert redirected(Request(URL), "/next", status=301, handled=[302]).url == f"{URL}next"


def test_credentials_stay_behind_GHSA_cw9j_q3vf_hrrv() -> None:
    request = Request(URL, headers={"Authorization": "Basic x", "Cookie": "a=b"})
    following = redirected(request, "https://example.org/")
    assert b"Authorization" not in following.headers
    assert b"Cookie" not in following.headers
    assert request.headers["Authorization"] == b"Basic x"


def test_the_referrer_policy_of_the_response_counts_GHSA_cwxj_rr6w_m6w7() -> None:
    request = Request(URL, headers={"Referer": f"{URL}from"})
    assert redirected(request, "/next").headers["Referer"] == f"{URL}from".encode()
    assert b"Referer" not in redirected(request, "/next", Referrer_Policy="no-referrer").headers
    assert redirected(request, "/next", Referrer_Policy="sys.exit").headers["Referer"] == f"{URL}from".encode()


def test_a_loop_ends_with_an_error_for_the_errback() -> None:
    request: Any = Request(URL)
    with pytest.raises(IgnoreRequest, match="max redirections reached"):
        for _ in range(30):
            request = redirected(request, "/next")
    assert request.meta["redirect_times"] == 20


# --- meta refresh ---------------------------------------------------------------------------------


def test_a_meta_refresh_is_followed_with_get() -> None:
    following = refreshed(meta_tag("5; url=/next"), Request(URL, method="POST", body=b"x"))
    assert (following.url, following.method, following.body) == (f"{URL}next", "GET", b"")
    assert following.meta["redirect_reasons"] == ["meta refresh"]


def test_a_meta_refresh_is_relative_to_the_base_of_the_page() -> None:
    page = (
        '<html><head><base href="https://example.org/x/"><meta http-equiv=refresh content="0;url=next"></head></html>'
    )
    assert refreshed(page).url == "https://example.org/x/next"


@pytest.mark.parametrize(
    "content",
    ["100; url=/next", "0; url=file:///etc/passwd", "0; url=javascript:alert(1)", "5; url=/", "5", "0; url=http://"],
)
def test_a_page_that_leads_nowhere_reaches_the_spider_GHSA_23j4_mw76_5v7h(content: str) -> None:
    assert refreshed(meta_tag(content)).status == 200


def test_a_page_that_sends_a_visitor_back_to_itself_at_once_is_followed() -> None:
    assert refreshed(meta_tag("0; url=/")).dont_filter


def test_the_limits_of_a_meta_refresh_are_settings() -> None:
    assert refreshed(meta_tag("5; url=/next"), max_delay=5).status == 200
    assert refreshed(f"<noscript>{meta_tag('0; url=/next')}</noscript>").status == 200
    assert refreshed(f"<noscript>{meta_tag('0; url=/next')}</noscript>", ignore_tags=[]).url == f"{URL}next"


def test_meta_and_head_keep_a_meta_refresh_for_the_spider() -> None:
    assert refreshed(meta_tag("0; url=/next"), Request(URL, meta={"dont_redirect": True})).status == 200
    assert refreshed(meta_tag("0; url=/next"), Request(URL, method="HEAD")).status == 200


def test_only_html_has_a_meta_refresh() -> None:
    response = Response(URL, body=meta_tag("0; url=/next").encode())
    assert MetaRefreshMiddleware(policy=RedirectPolicy()).process_response(Request(URL), response) is response


# --- building -------------------------------------------------------------------------------------


def crawler_with(spider: Any = None, **values: Any) -> Any:
    settings = Settings({f"redirect.{name}": value for name, value in values.items()})
    return SimpleNamespace(settings=settings, spider=spider)


def test_they_are_built_from_the_settings() -> None:
    crawler = crawler_with(max_times=1, priority_adjust=7, secret_headers=["X-Mine"])
    request = Request(URL, headers={"X-Mine": "1", "X-Api-Key": "2"})
    response = Response(URL, status=302, headers={"Location": "https://example.org/"})
    following = RedirectMiddleware.from_crawler(crawler).process_response(request, response)
    assert isinstance(following, Request)
    assert following.priority == 7
    assert b"X-Mine" not in following.headers
    assert b"X-Api-Key" in following.headers
    page = HtmlResponse(URL, body=meta_tag("5; url=/next").encode(), encoding="utf-8")
    assert (
        MetaRefreshMiddleware.from_crawler(crawler_with(meta_refresh_max_delay=1)).process_response(request, page)
        is page
    )


def test_headers_that_are_named_as_secret_are_so_beside_those_that_always_are() -> None:
    policy = policy_of(Settings({"redirect.secret_headers": ["X-Mine"]}))
    assert policy.secret_headers == {"x-mine", "authorization", "cookie", "proxy-authorization"}


def test_the_spiders_list_of_statuses_is_read() -> None:
    middleware = RedirectMiddleware.from_crawler(crawler_with(SimpleNamespace(handle_httpstatus_list=[302])))
    response = Response(URL, status=302, headers={"Location": "/next"})
    assert middleware.process_response(Request(URL), response) is response


@pytest.mark.parametrize(
    ("middleware", "values"),
    [
        (RedirectMiddleware, {"enabled": False}),
        (MetaRefreshMiddleware, {"enabled": False}),
        (MetaRefreshMiddleware, {"meta_refresh": False}),
    ],
)
def test_they_are_left_out_where_they_are_switched_off(middleware: Any, values: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured):
        middleware.from_crawler(crawler_with(**values))
