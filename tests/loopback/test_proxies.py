"""Real sockets, proxies of our own that note every word: what goes to whom."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from crawler import Request, exceptions, runtime
from crawler.crawler import Crawler
from tests.loopback.certificates import Authority, server_options
from tests.loopback.proxies import HttpProxy, SocksProxy, proxying
from tests.loopback.servers import FAST, Probe, ScriptedServer, reactor, response, say, serving

PAGE = b"<h1>hello</h1>"
BASIC = b"Basic bWU6aHVzaA=="  # me:hush


class Sent(Probe):
    """Sends *requests*, pairs of a URL and what else makes a request."""

    def __init__(self, requests: list[tuple[str, dict[str, Any]]]) -> None:
        super().__init__([])
        self.requests = requests

    async def start(self) -> Any:
        for url, more in self.requests:
            yield Request(url, errback=self.failed, dont_filter=True, **more)


async def send(*requests: tuple[str, dict[str, Any]], **settings: Any) -> Sent:
    """Send *requests* one after the other; return the spider with what came of them."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    fixed = {**FAST, "crawl.concurrency": 1, "http.connect_timeout": 10.0}
    crawler = Crawler(Sent, {**fixed, **named}, runtime=runtime.of_reactor(reactor))
    await crawler.crawl(requests=list(requests))
    assert isinstance(crawler.spider, Sent)
    return crawler.spider


def through(proxy: Any, scheme: str = "http", user: str = "") -> dict[str, Any]:
    return {"meta": {"proxy": f"{scheme}://{user}127.0.0.1:{proxy.port}"}}


@contextmanager
def serving_tls(file: Path) -> Iterator[ScriptedServer]:
    """Serve a page over TLS."""
    server = ScriptedServer(say(response(PAGE)))
    port = reactor.listenSSL(0, server, server_options(file), interface="127.0.0.1")
    server.url = f"https://localhost:{port.getHost().port}"
    try:
        yield server
    finally:
        port.stopListening()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


# --- HTTP proxies -------------------------------------------------------------------------------------------------------


@ensureDeferred
async def test_an_http_url_goes_to_the_proxy_in_full_and_alone_with_its_credentials() -> None:
    with serving(say(response(PAGE))) as server, proxying(HttpProxy(wants=BASIC)) as proxy:
        spider = await send((f"{server.url}/path?query=1#fragment", through(proxy, user="me:hush@")))
    assert spider.responses[0].body == PAGE
    lines = proxy.heads[0].split(b"\r\n")
    assert lines[0] == f"GET {server.url}/path?query=1 HTTP/1.1".encode()
    assert b"Host: " + server.url.removeprefix("http://").encode() in lines
    assert lines.count(b"Proxy-Authorization: " + BASIC) == 1


@ensureDeferred
async def test_an_https_url_goes_through_connect_and_its_origin_never_sees_the_credentials(
    authority: Authority,
) -> None:
    with serving_tls(authority.issue("localhost")) as server, proxying(HttpProxy(wants=BASIC)) as proxy:
        spider = await send(
            (f"{server.url}/1", through(proxy, user="me:hush@")),
            (f"{server.url}/2", through(proxy, user="me:hush@")),
            http__ca_file=str(authority.file),
        )
    assert [one.body for one in spider.responses] == [PAGE] * 2
    place = server.url.removeprefix("https://").encode()
    assert proxy.heads == [b"CONNECT " + place + b" HTTP/1.1\r\nHost: " + place + b"\r\nProxy-Authorization: " + BASIC]
    assert [head.split(b" ")[1] for head in server.heads] == [b"/1", b"/2"]
    assert not any(b"roxy" in head for head in server.heads)
    assert spider.responses[0].certificate.getSubject().commonName == b"localhost"


@ensureDeferred
async def test_a_proxy_itself_may_be_reached_over_tls_for_both_kinds_of_urls(authority: Authority) -> None:
    with (
        serving(say(response(PAGE))) as plain,
        serving_tls(authority.issue("localhost")) as secure,
        proxying(HttpProxy(wants=BASIC), server_options(authority.issue("127.0.0.1"))) as proxy,
    ):
        spider = await send(
            (plain.url + "/", through(proxy, "https", "me:hush@")),
            (secure.url + "/", through(proxy, "https", "me:hush@")),
            http__ca_file=str(authority.file),
        )
    assert [one.body for one in spider.responses] == [PAGE] * 2
    assert [head.split(b" ")[0] for head in proxy.heads] == [b"GET", b"CONNECT"]
    assert spider.responses[0].certificate is None, "that would be the proxy's, and not the origin's"


