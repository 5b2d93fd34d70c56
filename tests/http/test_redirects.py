"""Redirects: where they lead, what goes along, and what stays behind."""

from __future__ import annotations

import time
from typing import Any

import pytest

from crawler.http import Request
from crawler.http.redirects import (
    RedirectPolicy,
    Refresh,
    TooManyRedirectsError,
    location_of,
    meta_refresh,
    method_after,
    might_refresh,
    next_request,
    parse_refresh,
    referrer_policy_of,
)

SECRETS = {
    "Authorization": "Basic x",
    "Proxy-Authorization": "Basic y",
    "X-Api-Key": "z",
    "Cookie": "a=b",
    "Accept": "*/*",
}


def follow(request: Request, target: str, *, status: int = 302, policy: RedirectPolicy | None = None) -> Request:
    return next_request(
        request, target, method=method_after(status, request.method), reason=status, policy=policy or RedirectPolicy()
    )


def header_names(request: Request) -> set[str]:
    return {name.decode().title() for name in request.headers.keys()}  # noqa: SIM118  Headers is no plain dict


# --- where to -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"/next", "https://example.com/next"),
        (b"next?x", "https://example.com/a/next?x"),
        (b"//example.org/x", "https://example.org/x"),
        (b"\\\\example.org\\x", "https://example.org/x"),
        (b" /next\t", "https://example.com/next"),
        (b"/caf\xc3\xa9", "https://example.com/caf%C3%A9"),
        (b"/caf\xe9?\xff", "https://example.com/caf%E9?%FF"),
        (b"http://example.com", "http://example.com/"),
        (b"?y=2", "https://example.com/a/b?y=2"),
    ],
)
def test_a_location_is_resolved_as_browsers_do_it(location: bytes, target: str) -> None:
    assert location_of("https://example.com/a/b?x=1", [location]) == target


def test_the_fragment_is_kept_unless_there_is_a_new_one() -> None:
    assert location_of("https://example.com/a#old", [b"/b"]) == "https://example.com/b#old"
    assert location_of("https://example.com/a#old", [b"/b#new"]) == "https://example.com/b#new"


@pytest.mark.parametrize(
    "location",
    [
        b"file:///etc/passwd",
        b"data:text/html,x",
        b"ftp://example.com/",
        b"s3://bucket/key",
        b"javascript:alert(1)",
        b"about:blank",
        b"mailto:me@example.com",
    ],
)
def test_no_other_scheme_is_followed_GHSA_23j4_mw76_5v7h(location: bytes) -> None:
    assert location_of("https://example.com/", [location]) is None


@pytest.mark.parametrize("locations", [[], [b""], [b"  "], [b"http://"], [b"http://exa mple/"], [b"/a", b"/b"]])
def test_a_location_that_leads_nowhere_is_not_followed(locations: list[bytes]) -> None:
    assert location_of("https://example.com/", locations) is None


def test_the_same_location_twice_is_one() -> None:
    assert location_of("https://example.com/", [b"/a", b"/a"]) == "https://example.com/a"


def test_line_breaks_in_a_location_make_no_header_CVE_2019_12387() -> None:
    target = location_of("https://example.com/", [b"/a\r\nX-Evil: 1"])
    assert target is None or not {"\r", "\n", " "} & set(target)


# --- method and body, fixed in Scrapy 2.14.2 ------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "method", "following"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (301, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (302, "PUT", "PUT"),
        (302, "DELETE", "DELETE"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (301, "GET", "GET"),
    ],
)
def test_the_method_is_rewritten_as_the_fetch_standard_says(status: int, method: str, following: str) -> None:
    assert method_after(status, method) == following


def test_a_post_that_becomes_a_get_loses_its_body_and_what_describes_it() -> None:
    headers = {"Content-Type": "text/plain", "Content-Language": "en", "X-Mine": "1"}
    request = Request("https://example.com/", method="POST", body=b"x", headers=headers)
    following = follow(request, "https://example.com/next")
    assert (following.method, following.body, header_names(following)) == ("GET", b"", {"X-Mine"})


def test_a_307_keeps_method_body_and_headers() -> None:
    request = Request("https://example.com/", method="POST", body=b"x", headers={"Content-Type": "text/plain"})
    following = follow(request, "https://example.com/next", status=307)
    assert (following.method, following.body, header_names(following)) == ("POST", b"x", {"Content-Type"})


# --- secrets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "https://example.org/",
        "https://www.example.com/",
        "https://example.com.evil.org/",
        "http://example.com.evil.org/",
    ],
)
def test_secrets_do_not_go_to_another_host_GHSA_cw9j_q3vf_hrrv_GHSA_cjvr_mfj7_j4j8_CVE_2022_21712(target: str) -> None:
    following = follow(Request("https://example.com/", headers=SECRETS), target)
    assert header_names(following) == {"Accept"}


