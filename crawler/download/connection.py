"""A connection to a server that speaks HTTP/1.1: what the agent's pool keeps, in place of Twisted's own client protocol.

It is a place to send one request after the other and to read their responses, with these differences to Twisted's:

* the rules for heads and bodies are those of ``head.py`` and ``chunked.py``, tested against conformance sets;
* the bytes of a head are counted (several heads, if 1xx responses come first), so endless headers end;
* a TLS connection is connected once the handshake is over, and the certificate was found good;
* the response keeps its headers as they came, and knows the peer's address and certificate;
* reading is never paused: the transport that made the request takes the body as it comes and counts it.

Reading one response is a small state machine:

    idle -- request --> head -- head complete --> body -- body complete --> idle, or over
                        head/body -- connection lost, malformed, cancelled --> over

A body that ends with the connection is complete only if the connection was closed in an orderly way (over TLS: with
close_notify); it then ends as Twisted's do, with ``PotentialDataLoss``.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHandshakeListener, ISSLTransport, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import Certificate
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from zope.interface import implementer

from crawler.download.chunked import ChunkedDecoder
from crawler.download.deadlines import NEVER
from crawler.download.errors import (
    DownloadCancelledError,
    DownloadConnectionLostError,
    ResponseDataLossError,
    ResponseMalformedError,
    StaleConnectionError,
    translated,
)
from crawler.download.head import END, Head, framing, parse_head
from crawler.download.incoming import WireResponse
from crawler.download.wire import Progress, WireHeaders

_DONE = Failure(ResponseDone("the body is complete"))
_BODY_EXPECTED = frozenset({b"POST", b"PUT", b"PATCH"})


@implementer(IHandshakeListener)
class Connection(Protocol):
    """One connection. ``state`` is ``"QUIESCENT"`` while it may take a request.

    *on_quiescent* is called when it is free again, *on_idle_end* when it ends while free: closed by the server, or because
    ``due``, the deadline that the pool sets, has passed.
    """

    def __init__(
        self,
        on_quiescent: Callable[[Connection], object],
        on_idle_end: Callable[[Connection], object],
        max_header_bytes: int,
    ) -> None:
        self.state = "CONNECTING"
        self.due = self.queued = NEVER
        self._exchanges = 0
        self._on_quiescent = on_quiescent
        self._on_idle_end = on_idle_end
        self._max_header_bytes = max_header_bytes
        self._secure = False
        self._handshaken = True
        self._peer: IPv4Address | IPv6Address | None = None
        self._certificate: Certificate | None = None
        self._lost: Deferred[None] | None = None
        #: Whether what is at the other end is the origin, and not a proxy that reads the requests.
        self.is_to_origin = True
        self._forget()

    def _forget(self) -> None:
        """Forget the exchange that is over."""
        self._request: Any = None
        self._answer: Deferred[Any] | None = None
        self._progress: Progress | None = None
        self._response: WireResponse | None = None
        self._sending: Deferred[Any] | None = None
        self._buffer = b""
        self._searched = 0
        self._head_bytes = 0
        self._left: int | None = None
        self._chunks: ChunkedDecoder | None = None

    def __repr__(self) -> str:
        return f"<Connection to {self._peer}: {self.state.lower()}>"

    @property
    def peer(self) -> IPv4Address | IPv6Address | None:
        """The address of the other end."""
        if self._peer is None:
            host = getattr(self.transport.getPeer(), "host", None) if self.transport is not None else None
            self._peer = ip_address(host.partition("%")[0]) if host else None
        return self._peer

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of the origin, None without TLS."""
        if self._certificate is None and self._secure and self._handshaken and self.is_to_origin:
            x509 = self.transport.getPeerCertificate()  # type: ignore[union-attr]  # ISSLTransport, since it is secure
            self._certificate = Certificate(x509) if x509 is not None else None
        return self._certificate

    def connectionMade(self) -> None:
        """Get ready for a request; over TLS, it is sent when the handshake is over."""
        assert self.transport is not None
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self._secure = ISSLTransport.providedBy(self.transport)
        self._handshaken = not self._secure
        self.state = "QUIESCENT"

    def handshakeCompleted(self) -> None:
        """Send the request that waited for the handshake."""
        self._handshaken = True
        if self._request is not None and self.state == "HEAD":
            if self._progress is not None:
                self._progress.secured()
            self._send()

    # Hot: once per fetch.
    def request(self, request: Any) -> Deferred[Any]:
        """Send *request* (Twisted's); fires with its response once the head is there. One at a time."""
        if self.state != "QUIESCENT":
            raise RuntimeError(f"{self!r} cannot take a request")
        self.state = "HEAD"
        self._exchanges += 1
        self._request = request
        headers = request.headers
        self._progress = headers.progress if isinstance(headers, WireHeaders) else None
        answer = self._answer = Deferred(self._cancelled)
        if self._handshaken:
            self._send()
        elif self._progress is not None:
            self._progress.securing()
        return answer

    def _send(self) -> None:
        request = self._request
        lines = [b"%b %b HTTP/1.1" % (request.method, request.uri)]
        lines += [name + b": " + value for name, values in request.headers.getAllRawHeaders() for value in values]
        body = request.bodyProducer
        if body is not None:
            lines.append(b"Content-Length: %d" % body.length)
        elif request.method in _BODY_EXPECTED:
            lines.append(b"Content-Length: 0")
        if not request.persistent:
            lines.append(b"Connection: close")
        assert self.transport is not None
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n")
        if body is not None:
            self._sending = body.startProducing(self.transport)
            self._sending.addErrback(lambda failure: self._over(failure))

    def dataReceived(self, data: bytes) -> None:
        """Read on: a head, a body, or what nobody asked for."""
        try:
            if self.state == "BODY":
                self._read_body(data)
            elif self.state == "HEAD":
                self._read_head(data)
            elif self.state == "QUIESCENT":
                # An answer to no request: what follows cannot be told from the answer to the next one.
                self._end_idle()
        except ResponseMalformedError as error:
            self._over(Failure(error))

    def _read_head(self, data: bytes) -> None:
        if self._progress is not None and not self._head_bytes:
            self._progress.answered()
        self._head_bytes += len(data)
        buffer = self._buffer + data if self._buffer else data
        while True:
            start = 0
            while buffer.startswith(b"\r\n", start) or buffer.startswith(b"\n", start):
                start = buffer.index(b"\n", start) + 1
            if buffer[start:] == b"\r":
                break  # the beginning of another empty line
            if not buffer.startswith(b"HTTP/"[: len(buffer) - start], start):
                raise ResponseMalformedError(f"this is no status line of HTTP: {buffer[start : start + 100]!r}")
            found = END.search(buffer, max(start, self._searched))
            if found is None:
                break
            end = found.start()
            head = parse_head(buffer[start : end - 1 if buffer[end - 1] == 13 else end])
            buffer = buffer[found.end() :]
            self._searched = 0
            # 101 is an answer to an upgrade that was not asked for. The rest of the 1xx come before the answer.
            if head.status >= 200 or head.status == 101:
                if self._head_bytes - len(buffer) > self._max_header_bytes:
                    break
                self._buffer = b""
                self._begin_body(head, buffer)
                return
        if self._head_bytes > self._max_header_bytes:
            raise ResponseMalformedError(f"the headers of the response are longer than {self._max_header_bytes} bytes")
        self._buffer = buffer
        self._searched = max(0, len(buffer) - 3)

    def _begin_body(self, head: Head, rest: bytes) -> None:
        request, answer = self._request, self._answer
        assert answer is not None
        body = framing(head, request.method)
        response = self._response = WireResponse(head, body, request, self)
        self._answer = None
        self.state = "BODY"
        self._left = body.length
        if body.chunked:
            self._chunks = ChunkedDecoder()
        if body.length == 0:
            # Over before it is handed on, so that the connection is free when the answer is acted on.
            self._finish(rest, _DONE)
            answer.callback(response)
            return
        answer.callback(response)
        if rest and self.state == "BODY":
            self._read_body(rest)

    # Hot: once or more per response.
    def _read_body(self, data: bytes) -> None:
        response = self._response
        assert response is not None
        chunks = self._chunks
        if chunks is not None:
            for piece in chunks.feed(data):
                response.received(piece)
                if self.state != "BODY":
                    return
            if chunks.finished:
                self._finish(chunks.rest, _DONE)
            return
        left = self._left
        if left is None:
            response.received(data)
            return
        rest = b""
        if len(data) > left:
            data, rest = data[:left], data[left:]
        self._left = left = left - len(data)
        response.received(data)
        if not left and self.state == "BODY":
            self._finish(rest, _DONE)

    def _finish(self, rest: bytes, reason: Failure) -> None:
        """End the exchange; the connection goes back to the pool first, so that whoever hears of the end may use it."""
        response, request = self._response, self._request
        assert response is not None
        reusable = (
            response.head.keep_alive
            and not rest
            and request.persistent
            and response.code != 101
            and (self._sending is None or self._sending.called)
        )
        self._forget()
        if reusable:
            self.state = "QUIESCENT"
            self._on_quiescent(self)
        else:
            self.state = "OVER"
            self._close()
        response.ended(reason)

    def _cancelled(self, answer: Deferred[Any]) -> None:
        self._over(Failure(DownloadCancelledError("the download was cancelled")))

    def _over(self, reason: Failure) -> None:
        """Give up the exchange and the connection."""
        if self.state in ("OVER", "QUIESCENT"):
            return
        answer, response, request = self._answer, self._response, self._request
        sending = self._sending
        self._forget()
        self.state = "OVER"
        if self.transport is not None:
            self.transport.abortConnection()
        if sending is not None and not sending.called:
            request.bodyProducer.stopProducing()
        if answer is not None:
            answer.errback(reason)
        elif response is not None:
            response.ended(reason)

    def connectionLost(self, reason: Failure = _DONE) -> None:
        """End what was going on: with an error, unless the body was to end with the connection."""
        if self.state == "BODY":
            self._body_lost(reason)
        elif self.state == "HEAD":
            self._over(Failure(self._head_lost(reason)))
        elif self.state == "QUIESCENT":
            self._on_idle_end(self)
        self.state = "OVER"
        if self._lost is not None:
            self._lost.callback(None)

    def _body_lost(self, reason: Failure) -> None:
        response, chunks = self._response, self._chunks
        assert response is not None
        orderly = reason.check(ConnectionDone) is not None
        if chunks is not None and chunks.complete:
            self._over(_DONE)
        elif chunks is None and self._left is None and orderly:
            self._over(Failure(PotentialDataLoss()))
        else:
            missing = (
                "its last chunk" if chunks is not None else f"{self._left} more bytes" if self._left else "its end"
            )
            error = ResponseDataLossError(f"the connection ended in the body of the response, before {missing}")
            error.__cause__ = reason.value
            self._over(Failure(error))

    def _head_lost(self, reason: Failure) -> Exception:
        if self._handshaken and self._head_bytes:
            error = DownloadConnectionLostError("the connection ended in the headers of the response", [reason])
            error.__cause__ = reason.value
            return error
        if self._exchanges > 1:
            return StaleConnectionError("the server closed the kept connection", [reason])
        return translated(reason.value, f"{self._request.uri.decode('latin-1')} of {self.peer}")

    def abort(self) -> Deferred[None]:
        """Close the connection; fires when it is closed."""
        if self.state == "OVER":
            return succeed(None)
        if self.state == "QUIESCENT":
            self._end_idle()
        else:
            self._over(Failure(DownloadCancelledError("the connection was closed")))
        self._lost = Deferred()
        return self._lost

    def overdue(self, now: float) -> None:
        """End: nobody has needed the connection for as long as it is kept."""
        if self.state == "QUIESCENT":
            self._end_idle()

    def _end_idle(self) -> None:
        self.state = "OVER"
        self._on_idle_end(self)
        self._close()

    def _close(self) -> None:
        """Close the connection, without waiting for a TLS peer that may never say goodbye."""
        assert self.transport is not None
        if self._secure:
            self.transport.abortConnection()
        else:
            self.transport.loseConnection()
