"""The agent: connections to origins, kept and used again. An ``IAgent``, so that treq sends through it as through Twisted's.

    request -> origin (scheme, host, port) -> a kept connection, or a new one -> Connection.request

Rules:

* A connection is kept for ``keep_alive`` seconds after its last response; per origin and over all origins only so many. What
  goes over that is closed, the longest unused first.
* The last one used is used first: of many, the rest then grow old and go.
* A kept connection may have been closed by the server while the request was on its way. If nothing was answered and the
  method is safe, the request is sent again at once, on a new connection (RFC 9110, section 9.2.2).
* There is no queue here: how many requests a host gets at once was decided before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory
from twisted.web.iweb import IAgent, IPolicyForHTTPS
from zope.interface import implementer

from crawler import url as urls
from crawler.download.connection import Connection
from crawler.download.deadlines import NEVER, Deadlines
from crawler.download.errors import StaleConnectionError
from crawler.download.tls import TLSEndpoint

if TYPE_CHECKING:
    from twisted.internet.interfaces import IAddress, IStreamClientEndpoint
    from twisted.python.failure import Failure

    from crawler.download.wire import WireHeaders

_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})

# Origins are small, but a broad crawl meets hundreds of thousands; those without connections are forgotten beyond this many.
_MAX_ORIGINS = 10_000


@dataclass(slots=True)
class WireRequest:
    """What a :class:`Connection` sends; the attributes are those of Twisted's own request."""

    method: bytes
    uri: bytes
    headers: WireHeaders
    bodyProducer: Any
    persistent: bool = True


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """How connections are made and kept. Times are in seconds; no *bind_address* is any."""

    connect_timeout: float
    keep_alive: float
    kept_per_origin: int
    kept: int
    max_header_bytes: int
    bind_address: str = ""


class _Origin(Factory):
    """One scheme, host and port: how to reach it, and its idle connections."""

    noisy = False

    def __init__(self, agent: ConnectionAgent, endpoint: IStreamClientEndpoint) -> None:
        self.endpoint = endpoint
        self.idle: list[Connection] = []
        self._agent = agent

    def buildProtocol(self, addr: IAddress | None) -> Connection:
        """Return a new connection."""
        return Connection(self._freed, self._ended, self._agent.options.max_header_bytes)

    def _freed(self, connection: Connection) -> None:
        self._agent.keep(self, connection)

    def _ended(self, connection: Connection) -> None:
        self._agent.forget(connection)


@implementer(IAgent)
class ConnectionAgent:
    """Sends requests over kept connections. *reactor* connects, *policy* says how TLS is spoken."""

    def __init__(self, reactor: Any, policy: IPolicyForHTTPS, deadlines: Deadlines, options: AgentOptions) -> None:
        self.options = options
        self._reactor = reactor
        self._policy = policy
        self._deadlines = deadlines
        self._origins: dict[bytes, _Origin] = {}
        # In the order in which they were last used, the longest ago first.
        self._idle: dict[Connection, _Origin] = {}

    def __repr__(self) -> str:
        return f"<ConnectionAgent {len(self._idle)} idle connections to {len(self._origins)} origins>"

    # Hot: once per fetch.
    def request(self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None) -> Deferred[Any]:
        """Send a request; fires with the response once its head is there, or fails with a ``DownloadError`` or Twisted's."""
        site, target = _parts(uri)
        origin = self._origins.get(site)
        if origin is None:
            origin = self._new_origin(site)
        request = WireRequest(method, target, headers, bodyProducer)
        if not origin.idle:
            return self._on_new_connection(origin, request)
        connection = origin.idle.pop()
        del self._idle[connection]
        connection.due = NEVER
        answer = connection.request(request)
        if method in _SAFE:
            answer.addErrback(self._again, origin, request)
        return answer

    def _on_new_connection(self, origin: _Origin, request: WireRequest) -> Deferred[Any]:
        connecting: Deferred[Any] = origin.endpoint.connect(origin)
        return connecting.addCallback(lambda connection: connection.request(request))

    def _again(self, failure: Failure, origin: _Origin, request: WireRequest) -> Deferred[Any]:
        failure.trap(StaleConnectionError)
        return self._on_new_connection(origin, request)

    def _new_origin(self, site: bytes) -> _Origin:
        if len(self._origins) >= _MAX_ORIGINS:
            self._origins = {known: origin for known, origin in self._origins.items() if origin.idle}
        parts = urls.split(site.decode("ascii"))
        secure = parts.scheme == "https"
        port = parts.port or urls.DEFAULT_PORTS[parts.scheme]
        host = parts.host.encode("ascii")
        endpoint: IStreamClientEndpoint = HostnameEndpoint(
            self._reactor,
            host,
            port,
            timeout=self.options.connect_timeout,
            bindAddress=(self.options.bind_address, 0) if self.options.bind_address else None,
        )
        if secure:
            endpoint = TLSEndpoint(endpoint, self._policy.creatorForNetloc(host, port), self._reactor)
        origin = self._origins[site] = _Origin(self, endpoint)
        return origin

    # Hot: once per fetch.
    def keep(self, origin: _Origin, connection: Connection) -> None:
        """Keep *connection*, which is free again."""
        origin.idle.append(connection)
        self._idle[connection] = origin
        connection.due = self._reactor.seconds() + self.options.keep_alive
        self._deadlines.watch(connection)
        if len(origin.idle) > self.options.kept_per_origin:
            origin.idle[0].abort()
        elif len(self._idle) > self.options.kept:
            next(iter(self._idle)).abort()

    def forget(self, connection: Connection) -> None:
        """Note that an idle *connection* has ended."""
        connection.due = NEVER
        origin = self._idle.pop(connection, None)
        if origin is not None:
            origin.idle.remove(connection)

    def close(self) -> Deferred[Any]:
        """Close the idle connections; fires when they are closed."""
        return gatherResults([connection.abort() for connection in tuple(self._idle)], consumeErrors=True)


def _parts(uri: bytes) -> tuple[bytes, bytes]:
    """Split an absolute *uri* before its path: into what names the origin, and the target of the request line."""
    slash = uri.index(b"/", uri.index(b"://") + 3)
    return uri[:slash], uri[slash:]
