"""A response as it arrives: its head, and its body for whoever takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.web.iweb import UNKNOWN_LENGTH, IClientRequest, IResponse
from zope.interface import implementer

from crawler.download.wire import WireHeaders

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from crawler.download.connection import Connection
    from crawler.download.head import Framing, Head

_NO_HEADERS = WireHeaders()


@implementer(IResponse)
class WireResponse:
    """A response as it came. ``head`` has all that was said; ``headers`` is empty, so that no wrapper acts on them."""

    headers = _NO_HEADERS
    previousResponse: IResponse | None = None

    def __init__(self, head: Head, body: Framing, request: Any, connection: Connection) -> None:
        self.head = head
        self.framing = body
        self.code = head.status
        self.phrase = head.reason
        self.request: IClientRequest = request
        self.length = UNKNOWN_LENGTH if body.length is None else body.length
        self.connection = connection
        self._protocol: Any = None
        self._pieces: list[bytes] = []
        self._reason: Failure | None = None

    @property
    def version(self) -> tuple[bytes, int, int]:
        """Protocol, major and minor version."""
        major, _, minor = self.head.version.partition(b".")
        return b"HTTP", int(major), int(minor)

    def deliverBody(self, protocol: Any) -> None:
        """Give *protocol* what has come and what will; its ``connectionLost`` tells the end and how it went."""
        protocol.makeConnection(self.connection.transport)
        self._protocol = protocol
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            protocol.dataReceived(piece)
        if self._reason is not None:
            protocol.connectionLost(self._reason)

    def setPreviousResponse(self, response: IResponse) -> None:
        """Remember the response that led to this one."""
        self.previousResponse = response

    def received(self, piece: bytes) -> None:
        """Pass on a piece of the body, or keep it until somebody takes the body."""
        if self._protocol is not None:
            self._protocol.dataReceived(piece)
        else:
            self._pieces.append(piece)

    def ended(self, reason: Failure) -> None:
        """Pass on the end of the body."""
        self._reason = reason
        if self._protocol is not None:
            self._protocol.connectionLost(reason)