@pytest.mark.parametrize("target", ["https://example.com:8443/", "http://example.com:8080/", "http://example.com/"])
def test_authorization_does_not_go_to_another_scheme_or_port_GHSA_4qqq_9vqf_3h3f(target: str) -> None:
    following = follow(Request("https://example.com/", headers=SECRETS), target)
    assert not {"Authorization", "Proxy-Authorization", "X-Api-Key"} & header_names(following)


def test_a_default_port_is_the_same_origin_GHSA_4qqq_9vqf_3h3f() -> None:
    following = follow(Request("https://example.com/", headers=SECRETS), "https://example.com:443/next")
    assert header_names(following) == set(SECRETS)


@pytest.mark.parametrize(
    ("source", "target", "is_kept"),
    [
        ("http://example.com/", "https://example.com/", True),
        ("https://example.com/", "https://example.com:8443/", True),
        ("https://example.com/", "http://example.com/", False),
        ("http://example.com/", "http://www.example.com/", False),
    ],
)
def test_a_cookie_header_stays_with_its_host_and_its_tls_GHSA_cjvr_mfj7_j4j8(
    source: str, target: str, is_kept: bool
) -> None:
    following = follow(Request(source, headers={"Cookie": "a=b"}), target)
    assert ("Cookie" in header_names(following)) is is_kept


def test_cookies_of_the_request_are_not_given_again_GHSA_cjvr_mfj7_j4j8() -> None:
    request = Request("https://example.com/", cookies={"a": "b"})
    assert not follow(request, "https://example.org/").cookies
    assert request.cookies == {"a": "b"}


def test_the_secret_headers_are_a_setting() -> None:
    policy = RedirectPolicy(secret_headers=frozenset({"x-mine"}))
    request = Request("https://example.com/", headers={"X-MINE": "1", "X-Api-Key": "2"})
    assert header_names(follow(request, "https://example.org/", policy=policy)) == {"X-Api-Key"}


def test_proxy_authorization_is_dropped_from_http_to_https_GHSA_jm3v_qxmh_hxwv() -> None:
    request = Request("http://example.com/", headers={"Proxy-Authorization": "Basic y"})
    assert header_names(follow(request, "https://example.com/")) == set()


def test_credentials_in_meta_do_not_cross_origins() -> None:
    meta = {"http_user": "me", "http_pass": "secret"}
    request = Request("https://example.com/", meta=meta)
    assert "http_pass" not in follow(request, "https://example.org/").meta
    assert follow(request, "https://example.com/x").meta["http_pass"] == "secret"
    assert request.meta["http_pass"] == "secret"


# --- Referer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "policy", "referer"),
    [
        ("https://example.com/b", "strict-origin-when-cross-origin", b"https://example.com/page?secret=1"),
        ("https://example.org/b", "strict-origin-when-cross-origin", b"https://example.com/"),
        ("http://example.org/b", "strict-origin-when-cross-origin", None),
        ("https://example.com/b", "no-referrer", None),
    ],
)
def test_the_referer_is_asked_again_at_every_hop(target: str, policy: str, referer: bytes | None) -> None:
    request = Request("https://example.com/a", headers={"Referer": "https://example.com/page?secret=1"})
    following = follow(request, target, policy=RedirectPolicy(referrer_policy=policy))
    assert following.headers.get("Referer") == referer


@pytest.mark.parametrize(
    ("headers", "policy"),
    [
        ([], ""),
        ([b"no-referrer"], "no-referrer"),
        ([b"no-referrer, Origin, from-the-future"], "origin"),
        ([b"sys.exit"], ""),
        ([b"os.system", b"crawler.http.referrer"], ""),
        ([b"\xff\xfe"], ""),
    ],
)
def test_an_unknown_referrer_policy_is_ignored_and_nothing_is_imported_GHSA_cwxj_rr6w_m6w7(
    headers: list[bytes], policy: str
) -> None:
    assert referrer_policy_of(headers) == policy


# --- chains ---------------------------------------------------------------------------------------


def test_hops_are_counted_and_named() -> None:
    first = Request("https://example.com/1", priority=5, meta={"mine": 1})
    third = follow(follow(first, "https://example.com/2", status=301), "https://example.com/3", status=307)
    assert third.meta == {
        "mine": 1,
        "redirect_times": 2,
        "redirect_ttl": 18,
        "redirect_urls": ["https://example.com/1", "https://example.com/2"],
        "redirect_reasons": [301, 307],
    }
    assert third.priority == 9
    assert first.meta == {"mine": 1}


