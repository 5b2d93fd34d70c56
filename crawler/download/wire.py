"""What goes out: header lines exactly as given, and a body of bytes, in the forms that Twisted's agents take.

``WireHeaders`` are sealed. The wrappers that treq puts around an agent each want to add something (cookies, Accept-Encoding): they
copy the headers, and the copy is the same object; they add a header, and nothing happens. So the lines leave in the order and case
in which they were given, and nothing else does.

An agent's ``request`` has no argument for the way that a request takes (a proxy), nor for who wants to know how far it has come, so
the headers carry both. They are read at the moment at which they are written to a connection, which is how the transport learns,
with any agent, that there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

if TYPE_CHECKING:
    from twisted.internet.interfaces import IConsumer

    from crawler.download.proxy import Way


class Progress(Protocol):
    """Is told how far a request has come."""

    def dialling(self) -> None:
        """Note that a connection is made, since none was kept."""

    def looking_up(self) -> None:
        """Note that a name is being looked up; :meth:`looked_up` tells the end."""

    def looked_up(self) -> None:
        """Note that the look-up is over."""

    def securing(self) -> None:
        """Note that there is a connection, and that a TLS handshake begins over it; :meth:`secured` tells the end."""

    def secured(self) -> None:
        """Note that the handshake is over."""

    def connected(self) -> None:
        """Note that there is a connection and that the request is being written to it."""

    def answered(self) -> None:
        """Note that the first byte of the answer is there."""


class WireHeaders(Headers):
    """Header lines that no agent changes. *progress* is told when they are written; *way* is theirs, None for the usual one."""

    __slots__ = ("_lines", "progress", "way")

    def __init__(
        self, lines: Sequence[tuple[bytes, bytes]] = (), progress: Progress | None = None, way: Way | None = None
    ) -> None:
        self._lines = lines
        self.progress = progress
        self.way = way

    def __repr__(self) -> str:
        return f"<WireHeaders {[name for name, _ in self._lines]}>"  # not the values, which may be secrets

    def getAllRawHeaders(self) -> Iterator[tuple[bytes, Sequence[bytes]]]:
        """Return each line as (name, [value]), in order; tell ``progress`` that they are being sent."""
        if self.progress is not None:
            self.progress.connected()
        return ((name, (value,)) for name, value in self._lines)

    def getRawHeaders(self, name: Any, default: Any = None) -> Any:
        """Return the values of *name*, whatever the case of either."""
        wanted = (name.encode("latin-1") if isinstance(name, str) else name).lower()
        return [value for line, value in self._lines if line.lower() == wanted] or default

    def hasHeader(self, name: Any) -> bool:
        """Return True: who asks wants to add what is missing, and nothing is to be added."""
        return True

    def copy(self) -> WireHeaders:
        """Return these headers themselves."""
        return self

    def addRawHeader(self, name: Any, value: Any) -> None:
        """Do nothing."""

    def setRawHeaders(self, name: Any, values: Any) -> None:
        """Do nothing."""

    def removeHeader(self, name: Any) -> None:
        """Do nothing."""


@implementer(IBodyProducer)
class BytesProducer:
    """A request body that is in memory, written in one go."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Write the body, unless production was stopped before; fires at once."""
        body, self._body = self._body, b""
        if body:
            consumer.write(body)
        return succeed(None)

    def stopProducing(self) -> None:
        """Let go of the body; nothing of it is written from now on."""
        self._body = b""

    def pauseProducing(self) -> None:
        """Do nothing: what is written was written already."""

    def resumeProducing(self) -> None:
        """Do nothing: there is nothing left to write."""
