"""What an engine is made of, complete before the engine is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crawler.concurrency import Bridge
    from crawler.download import BytesInHand, NamedHosts
    from crawler.engine.admission import Admission
    from crawler.engine.commit import Committer
    from crawler.engine.connectivity import Connectivity
    from crawler.engine.limits import Limits
    from crawler.engine.lines import Lines
    from crawler.engine.middleware import Download
    from crawler.engine.pipeline import Pipeline
    from crawler.engine.robots import RobotsGate
    from crawler.engine.scrape import Scraper
    from crawler.engine.watch import Watch
    from crawler.frontier import Frontier
    from crawler.http import Request
    from crawler.interfaces import Clock, VisitWatcher
    from crawler.signals import SignalManager
    from crawler.stats import StatsCollector


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much may be in progress at once. A visit starts only while all of it is kept."""

    on_wire: int
    visits: int
    items_in_flight: int
    #: ``start()`` is pulled while fewer requests than this wait.
    start_requests: int


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one crawl."""

    spider: Any
    frontier: Frontier
    download: Download
    scraper: Scraper
    pipeline: Pipeline
    committer: Committer
    connectivity: Connectivity
    admission: Admission
    robots: RobotsGate | None
    limits: Limits
    capacity: Capacity
    in_hand: BytesInHand
    signals: SignalManager
    stats: StatsCollector
    clock: Clock
    bridge: Bridge
    watch: Watch
    start: Callable[[], AsyncIterator[Any]]
    #: Is told the URLs of start requests: their hosts may be at private addresses.
    named_hosts: NamedHosts
    on_item: Callable[[Any], Any] | None = None
    #: Tells whether a request is filtered, None for the frontier's own answer.
    is_duplicate: Callable[[Request], bool] | None = None
    #: Writes the log lines of the account, None for our own.
    lines: Lines | None = None
    #: Who follows visits, None if nobody does.
    visit_watcher: VisitWatcher | None = None
    #: The name of the job, empty if the crawl is not durable.
    job: str = ""
    #: How many outputs of ``start`` an earlier process has taken, None for all.
    start_taken: int | None = 0
