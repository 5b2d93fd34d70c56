"""A visit: one request in progress, from its hand-out until its outputs are ready to be committed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from crawler.http import Request
    from crawler.interfaces import VisitTrace


#: Characters after which no more is told of a visit.
MOST_DETAIL = 500

#: What is told of a response whose status kept it from the callback: whether an errback had it.
NOT_HANDLED, FOR_ERRBACK = "not handled", "for its errback"

#: The parent of a request that the project's own code asked for outside of any visit. That of a start request is 0.
OF_NO_PAGE = -1

#: How the reason of a visit begins that went on as another request: a redirect, for one.
REPLACED = "replaced by "


class Outcome(StrEnum):
    """How a visit ended. Every request that was scheduled ends in exactly one of DONE, FAILED and DROPPED."""

    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"
    #: Waits again: it is to be retried, or the crawl stopped before its outputs were complete.
    WAITING = "waiting"


class Visit:
    """What the engine knows of one request in progress.

    ``exports`` are the serialised items of the visit, each with the feed that it goes to; they are written when the visit is
    committed, together or not at all. ``on_wire`` holds until the frontier is told that the host may start its next request;
    ``is_answered`` from the moment when a response, whose status is ``status``, is on its way to a callback. ``turn`` is how many
    seconds its request waited, ``let_alone`` the part of it for which its host was let alone. ``taken`` counts the items that
    were yielded, ``items`` those that were kept; ``records`` are theirs if the job keeps items. ``reason`` is one word,
    for statistics; ``detail`` says more. ``trace`` notes its way for whoever follows it, None where nobody does.
    """

    __slots__ = (
        "deferred",
        "detail",
        "exports",
        "host_key",
        "is_answered",
        "is_prerequisite",
        "items",
        "let_alone",
        "on_wire",
        "outcome",
        "parent",
        "reason",
        "records",
        "request",
        "response_size",
        "sequence",
        "started",
        "status",
        "taken",
        "trace",
        "turn",
    )

    def __init__(self, request: Request, host_key: str, started: float, *, is_prerequisite: bool = False) -> None:
        self.request = request
        # Of the request as it was handed out: a callback may yield the very same object again.
        self.sequence, self.parent = request._sequence, request._parent
        self.host_key = host_key
        self.started = started
        self.is_prerequisite = is_prerequisite
        self.on_wire = True
        self.turn = self.let_alone = 0.0
        self.is_answered = False
        self.outcome = Outcome.DONE
        self.reason = self.detail = ""
        self.exports: list[tuple[Any, bytes]] = []
        self.items = 0
        self.taken = 0
        self.records: list[bytes] = []
        self.status = 0
        self.response_size = 0
        self.deferred: Deferred[Any] | None = None
        self.trace: VisitTrace | None = None

    def __repr__(self) -> str:
        return f"<Visit {self.request} {'on the wire' if self.on_wire else self.outcome}>"

    def tell(self, detail: str) -> None:
        """Add *detail* to what is told of the visit, which is as much as can be read: a page may go wrong in a thousand ways."""
        if not self.detail:
            self.detail = detail[:MOST_DETAIL]
        elif len(self.detail) < MOST_DETAIL:
            self.detail = f"{self.detail}; {detail[:MOST_DETAIL]}"

    def drop(self, reason: str) -> None:
        """End the visit without a response, for *reason*."""
        self.outcome = Outcome.DROPPED
        self.reason = reason
