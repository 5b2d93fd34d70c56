"""The way of a request: which proxy, as whom, from where."""

from __future__ import annotations

from typing import Any

import pytest

from crawler.download import proxy_rules
from crawler.download.errors import InvalidRequestError
from crawler.download.proxy import Way, Ways
from crawler.exceptions import SettingsError
from crawler.http import Request
from crawler.http.proxy import parse_proxy
from crawler.settings import Settings

URL = "https://site.test/"


def way_of(*, known: str = "", headers: Any = None, **meta: Any) -> Way | None:
    proxies = {parse_proxy(known).url: parse_proxy(known)} if known else {}
    return Ways(proxies).of(Request(URL, headers=headers, meta=meta))


@pytest.mark.parametrize("meta", [{"proxy": None}, {"proxy": ""}, {"bindaddress": None}, {}])
def test_nothing_asked_for_is_the_usual_way(meta: dict[str, Any]) -> None:
    assert way_of(**meta) is None


def test_the_proxy_of_the_request_is_taken_with_its_credentials() -> None:
    assert way_of(proxy="http://me:hush@proxy.test:1") == Way(parse_proxy("http://me:hush@proxy.test:1"))


@pytest.mark.parametrize("given", ["192.0.2.7", ("192.0.2.7", 0), ["192.0.2.7", 0]])
def test_the_local_address_may_be_written_as_scrapy_takes_it(given: Any) -> None:
    assert way_of(bindaddress=given) == Way(None, "192.0.2.7")


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ({"proxy": 8080}, r'meta\["proxy"\] is a int'),
        ({"proxy": "gopher://me:hush@proxy.test"}, "of a kind that is not spoken"),
        ({"bindaddress": "localhost"}, "write an address of this machine"),
    ],
)
def test_meta_that_makes_no_sense_is_an_error_without_its_secrets(meta: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequestError, match=told) as caught:
        way_of(**meta)
    assert "hush" not in str(caught.value)


def test_a_proxy_of_the_settings_is_known_with_its_credentials() -> None:
    way = way_of(known="http://me:hush@proxy.test:1", proxy="http://proxy.test:1")
    assert way is not None
    assert way.proxy == parse_proxy("http://me:hush@proxy.test:1")


def test_credentials_of_one_proxy_are_not_for_another() -> None:
    way = way_of(known="http://me:hush@proxy.test:1", proxy="http://proxy.test:2")
    assert way == Way(parse_proxy("http://proxy.test:2"))


def test_a_header_of_the_spider_is_for_the_proxy() -> None:
    way = way_of(proxy="http://proxy.test:1", headers={"Proxy-Authorization": "Basic eDp5"})
    assert way is not None
    assert way.authorization_with("http") == b"Basic eDp5"


def test_a_header_of_the_spider_is_not_for_the_next_proxy_of_the_same_request() -> None:
    request = Request(URL, headers={"Proxy-Authorization": "Basic eDp5"}, meta={"proxy": "http://one.test:1"})
    ways = Ways()
    ways.of(request)
    retry = request.replace(meta={**request.meta, "proxy": "http://two.test:1"})
    assert ways.of(retry) == Way(parse_proxy("http://two.test:1"))


def test_credentials_in_the_url_count_before_a_header() -> None:
    way = way_of(proxy="http://me:hush@proxy.test:1", headers={"Proxy-Authorization": "Basic eDp5"})
    assert way == Way(parse_proxy("http://me:hush@proxy.test:1"))


@pytest.mark.parametrize(
    ("proxy", "scheme", "sent"),
    [
        ("http://me:x@p.test", "http", True),
        ("http://me:x@p.test", "https", False),
        ("https://me:x@p.test", "http", True),
        ("socks5://me:x@p.test", "http", False),
    ],
)
def test_a_request_carries_the_credentials_only_where_the_proxy_reads_it(proxy: str, scheme: str, sent: bool) -> None:
    assert bool(Way(parse_proxy(proxy)).authorization_with(scheme)) is sent


# --- settings -----------------------------------------------------------------------------------------------------------


def chosen(url: str, environ: dict[str, str] | None = None, **http: Any) -> str | None:
    settings = Settings({f"http.{name}": value for name, value in http.items()})
    proxy = proxy_rules(settings.http, environ or {}).proxy_for(url)
    return proxy.url if proxy is not None else None


def test_the_setting_is_for_every_url_but_those_that_are_excepted() -> None:
    given: dict[str, Any] = {"proxy": "http://me:hush@proxy.test:1", "no_proxy": ["intranet.example"]}
    assert chosen("https://site.test/", **given) == chosen("http://127.0.0.1/", **given) == "http://proxy.test:1"
    assert chosen("http://www.intranet.example/", **given) is None


def test_a_scheme_may_have_a_proxy_of_its_own() -> None:
    given: dict[str, Any] = {"proxy": "http://one.test:1", "proxies": {"https": "http://two.test:1"}}
    assert chosen("http://site.test/", **given) == "http://one.test:1"
    assert chosen("https://site.test/", **given) == "http://two.test:1"


def test_the_setting_counts_before_the_environment_and_the_environment_without_it() -> None:
    environ = {"all_proxy": "http://environment.test:1"}
    assert chosen(URL, environ, proxy="http://setting.test:1") == "http://setting.test:1"
    assert chosen(URL, environ) == "http://environment.test:1"
    assert chosen(URL, environ, use_proxy=False) is None


def test_scrapys_name_switches_them_off() -> None:
    settings = Settings({"HTTPPROXY_ENABLED": False, "HTTPPROXY_AUTH_ENCODING": "latin-1"})
    assert not proxy_rules(settings.http, {"all_proxy": "http://environment.test:1"})
    assert settings.http.proxy_auth_encoding == "latin-1"


@pytest.mark.parametrize("given", [{"proxy": "gopher://me:hush@x.test"}, {"proxies": {"ftp": "http://me:hush@x.test"}}])
def test_a_setting_that_names_no_proxy_is_an_error_without_its_secrets(given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"http\.prox") as caught:
        chosen(URL, **given)
    assert "hush" not in str(caught.value)


def test_what_settings_show_of_a_proxy_is_masked() -> None:
    settings = Settings({"http.proxy": "http://me:hush@x.test", "http.proxies": {"https": "http://me:hush@y.test"}})
    assert "hush" not in repr(settings.explain())
    with pytest.raises(SettingsError) as caught:
        Settings({"http.proxies": ["http://me:hush@x.test"]})
    assert "hush" not in str(caught.value)
