"""What is noted of a crawl while it runs, for whoever looks: the live view, ``crawler top``, the dashboard and the report.

One object, kept with the job at most once a second and when the crawl ends; views read it and change nothing.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping
from typing import Any

from crawler.engine.holdback import Holdback
from crawler.engine.profile import Profile
from crawler.engine.stalls import Stalls
from crawler.engine.troubles import Troubles
from crawler.engine.waits import Callbacks, Waits

# Seconds between two times that it is kept: what looks at a crawl from outside looks about as often.
INTERVAL = 1.0


def peak_memory() -> int:
    """Return the most bytes of memory that this process has had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class Watch:
    """The notes on one crawl."""

    def __init__(self) -> None:
        self.waits = Waits()
        self.holdback = Holdback()
        self.callbacks = Callbacks()
        self.troubles = Troubles()
        #: Items that pipelines dropped, counted as errors are.
        self.refused_items = Troubles()
        #: The URL of the first request that was dropped, by reason.
        self.first_dropped: dict[str, str] = {}
        self.profile = Profile()
        self.stalls = Stalls()
        self._kept_at = float("-inf")
        self._began = 0.0
        self._began_cpu = time.process_time()
        self._earlier = (0.0, 0.0)  # seconds, and seconds of CPU, of earlier processes

    def __repr__(self) -> str:
        return f"<Watch {self.holdback}, {self.profile}>"

    def begin(self, now: float) -> None:
        """Note that the crawl begins, or goes on."""
        self._began, self._began_cpu = now, time.process_time()

    def elapsed(self, now: float) -> float:
        """Return for how many seconds the crawl has run, in all of its processes."""
        return self._earlier[0] + now - self._began

    def cpu(self) -> float:
        """Return the seconds of CPU that its processes have taken."""
        return self._earlier[1] + time.process_time() - self._began_cpu

    def is_due(self, now: float) -> bool:
        """Tell whether it is to be kept again, and take it that it is."""
        if now - self._kept_at < INTERVAL:
            return False
        self._kept_at = now
        return True

    def plain(self, now: float) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "elapsed": self.elapsed(now),
            "cpu": self.cpu(),
            "memory": peak_memory(),
            "waits": self.waits.plain(),
            "holdback": self.holdback.plain(),
            "callbacks": self.callbacks.slowest(50),
            "troubles": self.troubles.plain(),
            "refused_items": self.refused_items.plain(),
            "first_dropped": self.first_dropped,
            "profile": self.profile.plain(),
            "stalls": self.stalls.plain(),
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on from what :meth:`plain` returned in an earlier process."""
        self._earlier = kept["elapsed"], kept["cpu"]
        self.waits.restore(kept["waits"])
        self.holdback.restore(kept["holdback"])
        self.callbacks.restore(kept["callbacks"])
        self.troubles.restore(kept["troubles"])
        self.refused_items.restore(kept.get("refused_items", ()))  # not in jobs that older versions kept
        self.first_dropped.update(kept.get("first_dropped", {}))  # as above
        self.profile.restore(kept["profile"])
        self.stalls.restore(kept["stalls"])
