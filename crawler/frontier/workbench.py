"""The workbench: which request may start now.

Pure: it takes ``now`` and returns values; it knows no clock, no reactor and no network. A host queue is always in one state:

    ready      has a request that may start now; stands in the heap of ready hosts by its best request
    snoozed    has requests but its delay has not passed; stands in the heap of snoozed hosts by that time
    busy       has requests but as many on the wire as the host allows; waits for a release
    resting    has none waiting; kept while requests are on the wire or its delay runs, then forgotten

One order holds across all hosts: higher priority first, then first come, first served. A host that must wait does not hold up
the others: it is simply not among the ready ones. Every operation is O(log n) in hosts and requests.

Memory is bounded by *capacity* requests and one for each host; what comes beyond waits in the store, host by host, and comes
back when the host's part on the workbench has been handed out. What is held here is always the best of its host.

Some hosts ask for something first: their robots.txt. *prerequisite* is asked before a request is handed out and may answer with
another request; that one starts instead, and until ``admit`` is called the host is busy.

What comes back from a host is told by ``answered``, ``refused`` and ``troubled``: its pace (``pace.py``) says how it is asked from
then on. Starts keep to a beat, and vary around it by the jitter, so that over any time there are as many as the delay says.

It is one module because all of this is one state: which host stands in which heap, and what may start next.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush, nlargest
from itertools import islice
from typing import TYPE_CHECKING

from crawler.frontier.addresses import Address, Addresses
from crawler.frontier.hostqueue import BUSY, READY, RESTING, SNOOZED, HostQueue
from crawler.frontier.pace import Pace

if TYPE_CHECKING:
    from crawler.http import Request
    from crawler.interfaces import Store
    from crawler.settings import HostRules

#: How many requests of one host come back from the store at once, if there is room: enough to make the look-up cheap, few enough
#: to share.
REFILL = 64

#: How many of all hosts come back ahead of their turn: those that were made just now are in the processor's cache when they start,
#: and a resumed job does not make ten thousand of them first.
BROUGHT_BACK = 1_000

# Why nothing more starts, as it is told to whoever wants to know what holds a crawl back.
DELAY, HOST_CONCURRENCY, ASKED, NOTHING = (
    "politeness.delay",
    "politeness.concurrency_per_host",
    "hosts that ask to wait",
    "nothing to do",
)


# Hosts without work whose pace is remembered for when they have some again.
REMEMBERED = 10_000


class Workbench:
    """Hosts with work, and the order in which their requests start.

    *rules* gives the delay, jitter and concurrency of a host by its key; *store* takes what does not fit; *prerequisite* names
    what must come first; *uniform* draws the jitter, ``random.uniform`` unless a test wants another.
    """

    def __init__(
        self,
        rules: Callable[[str], HostRules],
        store: Store,
        *,
        capacity: int = 10_000,
        prerequisite: Callable[[Request, float], Request | None] | None = None,
        per_address: int = 0,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._rules = rules
        self._store = store
        self._capacity = capacity
        self._prerequisite = prerequisite
        self._uniform = uniform
        self._addresses = Addresses(per_address)
        self._hosts: dict[str, HostQueue] = {}
        self._paces: dict[str, Pace] = {}  # what was learned of hosts that have no work now
        self._disturbed: dict[str, None] = {}  # hosts that refused requests or were in trouble, known ones alone
        self._ready: list[tuple[int, int, HostQueue]] = []
        self._snoozed: list[tuple[float, int, HostQueue]] = []
        self._delayed: list[tuple[float, int, str, Request]] = []
        self._sequence = 0
        self._held = 0
        self.waiting = 0
        self.let_alone = 0.0  # for how many seconds the host of what was handed out last had been let alone

    def __repr__(self) -> str:
        states = [host.state for host in self._hosts.values()]
        counts = ", ".join(f"{states.count(state)} {state}" for state in (READY, SNOOZED, BUSY) if state in states)
        return f"<Workbench {len(states)} hosts: {counts or 'all resting'}; {self.waiting} waiting>"

    @property
    def hosts(self) -> int:
        """How many hosts are known: with requests waiting, on the wire, or resting for their delay."""
        return len(self._hosts)

    def busiest(self, count: int) -> list[HostQueue]:
        """Return the hosts with most requests that wait on the workbench, of those that are looked at: not more than 10,000."""
        known = islice(self._hosts.values(), REMEMBERED)
        return nlargest(count, known, key=lambda host: (len(host.waiting) + self._store_count(host), host.active))

    def _store_count(self, host: HostQueue) -> int:
        return 0 if host.first_stored is None else REFILL  # some more; the store alone knows how many

    def change_rules(self, rules: Callable[[str], HostRules]) -> None:
        """Ask every host by *rules* from now on; what was learned of their paces is learned anew."""
        self._rules = rules
        self._paces.clear()
        self._disturbed.clear()
        for host in self._hosts.values():
            host.follow(rules(host.key))

    # Hot: once per request.
    def add(self, host_key: str, request: Request, now: float, *, not_before: float = 0.0) -> None:
        """Let *request* wait for its turn, and not start before *not_before*."""
        sequence = request._sequence
        if not sequence:
            sequence = request._sequence = self.next_sequence()
        self.waiting += 1
        if not_before > now:
            heappush(self._delayed, (not_before, sequence, host_key, request))
        else:
            self._enqueue(host_key, request, sequence, now)

    def next_sequence(self) -> int:
        """Return the next number of a request: its place among those of the same priority."""
        self._sequence += 1
        return self._sequence

    def restore(self, hosts: Iterable[str], last_sequence: int, now: float) -> None:
        """Take over what waits in the store, which are requests of *hosts*."""
        self._sequence = max(self._sequence, last_sequence)
        self.waiting += len(self._store)
        for host_key in hosts:
            host = self._host(host_key)
            self._refill(
                host, 1
            )  # a request is made when its host is asked, not when a job with thousands of them is resumed
            self._settle(host, now)

    def paces(self) -> list[tuple[str, list[float]]]:
        """Return the paces that refusals and trouble have taught, as plain values: (host key, pace), of 10,000 hosts at most."""
        kept = []
        for host_key in list(self._disturbed)[-REMEMBERED:]:
            host = self._hosts.get(host_key)
            pace = self._paces.get(host_key) if host is None else host.pace
            if pace is not None and pace.is_disturbed:
                kept.append((host_key, pace.plain()))
            else:
                del self._disturbed[host_key]
        return kept

    def restore_paces(self, kept: Iterable[tuple[str, Sequence[float]]], now: float) -> None:
        """Ask hosts as :meth:`paces` of an earlier process says; none of them has work yet."""
        for host_key, values in kept:
            rules = self._rules(host_key)
            if rules.adaptive:
                self._paces[host_key] = Pace.restored(rules, values, now)
                self._disturbed[host_key] = None

    def _host(self, host_key: str) -> HostQueue:
        """Return the queue of a host, a new one if it has none."""
        host = self._hosts.get(host_key)
        if host is None:
            host = self._hosts[host_key] = HostQueue(host_key, self._rules(host_key), self._paces.pop(host_key, None))
            if self._addresses:
                host.address = self._addresses.of(host_key)
        return host

    def is_at(self, host_key: str, address: str) -> None:
        """Note the IP address of a host, with which it shares its limits from now on where that is asked for."""
        host = self._hosts.get(host_key)
        if self._addresses and host is not None:
            self._addresses.learn(host, address)

    def _forget(self, host: HostQueue) -> None:
        del self._hosts[host.key]
        if host.pace is not None and host.pace.is_learned:
            if len(self._paces) >= REMEMBERED:
                oldest = next(iter(self._paces))
                del self._paces[oldest]
                self._disturbed.pop(oldest, None)
            self._paces[host.key] = host.pace
        else:
            self._disturbed.pop(host.key, None)

    def _enqueue(self, host_key: str, request: Request, sequence: int, now: float) -> None:
        host = self._hosts.get(host_key) or self._host(host_key)
        rank = -request.priority
        if host.first_stored is not None and (rank, sequence) > host.first_stored:
            self._store.put(host_key, request.priority, sequence, request)
        else:
            heappush(host.waiting, (rank, sequence, request))
            self._held += 1
            if self._held > self._capacity:
                self._spill_worse_half(host)
        if host.state is RESTING:
            self._settle(host, now)
        elif host.state is READY and host.waiting[0][1] == sequence:
            heappush(self._ready, (rank, sequence, host))  # a new best one: the older entry is skipped when met

    def _spill_worse_half(self, host: HostQueue) -> None:
        """Store the worse half of what *host* holds; amortised, since half must arrive again before the next time."""
        host.waiting.sort()
        keep = (len(host.waiting) + 1) // 2
        for rank, sequence, request in reversed(host.waiting[keep:]):
            self._store.put(host.key, -rank, sequence, request)
        if keep < len(host.waiting):
            host.first_stored = host.waiting[keep][:2]
            self._held -= len(host.waiting) - keep
            del host.waiting[keep:]

    def _refill(self, host: HostQueue, most: int = REFILL) -> None:
        """Bring the *most* best stored requests of *host* back, not more than its share; they come after those that it holds."""
        share = min(most, self._capacity - self._held, BROUGHT_BACK // len(self._hosts))
        stored = self._store.take(host.key, max(1, share))
        for priority, sequence, request in stored:
            host.waiting.append((-priority, sequence, request))
        self._held += len(stored)
        first = self._store.first(host.key)
        host.first_stored = None if first is None else (-first[0], first[1])

    # Hot: once per request.
    def pop(self, now: float) -> tuple[str, Request, bool] | None:
        """Return what starts at *now*, or None if nothing may: host key, request, and whether it is a prerequisite."""
        self.wake(now)
        ready = self._ready
        while ready:
            _, sequence, host = heappop(ready)
            if host.state is not READY or host.waiting[0][1] != sequence:
                continue  # it was handed out, or a better one came before it
            address = host.address
            if address is not None and (address.is_full or address.next_at > now):
                self._settle(host, now)  # another host that is there came first
                continue
            if self._prerequisite is not None:
                first = self._prerequisite(host.waiting[0][2], now)
                if first is not None:
                    self._start(host, now, guarded=True)
                    return host.key, first, True
            if host.first_stored is not None and len(host.waiting) == 1:
                self._refill(host)  # first of all: a store that cannot be read leaves everything as it was
            request = heappop(host.waiting)[2]
            self._held -= 1
            self.waiting -= 1
            self._start(host, now)
            return host.key, request, False
        return None

    def begin(self, host_key: str, request: Request, now: float) -> Request | None:
        """Start *request*, which does not wait here, if its host may be asked at *now*; return what starts, None if nothing may.

        What starts is *request* or its prerequisite.
        """
        host = self._host(host_key)
        if host.guarded or host.active >= host.concurrency or host.next_at > now:
            return None
        first = self._prerequisite(request, now) if self._prerequisite is not None else None
        self._start(host, now, guarded=first is not None)
        return first or request

    def _start(self, host: HostQueue, now: float, *, guarded: bool = False) -> None:
        host.active += 1
        if host.address is not None:
            host.address.active += 1
        host.guarded = guarded
        self.let_alone = now - host.snoozed_at if host.snoozed_at else 0.0
        host.snoozed_at = 0.0
        delay = host.delay
        host.before = (host.beat, host.next_at)
        if delay:
            shift = host.jitter / 2
            beat = host.beat if now - host.beat < delay else now
            host.beat = beat = beat + delay
            host.next_at = max(beat + delay * self._uniform(-shift, shift), now + delay * (1 - host.jitter))
            if host.address is not None:
                host.address.next_at = host.next_at
        self._settle(host, now)

    def wake(self, now: float) -> None:
        """Let what has waited long enough by *now* be ready."""
        if self._delayed and self._delayed[0][0] <= now:
            self._wake_delayed(now)
        if self._snoozed and self._snoozed[0][0] <= now:
            self._wake_hosts(now)

    def _wake_delayed(self, now: float) -> None:
        while self._delayed and self._delayed[0][0] <= now:
            _, sequence, host_key, request = heappop(self._delayed)
            self._enqueue(host_key, request, sequence, now)

    def _wake_hosts(self, now: float) -> None:
        while self._snoozed and self._snoozed[0][0] <= now:
            host = heappop(self._snoozed)[2]
            if host.state is SNOOZED or (host.state is RESTING and self._hosts.get(host.key) is host):
                self._settle(host, now)

    def _settle(self, host: HostQueue, now: float) -> None:
        """Put *host* into the state that its queue, its requests on the wire and its delay call for."""
        if not host.waiting:
            if not host.active and host.next_at <= now:
                self._forget(host)
            elif host.next_at > now:
                self._snooze(host)
            host.state = RESTING
        elif host.active >= host.concurrency or host.guarded:
            host.state = BUSY
        elif host.address is not None and host.address.is_full:
            host.state = BUSY
            host.address.blocked.append(host)
        elif host.next_at > now or (host.address is not None and self._waits_for_others(host, now)):
            if host.state is not SNOOZED:
                self._snooze(host)
                host.snoozed_at = host.snoozed_at or now
            host.state = SNOOZED
        else:
            host.state = READY
            rank, sequence, _ = host.waiting[0]
            heappush(self._ready, (rank, sequence, host))

    def _waits_for_others(self, host: HostQueue, now: float) -> bool:
        """Tell whether the delay of the hosts at the same address has not passed; *host* waits for it then."""
        assert host.address is not None  # asked only where there is one
        host.next_at = max(host.next_at, host.address.next_at)
        return host.next_at > now

    def _snooze(self, host: HostQueue) -> None:
        self._sequence += 1  # breaks ties, so that hosts are never compared
        heappush(self._snoozed, (host.next_at, self._sequence, host))

    # Hot: once per request.
    def release(self, host_key: str, now: float) -> None:
        """Note that a request of the host has left the wire, so that another may start."""
        host = self._hosts[host_key]
        host.active -= 1
        if host.address is not None:
            self._leave(host.address, now)
        if host.state is not READY and host.state is not SNOOZED:
            self._settle(host, now)

    def _leave(self, address: Address, now: float) -> None:
        """Let a host that waited for a place at *address* have the one that is free."""
        address.active -= 1
        while address.blocked and not address.is_full:
            other = address.blocked.popleft()
            if other.state is BUSY:
                other.state = RESTING
                self._settle(other, now)
                return

    def was_not_sent(self, host_key: str, now: float) -> None:
        """Note that what was handed out last of the host never went on the wire, so that its delay need not be kept."""
        host = self._hosts.get(host_key)
        if host is not None and host.next_at > now and host.asked_until <= now:
            host.beat, host.next_at = host.before
            host.state = RESTING
            self._settle(host, now)

    def admit(self, host_key: str, now: float) -> None:
        """Note that the prerequisite of the host is met, so that its requests may start."""
        host = self._hosts[host_key]
        host.guarded = False
        if host.state is BUSY:
            self._settle(host, now)

    def snooze(self, host_key: str, until: float, now: float) -> None:
        """Let no request of the host start before *until*; a later time that is already set stays."""
        self._wait(self._host(host_key), until, now)

    def _wait(self, host: HostQueue, until: float, now: float, *, asked: bool = True) -> None:
        if asked and until > host.asked_until:
            host.asked_until = until
        if until > host.next_at:
            host.next_at = until
            host.state = RESTING
            self._settle(host, now)

    # Hot: once per response.
    def answered(self, host_key: str, latency: float) -> None:
        """Note that the host gave a good answer, in *latency* seconds."""
        host = self._hosts.get(host_key)
        if host is None or not host.rules.adaptive:
            return
        pace = host.pace
        if pace is None:
            if not host.delay:
                return  # nothing holds it back, and nothing speaks against that
            pace = Pace(host.rules)
        pace.answered(latency)
        host.keep_pace(pace)

    def refused(
        self,
        host_key: str,
        started: float,
        now: float,
        *,
        in_so_many_words: bool = True,
    ) -> None:
        """Note that the host refused a request of *started* for coming too soon; *in_so_many_words* if it says so."""
        host = self._host(host_key)
        if host.rules.adaptive:
            pace = host.pace or Pace(host.rules)
            pace.refused(started, now, on_wire=max(1, host.active), in_so_many_words=in_so_many_words)
            host.keep_pace(pace)
            self._disturbed[host_key] = None
        self._wait(host, now + (host.delay if host.rules.adaptive else 0.0), now, asked=False)

    def troubled(self, host_key: str, started: float, now: float) -> None:
        """Note that a request of *started* was reset or took too long."""
        host = self._host(host_key)
        if host.rules.adaptive:
            pace = host.pace or Pace(host.rules)
            pace.troubled(started, now, on_wire=max(1, host.active))
            host.keep_pace(pace)
            self._disturbed[host_key] = None
            self._wait(host, now + host.delay, now, asked=False)

    def let_go(self, host_key: str, now: float) -> None:
        """Hand out what waits for the host without delay, until something comes back from it: none of it will be sent."""
        host = self._host(host_key)
        host.pace = Pace(host.rules)
        host.delay, host.next_at, host.state = 0.0, now, RESTING
        self._settle(host, now)

    def keep_apart(self, host_key: str, delay: float) -> None:
        """Let *delay* be the least number of seconds between two requests to the host: its robots.txt asks for it."""
        host = self._host(host_key)
        pace = host.pace or Pace(host.rules)
        pace.keep_apart(delay)
        host.keep_pace(pace)

    # Hot: twice per request.
    def held_by(self, now: float) -> tuple[str, str]:
        """Return why nothing more may start, and the host that it is the fault of, empty if there is no single one."""
        if not self.waiting:
            return NOTHING, ""
        for _, _, host in self._snoozed[:8]:
            if host.state is SNOOZED:
                return ASKED if host.asked_until > now else DELAY, host.key
        return HOST_CONCURRENCY, ""

    def wake_at(self) -> float | None:
        """Return when something that must wait now may start, or None if only a release or a new request can help."""
        snoozed = self._snoozed
        while snoozed and (snoozed[0][2].next_at != snoozed[0][0] or snoozed[0][2].state not in (SNOOZED, RESTING)):
            heappop(snoozed)
        times = [heap[0][0] for heap in (snoozed, self._delayed) if heap]
        return min(times, default=None)