@ensureDeferred
async def test_a_proxy_whose_certificate_is_not_trusted_hears_no_word(authority: Authority) -> None:
    with (
        serving(say(response(PAGE))) as plain,
        serving_tls(authority.issue("localhost")) as secure,
        proxying(HttpProxy(), server_options(authority.issue("other.test"))) as proxy,
    ):
        spider = await send(
            (plain.url + "/", through(proxy, "https", "me:hush@")),
            (secure.url + "/", through(proxy, "https", "me:hush@")),
            http__ca_file=str(authority.file),
        )
    assert [type(error).__name__ for error in spider.errors] == ["DownloadTLSError"] * 2
    assert proxy.heads == []


@pytest.mark.parametrize(("scheme", "status"), [("http", 407), ("https", None)])
@ensureDeferred
async def test_a_proxy_that_does_not_know_us_is_a_407_or_an_error(scheme: str, status: int | None) -> None:
    with proxying(HttpProxy(wants=b"Basic bm9ib2R5")) as proxy:
        way = through(proxy, user="me:hush@")
        way["meta"]["handle_httpstatus_all"] = True
        spider = await send((f"{scheme}://site.test/", way))
    if status:
        assert spider.responses[0].status == status
    else:
        assert isinstance(spider.errors[0], exceptions.ProxyAuthenticationError)
        assert spider.errors[0].status == 407


@ensureDeferred
async def test_a_refused_connect_is_tried_again_and_a_407_is_not() -> None:
    retry = {"retry__enabled": True, "retry__delay": 0.0, "retry__times": 2}
    bad, who = b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"HTTP/1.1 407 Who\r\n\r\n"
    with proxying(HttpProxy(answer=bad)) as down, proxying(HttpProxy(answer=who)) as stranger:
        spider = await send(("https://a.test/", through(down)), ("https://b.test/", through(stranger)), **retry)
    assert (len(down.heads), len(stranger.heads)) == (3, 1)
    assert sorted(error.status for error in spider.errors) == [407, 502]


@ensureDeferred
async def test_GHSA_9x8m_2xpf_crp3_credentials_of_a_proxy_go_to_no_other_and_not_directly() -> None:
    with serving(say(response(PAGE))) as server, proxying(HttpProxy()) as one, proxying(HttpProxy()) as two:
        header = {"Proxy-Authorization": BASIC}
        first = Request(server.url + "/1", headers=header, meta=through(one)["meta"])

        class Moving(Sent):
            async def start(self) -> Any:
                yield first.replace(callback=self.moved)

            def moved(self, response: Any) -> Any:
                for number, proxy in enumerate((through(two)["meta"]["proxy"], None, ""), 2):
                    yield response.request.replace(
                        url=f"{server.url}/{number}",
                        callback=self.parse,
                        meta={**response.request.meta, "proxy": proxy},
                    )

        crawler = Crawler(Moving, {**FAST, "crawl.concurrency": 1}, runtime=runtime.of_reactor(reactor))
        await crawler.crawl(requests=[])
    assert BASIC in one.heads[0]
    assert [head.split(b" ")[1] for head in two.heads] == [f"{server.url}/2".encode()]
    assert not any(b"roxy" in head for head in two.heads)
    direct = [head for head in server.heads if head.split(b" ")[1] in (b"/3", b"/4")]
    assert len(direct) == 2
    assert not any(b"roxy" in head for head in direct)


@ensureDeferred
async def test_connections_are_shared_neither_between_proxies_nor_users_nor_with_direct_ones() -> None:
    with serving(say(response(PAGE))) as server, proxying(HttpProxy()) as one, proxying(HttpProxy()) as two:
        ways = [through(one), through(one, user="a:b@"), through(one, user="a:c@"), through(two), {}]
        spider = await send(*[(f"{server.url}/{number}", way) for way in ways for number in range(2)])
    assert len(spider.responses) == 10
    assert (one.connections, two.connections, server.connections) == (3, 1, 5)


@ensureDeferred
async def test_a_proxy_that_is_not_there_is_named_and_not_its_password(caplog: pytest.LogCaptureFixture) -> None:
    with proxying(HttpProxy()) as proxy:
        pass
    with caplog.at_level(logging.DEBUG):
        spider = await send(
            ("http://a.test/", through(proxy, user="me:hush@")),
            ("https://a.test/", through(proxy, "socks5h", "me:hush@")),
        )
    for error in spider.errors:
        assert isinstance(error, exceptions.ProxyError)
        assert f"127.0.0.1:{proxy.port} cannot be reached" in str(error)
        assert "hush" not in repr(error) + caplog.text


@ensureDeferred
async def test_a_proxy_that_says_nothing_is_given_up_in_the_connect_phase() -> None:
    with serving(lambda transport, head: None) as silent:
        spider = await send(
            ("https://a.test/", {"meta": {"proxy": silent.url}}), http__connect_timeout=0.2, http__timeout=20.0
        )
    assert (type(spider.errors[0]).__name__, spider.errors[0].phase) == ("DownloadTimeoutError", "connect")


