"""The transport on libcurl: HTTP/2 with a real nginx, a browser's handshake, and the crawler's own limits, guard and errors."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from crawler import Request, Spider, exceptions, runtime
from crawler.crawler import Crawler
from tests.loopback.certificates import Authority
from tests.loopback.peers import nginx, tinyproxy
from tests.loopback.proxies import HttpProxy, SocksProxy, proxying
from tests.loopback.servers import FAST, Probe, probe, reactor, response, say, serving
from tests.loopback.test_hostile import CASES
from tests.loopback.test_peers import PAGE, Nginx

pytest.importorskip("curl_cffi", reason="curl_cffi is not installed")

CURL = {"http__transport": "curl", "http__timeout": 20.0}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Nginx]:
    folder, root = tmp_path / "nginx", tmp_path / "root"
    folder.mkdir()
    root.mkdir()
    (root / "index.html").write_bytes(PAGE)
    authority = Authority(tmp_path)
    with nginx(folder, authority.issue("localhost"), root) as port:
        yield Nginx(folder, port, authority)


@ensureDeferred
async def test_http_2_is_spoken_where_the_server_knows_it(web: Nginx) -> None:
    spider, _ = await probe(web.url, **web.settings, **CURL)
    (one,) = spider.responses
    assert (one.status, one.body, one.protocol) == (200, PAGE, "HTTP/2.0")
    assert one.headers["Content-Encoding"] == b"gzip"
    assert one.ip_address == "127.0.0.1"
    assert "HTTP/2.0" in web.log[0]


@ensureDeferred
async def test_connections_are_kept_and_shared(web: Nginx) -> None:
    spider, _ = await probe(
        *[f"{web.url}?{number}" for number in range(4)], **web.settings, **CURL, crawl__concurrency=1
    )
    assert len(spider.responses) == 4
    assert len({line.split()[0] for line in web.log}) == 1


@pytest.mark.parametrize("browser", ["chrome", "firefox"])
@ensureDeferred
async def test_the_handshake_may_be_a_browsers(web: Nginx, browser: str) -> None:
    spider, _ = await probe(web.url, **web.settings, **CURL, http__impersonate=browser)
    assert [one.body for one in spider.responses] == [PAGE]


@ensureDeferred
async def test_a_browser_that_is_none_is_told(web: Nginx) -> None:
    spider, _ = await probe(web.url, **web.settings, **CURL, http__impersonate="lynx")
    assert "'lynx' is no browser that curl_cffi can be like" in str(spider.errors[0])


@ensureDeferred
async def test_a_certificate_that_nobody_trusts_is_refused(web: Nginx) -> None:
    spider, _ = await probe(web.url, **{**web.settings, "http__ca_file": ""}, **CURL)
    assert isinstance(spider.errors[0], exceptions.DownloadTLSError)


@ensureDeferred
async def test_headers_go_out_as_they_are_given_and_nothing_else_does() -> None:
    with serving(say(response(b"<p>x", b"Connection: close"))) as server:
        await probe(server.url, **CURL, http__headers={"X-One": "1", "Accept": "text/html"}, http__user_agent="me")
    lines = server.heads[0].decode().split("\r\n")
    assert lines[0] == "GET / HTTP/1.1"
    assert sorted(line.partition(":")[0] for line in lines[1:]) == [
        "Accept",
        "Accept-Encoding",
        "Host",
        "User-Agent",
        "X-One",
    ]


@pytest.mark.parametrize("case", [case for case in CASES if case not in ("a garbage status line", "two lengths")])
@ensureDeferred
async def test_a_hostile_server_ends_in_an_error_of_the_crawlers(case: str) -> None:
    script, expected = CASES[case]
    with serving(script) as server:
        spider, _ = await probe(server.url, **CURL, http__max_body=1_000_000)
    assert spider.responses == []
    (error,) = spider.errors
    assert isinstance(error, exceptions.DownloadError)
    if "TooLarge" in expected or "Decode" in expected:
        assert type(error).__name__ == expected


@ensureDeferred
async def test_a_bomb_is_stopped_at_the_limit() -> None:
    bomb = response(gzip.compress(b"\0" * 50_000_000), b"Content-Encoding: gzip")
    with serving(say(bomb)) as server:
        spider, _ = await probe(server.url, **CURL, http__max_body=1_000_000)
    assert isinstance(spider.errors[0], exceptions.ResponseTooLargeError)


@ensureDeferred
async def test_the_guard_holds_for_what_curl_connects_to() -> None:
    with serving(say(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:1/\r\nContent-Length: 0\r\n\r\n")) as server:
        spider, _ = await probe(server.url, **CURL)
    assert isinstance(spider.errors[0], exceptions.PrivateAddressError)


@ensureDeferred
async def test_a_proxy_leads_to_the_server(web: Nginx, tmp_path: Path) -> None:
    with tinyproxy(tmp_path) as port:
        proxy = f"http://me:hush@127.0.0.1:{port}"
        spider, _ = await probe(web.url, **web.settings, **CURL, http__proxy=proxy)
    assert [one.body for one in spider.responses] == [PAGE], spider.errors
    assert all(line.endswith(" -") for line in web.log)


@ensureDeferred
async def test_a_refused_connection_is_the_error_that_errbacks_know() -> None:
    with serving(say(b"")) as server:
        url = server.url
    spider, _ = await probe(url, **CURL)
    assert isinstance(spider.errors[0], exceptions.DownloadConnectionRefusedError)


@ensureDeferred
async def test_a_request_may_choose_its_transport() -> None:
    told: list[Any] = []

    class Choosing(Spider):
        name = "choosing"

        def __init__(self, url: str = "", **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.url = url

        async def start(self):
            yield Request(f"{self.url}/curl", meta={"transport": "curl"}, errback=self.failed)
            yield Request(f"{self.url}/none", meta={"transport": "carrier pigeon"}, errback=self.failed)

        def parse(self, response):
            told.append(response.body)

        def failed(self, failure):
            told.append(str(failure.value))

    with serving(say(response(b"<p>x"))) as server:
        await Crawler(Choosing, FAST, runtime=runtime.of_reactor(reactor)).crawl(url=server.url)
    assert b"<p>x" in told
    assert any("there are curl, treq" in str(one) for one in told)


async def fetch_one(request: Any, **settings: Any) -> Any:
    """Return the response to *request* by libcurl, or the error."""
    told: list[Any] = []

    class One(Spider):
        name = "one"

        async def start(self):
            yield request.replace(callback=self.parse, errback=lambda failure: told.append(failure.value))

        def parse(self, response):
            told.append(response)

    named = {name.replace("__", "."): value for name, value in {**CURL, **settings}.items()}
    await Crawler(One, {**FAST, "frontier.store": "memory", **named}, runtime=runtime.of_reactor(reactor)).crawl()
    (one,) = told
    return one


@ensureDeferred
async def test_an_answer_that_does_not_begin_ends_in_the_phase_that_says_so() -> None:
    with serving(lambda transport, head: None) as server:
        error = await fetch_one(Request(server.url), http__first_byte_timeout=0.2)
    assert isinstance(error, exceptions.DownloadTimeoutError)
    assert error.phase == "first byte"


@ensureDeferred
async def test_a_crawl_that_is_stopped_at_once_lets_go_of_what_curl_waits_for() -> None:
    with serving(lambda transport, head: transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as server:
        spider, result = await probe(*[f"{server.url}/{n}" for n in range(8)], **CURL, crawl__max_seconds=0.3)
    assert result.reason == "closespider_timeout"
    assert spider.responses == []


@pytest.mark.parametrize("method", ["GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "GET\tX", ""])
@ensureDeferred
async def test_a_method_cannot_break_out_of_its_line(method: str) -> None:
    with serving(say(response(b"x"))) as server:
        error = await fetch_one(Request(server.url, method=method))
    assert type(error).__name__ == "InvalidRequestError"
    assert server.heads == []


@ensureDeferred
async def test_trailers_are_no_headers() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nSet-Cookie: a=b\r\n\r\n"
    with serving(say(chunked)) as server:
        answer = await fetch_one(Request(server.url))
    assert (answer.body, b"Set-Cookie" in answer.headers) == (b"hi", False)


@ensureDeferred
async def test_a_post_without_a_body_says_so_and_a_host_may_be_named() -> None:
    with serving(say(response(b"x"))) as server:
        await fetch_one(Request(server.url, method="POST", headers={"Host": "other.test"}))
    lines = server.heads[0].split(b"\r\n")
    assert b"Content-Length: 0" in lines
    assert b"Host: other.test" in lines
    assert not any(line.startswith(b"Content-Type") for line in lines)


@pytest.mark.parametrize("name", ["public.test", "-public.test", "PUBLIC.test."])
@ensureDeferred
async def test_curl_looks_up_no_name_itself(name: str) -> None:
    pinned = {"public.test": "127.0.0.1", "-public.test": "127.0.0.1"}
    with serving(say(response(b"x"))) as server:
        url = server.url.replace("127.0.0.1", name)
        answer = await fetch_one(Request(url), http__pinned_hosts=pinned)
    assert answer.body == b"x"


@ensureDeferred
async def test_through_a_socks_proxy_that_gets_addresses_the_guard_sees_them() -> None:
    with serving(say(response(b"<a href=/>"))) as server, proxying(SocksProxy()) as proxy:
        there = server.url.replace("127.0.0.1", "localhost")

        class Following(Probe):
            def parse(self, response: Any, **kwargs: Any) -> Any:
                meta = {"proxy": f"socks5://127.0.0.1:{proxy.port}"}
                yield Request(there, meta=meta, errback=self.failed, callback=self.responses.append)

        named = {"http.transport": "curl", "http.pinned_hosts": {"public.test": "127.0.0.1"}}
        crawler = Crawler(Following, {**FAST, **named}, runtime=runtime.of_reactor(reactor))
        await crawler.crawl(urls=[server.url.replace("127.0.0.1", "public.test")])
    assert isinstance(crawler.spider, Following)
    assert [type(error) for error in crawler.spider.errors] == [exceptions.PrivateAddressError]
    assert proxy.opened == []


@ensureDeferred
async def test_a_proxy_that_does_not_know_us_is_told_and_not_tried_again(web: Nginx) -> None:
    with proxying(HttpProxy(wants=b"Basic Zm9vOmJhcg==")) as proxy:
        url = f"http://me:hush@127.0.0.1:{proxy.port}"
        error = await fetch_one(Request(web.url, meta={"proxy": url}), **web.settings, retry__times=2)
    assert isinstance(error, exceptions.ProxyAuthenticationError)
    assert "hush" not in str(error)
    assert proxy.connections == 1


@ensureDeferred
async def test_a_header_for_a_proxy_goes_to_the_proxy_and_to_no_origin(web: Nginx) -> None:
    with proxying(HttpProxy(wants=b"Basic Zm9vOmJhcg==")) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        request = Request(web.url, meta={"proxy": url}, headers={"Proxy-Authorization": "Basic Zm9vOmJhcg=="})
        answer = await fetch_one(request, **web.settings)
    assert answer.body == PAGE
    assert all(line.endswith(" -") for line in web.log)


@ensureDeferred
async def test_a_server_of_another_version_of_tls_than_is_set_is_refused(web: Nginx) -> None:
    error = await fetch_one(Request(web.url), **web.settings, http__tls_max="1.1", http__tls_min="1.1")
    assert isinstance(error, exceptions.DownloadTLSError)


@contextmanager
def asking_for_a_certificate(authority: Authority) -> Iterator[str]:
    """Serve over TLS whoever has a certificate of *authority*: on OpenSSL's own server, in a thread."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("localhost"))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    accepted, _ = listening.accept()
                except OSError:
                    return
                with suppress(OSError), context.wrap_socket(accepted, server_side=True) as connection:
                    connection.recv(65536)
                    connection.sendall(response(PAGE, b"Connection: close"))

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://localhost:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)


@ensureDeferred
async def test_a_client_certificate_is_shown_to_the_hosts_that_it_is_for_and_to_no_other(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    mine = {"http__client_certificate": str(authority.issue("me")), "http__ca_file": str(authority.file)}
    with asking_for_a_certificate(authority) as url:
        shown = await fetch_one(Request(url), **mine, http__client_certificate_hosts=["localhost"])
        hidden = await fetch_one(Request(url), **mine, http__client_certificate_hosts=["other.test"])
    assert shown.body == PAGE
    assert isinstance(hidden, exceptions.DownloadError)
