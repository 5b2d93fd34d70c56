"""Real sockets, hostile servers: each ends in a typed error at the errback, never in a hang and never in a wrong success."""

from __future__ import annotations

import gzip
import socket
import struct
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import error as internet

from crawler import exceptions
from tests.loopback.servers import probe, reactor, response, say, serving

# Far longer than anything here takes, far shorter than a test run: a hang is a failure.
SOON = {"http__timeout": 20.0, "http__first_byte_timeout": 20.0}


def reset(transport: Any, head: bytes) -> None:
    """Answer half a response, then reset the connection."""
    transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reactor.callLater(0.05, transport.abortConnection)


def endless(piece: bytes, start: bytes) -> Any:
    """Return the script that goes on saying *piece* for as long as anybody listens."""

    def script(transport: Any, head: bytes) -> None:
        transport.write(start)

        def more() -> None:
            if transport.connected and not transport.disconnecting:
                transport.write(piece * 100)
                reactor.callLater(0, more)

        more()

    return script


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"

CASES = {
    "closes at once": (lambda transport, head: transport.loseConnection(), "DownloadConnectionLostError"),
    "resets": (reset, "ResponseDataLossError"),
    "speaks no HTTP": (say(b"220 mail.test ESMTP\r\n"), "ResponseMalformedError"),
    "a garbage status line": (say(b"HTTP/1.1 abc\r\n\r\n"), "ResponseMalformedError"),
    "a truncated body": (say(HEAD + b"Content-Length: 100\r\n\r\nhalf", close=True), "ResponseDataLossError"),
    "truncated chunks": (
        say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhal", close=True),
        "ResponseDataLossError",
    ),
    "chunks without an end": (
        say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", close=True),
        "ResponseDataLossError",
    ),
    "wrong chunks": (say(HEAD + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n"), "ResponseMalformedError"),
    "two lengths": (say(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "ResponseMalformedError"),
    "endless headers": (endless(b"X-Header: and so on\r\n", HEAD), "ResponseMalformedError"),
    "an endless body": (endless(b"x" * 1000, HEAD + b"\r\n"), "ResponseTooLargeError"),
    "a body that is announced too large": (say(HEAD + b"Content-Length: 99999999999\r\n\r\n"), "ResponseTooLargeError"),
    "no gzip": (say(response(b"this is no gzip", b"Content-Encoding: gzip")), "ResponseDecodeError"),
    "half a gzip": (
        say(response(gzip.compress(b"page" * 1000)[:-10], b"Content-Encoding: gzip")),
        "ResponseDataLossError",
    ),
    "a bomb": (say(response(gzip.compress(b"\0" * 50_000_000), b"Content-Encoding: gzip")), "ResponseTooLargeError"),
}


@pytest.mark.parametrize("case", CASES)
@ensureDeferred
async def test_a_hostile_server_ends_in_a_typed_error(case: str) -> None:
    script, expected = CASES[case]
    with serving(script) as server:
        spider, result = await probe(server.url, http__max_body=1_000_000, **SOON)
    assert spider.responses == []
    assert [type(error).__name__ for error in spider.errors] == [expected]
    assert isinstance(spider.errors[0], getattr(exceptions, expected))
    assert result.failed == 1


@ensureDeferred
async def test_a_server_that_says_nothing_is_given_up_after_the_first_byte_timeout() -> None:
    with serving(lambda transport, head: None) as server:
        spider, _ = await probe(server.url, http__first_byte_timeout=0.2)
    assert (spider.errors[0].phase, spider.errors[0].seconds) == ("first byte", 0.2)
    assert isinstance(spider.errors[0], internet.TimeoutError)


@ensureDeferred
async def test_a_server_that_drips_is_given_up_after_the_timeout() -> None:
    def drip(transport: Any, head: bytes) -> None:
        transport.write(HEAD + b"\r\n")

        def more() -> None:
            if transport.connected:
                transport.write(b"x")
                reactor.callLater(0.02, more)

        more()

    with serving(drip) as server:
        spider, _ = await probe(server.url, http__timeout=0.3)
    assert spider.errors[0].phase == "response"


@ensureDeferred
async def test_a_refused_connection_is_an_error_that_ported_errbacks_know() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        spider, _ = await probe(url)
    assert isinstance(spider.errors[0], exceptions.DownloadConnectionRefusedError)
    assert isinstance(spider.errors[0], internet.ConnectionRefusedError)


@ensureDeferred
async def test_a_host_that_does_not_resolve_is_an_error_that_ported_errbacks_know() -> None:
    spider, _ = await probe("http://no-such-host.invalid/")
    assert isinstance(spider.errors[0], exceptions.CannotResolveHostError)
    assert isinstance(spider.errors[0], internet.DNSLookupError)


@ensureDeferred
async def test_a_truncated_body_is_a_response_where_that_is_switched_on() -> None:
    with serving(say(HEAD + b"Content-Length: 100\r\n\r\nhalf", close=True)) as server:
        spider, _ = await probe(server.url, http__fail_on_dataloss=False)
    assert [(got.body, got.flags) for got in spider.responses] == [(b"half", ["dataloss"])]


@ensureDeferred
async def test_what_had_arrived_of_a_truncated_compressed_body_is_kept_decoded() -> None:
    page = b"<p>hello world</p>" * 100
    answer = response(gzip.compress(page)[:-4], b"Content-Encoding: gzip")
    with serving(say(answer)) as server:
        refused, _ = await probe(server.url)
        taken, _ = await probe(server.url, http__fail_on_dataloss=False)
    assert refused.errors[0].partial == page
    assert [(got.body, got.flags) for got in taken.responses] == [(page, ["dataloss"])]


@ensureDeferred
async def test_a_download_that_may_go_better_is_tried_again() -> None:
    answers = [b"", response(b"<h1>at last</h1>")]

    def script(transport: Any, head: bytes) -> None:
        transport.write(answers.pop(0))
        transport.loseConnection()

    with serving(script) as server:
        spider, result = await probe(server.url, retry__enabled=True, retry__delay=0.01)
    assert [got.body for got in spider.responses] == [b"<h1>at last</h1>"]
    assert result.stats["retry/count"] == 1


@ensureDeferred
async def test_a_download_stops_when_its_size_limit_is_passed() -> None:
    sent = 0

    def script(transport: Any, head: bytes) -> None:
        transport.write(HEAD + b"\r\n")

        def more() -> None:
            nonlocal sent
            if transport.connected and not transport.disconnecting:
                sent += 100_000
                transport.write(b"x" * 100_000)
                reactor.callLater(0.001, more)

        more()

    with serving(script) as server:
        spider, _ = await probe(server.url, http__max_body=500_000)
    assert isinstance(spider.errors[0], exceptions.ResponseTooLargeError)
    assert sent < 20_000_000  # what fits into the buffers of both sides, and no more
