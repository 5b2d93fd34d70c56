"""Hosts at one IP address: together they keep to one limit of requests at once and to one delay.

Only where ``politeness.concurrency_per_address`` is set. Where a host is, its first answer tells (nearly always that of its
robots.txt); so a host is counted with its address from then on.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.frontier.hostqueue import HostQueue

# Hosts whose address is remembered for when they have work again.
_REMEMBERED = 100_000


class Address:
    """What the hosts at one address have on the wire, and when the next of their requests may start."""

    __slots__ = ("active", "blocked", "concurrency", "next_at")

    def __init__(self, concurrency: int) -> None:
        self.concurrency = concurrency
        self.active = 0
        self.next_at = 0.0
        self.blocked: deque[HostQueue] = deque()  # those that wait for a release of another

    def __repr__(self) -> str:
        return f"<Address {self.active} of {self.concurrency} on the wire, {len(self.blocked)} hosts wait>"

    @property
    def is_full(self) -> bool:
        """Whether no more may start until one is over."""
        return self.active >= self.concurrency


class Addresses:
    """Which host is where. *concurrency* is that of each address; 0 counts hosts by name only."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._where: dict[str, str] = {}
        self._addresses: dict[str, Address] = {}

    def __repr__(self) -> str:
        return f"<Addresses {len(self._addresses)} of {len(self._where)} hosts>"

    def __bool__(self) -> bool:
        return self._concurrency > 0

    def of(self, host_key: str) -> Address | None:
        """Return the address of a host, None if it is not known yet."""
        where = self._where.get(host_key)
        return None if where is None else self._addresses.setdefault(where, Address(self._concurrency))

    def learn(self, host: HostQueue, where: str) -> None:
        """Count *host* with those that are at the address *where*."""
        if host.address is None:
            if len(self._where) >= _REMEMBERED:
                self._where.clear()
            self._where[host.key] = where
            host.address = self.of(host.key)
            assert host.address is not None  # it was noted just now
            host.address.active += host.active
