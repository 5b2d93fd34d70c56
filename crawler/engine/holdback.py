"""What holds a crawl back: for how long each thing kept it from starting another request.

Whenever the engine has started all that it could, there is one reason why it does not start more. The time until it asks again is
counted for that reason; so the shares say what to change, and whether that would help.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

# What the workbench says is beside its code: politeness.delay and the like.
PLACES, BYTES, ITEMS, VISITS, PAUSED = (
    "crawl.concurrency",
    "crawl.max_bytes_in_hand",
    "crawl.max_items_in_flight",
    "callbacks that wait",
    "paused",
)

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
