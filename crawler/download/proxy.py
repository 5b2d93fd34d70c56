"""Connections through proxies: which way a request goes, and the endpoint of a host behind a proxy.

    http proxy,  http URL    the request goes to the proxy, its URL in full (RFC 9112, section 3.2.2)
    http proxy,  https URL   CONNECT, then TLS with the origin through it
    https proxy              the same, with TLS to the proxy (verified as any other) around it
    socks5, socks5h          a connection to the origin's address, or name, and through it what would go there anyway

A connection belongs to one way and one origin. A way holds the proxy with its credentials and the local address; two requests that
differ in any of these share nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHandshakeListener, ISSLTransport, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from crawler.download.errors import DownloadCancelledError, InvalidRequestError, translated
from crawler.download.phases import noted
from crawler.download.tunnel import Handshake, handshake_for
from crawler.exceptions import DownloadError, DownloadTLSError, InvalidURLError, ProxyError
from crawler.http.proxy import Proxy, parse_proxy
from crawler.remembering import remembered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twisted.internet.interfaces import IAddress, IProtocolFactory

    from crawler.download.dns import Resolver
    from crawler.download.guard import Address, Guard
    from crawler.download.wire import Progress
    from crawler.http import Request


@dataclass(frozen=True, slots=True)
class Way:
    """How a request leaves, where that is not the usual way: through *proxy*, from *bind_address*."""

    proxy: Proxy | None = None
    bind_address: str = ""

    def takes_whole_url(self, scheme: str) -> bool:
        """Tell whether the request line names the whole URL, since the proxy reads it."""
        return scheme == "http" and self.proxy is not None and not self.proxy.is_socks

    def authorization_with(self, scheme: str) -> bytes:
        """Return the Proxy-Authorization of a request for a URL of *scheme*; empty if it goes to the proxy beforehand, or never."""
        return self.proxy.authorization if self.proxy is not None and self.takes_whole_url(scheme) else b""


class Ways:
    """Finds the way of a request in its meta: ``proxy`` and ``bindaddress``.

    *known* are the proxies of the settings and the environment by their URLs, with the credentials that they have there:
    ``meta["proxy"]`` need not repeat them.
    """

    def __init__(self, known: Mapping[str, Proxy] | None = None, *, encoding: str = "utf-8") -> None:
        self._known = dict(known or {})
        # Pools of proxies have thousands; they come again and again.
        self._parsed = remembered(4096)(lambda text: parse_proxy(text, encoding=encoding))

    def of(self, request: Request) -> Way | None:
        """Return the way of *request*, None for the usual one. Raise InvalidRequestError for a meta that makes no sense."""
        meta = request.meta
        proxy = self._proxy(meta["proxy"], request) if meta.get("proxy") else None
        address = _bind_address(meta["bindaddress"]) if meta.get("bindaddress") else ""
        return Way(proxy, address) if proxy is not None or address else None

    def _proxy(self, text: Any, request: Request) -> Proxy:
        if not isinstance(text, str):
            raise InvalidRequestError(f'meta["proxy"] is a {type(text).__name__}; write the URL of a proxy, or None')
        try:
            proxy = self._parsed(text)
        except InvalidURLError as error:
            raise InvalidRequestError(f'meta["proxy"]: {error}') from None
        if proxy.user or proxy.password:
            return proxy
        proxy = self._known.get(proxy.url, proxy)
        if proxy.authorization or not request.has_headers or b"Proxy-Authorization" not in request.headers:
            return proxy
        # A header is for the proxy that it was first used with: a retry through another one, or a redirect, does not take it there.
        if request.meta.setdefault("_auth_proxy", proxy.url) != proxy.url:
            return proxy
        return replace(proxy, authorization=request.headers[b"Proxy-Authorization"] or b"")


def _bind_address(given: Any) -> str:
    host = given[0] if isinstance(given, tuple | list) and given else given
    try:
        return str(ip_address(str(host)))
    except ValueError:
        raise InvalidRequestError(f'meta["bindaddress"] is {given!r}; write an address of this machine') from None


@implementer(IStreamClientEndpoint)
class TunnelEndpoint:
    """*host* at *port*, by a connection that *proxy*, which *endpoint* leads to, makes.

    *guard* sees the host, as far as it can be told from its name; with a *resolver* (for ``socks5``) it sees the addresses.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        proxy: Proxy,
        host: str,
        port: int,
        *,
        guard: Guard,
        resolver: Resolver | None = None,
    ) -> None:
        self._endpoint: Any = endpoint  # one of ours
        self._proxy = proxy
        self._host = host
        self._port = port
        self._guard = guard
        self._resolver = resolver

    def connect(self, protocolFactory: IProtocolFactory, progress: Progress | None = None) -> Deferred[Any]:
        """Connect; fires with the protocol of *protocolFactory* when the proxy has made its connection."""
        if self._resolver is None:
            self._guard.check_name(self._host)
            return self._through(self._host, protocolFactory, progress)
        pinned = self._resolver.pinned(self._host, self._port)
        if pinned is not None:
            return self._through(pinned[0], protocolFactory, progress)
        resolving = noted(self._resolver.resolve(self._host), progress)
        return resolving.addCallback(self._resolved, protocolFactory, progress)

    def _resolved(
        self, addresses: Sequence[Address], factory: IProtocolFactory, progress: Progress | None
    ) -> Deferred[Any]:
        return self._through(self._guard.admitted(self._host, addresses)[0], factory, progress)

    def _through(self, host: str | Address, factory: IProtocolFactory, progress: Progress | None) -> Deferred[Any]:
        opening = _Opening(self._proxy, handshake_for(self._proxy, host, self._port), factory, progress)
        connecting: Deferred[Any] = self._endpoint.connect(opening, progress)
        return connecting.addCallbacks(lambda tunnel: tunnel.opened, named_errors(self._proxy))


