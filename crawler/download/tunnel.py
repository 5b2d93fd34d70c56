"""How a proxy is asked for a connection: CONNECT (RFC 9110, section 9.3.6) and SOCKS 5 (RFC 1928, RFC 1929). Bytes in, bytes out.

    handshake = ConnectHandshake(proxy, "example.org", 443)
    transport.write(handshake.begin())
    transport.write(handshake.feed(data))      # again and again, until handshake.finished
    handshake.rest                             # what came after it, which belongs to the connection

A proxy that refuses raises a ``ProxyError`` that names it, without credentials, and says why. SOCKS is spoken here, in a
page, since the libraries for Twisted that do are not kept up any more.
"""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Protocol

from crawler.download.errors import ResponseMalformedError
from crawler.download.guard import Address, literal
from crawler.download.head import END, parse_head
from crawler.exceptions import ProxyAuthenticationError, ProxyError

if TYPE_CHECKING:
    from crawler.http.proxy import Proxy

# An answer to CONNECT is a status line and a few headers. More than this is an attack or no proxy.
_MAX_HEAD = 64 * 1024


# By the RFC it is 407; tinyproxy says 401 where the password is wrong.
_UNKNOWN_TO_PROXY = (HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, HTTPStatus.UNAUTHORIZED)


class Handshake(Protocol):
    """A conversation with a proxy, up to the moment from which on it only passes bytes."""

    finished: bool
    rest: bytes

    def begin(self) -> bytes:
        """Return what is said first."""

    def feed(self, data: bytes) -> bytes:
        """Take *data* from the proxy; return what is said next, b"" for nothing. Raise a ProxyError at a refusal."""


class ConnectHandshake:
    """Asks an HTTP proxy for a connection to *host* at *port*."""

    def __init__(self, proxy: Proxy, host: str, port: int) -> None:
        self.finished = False
        self.rest = b""
        self._proxy = proxy
        self._place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._buffer = b""

    def begin(self) -> bytes:
        """Return the CONNECT request."""
        place = self._place.encode("ascii")
        lines = [b"CONNECT %b HTTP/1.1" % place, b"Host: " + place]
        if self._proxy.authorization:
            lines.append(b"Proxy-Authorization: " + self._proxy.authorization)
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def feed(self, data: bytes) -> bytes:
        """Read the answer."""
        buffer = self._buffer = self._buffer + data
        while (found := END.search(buffer)) is not None:
            try:
                head = parse_head(buffer[: found.start()].removesuffix(b"\r"))
            except ResponseMalformedError as error:
                raise ProxyError(f"the proxy {self._proxy} does not answer in HTTP: {error}") from error
            buffer = self._buffer = buffer[found.end() :]
            if head.status >= 200:
                self._answered(head.status, head.reason.decode("latin-1"))
                self.finished, self.rest = True, buffer
                return b""
        if len(buffer) > _MAX_HEAD:
            raise ProxyError(f"the proxy {self._proxy} answers with headers of more than {_MAX_HEAD} bytes")
        return b""

    def _answered(self, status: int, reason: str) -> None:
        if status < 300:
            return
        told = f"{status} {_printable(reason) or _phrase(status)}".rstrip()
        if status in _UNKNOWN_TO_PROXY:
            how = (
                "does not accept the user and password that its URL has"
                if self._proxy.authorization
                else "wants to know us"
            )
            raise ProxyAuthenticationError(
                f"the proxy {self._proxy} {how} ({told}): write its URL as {self._proxy.scheme}://user:password@"
                f"{self._proxy.place}",
                status=status,
            )
        raise ProxyError(f"the proxy {self._proxy} does not connect to {self._place}: {told}", status=status)


def _printable(text: str) -> str:
    return "".join(one for one in text[:100] if one.isprintable())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


_VERSION, _NO_AUTHENTICATION, _PASSWORD, _NOTHING_FITS = 5, 0, 2, 0xFF
_CONNECT, _IPV4, _NAME, _IPV6 = 1, 1, 3, 4

