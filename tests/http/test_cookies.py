"""Cookies: http-state's tests, what RFC 6265bis adds to them, and what an attacker may set."""

from __future__ import annotations

import http.cookiejar
import json
import time
from base64 import b64decode
from typing import Any

import pytest

from crawler.http import Request, Response
from crawler.http.cookieheader import MAX_HEADER, check, pairs_of, render
from crawler.http.cookies import CookieJar, CookieJars
from crawler.http.dates import http_date
from tests.vectors import vectors

NOW = 1_700_000_000.0
SITE = "https://www.example.com/"

# What http-state expects and this jar does not do, with the reason. Tests that http-state itself disables are not here.
COOKIES_THAT_DIFFER: dict[str, str] = {}


def stored(*headers: str, url: str = SITE, now: float = NOW) -> CookieJar:
    jar = CookieJar()
    for header in headers:
        jar.store(url, header, now=now)
    return jar


def sent(jar: CookieJar, url: str = SITE, now: float = NOW) -> str:
    return jar.header(url, now=now).decode()


# --- http-state -----------------------------------------------------------------------------------


def http_state_cases() -> list[Any]:
    try:
        return [pytest.param(case, id=case["name"]) for case in vectors("cookies", "http_state.json")]
    except pytest.skip.Exception:
        return []


@pytest.mark.parametrize("case", http_state_cases())
def test_http_state(case: dict[str, Any]) -> None:
    if case["disabled"] or case["name"] in COOKIES_THAT_DIFFER:
        pytest.skip(COOKIES_THAT_DIFFER.get(case["name"], "disabled by http-state"))
    before = case.get("needs_now_before")
    now = (http_date("01 Jan 2019 00:00:00 GMT") if before else None) or NOW
    jar = CookieJar()
    for line in case["set_cookie_raw_b64"]:
        jar.store(case["request_url"], b64decode(line).partition(b":")[2].strip(b" "), now=now)
    assert jar.header(case["sent_to"], now=now) == b64decode(case["expected_cookie_header_b64"])


# --- domains --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["co.uk", "com", "github.io", ".co.uk", "CO.UK"])
def test_a_cookie_for_a_public_suffix_is_refused_GHSA_mfjm_vh54_3f96(suffix: str) -> None:
    host = "x." + suffix.lstrip(".").lower()
    assert len(stored(f"a=b; Domain={suffix}", url=f"https://{host}/")) == 0


def test_a_public_suffix_may_set_cookies_for_itself_alone_GHSA_mfjm_vh54_3f96() -> None:
    jar = stored("a=b; Domain=github.io", url="https://github.io/")
    assert sent(jar, "https://github.io/") == "a=b"
    assert sent(jar, "https://me.github.io/") == ""


def test_a_cookie_without_domain_goes_to_its_host_alone() -> None:
    jar = stored("a=b")
    assert sent(jar) == "a=b"
    assert sent(jar, "https://sub.www.example.com/") == ""
    assert sent(jar, "https://example.com/") == ""


def test_a_cookie_with_domain_goes_to_everything_below() -> None:
    jar = stored("a=b; Domain=example.com")
    assert sent(jar, "https://example.com/") == sent(jar, "https://x.y.example.com/") == "a=b"
    assert sent(jar, "https://badexample.com/") == ""


def test_a_cookie_for_another_site_is_refused() -> None:
    assert len(stored("a=b; Domain=example.org")) == 0


def test_an_address_has_no_domain_above_it() -> None:
    assert len(stored("a=b; Domain=0.0.1", url="http://127.0.0.1/")) == 0
    jar = stored("a=b; Domain=127.0.0.1", "c=d", url="http://127.0.0.1:8000/")
    assert sent(jar, "http://127.0.0.1/") == "a=b; c=d"


def test_a_cookie_of_one_host_is_not_sent_to_another_GHSA_cjvr_mfj7_j4j8() -> None:
    jar = CookieJar()
    jar.add(SITE, "session", "1", now=NOW)
    assert sent(jar) == "session=1"
    assert sent(jar, "https://www.example.org/") == ""


# --- TLS, prefixes --------------------------------------------------------------------------------


def test_a_secure_cookie_travels_with_tls_only() -> None:
    jar = stored("a=b; Secure")
    assert sent(jar) == "a=b"
    assert sent(jar, "http://www.example.com/") == ""


