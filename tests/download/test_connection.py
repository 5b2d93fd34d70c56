"""Responses read from a connection: the conformance sets, in one piece and byte by byte, and what must never be a success."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss

from crawler.download.agent import WireRequest
from crawler.download.connection import Connection
from crawler.download.errors import (
    DownloadCancelledError,
    DownloadConnectionLostError,
    ResponseDataLossError,
    ResponseMalformedError,
    StaleConnectionError,
)
from crawler.download.wire import WireHeaders
from tests.vectors import vectors

SOUND = (ResponseDone, PotentialDataLoss)


class Body(Protocol):
    """Collects a body and how it ended."""

    def __init__(self) -> None:
        self.data = b""
        self.ended: Any = None

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Any = None) -> None:
        self.ended = reason.value


class Wire(StringTransport):
    """A transport that tells whether it was aborted."""

    aborting = False

    def abortConnection(self) -> None:
        self.aborting = True


class Exchange:
    """A request on a connection, and what becomes of it."""

    def __init__(self, method: bytes = b"GET", max_header_bytes: int = 65536) -> None:
        self.freed: list[Connection] = []
        self.transport = Wire()
        self.connection = Connection(self.freed.append, lambda _: None, max_header_bytes)
        self.connection.makeConnection(self.transport)
        self.ask(method)

    def ask(self, method: bytes = b"GET") -> None:
        self.response: Any = None
        self.error: Any = None
        self.body = Body()
        request = WireRequest(method, b"/", WireHeaders([(b"Host", b"site.test")]), None)
        self.connection.request(request).addCallbacks(self._answered, self._failed)

    def _answered(self, response: Any) -> None:
        self.response = response
        response.deliverBody(self.body)

    def _failed(self, failure: Any) -> None:
        self.error = failure.value

    def receive(self, data: bytes, step: int = 0) -> Exchange:
        step = step or max(1, len(data))
        for at in range(0, len(data), step):
            self.connection.dataReceived(data[at : at + step])
        return self

    def end(self, error: type[Exception] = ConnectionDone) -> Exchange:
        self.connection.connectionLost(Failure(error()))
        return self


def raw(case: dict[str, Any]) -> bytes:
    """Return the bytes of a case. The empty line that ends a head was lost where it was the last thing to be written down."""
    data = base64.b64decode(case["raw_b64"])
    return data if b"\r\n\r\n" in data or b"\n\n" in data or not data.endswith(b"\r\n") else data + b"\r\n"


LLHTTP = vectors("http1-response", "llhttp.json")
HTTP_PARSER = vectors("http1-response", "http_parser.json")

# RFC 9110 section 15.2: a 1xx has no body. What llhttp calls one here is the protocol that was switched to.
SWITCHED = "HTTP 101 response with Upgrade and"

# llhttp refuses these. They are read here, as browsers read them, and nobody would see another end of the message.
READ_ALL_THE_SAME = {
    "Only LFs present and no body": "LF for CRLF",
    "Only LFs present": "LF for CRLF",
    "No carriage ret": "LF for CRLF",
    "Spaces in header name": "a line that is no header is left out",
    "HTTP/1.1 with keep-alive disabled and 204 status": "the response was complete; what follows is not looked at",
    "HTTP/1.1 with keep-alive disabled, content-length": "the response was complete; what follows is not looked at",
    "No extension after semicolon": "extensions are not looked at",
    "Trailing space on chunked body": "servers that pad their chunk sizes exist",
}


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize("case", HTTP_PARSER, ids=[case["name"] for case in HTTP_PARSER])
def test_what_nodes_old_parser_reads_is_read_alike(case: dict[str, Any], step: int) -> None:
    exchange = Exchange().receive(raw(case), step).end()
    if case["name"].startswith(SWITCHED):
        assert (exchange.response.code, exchange.body.data) == (101, b"")
        return
    assert exchange.response is not None, exchange.error
    assert exchange.response.code == case["status"]
    assert exchange.body.data == base64.b64decode(case["body_b64"])
    assert isinstance(exchange.body.ended, SOUND)


def name_of(case: dict[str, Any]) -> str:
    return f"{case['name']} ({case['mode']})"


# Protocols other than HTTP, which llhttp reads too; and a message without its body, which only its tests have.
NO_HTTP = ("RTSP response", "ICE response", "Content-Length reset when no body is received")
SOUND_CASES = [case for case in LLHTTP if case["expected"] == "ok" and case["name"] not in NO_HTTP]
REFUSED = [case for case in LLHTTP if case["expected"] == "error" and not case["name"].startswith(SWITCHED)]


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize("case", SOUND_CASES, ids=map(name_of, SOUND_CASES))
def test_what_llhttp_reads_is_read_alike_or_refused_where_only_its_lenient_modes_read_it(
    case: dict[str, Any], step: int
) -> None:
    exchange = Exchange().receive(raw(case), step).end()
    if exchange.response is None and case["mode"] != "response":
        assert isinstance(exchange.error, ResponseMalformedError | DownloadConnectionLostError)
        return
    final = next(message for message in case["messages"] if message["status"] >= 200)
    assert (exchange.response.code, exchange.body.data) == (final["status"], base64.b64decode(final["body_b64"]))


@pytest.mark.parametrize("case", REFUSED, ids=map(name_of, REFUSED))
def test_what_llhttp_refuses_is_refused_but_for_what_browsers_read(case: dict[str, Any]) -> None:
    exchange = Exchange().receive(raw(case)).end()
    was_read = exchange.response is not None and isinstance(exchange.body.ended, SOUND)
    assert was_read == (case["name"] in READ_ALL_THE_SAME), exchange.error or exchange.body.ended


def test_a_connection_is_free_again_after_a_complete_response() -> None:
    exchange = Exchange().receive(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    assert exchange.freed == [exchange.connection]
    exchange.ask()
    exchange.receive(b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert (exchange.response.code, exchange.body.data) == (404, b"abc")
    assert len(exchange.freed) == 2


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more than was announced",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ],
)
def test_a_connection_whose_next_message_cannot_be_trusted_is_closed(response: bytes) -> None:
    exchange = Exchange().receive(response)
    assert (exchange.body.data, exchange.freed) == (b"hi", [])
    assert exchange.transport.disconnecting


@pytest.mark.parametrize(
    ("response", "lost"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ConnectionDone),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", ConnectionDone),
        (b"HTTP/1.1 200 OK\r\n\r\nhalf", ConnectionLost),
    ],
)
def test_a_body_that_is_cut_short_is_a_data_loss(response: bytes, lost: type[Exception]) -> None:
    exchange = Exchange().receive(response).end(lost)
    assert exchange.body.data == b"half"
    assert isinstance(exchange.body.ended, ResponseDataLossError)


def test_a_body_that_ends_with_the_connection_is_complete_if_that_was_closed_in_order() -> None:
    exchange = Exchange().receive(b"HTTP/1.1 200 OK\r\n\r\nall of it").end(ConnectionDone)
    assert exchange.body.data == b"all of it"
    assert isinstance(exchange.body.ended, PotentialDataLoss)


def test_endless_headers_end() -> None:
    exchange = Exchange(max_header_bytes=1000).receive(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        if exchange.error is None:
            exchange.receive(b"X-%d: and so on and so on\r\n" % number)
    assert isinstance(exchange.error, ResponseMalformedError)
    assert "1000 bytes" in str(exchange.error)


def test_endless_interim_responses_end() -> None:
    exchange = Exchange(max_header_bytes=1000)
    for _ in range(100):
        if exchange.error is None:
            exchange.receive(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert isinstance(exchange.error, ResponseMalformedError)


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: first\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\r\nY: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\r\n\r\n",
    ],
)
def test_garbage_is_no_response(garbage: bytes) -> None:
    exchange = Exchange().receive(garbage)
    assert isinstance(exchange.error, ResponseMalformedError)
    assert exchange.transport.aborting


def test_a_chunk_with_a_wrong_size_ends_the_body_with_an_error() -> None:
    exchange = Exchange().receive(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc")
    assert isinstance(exchange.body.ended, ResponseMalformedError)


def test_a_head_has_no_body_whatever_its_headers_say() -> None:
    exchange = Exchange(b"HEAD").receive(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    assert isinstance(exchange.body.ended, ResponseDone)
    assert exchange.freed


def test_a_connection_lost_before_an_answer_is_an_error_of_its_own_where_it_had_been_kept() -> None:
    first = Exchange().end(ConnectionLost)
    assert type(first.error) is DownloadConnectionLostError
    kept = Exchange().receive(b"HTTP/1.1 204 No Content\r\n\r\n")
    kept.ask()
    kept.end(ConnectionLost)
    assert isinstance(kept.error, StaleConnectionError)


def test_bytes_that_nobody_asked_for_end_a_kept_connection() -> None:
    exchange = Exchange().receive(b"HTTP/1.1 204 No Content\r\n\r\n")
    exchange.connection.dataReceived(b"HTTP/1.1 200 OK\r\n\r\nfor the next one")
    assert exchange.connection.state == "OVER"


def test_a_cancelled_request_aborts_its_connection() -> None:
    exchange = Exchange()
    request = exchange.connection._answer
    assert request is not None
    request.cancel()
    assert isinstance(exchange.error, DownloadCancelledError)
    assert exchange.transport.aborting


def test_the_request_goes_out_as_it_was_given() -> None:
    exchange = Exchange()
    assert exchange.transport.value() == b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n"
