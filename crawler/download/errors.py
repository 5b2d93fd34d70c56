"""What can go wrong on the wire, in both languages: the crawler's errors that are also the Twisted errors of ported errbacks.

    def on_error(self, failure):
        if failure.check(DNSLookupError): ...                # twisted.internet.error, as in Scrapy's documentation
        elif failure.check(DownloadTimeoutError): ...        # crawler.exceptions

Both hold for what a download raises. The classes have the names of their bases in ``crawler.exceptions``, which is where to
import them from; these here only add the Twisted side. :func:`translated` is the edge: every foreign exception that a fetch can
meet goes through it, and is kept as ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error as internet
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.web._newclient import ParseError  # public only as what ResponseFailed holds
from twisted.web.client import (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.error import SchemeNotSupported

from crawler import exceptions as named

if TYPE_CHECKING:
    from crawler.http.spool import Spool


class _Told:
    """Gives the message alone as text: Twisted's classes would put a sentence of their own around it."""

    args: tuple[Any, ...]

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class CannotResolveHostError(_Told, named.CannotResolveHostError, internet.DNSLookupError):
    """The host name has no address."""


class DownloadConnectionRefusedError(_Told, named.DownloadConnectionRefusedError, internet.ConnectionRefusedError):
    """No connection could be made to any address of the host."""

    def __init__(self, message: str = "") -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self.args = (message,)


class DownloadTimeoutError(_Told, named.DownloadTimeoutError, internet.TCPTimedOutError, internet.TimeoutError):
    """Time ran out. ``phase`` is ``"connect"``, ``"first byte"`` or ``"response"``; ``seconds`` its limit."""

    def __init__(self, message: str = "", *, phase: str = "response", seconds: float = 0.0) -> None:
        super().__init__(message, phase=phase, seconds=seconds)
        self.args = (message or f"no {phase} within {seconds:g} s",)
        self.osError = None


class _Failed(_Told, Exception):
    """Carries ``reasons`` as Twisted's wrapping errors do."""

    def __init__(self, message: str, reasons: Sequence[Failure] = ()) -> None:
        Exception.__init__(self, message)  # past Twisted's classes, which want reasons of theirs
        self.args = (message,)
        self.reasons = list(reasons)
        self.response = None


class DownloadConnectionLostError(
    _Failed, named.DownloadConnectionLostError, ResponseNeverReceived, internet.ConnectionLost
):
    """The connection ended before a response began."""


class StaleConnectionError(DownloadConnectionLostError):
    """The server had closed a kept connection, and said nothing to the request that was sent on it."""


class DownloadTLSError(_Failed, named.DownloadTLSError, ResponseNeverReceived):
    """The TLS handshake failed or the certificate was not trusted."""


class ResponseMalformedError(_Failed, named.ResponseMalformedError, ResponseFailed):
    """What came back is not HTTP, or its headers are beyond every bound."""


class ResponseDataLossError(_Told, named.ResponseDataLossError, ResponseFailed):
    """The body ended early. ``partial`` holds what had arrived, decoded as far as it went."""

    def __init__(self, message: str = "", *, partial: bytes | Spool = b"") -> None:
        super().__init__(message, partial=partial)
        self.args = (message,)
        self.reasons = []
        self.response = None


class DownloadCancelledError(_Told, named.DownloadCancelledError, CancelledError):
    """The crawler itself stopped the download."""


class InvalidRequestError(named.DownloadError, ValueError):
    """The request cannot be sent as it is: its method or URL would break out of its line, its proxy is none."""


def translated(error: BaseException | None, url: str) -> named.DownloadError:
    """Return the download error that says what *error* means for *url*; *error* becomes its cause."""
    if isinstance(error, named.DownloadError):
        return error
    if error is None:
        return named.DownloadFailedError(f"the download of {url} failed for no known reason")
    meant = _meaning(error, url)
    meant.__cause__ = error
    return meant


def _meaning(error: BaseException, url: str) -> named.DownloadError:
    if isinstance(error, ResponseFailed | RequestTransmissionFailed | RequestGenerationFailed):
        return _meaning_of_reasons(error, url)
    if isinstance(error, CancelledError | internet.ConnectingCancelledError):
        return DownloadCancelledError(f"the download of {url} was cancelled")
    if isinstance(error, internet.DNSLookupError | UnicodeError):
        return CannotResolveHostError(f"no address is known for the host of {url}")
    if isinstance(error, internet.TimeoutError | internet.TCPTimedOutError):
        return DownloadTimeoutError(f"no connection in time for {url}", phase="connect")
    if isinstance(error, VerificationError | SSL.Error | internet.CertificateError | internet.SSLError):
        return DownloadTLSError(f"no trusted TLS connection for {url}: {_tls_reason(error)}", [Failure(error)])
    if isinstance(error, internet.ConnectError):
        return DownloadConnectionRefusedError(f"no connection for {url}: {error}")
    if isinstance(error, internet.ConnectionClosed | internet.ConnectionDone):
        return DownloadConnectionLostError(f"the connection was lost before {url} answered: {error}", [Failure(error)])
    if isinstance(error, ParseError):
        return ResponseMalformedError(f"what {url} answered is not HTTP: {error}", [Failure(error)])
    if isinstance(error, SchemeNotSupported):
        return named.UnsupportedURLSchemeError(f"no transport for {url}: {error}")
    if isinstance(error, ValueError) and "invalid hostname" in str(error):
        return CannotResolveHostError(f"the host of {url} is no host name")
    return named.DownloadFailedError(f"the download of {url} failed: {named.describe(error)}")


def _meaning_of_reasons(error: Any, url: str) -> named.DownloadError:
    """Return what the reasons inside a wrapping error mean; the first is what happened, the rest what followed from it."""
    reasons = [reason.value for reason in error.reasons]
    first: BaseException = reasons[0] if reasons else error
    if (
        isinstance(error, ResponseFailed)
        and not isinstance(error, ResponseNeverReceived)
        and error.response is not None
    ):
        return ResponseDataLossError(f"the body of {url} ended early: {first}")
    if isinstance(error, ResponseFailed) and not isinstance(
        first, internet.ConnectionClosed | internet.ConnectionDone | CancelledError | SSL.Error | VerificationError
    ):
        return ResponseMalformedError(f"what {url} answered is not HTTP: {first}", error.reasons)
    return (
        _meaning(first, url)
        if first is not error
        else named.DownloadFailedError(f"the download of {url} failed: {error}")
    )


def _tls_reason(error: BaseException) -> str:
    """Return what OpenSSL or service_identity says, without their nesting of lists."""
    if isinstance(error, VerificationError):
        return "the certificate is not for this host" if error.errors else str(error)
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        said = "; ".join(str(entry[-1]) for entry in error.args[0]) or "handshake failure"
        return said + next((f" ({hint})" for words, hint in _TLS_HINTS.items() if words in said), "")
    return str(error) or type(error).__name__


# What OpenSSL says, and what it mostly means.
_TLS_HINTS = {
    "wrong version number": "the server does not speak TLS on this port: is it http?",
    "packet length too long": "the server does not speak TLS on this port: is it http?",
    "http request": "the server does not speak TLS on this port: is it http?",
    "protocol version": "the server speaks other versions of TLS only: see http.tls_min and http.tls_max",
    "unsupported protocol": "the server speaks other versions of TLS only: see http.tls_min and http.tls_max",
    "handshake failure": "no cipher in common, or a client certificate is asked for: see http.tls_ciphers and "
    "http.client_certificate",
    "certificate required": "the server asks who we are: see http.client_certificate",
    "dh key too small": "the server's keys are weak: see http.tls_ciphers",
}
