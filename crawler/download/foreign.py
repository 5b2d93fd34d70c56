"""Any agent of Twisted's (the one of ``treq.testing``, a proxy's) in the place of ours.

treq wraps an agent in others that act on the headers of the response. What ``ConnectionAgent`` answers shows them
none; this does the same for the answers of other agents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.python.components import proxyForInterface
from twisted.web.iweb import IAgent, IResponse
from zope.interface import implementer

from crawler.download.head import Head
from crawler.download.wire import WireHeaders

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

_NO_HEADERS = WireHeaders()


class _NoConnection:
    """Stands for a connection that cannot be asked."""

    peer = None
    certificate = None


class ForeignResponse(proxyForInterface(IResponse)):  # type: ignore[misc]  # a class made at run time
    """A response of another agent, with its headers in ``head``."""

    headers = _NO_HEADERS
    connection = _NoConnection

    def __init__(self, original: Any) -> None:
        super().__init__(original)
        self.head = Head(
            version=b"%d.%d" % original.version[1:],
            status=original.code,
            reason=original.phrase,
            headers=[(name, value) for name, values in original.headers.getAllRawHeaders() for value in values],
            length=None,
            transfer=[],
            keep_alive=False,
        )


@implementer(IAgent)
class ForeignAgent:
    """Sends through *agent*."""

    def __init__(self, agent: IAgent) -> None:
        self._agent = agent

    def request(self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None) -> Deferred[Any]:
        """Send a request; fires with a :class:`ForeignResponse`. Whether a connection is made for it cannot be seen."""
        progress = getattr(headers, "progress", None)
        if progress is not None:
            progress.dialling()
        answer: Deferred[Any] = self._agent.request(method, uri, headers, bodyProducer)
        return answer.addCallback(ForeignResponse)
