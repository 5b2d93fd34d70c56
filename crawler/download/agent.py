"""The agent: connections to origins, kept and used again. An ``IAgent``, so that treq sends through it as through Twisted's.

    request -> way and origin (scheme, host, port) -> a kept connection, or a new one -> Connection.request

Rules:

* A connection serves one origin over one way: directly, or through one proxy as one of its users. Nothing is shared between them.
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

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.protocol import Factory
from twisted.web.iweb import IAgent, IPolicyForHTTPS
from zope.interface import implementer

from crawler import url as urls
from crawler.download.connection import Connection
from crawler.download.deadlines import NEVER, Deadlines
from crawler.download.errors import StaleConnectionError
from crawler.download.proxy import ProxyEndpoint, TunnelEndpoint, Way
from crawler.download.tls import TLSEndpoint

if TYPE_CHECKING:
    from twisted.internet.interfaces import IAddress, IStreamClientEndpoint
    from twisted.python.failure import Failure

    from crawler.download.dialing import Dialer
    from crawler.download.wire import Progress, WireHeaders

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
    """How connections are kept; *keep_alive* is in seconds."""

    keep_alive: float
    kept_per_origin: int
    kept: int
    max_header_bytes: int


class _Origin(Factory):
    """One scheme, host and port over one way: how to reach it, and its idle connections.

    *prefix* goes before the target of each request: the origin itself, where a proxy reads the request line.
    """

    noisy = False

    def __init__(self, agent: ConnectionAgent, endpoint: IStreamClientEndpoint, prefix: bytes) -> None:
        self.endpoint: Any = endpoint  # ours: its connect() takes a Progress, too
        self.prefix = prefix
        self.idle: list[Connection] = []
        self._agent = agent

    def buildProtocol(self, addr: IAddress | None) -> Connection:
        """Return a new connection."""
        connection = Connection(self._freed, self._ended, self._agent.options.max_header_bytes)
        # TLS that ends at a proxy says nothing about the origin.
        connection.is_to_origin = not self.prefix
        return connection

    def _freed(self, connection: Connection) -> None:
        self._agent.keep(self, connection)

    def _ended(self, connection: Connection) -> None:
        self._agent.forget(connection)


@implementer(IAgent)
class ConnectionAgent:
    """Sends requests over kept connections. *dialer* connects, *policy* says how TLS is spoken."""

    def __init__(self, dialer: Dialer, policy: IPolicyForHTTPS, deadlines: Deadlines, options: AgentOptions) -> None:
        self.options = options
        self._dialer = dialer
        self._reactor = dialer.reactor
        self._policy = policy
        self._deadlines = deadlines
        # By the origin alone where a request goes the usual way, else by the origin and its way.
        self._origins: dict[bytes | tuple[bytes, Way], _Origin] = {}
        # In the order in which they were last used, the longest ago first.
        self._idle: dict[Connection, _Origin] = {}

    def __repr__(self) -> str:
        return f"<ConnectionAgent {len(self._idle)} idle connections to {len(self._origins)} origins>"

    # Hot: once per fetch.
    def request(self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None) -> Deferred[Any]:
        """Send a request; fires with the response once its head is there, or fails with a ``DownloadError`` or Twisted's."""
        site, target = _parts(uri)
        way: Way | None = getattr(headers, "way", None)
        key = site if way is None else (site, way)
        origin = self._origins.get(key)
        if origin is None:
            origin = self._origins[key] = self._new_origin(site, way)
        if origin.prefix:
            target = origin.prefix + target
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
        progress: Progress | None = getattr(request.headers, "progress", None)
        if progress is not None:
            progress.dialling()
        connecting: Deferred[Any] = maybeDeferred(origin.endpoint.connect, origin, progress)
        return connecting.addCallback(lambda connection: connection.request(request))

    def _again(self, failure: Failure, origin: _Origin, request: WireRequest) -> Deferred[Any]:
        failure.trap(StaleConnectionError)
        return self._on_new_connection(origin, request)

    def _new_origin(self, site: bytes, way: Way | None) -> _Origin:
        if len(self._origins) >= _MAX_ORIGINS:
            self._origins = {known: origin for known, origin in self._origins.items() if origin.idle}
        parts = urls.split(site.decode("ascii"))
        port = parts.port or urls.DEFAULT_PORTS[parts.scheme]
        reads_it = way is not None and way.takes_whole_url(parts.scheme)
        endpoint = self._endpoint(parts.host, port, way, reads_it=reads_it)
        if parts.scheme == "https":
            endpoint = self._over_tls(endpoint, parts.host, port)
        return _Origin(self, endpoint, site if reads_it else b"")

    def _endpoint(self, host: str, port: int, way: Way | None, *, reads_it: bool) -> IStreamClientEndpoint:
        """Return what connects to *host* at *port* over *way*; to its proxy, if that reads the requests."""
        bind_address = way.bind_address if way is not None else ""
        proxy = way.proxy if way is not None else None
        dialer = self._dialer
        if proxy is None:
            return dialer.endpoint(host, port, bind_address=bind_address)
        endpoint: IStreamClientEndpoint = dialer.endpoint(
            proxy.host, proxy.port, bind_address=bind_address, is_trusted=True
        )
        if proxy.scheme == "https":
            endpoint = self._over_tls(endpoint, proxy.host, proxy.port)
        if reads_it:
            return ProxyEndpoint(endpoint, proxy, host, dialer.guard)
        resolver = dialer.resolver if proxy.scheme == "socks5" else None
        return TunnelEndpoint(endpoint, proxy, host, port, guard=dialer.guard, resolver=resolver)

    def _over_tls(self, endpoint: IStreamClientEndpoint, host: str, port: int) -> IStreamClientEndpoint:
        return TLSEndpoint(endpoint, self._policy.creatorForNetloc(host.encode("ascii"), port), self._reactor)

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
