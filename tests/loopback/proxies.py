"""Proxies on loopback that note every word which is said to them, and make real connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol

from tests.loopback.servers import reactor


class Far(Protocol):
    """The connection of a proxy to what it was asked for."""

    def __init__(self, near: Any) -> None:
        self.near = near

    def dataReceived(self, data: bytes) -> None:
        self.near.transport.write(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.near.transport.loseConnection()


class Near(Protocol):
    """The connection of a client to a proxy."""

    def connectionMade(self) -> None:
        self.factory.connections += 1
        self.buffer = b""
        self.far: Any = None
        self.method_sent = self.is_opening = False

    def dataReceived(self, data: bytes) -> None:
        if self.far is not None:
            self.far.transport.write(data)
            return
        self.buffer += data
        if not self.is_opening:
            self.factory.talk(self)

    def open(self, host: str, port: int, greeting: bytes = b"", first: bytes = b"") -> None:
        """Connect to *host*; say *greeting* to the client, and *first* to the host."""
        self.is_opening = True
        self.factory.opened.append((host, port))

        def connected(far: Any) -> None:
            self.far = far
            if greeting:
                self.transport.write(greeting)
            rest, self.buffer = first + self.buffer, b""
            if rest:
                far.transport.write(rest)

        connecting = HostnameEndpoint(reactor, host.encode(), port).connect(Factory.forProtocol(lambda: Far(self)))
        connecting.addCallbacks(connected, lambda _: self.transport.loseConnection())

    def connectionLost(self, reason: Any = None) -> None:
        if self.far is not None:
            self.far.transport.loseConnection()


class HttpProxy(Factory):
    """Speaks HTTP. *wants* is the Proxy-Authorization that it wants; *answer* what it says to everything, instead of working."""

    protocol = Near
    noisy = False

    def __init__(self, *, wants: bytes = b"", answer: bytes = b"") -> None:
        self.wants = wants
        self.answer = answer
        self.heads: list[bytes] = []
        self.opened: list[tuple[str, int]] = []
        self.connections = 0
        self.port = 0

    def talk(self, near: Any) -> None:
        if b"\r\n\r\n" not in near.buffer:
            return
        head, _, near.buffer = near.buffer.partition(b"\r\n\r\n")
        self.heads.append(head)
        if self.answer:
            near.transport.write(self.answer)
        elif self.wants and b"Proxy-Authorization: " + self.wants not in head.split(b"\r\n"):
            near.transport.write(b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n")
        elif head.startswith(b"CONNECT "):
            host, _, port = head.split(b" ")[1].decode().rpartition(":")
            near.open(host.strip("[]"), int(port), b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            method, url, rest = head.split(b" ", 2)
            place, _, path = url.removeprefix(b"http://").partition(b"/")
            host, _, port = place.decode().partition(":")
            # A proxy that passes on what is not for it to pass on shows what it got.
            near.open(host, int(port or 80), first=b" ".join([method, b"/" + path, rest]) + b"\r\n\r\n")


class SocksProxy(Factory):
    """Speaks SOCKS 5. *wants* are the user and the password that it wants, *reply* is its answer. ``said`` is what it heard."""

    protocol = Near
    noisy = False

    def __init__(self, *, wants: tuple[bytes, bytes] | None = None, reply: int = 0) -> None:
        self.wants = wants
        self.reply = reply
        self.said: list[bytes] = []
        self.opened: list[tuple[str, int]] = []
        self.connections = 0
        self.port = 0

    def talk(self, near: Any) -> None:
        said, near.buffer = near.buffer, b""
        self.said.append(said)
        if not near.method_sent:
            near.method_sent = True
            near.transport.write(b"\x05\x02" if self.wants else b"\x05\x00")
        elif said[0] == 1 and self.wants:
            user, password = self.wants
            good = said == bytes([1, len(user)]) + user + bytes([len(password)]) + password
            near.transport.write(b"\x01\x00" if good else b"\x01\x01")
        elif self.reply:
            near.transport.write(bytes([5, self.reply, 0, 1]) + b"\0" * 6)
        else:
            host = said[5:-2].decode() if said[3] == 3 else ".".join(map(str, said[4:-2]))
            near.open(host, int.from_bytes(said[-2:], "big"), b"\x05\x00\x00\x01" + b"\0" * 6)


@contextmanager
def proxying(proxy: Any, tls: Any = None) -> Iterator[Any]:
    """Run *proxy* on a free port for as long as the block lasts, over TLS with the options *tls*."""
    listening = (
        reactor.listenSSL(0, proxy, tls, interface="127.0.0.1")
        if tls
        else reactor.listenTCP(0, proxy, interface="127.0.0.1")
    )
    proxy.port = listening.getHost().port
    try:
        yield proxy
    finally:
        listening.stopListening()
