"""How well the pace fits a site: crawls on the fake clock of sites that allow so many requests a second, each in its own way.

python -m tests.benchmarks.rate [--pages 3000]

For each site are printed the rate as a share of what it allows (or of what four requests at once can get, where that is less), once
the first third of the pages is there, the share of requests that were refused, from the first one on, and how many came while the
client knew that it was to wait. A site says 429 with Retry-After if nothing else stands there.
"""

from __future__ import annotations

import argparse
import random
from collections import deque
from dataclasses import dataclass

from crawler import Request, Spider
from crawler.testing import Hit, Page, Site, crawl_in_memory

HOST = "http://limited.test"
DELAY, AT_ONCE = 0.05, 4


@dataclass(frozen=True)
class Kind:
    """A site that allows *limit* requests a second and answers after *latency* seconds."""

    limit: float
    latency: float
    counts: str = "the last second"  # or "each window", "tokens"
    window: float = 1.0  # seconds of a window
    burst: float = 1.0  # tokens that can be saved up
    retry_after: int = 2  # 0 for none
    status: int = 429
    spread: str = "none"  # of the latency: "half", "exponential"
    load: float = 0.0  # the share of the latency that each request on its way adds
    later: float = 0.0  # the limit from the hundredth second on

    def __str__(self) -> str:
        default = Kind(self.limit, self.latency)
        other = [
            f"{name} {value}"
            for name, value in vars(self).items()
            if name not in ("limit", "latency") and value != getattr(default, name)
        ]
        return f"{self.limit:g}/s, {self.latency:g} s" + "".join(f", {one}" for one in other)


KINDS = [
    *(Kind(limit, latency) for limit, latency in ((0.5, 0.2), (1, 0.05), (2, 1), (2, 2), (5, 0.5), (5, 1), (10, 0.01))),
    *(Kind(limit, latency) for limit, latency in ((10, 0.2), (10, 0.3), (20, 0.05), (1000, 0.2), (1000, 2))),
    Kind(2, 0.1, "each window"),
    Kind(10, 0.3, "each window", retry_after=1),
    Kind(5, 0.2, "each window", window=10, retry_after=5),
    Kind(5, 0.1, "tokens", burst=5),
    Kind(3, 0.1, "tokens", burst=3, retry_after=5),
    Kind(5, 0.3, "tokens", burst=20),
    Kind(5, 0.2, retry_after=0),
    Kind(5, 0.2, status=503),
    Kind(5, 0.2, status=503, retry_after=0),
    Kind(10, 0.3, spread="half"),
    Kind(5, 0.2, spread="exponential"),
    Kind(10, 0.3, spread="exponential"),
    Kind(10, 0.2, later=4),
    Kind(4, 0.2, later=10),
    Kind(1000, 0.3, load=1.0),
]


class LimitedSite(Site):
    """A site of a *kind* that notes what it allowed and refused."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self.allowed: list[float] = []
        self.refused: list[float] = []
        self.too_soon = 0
        self._lately: deque[float] = deque()
        self._tokens, self._filled_at = kind.burst, 0.0
        self._window, self._in_window = -1, 0
        self._closed_until = self._known_from = 0.0
        self._on_their_way: list[float] = []
        self._chance = random.Random(1)

    def answer(self, hit: Hit) -> Page:
        kind, now = self.kind, hit.at
        latency = self._latency(now)
        if now >= self._closed_until - 1e-9 and self._allows(now):
            self.allowed.append(now)
            return Page("fine", latency=latency)
        if now >= self._closed_until:
            self._closed_until, self._known_from = now + kind.retry_after, now + latency
        elif now > self._known_from + 1e-9:
            self.too_soon += 1
        self.refused.append(now)
        wait = {"Retry-After": str(max(1, round(self._closed_until - now)))} if kind.retry_after else {}
        return Page("slow down", kind.status, wait, latency=latency)

    def _latency(self, now: float) -> float:
        self._on_their_way = [moment for moment in self._on_their_way if moment > now]
        latency = self.kind.latency * (1 + self.kind.load * len(self._on_their_way))
        if self.kind.spread == "half":
            latency *= self._chance.uniform(0.5, 1.5)
        elif self.kind.spread == "exponential":
            latency = self._chance.expovariate(1 / latency)
        self._on_their_way.append(now + latency)
        return latency

    def _allows(self, now: float) -> bool:
        kind = self.kind
        limit = kind.later if kind.later and now > 100 else kind.limit
        if kind.counts == "tokens":
            self._tokens = min(kind.burst, self._tokens + (now - self._filled_at) * limit) - 1
            self._filled_at = now
            if self._tokens >= 0:
                return True
            self._tokens += 1
            return False
        if kind.counts == "each window":
            window = int(now / kind.window)
            self._window, self._in_window = window, self._in_window + 1 if window == self._window else 1
            return self._in_window <= limit * kind.window
        span = max(1.0, 1 / limit)
        while self._lately and self._lately[0] <= now - span + 1e-9:
            self._lately.popleft()
        if len(self._lately) >= limit * span - 1e-9:
            return False
        self._lately.append(now)
        return True


class Many(Spider):
    """Asks for so many pages."""

    name = "many"
    pages = 3_000

    async def start(self):
        for number in range(int(self.pages)):
            yield Request(f"{HOST}/{number}", errback=self.parse)

    def parse(self, response):
        pass


def main() -> None:
    """Crawl each site and print a line about it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=3_000, help="pages of each site")
    pages = parser.parse_args().pages
    settings = {
        "log.level": "ERROR",
        "log.stats_interval": 0,
        "politeness.obey_robots": False,
        "politeness.delay": DELAY,
        "politeness.concurrency_per_host": AT_ONCE,
        "retry.times": 30,
    }
    for kind in KINDS:
        site = LimitedSite(kind)
        crawl_in_memory(Many, site, settings, pages=pages)
        settled = site.allowed[len(site.allowed) // 3 :]
        rate = (len(settled) - 1) / (settled[-1] - settled[0])
        most = min(kind.later or kind.limit, 1 / DELAY, AT_ONCE / kind.latency)
        refused = len(site.refused) / (len(site.allowed) + len(site.refused))
        print(f"{kind!s:64} {rate / most:5.2f} of it, {refused:6.2%} refused, {site.too_soon} too soon")


if __name__ == "__main__":
    main()
