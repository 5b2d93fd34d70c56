"""A host queue: the requests of one host that wait, and how the host is asked. The workbench moves it from state to state."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.frontier.addresses import Address
    from crawler.frontier.pace import Pace
    from crawler.http import Request
    from crawler.settings import HostRules

READY, SNOOZED, BUSY, RESTING = "ready", "snoozed", "busy", "resting"

#: (negated priority, sequence, request): heap order is the order of the crawl.
Entry = tuple[int, int, "Request"]


class HostQueue:
    """The requests of one host that wait, how many are on the wire, and when the next may start."""

    __slots__ = (
        "active",
        "address",
        "asked_until",
        "beat",
        "before",
        "concurrency",
        "delay",
        "first_stored",
        "guarded",
        "jitter",
        "key",
        "next_at",
        "pace",
        "rules",
        "snoozed_at",
        "state",
        "waiting",
    )

    def __init__(self, key: str, rules: HostRules, pace: Pace | None = None) -> None:
        self.key = key
        self.follow(rules)
        if pace is not None:
            self.keep_pace(pace)
        self.asked_until = 0.0  # by itself: a Retry-After, a quota, an outage
        self.snoozed_at = 0.0
        self.beat = -inf  # when the next would start if there were no jitter
        self.before = (-inf, 0.0)  # beat and next_at before the last start
        self.waiting: list[Entry] = []
        self.first_stored: tuple[int, int] | None = None  # negated priority and sequence, as in an Entry
        self.active = 0
        self.address: Address | None = None  # shared with the other hosts that are there; None if that does not count
        self.guarded = False  # its prerequisite is on the wire
        self.next_at = 0.0
        self.state = RESTING

    def __repr__(self) -> str:
        stored = " and more stored" if self.first_stored is not None else ""
        return f"<HostQueue {self.key} {self.state}: {len(self.waiting)} waiting{stored}, {self.active} active>"

    def follow(self, rules: HostRules) -> None:
        """Ask as *rules* say, until something comes back."""
        self.rules = rules
        self.pace: Pace | None = None  # as long as nothing has come back
        self.concurrency = rules.concurrency
        self.delay = max(rules.delay, rules.start_delay) if rules.adaptive else rules.delay
        self.jitter = rules.jitter

    def keep_pace(self, pace: Pace) -> None:
        """Ask as *pace* says from now on."""
        self.pace = pace
        self.delay, self.jitter, self.concurrency = pace.delay, pace.jitter, pace.concurrency
