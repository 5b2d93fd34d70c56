"""Outages: hosts that cannot be reached are set aside and tried again later, and given up in the end.

Pure. Names that do not resolve, refused connections and connections that are not made in time count; any answer, whatever its
status, ends an outage. After ``FAILURES`` in a row a host is set aside, each time for twice as long; when that has not helped
``TIMES`` times it is given up: its requests fail at once, so that a crawl does not wait for it for ever, until it is tried again
``GIVEN_UP_FOR`` seconds later.
"""

from __future__ import annotations

from dataclasses import dataclass

# A name server or a listener that is started anew fails once or twice.
FAILURES = 3

# Seconds that a host is set aside the first time; twice as long every time after that. Five minutes in all.
ASIDE = 10.0
TIMES = 5

GIVEN_UP_FOR = 600.0


@dataclass(slots=True)
class _Outage:
    failures: int = 0
    times: int = 0
    until: float = 0.0
    given_up: bool = False


class Outages:
    """Which hosts are down, and until when they are let alone."""

    def __init__(self) -> None:
        #: The hosts that could not be reached; empty in most crawls, which then need not ask.
        self.hosts: dict[str, _Outage] = {}

    def __repr__(self) -> str:
        return f"<Outages of {len(self.hosts)} hosts>"

    def is_given_up(self, host: str, now: float) -> bool:
        """Tell whether requests to *host* fail without being sent."""
        outage = self.hosts.get(host)
        return outage is not None and outage.given_up and now < outage.until

    def answered(self, host: str) -> None:
        """Note that *host* can be reached."""
        self.hosts.pop(host, None)

    def failed(self, host: str, started: float, now: float) -> float:
        """Note that *host* could not be reached by a request of *started*; return until when it is set aside, 0 for not yet."""
        outage = self.hosts.setdefault(host, _Outage())
        if started < outage.until:
            return 0.0  # it was on its way before the host was set aside, and tells nothing new
        outage.failures += 1
        if outage.failures < FAILURES and not outage.times:
            return 0.0
        outage.failures = 0
        outage.given_up = outage.times >= TIMES
        outage.until = now + (GIVEN_UP_FOR if outage.given_up else ASIDE * 2**outage.times)
        outage.times += not outage.given_up
        return outage.until
