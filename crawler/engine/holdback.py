"""What holds a crawl back: for how long each thing kept it from starting another request.

Whenever the engine has started all that it could, there is one reason why it does not start more. The time until it asks again is
counted for that reason; so the shares say what to change, and whether that would help.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

# What the workbench says is beside its code: politeness.delay and the like.
PLACES, BYTES, ITEMS, VISITS, PAUSED, NETWORK = (
    "crawl.concurrency",
    "crawl.max_bytes_in_hand",
    "crawl.max_items_in_flight",
    "callbacks that wait",
    "paused",
    "the network",
)

# Below these shares nothing stands out.
_HELD_SHARE = 0.5
_CPU_SHARE = 0.85

_ADVICE = {
    "politeness.delay": "Lower politeness.delay, or set it for this host alone, if the site may be asked more often",
    "politeness.concurrency_per_host": "Raise politeness.concurrency_per_host, if the site may be asked more at once",
    "crawl.concurrency": "Raise crawl.concurrency",
    "crawl.max_bytes_in_hand": "Raise crawl.max_bytes_in_hand, or let callbacks finish sooner",
    "crawl.max_items_in_flight": "The pipelines are slower than pages come: make them quicker, or raise crawl.max_items_in_flight",
    "callbacks that wait": "The callbacks wait for something longer than the pages take: see what they await",
    "the network": "Nothing could be reached in that time: see to the network of this machine",
    "hosts that ask to wait": "Ask less often: raise politeness.delay or lower politeness.concurrency_per_host",
}

# Where places on the wire are what is waited for, what takes their time there helps, too.
_ON_THE_WIRE = frozenset({"crawl.concurrency", "politeness.concurrency_per_host"})
_PHASES = {
    "dns": ("name look-ups", "raise http.dns_cache, pin hosts with http.pinned_hosts, or use a nearer name server"),
    "connect": (
        "connecting",
        "raise http.keep_alive so that connections are used again; dead addresses are given up after http.connect_timeout",
    ),
    "tls": ("TLS handshakes", "raise http.keep_alive so that connections are used again"),
    "first byte": ("for the first byte", "the sites take that long to answer, and no setting makes them quicker"),
    "body": (
        "for bodies",
        "they are large, or the line is slow: see http.compression, and http.max_body for what is not wanted",
    ),
}

# Hosts are told one by one up to so many; a crawl of more is not held back by one of them.
_MOST_HOSTS = 1_000


class Holdback:
    """Seconds by reason, and for reasons that are a host's by host."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.hosts: Counter[str] = Counter()
        self._reason = ""
        self._host = ""
        self._since = 0.0

    def __repr__(self) -> str:
        return f"<Holdback {dict(self.seconds.most_common(3))}>"

    # Hot: twice per request.
    def note(self, reason: str, host: str, now: float) -> None:
        """Note that from *now* on nothing starts for *reason*, which is *host*'s if that is not empty."""
        if self._reason:
            passed = now - self._since
            if passed > 0:
                self.seconds[self._reason] += passed  # type: ignore[assignment]  # seconds, not a count
                if self._host and (self._host in self.hosts or len(self.hosts) < _MOST_HOSTS):
                    self.hosts[self._host] += passed  # type: ignore[assignment]  # as above
        self._reason, self._host, self._since = reason, host, now

    def plain(self) -> dict[str, Any]:
        """Return what :meth:`restore` takes."""
        return {"seconds": dict(self.seconds), "hosts": dict(self.hosts.most_common(10))}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on from what :meth:`plain` returned."""
        self.seconds, self.hosts = Counter(kept["seconds"]), Counter(kept["hosts"])


def in_words(
    holdback: Mapping[str, Any], *, elapsed: float, cpu: float, on_the_wire: Mapping[str, float] | None = None
) -> str:
    """Return what limits a crawl and which setting would help, in words; empty if nothing stands out.

    *on_the_wire* are the seconds that downloads spent in each of their phases.
    """
    if elapsed <= 0:
        return ""
    if cpu / elapsed >= _CPU_SHARE:
        return (
            f"The CPU limits the crawl: one core was busy for {min(1.0, cpu / elapsed):.0%} of the time. "
            "Simpler selectors or several processes would help, other settings would not."
        )
    seconds = {reason: value for reason, value in holdback.get("seconds", {}).items() if reason in _ADVICE}
    if not seconds:
        return ""
    reason = max(seconds, key=lambda one: seconds[one])
    share = min(1.0, seconds[reason] / elapsed)
    if share < _HELD_SHARE:
        return ""
    hosts = holdback.get("hosts", {})
    of_hosts = sum(hosts.values())
    of_a_host = hosts and reason in ("politeness.delay", "hosts that ask to wait")
    host = max(hosts, key=lambda one: hosts[one]) if of_a_host else ""
    whose = f" of one host, {host}" if host and hosts[host] > of_hosts * 0.8 else ""
    told = f"{share:.0%} of the time was spent waiting for {reason}{whose}. {_ADVICE[reason]}."
    on_wire = _of_the_wire(on_the_wire or {}) if reason in _ON_THE_WIRE else ""
    return f"{told} {on_wire}" if on_wire else told


def _of_the_wire(seconds: Mapping[str, float]) -> str:
    """Return which phase downloads mostly wait in, and what would help; empty if there is nothing to be done about it."""
    whole = sum(seconds.values())
    if whole <= 0:
        return ""
    phase = max(seconds, key=lambda one: seconds[one])
    share = seconds[phase] / whole
    if phase not in _PHASES or share < _HELD_SHARE:
        return ""
    what, advice = _PHASES[phase]
    return f"{share:.0%} of the wait on the wire is {what}: {advice}."
