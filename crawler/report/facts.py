"""The facts about a crawl, read from its job while it runs or afterwards."""

from __future__ import annotations

import heapq
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crawler.engine.waits import Histogram
from crawler.frontier.jobs import reading, summary_of
from crawler.frontier.visit import REPLACED
from crawler.url import host_key

# How many slices a timeline has, and how many rows a list of pages.
SLICES = 60
ROWS = 10

# Pages that others led to, and reasons of drops, are told apart up to so many: they may be as many as there are pages.
_MOST_TOLD_APART = 10_000

_HISTORY = "SELECT url, outcome, reason, status, attempts, seconds, items, earlier, ended, size FROM history"
# Jobs of the first schema did not note when and how much.
# The version of a job from which on its history tells when a request ended and how many bytes came.
_WITH_TIMES = 2
_OLD_HISTORY = "SELECT url, outcome, reason, status, attempts, seconds, items, earlier, 0, 0 FROM history"


@dataclass(slots=True)
class HostFacts:
    """What happened at one host; *refused* counts answers of 429 and 503, in all attempts."""

    pages: int = 0
    failed: int = 0
    refused: int = 0
    statuses: Counter[int] = field(default_factory=Counter)


@dataclass(slots=True)
class PageFacts:
    """One page: its URL, seconds of its last attempt, bytes, status."""

    url: str
    seconds: float
    size: int
    status: int


@dataclass(slots=True)
class Facts:
    """Everything that a report tells."""

    name: str
    spider: str
    started: str
    state: str
    stats: Mapping[str, Any] = field(default_factory=dict)
    settings: list[tuple[str, str, str]] = field(default_factory=list)
    watch: Mapping[str, Any] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    items: int = 0
    bytes: int = 0
    hosts: dict[str, HostFacts] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, tuple[int, str]] = field(default_factory=dict)
    #: The first URL that was answered with a status, and the first page that brought an item.
    examples: dict[int, str] = field(default_factory=dict)
    example_of_items: str = ""
    #: How many redirects led to a page, how many requests were dropped for what; and the first URL of each.
    redirects: dict[str, tuple[int, str]] = field(default_factory=dict)
    drops: dict[str, tuple[int, str]] = field(default_factory=dict)
    latency: Histogram = field(default_factory=Histogram)
    slowest: list[PageFacts] = field(default_factory=list)
    largest: list[PageFacts] = field(default_factory=list)
    #: Pages and items by slice of time, and the seconds that a slice has.
    timeline: list[tuple[int, int]] = field(default_factory=list)
    slice_seconds: float = 0.0

    @property
    def pages(self) -> int:
        """How many responses came to a callback."""
        return int(self.stats.get("response_received_count", 0 if self.stats else self.ended["done"]))

    @property
    def ignored(self) -> Counter[int]:
        """How many responses no callback saw, by the status for which."""
        prefix = "httperror/response_ignored_status_count/"
        return Counter(
            {int(name[len(prefix) :]): count for name, count in self.stats.items() if name.startswith(prefix)}
        )

    @property
    def refused_items(self) -> list[dict[str, Any]]:
        """The items that pipelines dropped, those alike together: kind, where, text, example, count."""
        return list(self.watch.get("refused_items", ()))

    @property
    def dropped(self) -> dict[str, int]:
        """How many requests were dropped, by reason."""
        prefix = "dropped/"
        return {name[len(prefix) :]: count for name, count in self.stats.items() if name.startswith(prefix)}

    @property
    def elapsed(self) -> float:
        """For how many seconds the crawl has run."""
        return float(self.watch.get("elapsed", 0.0))

    @property
    def fields(self) -> dict[str, dict[str, Any]]:
        """The fields of the items: present, filled, types, examples."""
        return dict(self.watch.get("profile", {}).get("fields", {}))

    @property
    def profiled(self) -> int:
        """How many items the profile of fields is of."""
        return int(self.watch.get("profile", {}).get("items", 0))


def facts_of(path: Path) -> Facts:
    """Return the facts about the job in the folder *path*. Raise JobError if it cannot be read."""
    summary = summary_of(path)
    with reading(path) as (database, kept):
        facts = Facts(
            name=path.name,
            spider=kept.get("spider", "?"),
            started=kept.get("started", "?"),
            state=summary.state,
            stats=kept.get("stats", {}),
            settings=[(name, value, source) for name, value, source in kept.get("settings", ())],
            watch=kept.get("watch", {}),
            waiting=summary.waiting,
            items=summary.items,
        )
        _read_history(facts, database)
    return facts


def _read_history(facts: Facts, database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    slowest: list[tuple[float, int, PageFacts]] = []
    largest: list[tuple[int, int, PageFacts]] = []
    ends: list[tuple[float, int]] = []
    failures: dict[str, tuple[int, str]] = {}
    query = _HISTORY if version >= _WITH_TIMES else _OLD_HISTORY
    for number, row in enumerate(database.execute(query)):
        url, outcome, reason, status, _, seconds, items, earlier, ended, size = row
        facts.ended[outcome] += 1
        host = facts.hosts.setdefault(host_key(url), HostFacts())
        host.refused += status in (429, 503) or reason.startswith(("status 429", "status 503"))
        host.refused += sum(attempt.startswith(("429", "503")) for attempt in earlier.split("\n"))
        if status:
            host.statuses[status] += 1
            facts.statuses[status] += 1
            facts.examples.setdefault(status, url)
            facts.bytes += size
            facts.latency.add(seconds)
            page = PageFacts(url, seconds, size, status)
            _keep_most(slowest, (seconds, number, page))
            _keep_most(largest, (size, number, page))
        host.pages += outcome == "done"
        if outcome == "failed":
            host.failed += 1
            kind = reason.partition(":")[0] or "failed"
            said = reason.partition(":")[2].strip()
            _count(failures, kind, f"{url} ({said})" if said else url)
        elif outcome == "dropped":
            _count(facts.drops, reason, url)
        elif reason.startswith(REPLACED):
            _count(facts.redirects, reason.removeprefix(REPLACED), url)
        if items and not facts.example_of_items:
            facts.example_of_items = url
        if ended:
            ends.append((ended, items))
    facts.failures = dict(sorted(failures.items(), key=lambda one: -one[1][0]))
    facts.slowest = [page for _, _, page in sorted(slowest, reverse=True)]
    facts.largest = [page for _, _, page in sorted(largest, reverse=True)]
    _slice(facts, ends)


def _count(counts: dict[str, tuple[int, str]], name: str, url: str) -> None:
    """Count *name*, of which *url* is an example if it is the first."""
    count, example = counts.get(name, (0, url))
    if count or len(counts) < _MOST_TOLD_APART:
        counts[name] = count + 1, example


def _keep_most(heap: list[Any], entry: tuple[Any, int, PageFacts]) -> None:
    """Keep *entry* if it is among the greatest."""
    if len(heap) < ROWS:
        heapq.heappush(heap, entry)
    elif entry > heap[0]:
        heapq.heapreplace(heap, entry)


def _slice(facts: Facts, ends: list[tuple[float, int]]) -> None:
    """Count pages and items by slice of the time between the first and the last end."""
    if not ends:
        return
    first, last = min(ends)[0], max(ends)[0]
    facts.slice_seconds = max((last - first) / SLICES, 1e-9)
    counts = [[0, 0] for _ in range(SLICES)]
    for ended, items in ends:
        place = counts[min(SLICES - 1, int((ended - first) / facts.slice_seconds))]
        place[0] += 1
        place[1] += items
    facts.timeline = [(pages, items) for pages, items in counts]