# RFC 1928, section 6.
_REPLIES = {
    1: "general failure",
    2: "its rules do not allow it",
    3: "the network is unreachable",
    4: "the host is unreachable",
    5: "the connection was refused",
    6: "the connection timed out",
    7: "it does not know CONNECT",
    8: "it does not know this kind of address",
}


class SocksHandshake:
    """Asks a SOCKS 5 proxy for a connection to *host*, a name or an address, at *port*."""

    def __init__(self, proxy: Proxy, host: str, port: int) -> None:
        self.finished = False
        self.rest = b""
        self._proxy = proxy
        self._place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._request = bytes([_VERSION, _CONNECT, 0]) + _address(host) + port.to_bytes(2, "big")
        self._buffer = b""
        self._read = self._read_method

    def begin(self) -> bytes:
        """Return the greeting: what we can say to be let in."""
        methods = [_NO_AUTHENTICATION, _PASSWORD] if self._has_credentials else [_NO_AUTHENTICATION]
        return bytes([_VERSION, len(methods), *methods])

    @property
    def _has_credentials(self) -> bool:
        return bool(self._proxy.user or self._proxy.password)

    def feed(self, data: bytes) -> bytes:
        """Read what the proxy says, step by step."""
        self._buffer += data
        said = b""
        while not self.finished:
            answer = self._read()
            if answer is None:
                break
            said += answer
        return said

    def _take(self, count: int) -> bytes | None:
        if len(self._buffer) < count:
            return None
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _read_method(self) -> bytes | None:
        answer = self._take(2)
        if answer is None:
            return None
        version, method = answer
        if version != _VERSION:
            raise ProxyError(f"the proxy {self._proxy} does not speak SOCKS 5: it says {answer!r}")
        if method == _PASSWORD and self._has_credentials:
            user, password = self._proxy.user.encode(), self._proxy.password.encode()
            self._read = self._read_verdict
            return bytes([1, len(user)]) + user + bytes([len(password)]) + password
        if method != _NO_AUTHENTICATION:
            raise ProxyAuthenticationError(
                f"the proxy {self._proxy} wants to know us in a way that we cannot answer: write its URL as "
                f"{self._proxy.scheme}://user:password@{self._proxy.place}"
            )
        self._read = self._read_reply
        return self._request

    def _read_verdict(self) -> bytes | None:
        answer = self._take(2)
        if answer is None:
            return None
        if answer[1] != 0:
            raise ProxyAuthenticationError(
                f"the proxy {self._proxy} does not accept the user and password that its URL has"
            )
        self._read = self._read_reply
        return self._request

    def _read_reply(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 5:
            return None
        version, reply, _, kind, length = buffer[:5]
        if version != _VERSION:
            raise ProxyError(f"the proxy {self._proxy} does not speak SOCKS 5: it says {buffer[:5]!r}")
        if reply != 0:
            reason = _REPLIES.get(reply, f"reply {reply}")
            raise ProxyError(f"the proxy {self._proxy} does not connect to {self._place}: {reason}", status=reply)
        # The address that the proxy connects from: of no use, but it has to be read.
        sizes = {_IPV4: 4, _IPV6: 16, _NAME: 1 + length}
        if kind not in sizes:
            raise ProxyError(f"the proxy {self._proxy} does not speak SOCKS 5: it says {buffer[:5]!r}")
        if self._take(4 + sizes[kind] + 2) is None:
            return None
        self.finished, self.rest = True, self._buffer
        return b""


def _address(host: str) -> bytes:
    address = literal(host)
    if isinstance(address, IPv4Address):
        return bytes([_IPV4]) + address.packed
    if isinstance(address, IPv6Address):
        return bytes([_IPV6]) + address.packed
    name = host.encode("ascii")
    if len(name) > 255:
        raise ProxyError(f"the name of the host is {len(name)} bytes long; SOCKS takes 255")
    return bytes([_NAME, len(name)]) + name


def handshake_for(proxy: Proxy, host: str | Address, port: int) -> Handshake:
    """Return how *proxy* is asked for a connection to *host* at *port*."""
    kind = SocksHandshake if proxy.is_socks else ConnectHandshake
    return kind(proxy, str(host), port)
