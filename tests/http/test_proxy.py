"""Proxies: what their URLs say, and which URLs go through which."""

from __future__ import annotations

import pytest

from crawler.exceptions import InvalidURLError
from crawler.http.proxy import Bypass, ProxyRules, parse_proxy
from crawler.url import split


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://proxy.test:3128", "http://proxy.test:3128"),
        ("proxy.test:3128", "http://proxy.test:3128"),
        ("http://proxy.test", "http://proxy.test:80"),
        ("https://proxy.test/", "https://proxy.test:443"),
        ("socks5://proxy.test", "socks5://proxy.test:1080"),
        ("SOCKS5H://PROXY.test:9050", "socks5h://proxy.test:9050"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_proxy_is_named_by_its_url(text: str, url: str) -> None:
    assert parse_proxy(text).url == url


def test_credentials_are_percent_decoded_and_made_a_header() -> None:
    proxy = parse_proxy("http://us%40er:p%3Ass@proxy.test:1")
    assert (proxy.user, proxy.password) == ("us@er", "p:ss")
    assert proxy.authorization == b"Basic dXNAZXI6cDpzcw=="


def test_credentials_go_out_in_the_encoding_that_is_asked_for() -> None:
    assert parse_proxy("http://m%C3%A9:x@proxy.test", encoding="latin-1").authorization == b"Basic bek6eA=="
    assert parse_proxy("http://m%C3%A9:x@proxy.test").authorization == b"Basic bcOpOng="


def test_no_text_of_a_proxy_tells_its_credentials() -> None:
    proxy = parse_proxy("http://user:hush@proxy.test:1")
    assert "hush" not in f"{proxy} {proxy!r} {proxy.url}"
    assert "user" not in f"{proxy} {proxy!r} {proxy.url}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "socks4://user:hush@proxy.test:1",
            "socks4; write http://user:password@host:port or with https, socks5 or socks5h",
        ),
        ("ftp://user:hush@proxy.test:1", "of a kind that is not spoken"),
        ("http://user:hush@", "names no host"),
        ("http://user:hush@proxy.test:port", "is no URL"),
        ("http://user:hush@[proxy", "is no URL"),
        ("http://user:hush", "is no URL"),
        ("socks5://user:hush" + "x" * 300 + "@proxy.test", "longer than SOCKS can tell"),
    ],
)
def test_what_is_no_proxy_is_an_error_that_does_not_tell_the_password(text: str, told: str) -> None:
    with pytest.raises(InvalidURLError, match=told) as caught:
        parse_proxy(text)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_password_that_the_encoding_cannot_write_names_the_setting() -> None:
    with pytest.raises(InvalidURLError, match=r"http\.proxy_auth_encoding"):
        parse_proxy("http://me:%E2%82%AC@proxy.test", encoding="latin-1")


# --- no_proxy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "url", "covered"),
    [
        ("*", "http://any.test/", True),
        ("example.org", "http://example.org/", True),
        ("example.org", "https://www.example.org/", True),
        (".example.org", "https://www.example.org/", True),
        ("*.example.org", "https://www.example.org/", True),
        ("EXAMPLE.org", "http://www.example.ORG/", True),
        ("example.org", "http://example.org./", True),
        ("example.org", "http://notexample.org/", False),
        ("www.example.org", "http://example.org/", False),
        ("example.org:8080", "http://example.org:8080/", True),
        ("example.org:8080", "http://example.org/", False),
        ("example.org:80", "http://example.org/", True),
        ("192.0.2.1", "http://192.0.2.1/", True),
        ("192.0.2.0/24", "http://192.0.2.77/", True),
        ("192.0.2.0/24", "http://192.0.3.1/", False),
        ("192.0.2.1:443", "https://192.0.2.1/", True),
        ("192.0.2.1:443", "http://192.0.2.1/", False),
        ("[2001:db8::1]", "http://[2001:db8::1]/", True),
        ("[2001:db8::1]:80", "http://[2001:db8::1]/", True),
        ("2001:db8::/32", "http://[2001:db8:1::1]/", True),
        ("", "http://example.org/", False),
        ("b\u00fccher.example", "http://www.xn--bcher-kva.example/", True),
        ("localhost", "http://localhost:8000/", True),
    ],
)
def test_no_proxy_is_read_as_curl_reads_it(rule: str, url: str, covered: bool) -> None:
    assert Bypass([rule]).covers(split(url)) is covered


# --- the environment ----------------------------------------------------------------------------------------------------


def chosen(environ: dict[str, str], url: str) -> str | None:
    proxy = ProxyRules.from_environment(environ).proxy_for(url)
    return None if proxy is None else proxy.url


def test_each_scheme_has_its_variable_and_all_proxy_is_for_the_rest() -> None:
    environ = {"http_proxy": "http://plain.test:1", "HTTPS_PROXY": "http://secure.test:2"}
    assert chosen(environ, "http://site.test/") == "http://plain.test:1"
    assert chosen(environ, "https://site.test/") == "http://secure.test:2"
    assert chosen({"all_proxy": "socks5://all.test"}, "https://site.test/") == "socks5://all.test:1080"


def test_small_letters_count_before_large_ones() -> None:
    assert (
        chosen({"http_proxy": "small.test:1", "HTTP_PROXY": "large.test:1"}, "http://x.test/") == "http://small.test:1"
    )


def test_a_visitor_of_a_cgi_script_cannot_name_the_proxy() -> None:
    assert chosen({"HTTP_PROXY": "http://evil.test:1", "REQUEST_METHOD": "GET"}, "http://site.test/") is None


@pytest.mark.parametrize("host", ["localhost", "api.localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_asked_directly_whatever_the_environment_says(host: str) -> None:
    assert chosen({"all_proxy": "http://proxy.test:1"}, f"http://{host}:8000/") is None


def test_no_proxy_of_the_environment_counts() -> None:
    environ = {"all_proxy": "http://proxy.test:1", "NO_PROXY": "example.org, 10.0.0.0/8"}
    assert chosen(environ, "http://www.example.org/") is None
    assert chosen(environ, "http://10.1.2.3/") is None
    assert chosen(environ, "http://example.com/") == "http://proxy.test:1"


def test_a_variable_that_names_no_proxy_is_an_error_that_names_it() -> None:
    with pytest.raises(InvalidURLError, match="HTTPS_PROXY"):
        ProxyRules.from_environment({"HTTPS_PROXY": "gopher://proxy.test"})