@ensureDeferred
async def test_a_proxy_that_hangs_up_or_babbles_is_an_error_of_the_proxy() -> None:
    with (
        serving(lambda transport, head: transport.loseConnection()) as hanging_up,
        serving(say(b"220 smtp.test ESMTP\r\n\r\n")) as babbling,
    ):
        spider = await send(
            ("https://a.test/", {"meta": {"proxy": hanging_up.url}}),
            ("https://a.test/", {"meta": {"proxy": babbling.url}}),
        )
    assert [type(error) for error in spider.errors] == [exceptions.ProxyError] * 2


@ensureDeferred
async def test_the_setting_is_used_and_what_it_excepts_is_asked_directly() -> None:
    with serving(say(response(PAGE))) as server, proxying(HttpProxy(wants=BASIC)) as proxy:
        settings = {"http__proxy": f"http://me:hush@127.0.0.1:{proxy.port}", "http__no_proxy": ["localhost"]}
        direct = server.url.replace("127.0.0.1", "localhost")
        spider = await send(
            (server.url + "/", {}), (direct + "/", {}), (server.url + "/", {"meta": {"proxy": None}}), **settings
        )
    assert len(spider.responses) == 3
    assert len(proxy.heads) == 1
    assert not any(b"roxy" in head for head in server.heads[1:])


@ensureDeferred
async def test_a_header_for_a_proxy_reaches_no_origin_without_a_proxy() -> None:
    with serving(say(response(PAGE))) as server:
        await send((server.url + "/", {"headers": {"Proxy-Authorization": BASIC}}))
    assert b"roxy" not in server.heads[0]


# --- SOCKS --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "told"), [("socks5h", "localhost"), ("socks5", "127.0.0.1")])
@ensureDeferred
async def test_socks_resolves_there_or_here(scheme: str, told: str) -> None:
    with serving(say(response(PAGE))) as server, proxying(SocksProxy()) as proxy:
        settings = {"http__pinned_hosts": {"localhost": "127.0.0.1"}}
        spider = await send((server.url.replace("127.0.0.1", "localhost") + "/", through(proxy, scheme)), **settings)
    assert spider.responses[0].body == PAGE
    assert [host for host, _ in proxy.opened] == [told]
    assert server.heads[0].startswith(b"GET / HTTP/1.1\r\n")


@ensureDeferred
async def test_socks_carries_tls_and_knows_our_name(authority: Authority) -> None:
    with serving_tls(authority.issue("localhost")) as server, proxying(SocksProxy(wants=(b"me", b"hush"))) as proxy:
        spider = await send(
            (server.url + "/1", through(proxy, "socks5h", "me:hush@")),
            (server.url + "/2", through(proxy, "socks5h", "me:hush@")),
            http__ca_file=str(authority.file),
        )
    assert [one.body for one in spider.responses] == [PAGE] * 2
    assert proxy.connections == 1
    assert not any(b"hush" in head for head in server.heads)


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [(SocksProxy(wants=(b"me", b"other")), "ProxyAuthenticationError"), (SocksProxy(reply=2), "ProxyError")],
)
@ensureDeferred
async def test_a_socks_proxy_that_refuses_is_an_error_that_says_so(proxy: SocksProxy, expected: str) -> None:
    with proxying(proxy):
        spider = await send(("http://site.test/", through(proxy, "socks5h", "me:hush@")))
    assert type(spider.errors[0]).__name__ == expected
    assert "hush" not in str(spider.errors[0])


# --- addresses ----------------------------------------------------------------------------------------------------------


@ensureDeferred
async def test_the_local_address_of_a_request_is_the_one_it_comes_from() -> None:
    peers: list[str] = []

    def note(transport: Any, head: bytes) -> None:
        peers.append(transport.getPeer().host)
        transport.write(response(PAGE))

    with serving(note) as server:
        await send((server.url + "/1", {"meta": {"bindaddress": "127.0.0.2"}}), (server.url + "/2", {}))
        await send((server.url + "/3", {}), http__bind_address="127.0.0.3")
    assert peers == ["127.0.0.2", "127.0.0.1", "127.0.0.3"]


@ensureDeferred
async def test_robots_txt_is_asked_for_the_way_of_the_request_that_it_is_for() -> None:
    with serving(say(response(PAGE))) as server, proxying(HttpProxy()) as proxy:
        spider = await send((server.url + "/", through(proxy)), politeness__obey_robots=True)
    assert len(spider.responses) == 1
    assert proxy.heads[0].split(b" ")[1] == server.url.encode() + b"/robots.txt"
    assert (proxy.connections, server.connections) == (1, 1)