def test_a_page_without_tls_cannot_set_or_replace_a_secure_cookie() -> None:
    jar = stored("a=b; Secure; Path=/")
    jar.store("http://www.example.com/", "a=evil; Path=/", now=NOW)
    jar.store("http://www.example.com/", "a=evil; Path=/login", now=NOW)
    jar.store("http://www.example.com/", "c=d; Secure", now=NOW)
    assert sent(jar, "https://www.example.com/login") == "a=b"


@pytest.mark.parametrize(
    "header",
    [
        "__Secure-a=b",
        "__Host-a=b; Secure",
        "__Host-a=b; Secure; Path=/x",
        "__Host-a=b; Secure; Path=/; Domain=www.example.com",
        "__host-a=b; Path=/",
    ],
)
def test_a_prefix_that_is_not_kept_refuses_the_cookie(header: str) -> None:
    assert len(stored(header)) == 0


def test_a_prefix_that_is_kept_is_fine() -> None:
    assert len(stored("__Host-a=b; Secure; Path=/", "__Secure-a=b; Secure; Domain=example.com")) == 2


# --- time -----------------------------------------------------------------------------------------


def test_a_cookie_ends_with_its_max_age_which_counts_before_expires() -> None:
    jar = stored("a=b; Max-Age=10; Expires=Fri, 07 Aug 2099 08:04:19 GMT")
    assert sent(jar, now=NOW + 9) == "a=b"
    assert sent(jar, now=NOW + 10) == ""
    assert len(jar) == 0


def test_a_cookie_that_is_set_again_in_the_past_is_deleted() -> None:
    jar = stored("a=b", "c=d", "a=; Max-Age=0")
    assert sent(jar) == "c=d"


def test_no_cookie_lives_longer_than_400_days() -> None:
    jar = stored("a=b; Max-Age=99999999999999999999999", "c=d; Expires=Fri, 07 Aug 2099 08:04:19 GMT")
    assert sent(jar, now=NOW + 399 * 86400) == "a=b; c=d"
    assert sent(jar, now=NOW + 401 * 86400) == ""


def test_a_cookie_that_is_set_again_keeps_its_place() -> None:
    assert sent(stored("a=1", "b=2", "a=3")) == "a=3; b=2"


# --- bombs and bytes ------------------------------------------------------------------------------


def test_a_cookie_of_more_than_4096_octets_is_ignored() -> None:
    assert len(stored("a=" + "x" * 4096)) == 0
    assert len(stored("a=" + "x" * 4095)) == 1


def test_control_characters_refuse_the_cookie() -> None:
    assert len(stored("a=b\r\nX-Evil: 1", "a=b\x00", "a\x7f=b", "a=b; Path=/\n")) == 0


def test_a_domain_keeps_no_more_cookies_than_its_share_and_loses_secure_ones_last() -> None:
    jar = CookieJar(max_per_domain=3)
    for header in ("s=1; Secure", "a=1", "b=1", "c=1", "d=1"):
        jar.store(SITE, header, now=NOW)
    assert sent(jar) == "s=1; c=1; d=1"


def test_a_full_jar_forgets_the_domain_that_was_unused_for_the_longest_time() -> None:
    jar = CookieJar(max_cookies=2)
    for host in ("one", "two"):
        jar.store(f"https://{host}.example.com/", "a=b", now=NOW)
    assert sent(jar, "https://one.example.com/") == "a=b"
    jar.store("https://three.example.com/", "a=b", now=NOW)
    assert [cookie.domain for cookie in jar] == ["one.example.com", "three.example.com"]
    assert len(jar) == 2


def test_a_cookie_header_is_no_bomb() -> None:
    jar = CookieJar()
    for number in range(100):
        jar.store(SITE, f"c{number}={'x' * 4000}", now=NOW)
    assert len(jar.header(SITE, now=NOW)) <= MAX_HEADER


def test_bytes_that_are_no_utf_8_come_back_as_they_were() -> None:
    jar = CookieJar()
    jar.store(SITE, b"a=\xff\xfe\xe4", now=NOW)
    assert jar.header(SITE, now=NOW) == b"a=\xff\xfe\xe4"