@implementer(IStreamClientEndpoint)
class ProxyEndpoint:
    """The proxy itself at *endpoint*, for requests to *host* that it reads. What fails on the way to it is told as its failure."""

    def __init__(self, endpoint: IStreamClientEndpoint, proxy: Proxy, host: str, guard: Guard) -> None:
        self._endpoint: Any = endpoint  # one of ours
        self._proxy = proxy
        self._host = host
        self._guard = guard

    def connect(self, protocolFactory: IProtocolFactory, progress: Progress | None = None) -> Deferred[Any]:
        """Connect; fires with the protocol of *protocolFactory*."""
        self._guard.check_name(self._host)
        connecting: Deferred[Any] = self._endpoint.connect(protocolFactory, progress)
        return connecting.addErrback(named_errors(self._proxy))


def named_errors(proxy: Proxy) -> Any:
    """Return an errback that tells an error of connecting to *proxy* as one of the proxy."""

    def told(failure: Failure) -> Failure:
        error = translated(failure.value, str(proxy))
        if isinstance(error, DownloadCancelledError | ProxyError | DownloadTLSError):
            return Failure(error)
        wrong = ProxyError(f"the proxy {proxy} cannot be reached: {error}")
        wrong.__cause__ = error
        return Failure(wrong)

    return told


class _Opening(Factory):
    """Makes the one protocol that opens a tunnel; *factory* makes what then speaks through it."""

    noisy = False

    def __init__(
        self, proxy: Proxy, handshake: Handshake, factory: IProtocolFactory, progress: Progress | None
    ) -> None:
        self.proxy = proxy
        self.handshake = handshake
        self.progress = progress
        self.inner = factory

    def buildProtocol(self, addr: IAddress | None) -> _Tunnel:
        """Return the protocol."""
        return _Tunnel(self, addr)


@implementer(IHandshakeListener)
class _Tunnel(Protocol):
    """Speaks with a proxy, then passes everything on. ``opened`` fires with the inner protocol.

    Over TLS nothing is said before the handshake is over and the proxy's certificate was found good: the first word has
    the credentials.
    """

    def __init__(self, opening: _Opening, address: IAddress | None) -> None:
        self.opened: Deferred[Any] = Deferred(self._cancelled)
        self._opening = opening
        self._address = address
        self._inner: Any = None

    def connectionMade(self) -> None:
        """Begin, unless TLS comes first."""
        if not ISSLTransport.providedBy(self.transport):
            self._begin()
        elif self._opening.progress is not None:
            self._opening.progress.securing()

    def handshakeCompleted(self) -> None:
        """Begin."""
        if self._opening.progress is not None:
            self._opening.progress.secured()
        self._begin()

    def _begin(self) -> None:
        assert self.transport is not None
        self.transport.write(self._opening.handshake.begin())

    def dataReceived(self, data: bytes) -> None:
        """Go on with the handshake; pass on what comes after it."""
        if self._inner is not None:
            self._inner.dataReceived(data)
            return
        if self.opened.called:
            return
        handshake, transport = self._opening.handshake, self.transport
        assert transport is not None
        try:
            said = handshake.feed(data)
        except DownloadError as error:
            self._fail(error)
            return
        if said:
            transport.write(said)
        if handshake.finished:
            self._open(handshake.rest)

    def _open(self, rest: bytes) -> None:
        inner = self._inner = self._opening.inner.buildProtocol(self._address)
        inner.makeConnection(self.transport)
        self.opened.callback(inner)
        if rest:
            inner.dataReceived(rest)

    def connectionLost(self, reason: Failure = Failure(Exception())) -> None:  # noqa: B008  # Twisted's signature
        """Pass on the end, or fail."""
        if self._inner is not None:
            self._inner.connectionLost(reason)
        elif not self.opened.called:
            error = translated(reason.value, str(self._opening.proxy))
            if not isinstance(error, DownloadTLSError):
                error = ProxyError(f"the proxy {self._opening.proxy} ended the connection: {reason.value}")
                error.__cause__ = reason.value
            self.opened.errback(Failure(error))

    def _fail(self, error: DownloadError) -> None:
        assert self.transport is not None
        self.transport.abortConnection()
        self.opened.errback(Failure(error))

    def _cancelled(self, opened: Deferred[Any]) -> None:
        self._fail(DownloadCancelledError("the connection through the proxy was given up"))
