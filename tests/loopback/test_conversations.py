"""Many conversations with a hostile server: none hangs, none crashes the crawl, each ends once, and memory stays bounded."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from tests.loopback.conversations import talk
from tests.loopback.servers import probe, reactor, response, serving


@pytest.mark.parametrize(("transport", "seed"), [("treq", 0), ("treq", 100_000), ("curl", 0)])
@ensureDeferred
async def test_whatever_a_server_says_every_request_ends_once_and_memory_is_bounded(transport: str, seed: int) -> None:
    if transport == "curl":
        pytest.importorskip("curl_cffi", reason="curl_cffi is not installed")
    ends, grown = await talk(500, seed, transport=transport)
    assert ends["response"] > 10
    assert len(ends) >= 6
    assert grown < 150_000_000


@pytest.mark.parametrize("transport", ["treq", "curl"])
@ensureDeferred
async def test_a_response_that_is_reset_at_any_byte_is_an_error_and_never_a_shorter_response(transport: str) -> None:
    if transport == "curl":
        pytest.importorskip("curl_cffi", reason="curl_cffi is not installed")
    answer = response(b"<title>whole</title>", b"X-Header: value")

    def script(peer: Any, head: bytes) -> None:
        offset = int(head.split(b" ", 2)[1][1:])
        peer.write(answer[:offset])
        peer.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reactor.callLater(0.02, peer.abortConnection)

    with serving(script) as server:
        urls = [f"{server.url}/{offset}" for offset in range(len(answer) + 1)]
        spider, _ = await probe(
            *urls, politeness__adaptive=False, politeness__concurrency_per_host=16, http__transport=transport
        )
    assert [one.url for one in spider.responses] == urls[-1:]
    assert len(spider.errors) == len(answer)
    assert {type(error).__name__ for error in spider.errors} == {"DownloadConnectionLostError", "ResponseDataLossError"}
