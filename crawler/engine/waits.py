"""Where the time of visits goes: how long each phase took, as totals and percentiles, at the cost of one addition.

    turn         waiting on the workbench for its turn, what politeness asks for included
    politeness   the part of it for which its host was let alone: its delay, a Retry-After, a robots.txt
    download     from its start until the response is there, all of the next five
    dns          looking up the name; counted where that was waited for
    connect      the connection; counted where one was made, as is
    tls          its handshake
    first byte   from the request to the headers of the answer
    body         from there to the end of the body
    callback     the callback and what it waits for, pipelines included
    pipeline     the pipelines alone
    store        a commit, for all visits of its batch

A histogram has four buckets for each doubling, from a microsecond to a day: a percentile is right to within a tenth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, log2
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crawler.download import Phases
    from crawler.http import Request

#: The phases of a download on the wire, in order.
ON_THE_WIRE = ("dns", "connect", "tls", "first byte", "body")
PHASES = ("turn", "politeness", "download", *ON_THE_WIRE, "callback", "pipeline", "store")

#: Shares that are told, by their names.
PERCENTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))

_PER_DOUBLING = 4
_LEAST = 1e-6
_BUCKETS = 37 * _PER_DOUBLING

# How many visits and downloads are noted before they are counted: in one go that takes half the time.
_AT_ONCE = 1000


class Histogram:
    """How often something took how long, in seconds."""

    __slots__ = ("_counts", "_fresh", "_most", "_total", "add")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._total = 0.0
        self._most = 0.0
        self._fresh: list[float] = []
        #: Count one that took so long: some times per response, so it only notes it. :meth:`settle` does the rest.
        self.add = self._fresh.append

    def __repr__(self) -> str:
        return f"<Histogram of {self.count}: {self.total:.3f} s in all>"

    def settle(self) -> None:
        """Count what was added: before anybody looks, and often enough that it does not pile up."""
        fresh, counts = self._fresh, self._counts
        if not fresh:
            return
        for seconds in fresh:
            bucket = int(log2(seconds / _LEAST) * _PER_DOUBLING) if seconds > _LEAST else 0
            counts[bucket if bucket < _BUCKETS else -1] += 1
        self._total += sum(fresh)
        self._most = max(self._most, max(fresh))
        fresh.clear()

    @property
    def count(self) -> int:
        """How many there are."""
        self.settle()
        return sum(self._counts)

    @property
    def total(self) -> float:
        """Seconds in all."""
        self.settle()
        return self._total

    @property
    def most(self) -> float:
        """Seconds of the longest."""
        self.settle()
        return self._most

    @property
    def counts(self) -> list[int]:
        """How many there are in each bucket."""
        self.settle()
        return self._counts

    def percentile(self, share: float) -> float:
        """Return the seconds within which *share* of them (0 to 1) were over; 0 if there are none."""
        left = ceil(self.count * share)
        if not left:
            return 0.0
        for bucket, count in enumerate(self.counts):
            left -= count
            if left <= 0:
                return min(self.most, _LEAST * 2 ** ((bucket + 0.5) / _PER_DOUBLING))
        return self.most

    def plain(self) -> dict[str, Any]:
        """Return what :meth:`restored` makes the same histogram of."""
        counts = {str(bucket): count for bucket, count in enumerate(self.counts) if count}
        return {"counts": counts, "total": self.total, "most": self.most}

    def look(self) -> dict[str, float]:
        """Return how many there are, seconds in all, and percentiles."""
        shares = {name: self.percentile(share) for name, share in PERCENTILES}
        return {"count": self.count, "total": self.total, **shares}

    def take(self, kept: Mapping[str, Any]) -> None:
        """Become the histogram that :meth:`plain` was asked of."""
        self._fresh.clear()
        self._counts[:] = [0] * _BUCKETS
        for bucket, count in kept["counts"].items():
            self._counts[int(bucket)] = count
        self._total, self._most = kept["total"], kept["most"]

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Histogram:
        """Return the histogram that :meth:`plain` was asked of."""
        made = cls()
        made.take(kept)
        return made


class Waits:
    """The histograms of all phases."""

    def __init__(self) -> None:
        self.phases = {phase: Histogram() for phase in PHASES}
        self._dns, self._connect, self._tls, self._first_byte, self._body = (
            self.phases[one].add for one in ON_THE_WIRE
        )
        add = {phase: histogram.add for phase, histogram in self.phases.items()}
        self._download, self._turn, self._politeness = add["download"], add["turn"], add["politeness"]
        self._unsettled = 0

    # Hot: once per response.
    def add_download(self, request: Request, phases: Phases) -> None:
        """Count the phases of a download on the wire, those of one that failed, too: they were waited for."""
        dns, connect, tls, first_byte, body = phases
        if dns is not None:
            self._dns(dns)
        if connect is not None:
            self._connect(connect)
            if tls is not None:
                self._tls(tls)
        if first_byte is not None:
            self._first_byte(first_byte)
            if body is not None:
                self._body(body)
        self._unsettled += 1
        if self._unsettled > _AT_ONCE:
            self._settle()

    # Hot: once per response.
    def add_visit(self, *, download: float, turn: float, politeness: float) -> None:
        """Count what came before the callback of a visit."""
        self._download(download)
        self._turn(turn)
        self._politeness(politeness)
        self._unsettled += 1
        if self._unsettled > _AT_ONCE:
            self._settle()

    def _settle(self) -> None:
        """Count what was added, so that it does not pile up."""
        self._unsettled = 0
        for histogram in self.phases.values():
            histogram.settle()

    def __getitem__(self, phase: str) -> Histogram:
        return self.phases[phase]

    def plain(self) -> dict[str, Any]:
        """Return the phases that took any time, as plain values."""
        return {phase: histogram.plain() for phase, histogram in self.phases.items() if histogram.count}

    def look(self) -> dict[str, dict[str, float]]:
        """Return the phases that took any time for whoever looks: how many there were, seconds in all, percentiles."""
        return {phase: histogram.look() for phase, histogram in self.phases.items() if histogram.count}

    def on_the_wire(self) -> dict[str, float]:
        """Return the seconds of each phase on the wire."""
        return {phase: self.phases[phase].total for phase in ON_THE_WIRE}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on from what :meth:`plain` returned."""
        for phase, histogram in kept.items():
            if phase in self.phases:
                self.phases[phase].take(histogram)


class Callbacks:
    """How long each callback held the reactor: how often it was called, seconds in all, and at most."""

    def __init__(self) -> None:
        self._times: dict[str, list[float]] = {}

    # Hot: once per response.
    def add(self, name: str, seconds: float) -> None:
        """Count a call."""
        times = self._times.get(name)
        if times is None:
            times = self._times[name] = [0, 0.0, 0.0]
        times[0] += 1
        times[1] += seconds
        if seconds > times[2]:
            times[2] = seconds

    def slowest(self, count: int = 10) -> list[tuple[str, int, float, float]]:
        """Return (name, calls, seconds in all, at most) of the callbacks that took most time."""
        ordered = sorted(self._times.items(), key=lambda one: -one[1][1])[:count]
        return [(name, int(calls), total, most) for name, (calls, total, most) in ordered]

    def restore(self, kept: Iterable[tuple[str, int, float, float]]) -> None:
        """Go on from what :meth:`slowest` returned."""
        self._times = {name: [calls, total, most] for name, calls, total, most in kept}
