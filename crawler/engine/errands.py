"""Errands: downloads that something within a visit asks for and waits for, such as the files of an item.

An errand never waits for the place of a visit, since whoever waits for it holds one: that could not end. It does wait for its
host, as any request does (robots.txt first, its delay, how many at once), and for a place on the wire, and there it goes before
the requests of the frontier. What a visit asks for while it is on the wire itself, such as a login in a downloader middleware,
is no errand: it runs in that visit's place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from crawler.exceptions import IgnoreRequest

if TYPE_CHECKING:
    from crawler.engine.admission import Admission
    from crawler.engine.robots import RobotsGate
    from crawler.frontier import Frontier, Visit
    from crawler.http import Request

#: The visit or errand that the running code belongs to.
ASKING: ContextVar[Visit | None] = ContextVar("asking", default=None)


def asks_on_the_wire() -> bool:
    """Tell whether the running code belongs to a visit that is on the wire."""
    visit = ASKING.get()
    return visit is not None and visit.on_wire


class Errands:
    """The errands that wait for their turn, by host. *begin* is called with the visit of a robots.txt that must come first."""

    def __init__(self, frontier: Frontier, *, has_place: Callable[[], bool], begin: Callable[[Visit], object]) -> None:
        self._frontier = frontier
        self._has_place = has_place
        self._begin = begin
        #: By host, what waits there: empty if nothing does.
        self.waiting: dict[str, deque[tuple[Request, Deferred[Visit]]]] = {}

    def __repr__(self) -> str:
        return f"<Errands {sum(map(len, self.waiting.values()))} waiting at {len(self.waiting)} hosts>"

    def turn(self, request: Request) -> Deferred[Visit]:
        """Return a Deferred that :meth:`serve` fires when *request* may start: with what to release when it is over."""
        turn: Deferred[Visit] = Deferred()
        self.waiting.setdefault(self._frontier.host_key(request), deque()).append((request, turn))
        return turn

    def serve(self, now: float) -> None:
        """Start what may start at *now*."""
        self._frontier.workbench.wake(now)  # so that what wakes later is all that a timer must be set for
        for host_key, waiting in list(self.waiting.items()):
            while waiting and self._has_place():
                request, turn = waiting[0]
                visit = None if turn.called else self._frontier.errand(request, now)
                if visit is not None and visit.is_prerequisite:
                    self._begin(visit)
                    break
                if visit is None and not turn.called:
                    break
                waiting.popleft()
                if visit is not None:
                    turn.callback(visit)
            if not waiting and self.waiting.get(host_key) is waiting:
                del self.waiting[host_key]


def check_allowed(request: Request, admission: Admission, robots: RobotsGate | None) -> None:
    """Raise IgnoreRequest if *request* leads away from the spider's domains, or robots.txt forbids it."""
    if admission.is_offsite(request):
        raise IgnoreRequest(f"{request.url} is not in allowed_domains of the spider")
    line = robots.refusal(request) if robots is not None else None
    if line is not None:
        raise IgnoreRequest(f"forbidden by robots.txt: {line}")
