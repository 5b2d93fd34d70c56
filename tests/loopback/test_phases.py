"""Real sockets: what a download waits for, told apart: the name, the connection, TLS, the first byte, the body."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol

from crawler import runtime
from crawler.crawler import Crawler
from crawler.download.dns import SystemLookUp
from tests.loopback.certificates import Authority, server_options
from tests.loopback.proxies import HttpProxy, SocksProxy, proxying
from tests.loopback.servers import FAST, Probe, ScriptedServer, reactor, response, say, serving
from tests.loopback.test_dns import black_hole

PAGE = b"<h1>hello</h1>"
SLOW = 0.5

# A machine that does other things besides may take a while for what takes no time.
QUICK = 0.45


@pytest.fixture
def slow_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let every look-up take SLOW seconds and find this machine; return the names that were looked up."""
    asked: list[str] = []

    def getaddrinfo(host: bytes, *_: Any, **__: Any) -> list[Any]:
        asked.append(host.decode())
        time.sleep(SLOW)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr("crawler.download.SystemLookUp", partial(SystemLookUp, getaddrinfo=getaddrinfo))
    return asked


async def waits(*urls: str, **settings: Any) -> Any:
    """Crawl *urls* one after the other; return the waits that were noted."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    crawler = Crawler(Probe, {**FAST, "crawl.concurrency": 1, **named}, runtime=runtime.of_reactor(reactor))
    await crawler.crawl(urls=list(urls))
    assert isinstance(crawler.spider, Probe)
    assert crawler.engine is not None
    assert not crawler.spider.errors
    assert len(crawler.spider.responses) == len(urls)
    return crawler.engine.watch.waits


def counts(waits: Any) -> tuple[int, ...]:
    return tuple(waits[phase].count for phase in ("dns", "connect", "tls", "first byte", "body"))


def is_slow(seconds: float, times: int = 1) -> bool:
    # Whoever waits may have begun a little later than what is slow.
    return 0.9 * SLOW * times <= seconds < SLOW * times + QUICK


class LateTLS(TLSMemoryBIOProtocol):
    """Answers the first word of a handshake after SLOW seconds."""

    early: bytes | None = None
    is_answering = False

    def dataReceived(self, data: bytes) -> None:
        if self.is_answering:
            super().dataReceived(data)
            return
        if self.early is None:
            reactor.callLater(SLOW, self.answer)
        self.early = (self.early or b"") + data

    def answer(self) -> None:
        self.is_answering = True
        super().dataReceived(self.early)


@contextmanager
def slow_tls(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Serve a page over TLS that begins late; yield its URL and the settings to trust it."""
    authority = Authority(folder)
    options = server_options(authority.issue("site.test"), acceptableProtocols=[b"http/1.1"])
    factory = TLSMemoryBIOFactory(options, False, ScriptedServer(say(response(PAGE))))
    factory.protocol = LateTLS
    factory.noisy = False
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    settings = {"http__ca_file": str(authority.file), "http__allow_private": ["site.test"]}
    try:
        yield f"https://site.test:{port.getHost().port}/", settings
    finally:
        port.stopListening()


TRANSPORTS = ["treq", *(["curl"] if find_spec("curl_cffi") else [])]


@pytest.mark.parametrize("transport", TRANSPORTS)
@ensureDeferred
async def test_a_slow_name_is_waited_for_as_dns_and_a_kept_connection_waits_for_nothing(
    transport: str, slow_names: list[str]
) -> None:
    with serving(say(response(PAGE))) as server:
        url = server.url.replace("127.0.0.1", "site.test")
        noted = await waits(f"{url}/1", f"{url}/2", f"{url}/3", http__transport=transport)
    assert slow_names == ["site.test"]
    assert counts(noted) == (1, 1, 0, 3, 3)
    assert is_slow(noted["dns"].total)
    assert noted["connect"].total < QUICK


@pytest.mark.parametrize("transport", TRANSPORTS)
@ensureDeferred
async def test_a_slow_handshake_is_waited_for_as_tls(transport: str, tmp_path: Path, slow_names: list[str]) -> None:
    with slow_tls(tmp_path) as (url, settings):
        noted = await waits(url, f"{url}2", http__transport=transport, **settings)
    assert counts(noted) == (1, 1, 1, 2, 2)
    assert is_slow(noted["tls"].total)
    assert is_slow(noted["dns"].total)
    assert noted["connect"].total < QUICK
    assert noted["first byte"].total < QUICK


@ensureDeferred
async def test_connecting_is_over_when_one_of_the_addresses_has_answered() -> None:
    with serving(say(response(PAGE))) as server:
        port = int(server.url.rpartition(":")[2])
        with black_hole(port):
            pinned = {"two.test": ["::1", "127.0.0.1"]}
            noted = await waits(f"http://two.test:{port}/", http__pinned_hosts=pinned)
    assert counts(noted) == (0, 1, 0, 1, 1)
    assert 0.2 < noted["connect"].total < 0.25 + QUICK


@pytest.mark.parametrize(("kind", "scheme", "names"), [(HttpProxy, "http", 1), (SocksProxy, "socks5", 2)])
@ensureDeferred
async def test_a_handshake_within_a_tunnel_is_tls_and_the_name_of_the_proxy_is_dns(
    kind: Any, scheme: str, names: int, tmp_path: Path, slow_names: list[str]
) -> None:
    with slow_tls(tmp_path) as (url, settings), proxying(kind()) as proxy:
        url = url.replace("site.test", "127.0.0.1") if names == 1 else url
        settings |= {"http__proxy": f"{scheme}://proxy.test:{proxy.port}", "http__verify_tls": False}
        noted = await waits(url, **settings)
    assert len(slow_names) == names
    assert counts(noted) == (1, 1, 1, 1, 1)
    assert is_slow(noted["dns"].total, names)
    assert is_slow(noted["tls"].total)
    assert noted["connect"].total < QUICK


@ensureDeferred
async def test_a_name_that_is_not_found_was_waited_for_and_nothing_else_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        time.sleep(SLOW)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr("crawler.download.SystemLookUp", partial(SystemLookUp, getaddrinfo=getaddrinfo))
    crawler = Crawler(Probe, FAST, runtime=runtime.of_reactor(reactor))
    await crawler.crawl(urls=["http://dead.test/"])
    assert crawler.engine is not None
    noted = crawler.engine.watch.waits
    assert counts(noted) == (1, 0, 0, 0, 0)
    assert is_slow(noted["dns"].total)


@ensureDeferred
async def test_the_latency_in_meta_is_that_of_the_whole_download(slow_names: list[str]) -> None:
    with serving(say(response(PAGE))) as server:
        crawler = Crawler(Probe, FAST, runtime=runtime.of_reactor(reactor))
        await crawler.crawl(urls=[server.url.replace("127.0.0.1", "site.test")])
    assert isinstance(crawler.spider, Probe)
    assert crawler.spider.responses[0].meta["download_latency"] >= SLOW
