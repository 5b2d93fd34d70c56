"""Where the time of a download goes: what is noted while it lasts, and the seconds of each phase.

    dns          the look-ups that it waited for; none where the name is remembered, pinned or an address
    connect      from there to the connection that won the race, what is said to a proxy included
    tls          the handshakes, inside a tunnel and with an https proxy too
    first byte   from the request to the headers of the answer
    body         from there to the end of the body

A kept connection has none of the first three. What fails has the phases that it came to, the last of them until it failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.defer import Deferred

    from crawler.download.wire import Progress
    from crawler.http import Request
    from crawler.interfaces import Clock

_NOT_YET = -1.0


class Phases(NamedTuple):
    """The seconds that each phase of a download took, None for one that it did not come to."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    body: float | None = None


#: Is told the phases of each download, in the context of whoever asked for it.
OnPhases: TypeAlias = "Callable[[Request, Phases], None]"


class Stopwatch:
    """Notes how far a download has come, by *clock*; its ``Progress``."""

    __slots__ = ("_answered", "_began", "_clock", "_dialled", "_dns", "_looking", "_securing", "_sent", "_tls")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.seconds()
        self._sent = self._answered = self._looking = self._securing = _NOT_YET
        self._dns = self._tls = _NOT_YET
        self._dialled = False

    def dialling(self) -> None:
        """Note that a connection is made, since none was kept."""
        self._dialled = True

    def looking_up(self) -> None:
        """Note that a name is being looked up."""
        self._looking = self._clock.seconds()

    def looked_up(self) -> None:
        """Note that the look-up is over."""
        self._dns = max(0.0, self._dns) + self._clock.seconds() - self._looking
        self._looking = _NOT_YET

    def securing(self) -> None:
        """Note that there is a connection, and that a TLS handshake begins over it."""
        self._securing = self._clock.seconds()

    def secured(self) -> None:
        """Note that the handshake is over."""
        self._tls = max(0.0, self._tls) + self._clock.seconds() - self._securing
        self._securing = _NOT_YET

    def connected(self) -> None:
        """Note that the request is being written."""
        self._sent = self._clock.seconds()

    def answered(self) -> None:
        """Note that the answer has begun."""
        self._answered = self._clock.seconds()

    def phases(self) -> Phases:
        """Return the phases up to now, which is the end of the download."""
        now, sent = self._clock.seconds(), self._sent
        dns = connect = tls = first_byte = body = None
        if self._dialled:
            dns, connect, tls = self._connecting(now)
        if sent >= 0:
            answered = self._answered
            if answered >= 0:
                first_byte, body = answered - sent, now - answered
            else:
                first_byte = now - sent
        return Phases(dns, connect, tls, first_byte, body)

    def _connecting(self, now: float) -> tuple[float | None, float | None, float | None]:
        """Return what the connection took: up to the request, or to the end if it came to none."""
        if self._looking >= 0:
            self.looked_up()
            return self._dns, None, None
        if self._securing >= 0:
            self.secured()
        dns = self._dns if self._dns >= 0 else None
        tls = self._tls if self._tls >= 0 else None
        whole = (self._sent if self._sent >= 0 else now) - self._began
        return dns, max(0.0, whole - (dns or 0.0) - (tls or 0.0)), tls


def noted(resolving: Deferred[Any], progress: Progress | None) -> Deferred[Any]:
    """Return *resolving*; *progress* is told how long it is waited for, if it is. One that fails ends with the download."""
    if progress is None or resolving.called:
        return resolving

    def found(addresses: Any) -> Any:
        progress.looked_up()
        return addresses

    progress.looking_up()
    return resolving.addCallback(found)
