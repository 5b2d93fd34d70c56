"""Real programs of others: proxies that people run, and nginx behind them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from crawler import exceptions
from tests.loopback.certificates import Authority
from tests.loopback.peers import dante, free_port, microsocks, nginx, tinyproxy
from tests.loopback.servers import probe

PAGE = b"<h1>hello</h1>" * 100


class Nginx:
    """A running nginx, and how it is asked."""

    def __init__(self, folder: Path, port: int, authority: Authority) -> None:
        self.url = f"https://localhost:{port}/"
        self.settings: dict[str, Any] = {
            "http__ca_file": str(authority.file),
            "http__connect_timeout": 10.0,
            "http__pinned_hosts": {"localhost": "127.0.0.1"},
        }
        self._log = folder / "access.log"

    @property
    def log(self) -> list[str]:
        """What was asked, a line each: connection, TLS version, request, status, Proxy-Authorization.

        nginx writes a line after it has answered, so that the first may still be to come.
        """
        deadline = time.monotonic() + 10.0
        while not self._log.stat().st_size and time.monotonic() < deadline:
            time.sleep(0.01)
        return self._log.read_text().splitlines()


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
async def test_nginx_is_spoken_to_over_tls_and_its_gzip_is_read(web: Nginx) -> None:
    spider, _ = await probe(web.url, **web.settings)
    assert spider.responses[0].body == PAGE
    assert spider.responses[0].headers["Content-Encoding"] == b"gzip"
    assert "TLSv1.3" in web.log[0]


@ensureDeferred
async def test_nginx_that_ends_connections_after_five_requests_costs_no_request(web: Nginx) -> None:
    spider, result = await probe(*[f"{web.url}?{number}" for number in range(23)], **web.settings, crawl__concurrency=1)
    assert (len(spider.responses), result.failed) == (23, 0)
    assert len({line.split()[0] for line in web.log}) == 5


@ensureDeferred
async def test_nginx_that_limits_requests_is_asked_again(web: Nginx) -> None:
    urls = [f"{web.url}slow/?{number}" for number in range(2)]
    spider, _result = await probe(*urls, **web.settings, retry__enabled=True, retry__delay=0.5, retry__times=5)
    assert [one.status for one in spider.responses] == [200, 200]
    assert any(" 429 " in line for line in web.log)


Proxy = Callable[[Path], AbstractContextManager[int]]

PROXIES: dict[str, tuple[Proxy, str]] = {
    "tinyproxy": (tinyproxy, "http://me:hush@"),
    "microsocks": (microsocks, "socks5h://me:hush@"),
    "microsocks, names resolved here": (microsocks, "socks5://me:hush@"),
    "dante": (dante, "socks5://"),
    "dante, names resolved there": (dante, "socks5h://"),
}


@pytest.mark.parametrize("name", PROXIES)
@ensureDeferred
async def test_a_real_proxy_leads_to_nginx_and_keeps_its_credentials(name: str, web: Nginx, tmp_path: Path) -> None:
    proxy, scheme = PROXIES[name]
    with proxy(tmp_path) as port:
        urls = [f"{web.url}?{number}" for number in range(8)]
        spider, _ = await probe(*urls, **web.settings, http__proxy=f"{scheme}127.0.0.1:{port}", crawl__concurrency=1)
    assert [one.body for one in spider.responses] == [PAGE] * 8, spider.errors
    assert len({line.split()[0] for line in web.log}) == 2
    assert all(line.endswith(" -") for line in web.log)


@pytest.mark.parametrize(
    ("proxy", "scheme"), [(tinyproxy, "http://me:wrong@"), (tinyproxy, "http://"), (microsocks, "socks5h://me:wrong@")]
)
@ensureDeferred
async def test_a_real_proxy_that_does_not_know_us_is_told_apart(
    proxy: Proxy, scheme: str, web: Nginx, tmp_path: Path
) -> None:
    with proxy(tmp_path) as port:
        spider, _ = await probe(web.url, **web.settings, http__proxy=f"{scheme}127.0.0.1:{port}")
    assert isinstance(spider.errors[0], exceptions.ProxyAuthenticationError), spider.errors
    assert "wrong" not in str(spider.errors[0])


@pytest.mark.parametrize(("proxy", "scheme"), [(tinyproxy, "http://me:hush@"), (dante, "socks5h://")])
@ensureDeferred
async def test_a_real_proxy_that_cannot_connect_says_so(proxy: Proxy, scheme: str, tmp_path: Path) -> None:
    with proxy(tmp_path) as port:
        spider, _ = await probe(f"https://127.0.0.1:{free_port()}/", http__proxy=f"{scheme}127.0.0.1:{port}")
    assert type(spider.errors[0]) is exceptions.ProxyError
    assert f"127.0.0.1:{port}" in str(spider.errors[0])


@ensureDeferred
async def test_a_real_proxy_whose_rules_forbid_a_host_says_so(tmp_path: Path) -> None:
    with dante(tmp_path) as port:
        spider, _ = await probe("http://127.0.0.9/", http__proxy=f"socks5://127.0.0.1:{port}")
    assert "its rules do not allow it" in str(spider.errors[0])
