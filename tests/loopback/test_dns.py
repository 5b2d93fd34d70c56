"""Real sockets: names with addresses of both families, one of them dead."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from crawler.exceptions import CannotResolveHostError
from tests.loopback.servers import probe, response, say, serving

PAGE = b"<h1>hello</h1>"


@contextmanager
def black_hole(port: int) -> Iterator[None]:
    """Let ``[::1]:port`` answer nobody: a server that accepts nothing, with its queue full."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(closing(socket.socket(socket.AF_INET6)))
            server.bind(("::1", port))
        except OSError as error:
            pytest.skip(f"no IPv6 loopback: {error}")
        server.listen(0)
        for _ in range(3):
            one = stack.enter_context(closing(socket.socket(socket.AF_INET6)))
            one.setblocking(False)
            one.connect_ex(("::1", port))
        yield


def dual(server: Any, *addresses: str) -> dict[str, Any]:
    return {"http__pinned_hosts": {"two.test": list(addresses)}, "http__connect_timeout": 10.0}


@ensureDeferred
async def test_a_name_whose_ipv6_is_refused_is_reached_over_ipv4_at_once() -> None:
    with serving(say(response(PAGE))) as server:
        url = server.url.replace("127.0.0.1", "two.test")
        spider, _ = await probe(url, **dual(server, "::1", "127.0.0.1"))
    assert spider.responses[0].ip_address.version == 4


@ensureDeferred
async def test_a_name_whose_ipv6_never_answers_is_reached_over_ipv4_after_a_moment() -> None:
    with serving(say(response(PAGE))) as server:
        port = int(server.url.rpartition(":")[2])
        with black_hole(port):
            began = time.monotonic()
            spider, _ = await probe(f"http://two.test:{port}/", **dual(server, "::1", "127.0.0.1"))
            took = time.monotonic() - began
    assert spider.responses[0].ip_address.version == 4
    assert 0.2 < took < 5


@ensureDeferred
async def test_a_name_without_an_address_is_told_with_what_to_do() -> None:
    spider, _ = await probe("http://no-such-host.invalid/", http__dns_timeout=20.0)
    assert isinstance(spider.errors[0], CannotResolveHostError)
    assert "no-such-host.invalid" in str(spider.errors[0])
    assert "http.pinned_hosts" in str(spider.errors[0]) or "name servers" in str(spider.errors[0])
