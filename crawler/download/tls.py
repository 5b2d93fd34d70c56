"""TLS for the wire: which certificates are trusted, which versions are spoken, who we are.

One context of OpenSSL serves every host (making one reads the system's roots, which takes longer than a page); what is particular
to a host, its name in SNI and the check of its certificate, is set for each connection.

A certificate that is refused ends the connection with a ``DownloadTLSError`` that says what is wrong with it (expired, for another
host, signed by itself or by nobody who is known) and what can be done. A client certificate is shown to the hosts that it is for
and to no other, as any credential: it tells who we are to whoever asks.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL, crypto
from service_identity import VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet import ssl
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IProtocolFactory, IStreamClientEndpoint
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from crawler.download.errors import DownloadTLSError
from crawler.download.guard import literal
from crawler.exceptions import SettingsError

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from crawler.download.wire import Progress

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1_0,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class TLSOptions:
    """How TLS is spoken. Versions as "1.2", no *newest* is the newest there is; files are PEM, no *ca_file* is the system's.

    *certificate* and *key* (by default in the same file) say who we are to *certificate_hosts*: names, or ``*.names``.
    """

    verify: bool = True
    oldest: str = "1.2"
    newest: str = ""
    ciphers: str = ""
    ca_file: str = ""
    certificate: str = ""
    key: str = ""
    certificate_hosts: Iterable[str] = ()


def tls_policy(options: TLSOptions) -> IPolicyForHTTPS:
    """Return who makes TLS connections by *options*; raise SettingsError for files and ciphers that are none."""
    return _Policy(options)


@implementer(IPolicyForHTTPS)
class _Policy:
    def __init__(self, options: TLSOptions) -> None:
        self._given = given = _context_options(options)
        self._verify = options.verify
        self._identified: Any = None
        self._hosts = frozenset(host.lower().rstrip(".") for host in options.certificate_hosts)
        if options.certificate:
            if not self._hosts:
                raise SettingsError(
                    "http.client_certificate is set but http.client_certificate_hosts is not: name the hosts that it is for"
                )
            self._identified = _contexts(
                {**given, **_identity(options.certificate, options.key or options.certificate)}
            )
        if options != TLSOptions():
            self._usual = _contexts(given)  # what is wrong is told now; where nothing was set, nothing can be

    @cached_property
    def _usual(self) -> Any:
        """What makes connections to most hosts; made for the first, since to read the certificates of a system takes 10 ms."""
        return _contexts(self._given)

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """Return what makes connections to *hostname*."""
        host = hostname.decode("ascii").rstrip(".")
        contexts = self._identified if self._identified is not None and self._is_for(host) else self._usual
        return _Creator(contexts, host, self._verify)

    def _is_for(self, host: str) -> bool:
        return is_among(host, self._hosts)


def is_among(host: str, hosts: Collection[str]) -> bool:
    """Tell whether *hosts*, names or ``*.names``, have *host* among them."""
    if host in hosts:
        return True
    while host := host.partition(".")[2]:
        if f"*.{host}" in hosts:
            return True
    return False


def _contexts(given: dict[str, Any]) -> Any:
    """Return what makes connections with one context; raise SettingsError if OpenSSL does not take what was given."""
    contexts = ssl.CertificateOptions(**given)
    try:
        contexts.getContext()
    except SSL.Error as error:
        raise SettingsError(f"the settings of TLS do not fit together: {_openssl_words(error)}") from error
    return contexts


def _context_options(options: TLSOptions) -> dict[str, Any]:
    given: dict[str, Any] = {}
    oldest, newest = _VERSIONS[options.oldest], _VERSIONS.get(options.newest)
    if newest is None:
        given["raiseMinimumTo" if options.oldest == "1.3" else "insecurelyLowerMinimumTo"] = oldest
    else:
        given["insecurelyLowerMinimumTo"] = oldest
        given["lowerMaximumSecurityTo"] = newest
    if options.ciphers:
        given["acceptableCiphers"] = _ciphers(options.ciphers)
    if options.verify:
        given["trustRoot"] = _roots(options.ca_file) if options.ca_file else ssl.platformTrust()
    else:
        given["verify"] = False
    return given


def _ciphers(text: str) -> Any:
    try:
        SSL.Context(SSL.TLS_METHOD).set_cipher_list(text.encode("ascii"))
    except (SSL.Error, UnicodeError):
        raise SettingsError(
            f"http.tls_ciphers = {text!r}: OpenSSL knows no such ciphers; see `openssl ciphers`"
        ) from None
    return ssl.AcceptableCiphers.fromOpenSSLCipherString(text)


def _read(setting: str, name: str) -> bytes:
    try:
        return Path(name).expanduser().read_bytes()
    except OSError as error:
        raise SettingsError(f"{setting}: {name} cannot be read: {error.strerror or error}") from error


def _roots(name: str) -> Any:
    try:
        found = x509.load_pem_x509_certificates(_read("http.ca_file", name))
    except ValueError as error:
        raise SettingsError(f"http.ca_file: {name} holds no certificates in PEM: {error}") from error
    return ssl.trustRootFromCertificates([ssl.Certificate(crypto.X509.from_cryptography(one)) for one in found])


def _identity(certificate: str, key: str) -> dict[str, Any]:
    try:
        first, *others = x509.load_pem_x509_certificates(_read("http.client_certificate", certificate))
    except ValueError as error:
        raise SettingsError(f"http.client_certificate: {certificate} holds no certificate in PEM: {error}") from error
    try:
        private = serialization.load_pem_private_key(_read("http.client_key", key), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"http.client_key: {key} holds no private key in PEM that needs no passphrase") from error
    return {
        "privateKey": private,
        "certificate": first,
        "extraCertChain": others,
    }


@implementer(IOpenSSLClientConnectionCreator)
class _Creator:
    """Makes connections to *host*: they name it, and accept a certificate of its own only, or, without *verify*, any."""

    def __init__(self, contexts: Any, host: str, verify: bool) -> None:
        self._contexts = contexts
        self._host = host
        self._verify = verify
        self._is_name = literal(host) is None

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Return the connection for *tlsProtocol*."""
        connection: SSL.Connection = self._contexts.clientConnectionForTLS(tlsProtocol)
        if self._is_name:
            connection.set_tlsext_host_name(self._host.encode("ascii"))  # RFC 6066: not for addresses
        if self._verify:
            connection.set_verify(
                SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, partial(self._accept, weakref.ref(tlsProtocol))
            )
        return connection

    def _accept(
        self, protocol: Callable[[], Any], connection: Any, certificate: crypto.X509, number: int, depth: int, good: int
    ) -> bool:
        """Tell OpenSSL whether *certificate*, one of the chain, will do; let *protocol* know what is wrong if not."""
        try:
            wrong = self._wrong_with(certificate, 0 if good else number, depth)
        except Exception as error:  # nothing may leave a callback of OpenSSL's: it would be printed, and forgotten
            wrong = f"the certificate cannot be checked ({error})"
        if not wrong:
            return True
        waiting = protocol()
        if waiting is not None:
            waiting.failVerification(Failure(DownloadTLSError(f"no trusted TLS connection to {self._host}: {wrong}")))
        return False

    def _wrong_with(self, certificate: crypto.X509, number: int, depth: int) -> str:
        if number:
            return why_refused(number, depth, certificate.to_cryptography())
        if depth:
            return ""
        wanted: Any = DNS_ID(self._host) if self._is_name else IPAddress_ID(str(literal(self._host)))
        try:
            verify_service_identity(extract_patterns(certificate), [wanted], [])
        except VerificationError:
            names = ", ".join(_names(certificate.to_cryptography())[:10]) or "no host at all"
            return f"the certificate is for {names}, and not for {self._host}. {_WAY_OUT}"
        return ""


