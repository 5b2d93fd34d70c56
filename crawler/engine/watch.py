"""What is noted of a crawl while it runs, for whoever looks: the live view, ``crawler top``, the dashboard and the report.

One object, kept with the job at most once a second and when the crawl ends; views read it and change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crawler.engine.holdback import Holdback
from crawler.engine.profile import Profile
from crawler.engine.stalls import Stalls
from crawler.engine.troubles import Troubles
from crawler.engine.waits import Callbacks, Waits

# Seconds between two times that it is kept: what looks at a crawl from outside looks about as often.
INTERVAL = 1.0


class Watch:
    """The notes on one crawl."""

    def __init__(self) -> None:
        self.waits = Waits()
        self.holdback = Holdback()
        self.callbacks = Callbacks()
        self.troubles = Troubles()
        self.profile = Profile()
        self.stalls = Stalls()
        self._kept_at = float("-inf")

    def __repr__(self) -> str:
        return f"<Watch {self.holdback}, {self.profile}>"

    def is_due(self, now: float) -> bool:
        """Tell whether it is to be kept again, and take it that it is."""
        if now - self._kept_at < INTERVAL:
            return False
        self._kept_at = now
        return True

    def plain(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "waits": self.waits.plain(),
            "holdback": self.holdback.plain(),
            "callbacks": self.callbacks.slowest(50),
            "troubles": self.troubles.plain(),
            "profile": self.profile.plain(),
            "stalls": self.stalls.plain(),
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on from what :meth:`plain` returned in an earlier process."""
        self.waits.restore(kept["waits"])
        self.holdback.restore(kept["holdback"])
        self.callbacks.restore(kept["callbacks"])
        self.troubles.restore(kept["troubles"])
        self.profile.restore(kept["profile"])
        self.stalls.restore(kept["stalls"])