def test_a_chain_ends_at_its_limit() -> None:
    policy = RedirectPolicy(max_times=2)
    request = follow(
        follow(Request("https://example.com/1"), "https://example.com/2", policy=policy),
        "https://example.com/1",
        policy=policy,
    )
    with pytest.raises(TooManyRedirectsError, match="max redirections reached"):
        follow(request, "https://example.com/2", policy=policy)


def test_a_hop_back_within_its_chain_is_no_duplicate_and_another_may_be() -> None:
    first = Request("https://example.com/1")
    second = follow(first, "https://example.com/2")
    assert not second.dont_filter
    assert follow(second, "https://example.com/1").dont_filter
    assert follow(first, "https://example.com/1#x").dont_filter
    assert follow(Request("https://example.com/1", dont_filter=True), "https://example.com/2").dont_filter


def test_callback_errback_and_arguments_go_along() -> None:
    def parse(response: Any) -> None: ...

    request = Request("https://example.com/", callback=parse, errback=parse, cb_kwargs={"a": 1}, flags=["x"])
    following = follow(request, "https://example.com/next")
    assert (following.callback, following.errback, following.cb_kwargs, following.flags) == (
        parse,
        parse,
        {"a": 1},
        ["x"],
    )


# --- meta refresh ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "refresh"),
    [
        ("5; url=/next", Refresh(5, "/next")),
        ("0;URL='/next'", Refresh(0, "/next")),
        ('0; url="/a b"x', Refresh(0, "/a b")),
        ("  3 , url = /next ", Refresh(3, "/next")),
        ("0 url=/next", Refresh(0, "/next")),
        ("1.9; url=/next", Refresh(1, "/next")),
        (".5; url=/next", Refresh(0, "/next")),
        ("0; /next", Refresh(0, "/next")),
        ("0; url=/?url=x", Refresh(0, "/?url=x")),
        ("5", None),
        ("5;", None),
        ("url=/next", None),
        ("x; url=/next", None),
        ("-1; url=/next", None),
        ("", None),
    ],
)
def test_a_refresh_is_read_as_html_says(content: str, refresh: Refresh | None) -> None:
    assert parse_refresh(content) == refresh


@pytest.mark.parametrize(
    "page",
    [
        '<meta http-equiv="refresh" content="0;url=/next?a=1&amp;b=2">',
        "<META CONTENT='0;url=/next?a=1&b=2' HTTP-EQUIV=Refresh>",
        '<html><title>x</title><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/next?a=1&b=2"/>',
        '<meta name="x" content=">"><meta http-equiv = "REFRESH" content = "0;url=/next?a=1&b=2">',
        '<!--><meta http-equiv="refresh" content="0;url=/next?a=1&b=2">-->',
        '<!---><meta http-equiv="refresh" content="0;url=/next?a=1&b=2">',
        '<!-- --!><meta http-equiv="refresh" content="0;url=/next?a=1&b=2">',
    ],
)
def test_a_meta_refresh_is_found_in_any_spelling(page: str) -> None:
    assert might_refresh(page.encode())
    assert meta_refresh(page) == Refresh(0, "/next?a=1&b=2")


@pytest.mark.parametrize(
    "page",
    [
        '<!-- <meta http-equiv="refresh" content="0;url=/next"> -->',
        '<script>"<meta http-equiv=refresh content=0;url=/next>"</script>',
        '<noscript><meta http-equiv="refresh" content="0;url=/next"></noscript>',
        '<iframe><meta http-equiv="refresh" content="0;url=/next"></iframe>',
        '<xmp><meta http-equiv="refresh" content="0;url=/next"></xmp>',
        '<plaintext><meta http-equiv="refresh" content="0;url=/next">',
        '<!-- --- ><meta http-equiv="refresh" content="0;url=/next">',
        '<meta http-equiv=" refresh" content="0;url=/next">',
        '<title><meta http-equiv="refresh" content="0;url=/next"></title>',
        '<meta name="refresh" content="0;url=/next">',
        '<meta http-equiv="refresh">',
        '<meta http-equiv="refresh" content="30">',
        " " * 5000 + '<meta http-equiv="refresh" content="0;url=/next">',
        "",
    ],
)
def test_what_is_no_meta_refresh_is_none(page: str) -> None:
    assert meta_refresh(page) is None


def test_the_tags_to_ignore_are_a_setting() -> None:
    page = '<noscript><meta http-equiv="refresh" content="0;url=/next"></noscript>'
    assert meta_refresh(page, ignore_tags=()) == Refresh(0, "/next")


@pytest.mark.parametrize(
    "piece", ["<meta ", '<meta "', "<meta a=", "<script", "<!--", "<meta http-equiv=refresh content="]
)
def test_a_hostile_page_takes_bounded_time(piece: str) -> None:
    start = time.process_time()
    meta_refresh("refresh" + piece * 1_000_000)
    assert time.process_time() - start < 1.0