_WAY_OUT = (
    "Ask the site to mend that; http.verify_tls = false accepts any certificate of any host, and with it any listener"
)

_UNKNOWN_CA = (
    "If you trust who has signed it, name a file with their certificate in http.ca_file; http.verify_tls = false accepts any "
    "certificate of any host, and with it any listener"
)


def why_refused(number: int, depth: int, certificate: x509.Certificate) -> str:
    """Return what error *number* of OpenSSL's (X509_V_ERR_...) says of *certificate*, and what can be done."""
    which = "the certificate" if depth == 0 else f"a certificate of its chain ({_subject(certificate)})"
    if number == 10:
        return f"{which} expired on {_day(certificate.not_valid_after_utc)}. {_WAY_OUT}"
    if number == 9:
        day = _day(certificate.not_valid_before_utc)
        return f"{which} is not valid before {day}. Is the clock of this machine right? {_WAY_OUT}"
    if number == 18:
        return f"{which} is signed by itself and by nobody else. {_UNKNOWN_CA}"
    if number == 19:
        return f"its chain ends with a certificate that nobody here knows ({_subject(certificate)}). {_UNKNOWN_CA}"
    if number in (2, 20, 21):
        issuer = certificate.issuer.rfc4514_string()
        return f"{which} is signed by an unknown CA ({issuer}), or the server leaves out who signed it. {_UNKNOWN_CA}"
    if number == 23:
        return f"{which} was revoked. {_WAY_OUT}"
    words = _OTHER_ERRORS.get(number, f"OpenSSL's error {number}")
    return f"{which} is refused: {words}. {_WAY_OUT}"


# As OpenSSL has them in x509_vfy.h.
_OTHER_ERRORS = {
    7: "its signature is wrong",
    22: "its chain is too long",
    24: "it may not sign others, and does",
    26: "it is not made for servers",
    66: "its key is too short",
    68: "it is signed with a broken hash",
}


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "without a name"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _names(certificate: x509.Certificate) -> list[str]:
    """Return the names and addresses that *certificate* is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]


def _openssl_words(error: SSL.Error) -> str:
    return "; ".join(str(entry[-1]) for entry in error.args[0]) if error.args and error.args[0] else "handshake failure"


@implementer(IStreamClientEndpoint)
class TLSEndpoint:
    """*endpoint* with TLS over it. Twisted's own wrapper would take its clock from the global reactor."""

    def __init__(self, endpoint: IStreamClientEndpoint, creator: Any, clock: Any) -> None:
        self._endpoint: Any = endpoint  # one of ours
        self._creator = creator
        self._clock = clock

    def connect(self, factory: IProtocolFactory, progress: Progress | None = None) -> Deferred[Any]:
        """Connect; fires with the protocol of *factory* once there is a TCP connection."""
        wrapping = TLSMemoryBIOFactory(self._creator, True, factory, clock=self._clock)
        unwrap: Callable[[Any], Any] = lambda protocol: protocol.wrappedProtocol  # noqa: E731
        connecting: Deferred[Any] = self._endpoint.connect(wrapping, progress)
        return connecting.addCallback(unwrap)
