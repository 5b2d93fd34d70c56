"""Dialling: from a host and a port to a connection, over whichever address answers first (Happy Eyeballs, RFC 8305).

    resolve -> guard: which of the addresses may be asked -> race: one after the other, 250 ms apart, the first to answer wins

:class:`Race` decides which address is tried next and when; the rest acts. An address that fails lets the next begin at once; when
one has answered, the attempts that are still going on are given up. The winner is asked first the next time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from twisted.internet import error as internet
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from crawler.download.errors import DownloadCancelledError, DownloadConnectionRefusedError, DownloadTimeoutError
from crawler.download.phases import noted

if TYPE_CHECKING:
    from twisted.internet.interfaces import IProtocolFactory

    from crawler.download.dns import Resolver
    from crawler.download.guard import Address, Guard
    from crawler.download.wire import Progress
    from crawler.interfaces import Timer

#: RFC 8305 section 5: how long one address has before the next is tried, too.
ATTEMPT_DELAY = 0.25


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """Return *addresses* with the families in turn, beginning with that of the first (RFC 8305, section 4)."""
    if not addresses:
        return []
    first = [one for one in addresses if one.version == addresses[0].version]
    others = [one for one in addresses if one.version != addresses[0].version]
    mixed: list[Address] = []
    for index in range(max(len(first), len(others))):
        mixed += first[index : index + 1] + others[index : index + 1]
    return mixed


class Race:
    """Says which of *addresses* is tried when. Decides only: the caller connects, and tells what came of it."""

    def __init__(self, addresses: Sequence[Address], now: float) -> None:
        self._waiting = interleaved(addresses)
        self._running = 0
        self._due = now
        #: What was wrong with the addresses that failed, in the order in which they did.
        self.errors: list[tuple[Address, BaseException]] = []

    def next(self, now: float) -> Address | None:
        """Return the address to try now, None if none is due."""
        if not self._waiting or now < self._due:
            return None
        self._running += 1
        self._due = now + ATTEMPT_DELAY
        return self._waiting.pop(0)

    def wake_at(self) -> float | None:
        """Return when another address is due, None if there is no other."""
        return self._due if self._waiting else None

    def failed(self, address: Address, error: BaseException, now: float) -> None:
        """Note that *address* failed: the next one need not wait."""
        self._running -= 1
        self._due = now
        self.errors.append((address, error))

    @property
    def is_lost(self) -> bool:
        """Whether every address has failed."""
        return not self._waiting and not self._running


@dataclass(frozen=True, slots=True)
class Dialer:
    """Makes endpoints. *guard* sees every address before it is connected to; no *bind_address* is any. Seconds for one address."""

    reactor: Any
    resolver: Resolver
    guard: Guard
    timeout: float
    bind_address: str = ""

    def endpoint(self, host: str, port: int, *, bind_address: str = "", is_trusted: bool = False) -> HostEndpoint:
        """Return the endpoint of *host* at *port*. One that is trusted, a proxy that was asked for, may be anywhere."""
        return HostEndpoint(self, host, port, bind_address or self.bind_address, is_trusted)


@implementer(IStreamClientEndpoint)
class HostEndpoint:
    """A host and a port, over any of its addresses."""

    def __init__(self, dialer: Dialer, host: str, port: int, bind_address: str, is_trusted: bool) -> None:
        self._dialer = dialer
        self._host = host
        self._port = port
        self._bind_address = bind_address
        self._is_trusted = is_trusted

    def connect(self, protocolFactory: IProtocolFactory, progress: Progress | None = None) -> Deferred[Any]:
        """Connect; fires with the protocol of *protocolFactory*, or with a DownloadError. *progress* is told of the look-up."""
        pinned = self._dialer.resolver.pinned(self._host, self._port)
        if pinned is not None:
            return succeed(pinned).addCallback(self._race, protocolFactory)
        resolving = noted(self._dialer.resolver.resolve(self._host), progress)
        return resolving.addCallback(self._admitted, protocolFactory)

    def _admitted(self, addresses: Sequence[Address], factory: IProtocolFactory) -> Deferred[Any]:
        return self._race(
            addresses if self._is_trusted else self._dialer.guard.admitted(self._host, addresses), factory
        )

    def _race(self, addresses: Sequence[Address], factory: IProtocolFactory) -> Deferred[Any]:
        dialer = self._dialer
        if self._bind_address:
            version = ip_address(self._bind_address).version
            addresses = [one for one in addresses if one.version == version]
        if not addresses:
            raise DownloadConnectionRefusedError(
                f"no address of {self._host} can be reached from the local address {self._bind_address}, which is of the "
                "other family"
            )
        return _Dialing(self, dialer, addresses, factory).begin()

    def attempt(self, address: Address, factory: IProtocolFactory) -> Deferred[Any]:
        """Connect to one *address*."""
        dialer = self._dialer
        kind = TCP6ClientEndpoint if isinstance(address, IPv6Address) else TCP4ClientEndpoint
        bind = (self._bind_address, 0) if self._bind_address else None
        connecting: Deferred[Any] = kind(
            dialer.reactor, str(address), self._port, timeout=dialer.timeout, bindAddress=bind
        ).connect(factory)
        return connecting

    def won(self, address: Address) -> None:
        """Note that *address* has answered where one before it had not."""
        self._dialer.resolver.prefer(self._host, address)

    def __str__(self) -> str:
        return f"{self._host} port {self._port}"


class _Dialing:
    """One race on its way."""

    def __init__(
        self, endpoint: HostEndpoint, dialer: Dialer, addresses: Sequence[Address], factory: IProtocolFactory
    ) -> None:
        self._endpoint = endpoint
        self._clock = dialer.reactor
        self._timeout = dialer.timeout
        self._factory = factory
        self._first = addresses[0]
        self._race = Race(addresses, self._clock.seconds())
        self._attempts: dict[Address, Deferred[Any]] = {}
        self._timer: Timer | None = None
        self._result: Deferred[Any] = Deferred(self._cancelled)
        self._is_over = self._is_going_on = False

    def begin(self) -> Deferred[Any]:
        """Begin; return a Deferred of the protocol that is connected first."""
        self._go_on()
        return self._result

    def _go_on(self) -> None:
        """Try what is due; an attempt may end at once, and then comes here again through no door but the loop."""
        self._is_going_on = True
        while not self._is_over and (address := self._race.next(self._clock.seconds())) is not None:
            attempt = self._attempts[address] = self._endpoint.attempt(address, self._factory)
            attempt.addCallbacks(partial(self._connected, address), partial(self._failed, address))
        self._is_going_on = False
        if self._is_over:
            return
        if self._race.is_lost:
            self._end(Failure(self._lost()))
        elif (at := self._race.wake_at()) is not None:
            self._timer = self._clock.callLater(max(0.0, at - self._clock.seconds()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._go_on()

    def _connected(self, address: Address, protocol: Any) -> None:
        self._attempts.pop(address, None)
        if address != self._first:
            self._endpoint.won(address)
        self._end(protocol)

    def _failed(self, address: Address, failure: Failure) -> None:
        self._attempts.pop(address, None)
        if self._is_over:
            return
        self._race.failed(address, failure.value or Exception(), self._clock.seconds())
        if self._is_going_on:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._go_on()

    def _cancelled(self, result: Deferred[Any]) -> None:
        self._end(Failure(DownloadCancelledError(f"the connection to {self._endpoint} was given up")))

    def _end(self, result: Any) -> None:
        """End with *result*; give up every other attempt."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        attempts, self._attempts = self._attempts, {}
        for attempt in attempts.values():
            attempt.cancel()
        self._result.callback(result)

    def _lost(self) -> Exception:
        errors = self._race.errors
        told = ", ".join(f"{address} {_reason(error)}" for address, error in errors)
        if all(isinstance(error, internet.TimeoutError | internet.TCPTimedOutError) for _, error in errors):
            return DownloadTimeoutError(
                f"no connection to {self._endpoint} within {self._timeout:g} s ({told})",
                phase="connect",
                seconds=self._timeout,
            )
        lost = DownloadConnectionRefusedError(f"no connection to {self._endpoint}: {told}")
        lost.__cause__ = errors[0][1]
        return lost


def _reason(error: BaseException) -> str:
    """Return in a word why an address did not answer."""
    number = getattr(error, "osError", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return "timed out" if isinstance(error, internet.TimeoutError) else str(error)
