"""The choice of a proxy for requests that name none."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from crawler import Spider
from crawler.downloadermiddlewares.httpproxy import HttpProxyMiddleware
from crawler.exceptions import NotConfigured
from crawler.http import Request, Response
from crawler.http.proxy import ProxyRules
from crawler.http.redirects import RedirectPolicy, next_request
from crawler.settings import Settings
from crawler.testing import Site, crawl_in_memory

BOTH = {
    "http_proxy": "http://me:hush@plain.test:1",
    "https_proxy": "http://you:quiet@secure.test:2",
    "no_proxy": "direct.test",
}


def middleware(environ: dict[str, str] = BOTH) -> HttpProxyMiddleware:
    return HttpProxyMiddleware(rules=ProxyRules.from_environment(environ))


def after(request: Request) -> Any:
    middleware().process_request(request)
    return request.meta.get("proxy", "none")


def test_a_request_gets_the_proxy_of_its_scheme_without_credentials() -> None:
    assert after(Request("http://site.test/")) == "http://plain.test:1"
    assert after(Request("https://site.test/")) == "http://secure.test:2"
    assert after(Request("http://direct.test/")) == "none"


@pytest.mark.parametrize("given", [None, "", "http://other.test:3"])
def test_what_the_spider_says_stays(given: Any) -> None:
    assert after(Request("http://site.test/", meta={"proxy": given})) == given


def test_GHSA_jm3v_qxmh_hxwv_a_redirect_from_http_to_https_chooses_its_proxy_anew() -> None:
    request = Request("http://site.test/")
    after(request)
    following = next_request(request, "https://site.test/", method="GET", reason=302, policy=RedirectPolicy())
    assert after(following) == "http://secure.test:2"


def test_a_redirect_to_a_host_that_is_asked_directly_leaves_the_proxy() -> None:
    request = Request("http://site.test/")
    after(request)
    following = next_request(request, "http://direct.test/", method="GET", reason=302, policy=RedirectPolicy())
    assert after(following) == "none"
    assert "_proxy_chosen" not in following.meta


def test_without_any_proxy_there_is_no_middleware(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NotConfigured):
        HttpProxyMiddleware.from_crawler(SimpleNamespace(settings=Settings()))  # type: ignore[arg-type]  # what is used


def test_a_crawl_says_once_which_proxies_it_uses_and_not_as_whom(caplog: pytest.LogCaptureFixture) -> None:
    class Proxied(Spider):
        name = "proxied"
        start_urls = ["http://site.test/"]

        def parse(self, response: Response) -> Any:
            yield {"proxy": response.meta["proxy"]}

    with caplog.at_level(logging.DEBUG):
        result = crawl_in_memory(Proxied, Site({"/": "x"}), {"http.proxy": "socks5h://me:hush@proxy.test"})
    assert result.items == [{"proxy": "socks5h://proxy.test:1080"}]
    assert "Requests go through a proxy: socks5h://proxy.test:1080" in caplog.text
    assert "hush" not in caplog.text
