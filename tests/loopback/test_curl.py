"""The transport on libcurl: HTTP/2 with a real nginx, a browser's handshake, and the crawler's own limits, guard and errors."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from crawler import exceptions
from tests.loopback.certificates import Authority
from tests.loopback.peers import nginx, tinyproxy
from tests.loopback.servers import probe, response, say, serving
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
    from crawler import Request, Spider, runtime
    from crawler.crawler import Crawler
    from tests.loopback.servers import FAST, reactor

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