@pytest.mark.parametrize(
    ("name", "value"), [("", "x"), ("a;b", "x"), ("a=b", "x"), ("a", "x;y"), ("a", "x\r\ny"), ("a\n", "")]
)
def test_a_cookie_that_no_header_can_carry_is_an_error(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="cookie"):
        check(name, value)


# --- reading, writing, keeping --------------------------------------------------------------------


def test_cookies_can_be_read_set_and_removed() -> None:
    jar = stored("a=1; Domain=example.com", "b=2")
    jar.set("c", "3", domain=".example.com")
    assert (jar.get("a"), jar.get("b"), jar.get("c"), jar.get("d")) == ("1", "2", "3", None)
    jar.clear(name="a")
    assert sent(jar) == "b=2; c=3"
    jar.clear("www.example.com")
    assert sent(jar) == "c=3"
    jar.clear()
    assert len(jar) == 0
    assert sent(jar) == ""


def test_a_jar_survives_json() -> None:
    jar = stored("a=1; Domain=example.com; Path=/x; Secure; HttpOnly; SameSite=Lax; Max-Age=50", "b=ä")
    jar.store(SITE, b"c=\xff", now=NOW)
    again = CookieJar.restore(json.loads(json.dumps(jar.export())))
    assert again.export() == jar.export()
    assert again.header(SITE + "x", now=NOW) == jar.header(SITE + "x", now=NOW) == "a=1; b=ä; c=".encode() + b"\xff"


def test_several_jars_survive_json_and_know_nothing_of_each_other() -> None:
    jars = CookieJars()
    jars["one"].store(SITE, "a=1", now=NOW)
    jars[2].store(SITE, "a=2", now=NOW)
    assert jars["empty"] is jars["empty"]
    again = CookieJars()
    again.restore(json.loads(json.dumps(jars.export())))
    assert sorted(map(str, again)) == ["2", "one"]
    assert (sent(again["one"]), sent(again[2])) == ("a=1", "a=2")
    again.discard(2)
    assert 2 not in again
    assert again.get(2) is None


def test_a_repr_shows_no_value() -> None:
    jar = stored("token=secret; Domain=example.com")
    assert "secret" not in repr(jar) + repr(list(jar))
    assert repr(list(jar)) == "[<Cookie token for *.example.com/>]"


def test_pairs_written_by_hand_are_read_back() -> None:
    assert pairs_of("a=1; b = x=y ;; c") == [("a", "1"), ("b", "x=y"), ("c", "")]
    assert render([("a", "1"), ("b", "ä")]) == "a=1; b=ä".encode()


def test_jars_tell_whether_anything_has_changed() -> None:
    jars = CookieJars()
    jars[None].store("https://a.test/", "n=1", now=0.0)
    before = jars.changes
    jars[None].store("https://a.test/", "n=1", now=1.0)
    jars[None].header("https://a.test/", now=2.0)
    assert jars.changes == before
    jars[None].store("https://a.test/", "n=2", now=3.0)
    changed = jars.changes
    assert changed != before
    jars[None].clear()
    assert jars.changes != changed
    jars["other"].store("https://a.test/", "n=1", now=0.0)
    assert len(jars.changes) == 2


# --- what ported code calls -------------------------------------------------------------------------


def test_cookies_are_carried_from_jar_to_jar() -> None:
    request = Request("https://example.com/")
    response = Response(request.url, headers={"Set-Cookie": ["a=1; Domain=example.com", "b=2; Max-Age=60"]})
    first, second = CookieJar(), CookieJar()
    for cookie in first.make_cookies(response, request):
        second.set_cookie(cookie)
    assert (len(first), second.header("https://www.example.com/", now=time.time())) == (0, b"a=1")
    second.clear_session_cookies()
    assert [cookie.name for cookie in second] == ["b"]


@pytest.mark.parametrize(("domain", "below"), [(".example.com", b"a=1"), ("example.com", b"")])
def test_cookies_of_the_standard_library_are_taken(domain: str, below: bytes) -> None:
    simple = http.cookiejar.Cookie(
        0,
        "a",
        "1",
        None,
        False,
        domain,
        domain[0] == ".",
        domain[0] == ".",
        "/",
        True,
        False,
        None,
        False,
        None,
        None,
        {},
    )
    jar = CookieJar()
    jar.set_cookie(simple)
    assert jar.header("http://example.com/", now=0) == b"a=1"
    assert jar.header("http://www.example.com/", now=0) == below
