"""TLS for the wire: which certificates are trusted, which versions are spoken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL
from twisted.internet import ssl
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IProtocolFactory, IStreamClientEndpoint
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.client import BrowserLikePolicyForHTTPS
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1_0,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


def tls_policy(*, verify: bool, oldest: str, newest: str = "") -> IPolicyForHTTPS:
    """Return who makes TLS connections: trusting the system's roots, or, without *verify*, anybody.

    *oldest* and *newest* are versions as "1.2"; no *newest* is the newest there is.
    """
    if verify and oldest == "1.2" and not newest:
        return BrowserLikePolicyForHTTPS()
    return _Policy(verify, _VERSIONS[oldest], _VERSIONS[newest] if newest else None)


@implementer(IPolicyForHTTPS)
class _Policy:
    """Like Twisted's policy for browsers, with other versions of TLS or without verification."""

    def __init__(self, verify: bool, oldest: Any, newest: Any) -> None:
        self._verify = verify
        self._options: dict[str, Any] = {}
        if newest is None:
            self._options["raiseMinimumTo" if oldest is _VERSIONS["1.3"] else "insecurelyLowerMinimumTo"] = oldest
        else:
            self._options["insecurelyLowerMinimumTo"] = oldest
            self._options["lowerMaximumSecurityTo"] = newest

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """Return what makes connections to *hostname*."""
        if self._verify:
            return ssl.optionsForClientTLS(hostname.decode("ascii"), extraCertificateOptions=self._options)
        return _Unverified(hostname, ssl.CertificateOptions(verify=False, **self._options).getContext())


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """Makes connections that name the host they want and accept whatever certificate they get."""

    def __init__(self, hostname: bytes, context: SSL.Context) -> None:
        self._hostname = hostname
        self._context = context

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Return the connection for *tlsProtocol*."""
        connection = SSL.Connection(self._context, None)
        if not self._hostname.replace(b".", b"").isdigit() and b":" not in self._hostname:
            connection.set_tlsext_host_name(self._hostname)  # RFC 6066: not for addresses
        return connection


@implementer(IStreamClientEndpoint)
class TLSEndpoint:
    """*endpoint* with TLS over it. Twisted's own wrapper would take its clock from the global reactor."""

    def __init__(self, endpoint: IStreamClientEndpoint, creator: Any, clock: Any) -> None:
        self._endpoint = endpoint
        self._creator = creator
        self._clock = clock

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        """Connect; fires with the protocol of *factory* once there is a TCP connection."""
        wrapping = TLSMemoryBIOFactory(self._creator, True, factory, clock=self._clock)
        unwrap: Callable[[Any], Any] = lambda protocol: protocol.wrappedProtocol  # noqa: E731
        connecting: Deferred[Any] = self._endpoint.connect(wrapping)
        return connecting.addCallback(unwrap)
