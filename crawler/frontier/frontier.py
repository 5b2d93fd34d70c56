"""The frontier: every request that was ever submitted, and which of them starts next.

It joins the seen test, the workbench (which may start now?) and the store (where do the others wait?), and keeps the account:

    submitted and new = waiting + leased + done + failed + dropped

A request is *waiting* until ``next`` hands it out as a visit, *leased* while the visit lasts, and then done, failed or dropped.
Two moments end a visit. ``release``: the wire is quiet, so the host may start its next request while the callback still runs.
``done``: the outputs are ready to be committed. A visit that is given back waits again.

A request may start, and end, before the visit that brought it has ended. If that visit is repeated after a crash it brings the
request once more: the seen test knows it then, and of those that pass the seen test (``dont_filter``) the journal keeps whose they
are for as long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sized
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from crawler.frontier.codec import detach
from crawler.frontier.notes import one_line
from crawler.frontier.visit import Outcome, Visit
from crawler.http.redirects import hop

if TYPE_CHECKING:
    from crawler.frontier.seen import Chunk, SeenIndex, SeenSet
    from crawler.frontier.sqlite import SqliteStore
    from crawler.frontier.workbench import Workbench
    from crawler.http import Request

# Attempts at one request that are noted: a middleware may poll.
_MOST_ATTEMPTS = 100


class Frontier:
    """Hands out requests in order, each once, and knows what became of all."""

    def __init__(
        self,
        workbench: Workbench,
        seen: SeenSet | SeenIndex,
        *,
        fingerprint: Callable[[Request], bytes],
        host_key: Callable[[Request], str],
        journal: SqliteStore | None = None,
        filter_duplicates: bool = True,
    ) -> None:
        self._workbench = workbench
        self._seen = seen
        self._fingerprint = fingerprint
        self._host_key = host_key
        self._journal = journal
        self._filters = filter_duplicates
        self._to_load: Iterator[Chunk] | None = None
        #: The fingerprints of requests past the seen test that unfinished visits have brought, by the number of each visit.
        self.unfiltered: dict[int, list[bytes]] = {}
        self._brought_before: dict[
            int, list[bytes]
        ] = {}  # of those, by visits that a crash cut short, what is not repeated yet
        self.scheduled = 0
        self._leased: set[int] = set()
        self.ended: Counter[Outcome] = Counter()

    def __repr__(self) -> str:
        return f"<Frontier {self.waiting} waiting, {self.leased} leased, {self.scheduled} scheduled>"

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return self._workbench.waiting

    @property
    def leased(self) -> int:
        """How many requests are handed out."""
        return len(self._leased)

    @property
    def failed(self) -> int:
        """How many requests failed for good."""
        return self.ended[Outcome.FAILED]

    @property
    def workbench(self) -> Workbench:
        """The workbench, for views and for politeness."""
        return self._workbench

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is leased."""
        return not self._workbench.waiting and not self._leased

    @property
    def unwritten(self) -> Sized:
        """What waits and is not in the journal yet; always the same object."""
        return () if self._journal is None else self._journal.unwritten

    # Hot: once per link.
    def is_duplicate(self, request: Request) -> bool:
        """Tell whether a request of the same identity was submitted before, unless *request* asks not to be filtered."""
        if not self._filters or request.dont_filter:
            return False
        if self._to_load is not None:
            self.load()
        return self._identity(request) in self._seen

    def is_repeated(self, request: Request, parent: int) -> bool:
        """Tell whether *request* is one that the visit of the request number *parent* had brought before it was cut short.

        Asked once for each that comes: a visit may bring the same request several times.
        """
        before = self._brought_before.get(parent)
        if before is None or self._identity(request) not in before:
            return False
        before.remove(self._identity(request))
        return True

    # Hot: once per link.
    def _identity(self, request: Request) -> bytes:
        """Return the fingerprint of *request* as it was when it came: what is done to its headers later changes nothing."""
        known = request._identity
        if known is None:
            known = request._identity = self._fingerprint(request)
        return known

    def submit(self, request: Request, now: float, *, not_before: float = 0.0, parent: int = 0) -> None:
        """Take a new request in, found on the page of the request number *parent*.

        Raise NotStorableError if it cannot be kept.
        """
        self._add(request, now, not_before, parent)
        self.scheduled += 1
        if parent in self._leased and self._journal is not None and (request.dont_filter or not self._filters):
            self.unfiltered.setdefault(parent, []).append(self._identity(request))

    def _add(self, request: Request, now: float, not_before: float, parent: int) -> None:
        host, digest = self._host_key(request), self._identity(request)
        detach(request)
        request._sequence, request._parent = self._workbench.next_sequence(), parent
        request._since = max(now, not_before)
        if self._journal is not None:
            self._journal.submitted(request, host, digest, not_before if not_before > now else 0.0)
        self._seen.add(digest, request._sequence)
        self._workbench.add(host, request, now, not_before=not_before)

    def refused(self, request: Request, parent: int, explain: Callable[[], str]) -> None:
        """Note that *request*, found on the page of the request number *parent*, is not taken in, for what *explain* returns."""
        if self._journal is not None:
            self._journal.refused(request, self._identity(request), parent, explain)

    # Hot: once per request.
    def next(self, now: float) -> Visit | None:
        """Return the visit that starts at *now*, or None if none may."""
        handed_out = self._workbench.pop(now)
        if handed_out is None:
            return None
        host_key, request, is_prerequisite = handed_out
        if not is_prerequisite:
            self._leased.add(request._sequence)
        visit = Visit(request, host_key, now, is_prerequisite=is_prerequisite)
        if request._since is not None:
            visit.turn = now - request._since
        visit.let_alone = self._workbench.let_alone
        return visit

    def host_key(self, request: Request) -> str:
        """Return the key of the host at which *request* waits."""
        return self._host_key(request)

    def errand(self, request: Request, now: float) -> Visit | None:
        """Return a visit of *request*, which was never submitted, or of what must come before it; None if its host must wait.

        It ends with :meth:`release`: nothing is accounted for.
        """
        host_key = self._host_key(request)
        begun = self._workbench.begin(host_key, request, now)
        if begun is None:
            return None
        return Visit(begun, host_key, now, is_prerequisite=begun is not request)

    def release(self, visit: Visit, now: float) -> None:
        """Note that the request of *visit* has left the wire; asking twice has no effect."""
        if visit.on_wire:
            visit.on_wire = False
            self._workbench.release(visit.host_key, now)

    def was_not_sent(self, visit: Visit, now: float) -> None:
        """Note that the request of *visit* was answered from a cache: its host was not asked, and owes no delay for it."""
        self._workbench.was_not_sent(visit.host_key, now)

    def admit(self, visit: Visit, now: float, *, delay: float = 0.0, not_before: float = 0.0) -> None:
        """Note that the prerequisite which *visit* fetched is known, so that the requests of its host may start.

        *delay* is the least number of seconds between them that it asks for; none starts before *not_before*.
        """
        if delay:
            self._workbench.keep_apart(visit.host_key, delay)
        if not_before:
            self._workbench.snooze(visit.host_key, not_before, now)
        self._workbench.admit(visit.host_key, now)

    def done(self, visit: Visit, now: float) -> None:
        """End *visit* with its outcome, which is not WAITING."""
        self._leased.discard(visit.sequence)
        self.ended[visit.outcome] += 1
        if self.unfiltered:
            self.unfiltered.pop(visit.sequence, None)
            self._brought_before.pop(visit.sequence, None)
        if self._journal is not None:
            self._journal.ended(visit, self._identity(visit.request), now)

    def again(self, visit: Visit, request: Request, now: float, *, not_before: float = 0.0) -> None:
        """End *visit* by letting *request* wait in its place: a retry, or what the crawl had no time for.

        Raise NotStorableError if it cannot be kept: the visit has not ended then.
        """
        if request is visit.request:
            request._sequence = visit.sequence
            self._workbench.add(visit.host_key, request, now, not_before=not_before)
        else:
            _note_attempt(visit, request, now)
            self._add(request, now, not_before, visit.parent)
            if self._journal is not None:
                self._journal.withdrawn(visit.sequence, self._identity(visit.request))
        visit.outcome = Outcome.WAITING
        self._leased.discard(visit.sequence)

    def restore(self, now: float, unfiltered: Mapping[int, list[bytes]] = MappingProxyType({})) -> None:
        """Take over what an earlier process left in the journal: what waits, what was seen, how requests ended.

        *unfiltered* is what it had as :attr:`unfiltered`.
        """
        if self._journal is None:
            return
        self.unfiltered = {visit: list(brought) for visit, brought in unfiltered.items()}
        self._brought_before = {visit: list(brought) for visit, brought in unfiltered.items()}
        self.ended = self._journal.outcomes()
        self._to_load = self._journal.restore(now)
        delayed = list(self._journal.delayed(now))
        self.scheduled = self.ended.total() + len(self._journal.stock) + len(delayed)
        self._seen.reserve(self.scheduled)
        self._workbench.restore(self._journal.stock.hosts(), self._journal.last_sequence(), now)
        for host, until, request in delayed:
            self._workbench.add(host, request, now, not_before=until)

    def load(self, chunks: int | None = None) -> bool:
        """Go on to load what earlier processes had seen, a thousand requests a chunk; tell whether that is all now.

        A resumed job need not wait for it: the first question whether a request was seen loads the rest.
        """
        if self._to_load is not None:
            for digests, sequences in islice(self._to_load, chunks):
                self._seen.add_many(digests, sequences)
                chunks = None if chunks is None else chunks - 1
            if chunks != 0:
                self._to_load = None
        return self._to_load is None

    def is_same(self, one: Request, other: Request) -> bool:
        """Tell whether both requests have one identity."""
        return self._identity(one) == self._identity(other)

    def wake_at(self) -> float | None:
        """Return when something that must wait now may start; see the workbench."""
        return self._workbench.wake_at()


def _note_attempt(visit: Visit, request: Request, now: float) -> None:
    """Let *request*, which waits in the place of the one of *visit*, tell what came of that."""
    status = hop(visit.request, request)
    reason = request.meta.pop("retry_reason", None) or "a middleware sent it again"
    earlier = request.meta.get("earlier_attempts", ())
    if len(earlier) < _MOST_ATTEMPTS:
        attempt = f"{f'{status} to itself' if status else one_line(str(reason))}, {now - visit.started:.2f} s"
        request.meta["earlier_attempts"] = [*earlier, attempt]
