"""What a crawl looks like now, as plain values: what the live view, ``crawler top`` and the dashboard show.

The same shape comes from a crawl in this process and from the job of one in another, so that they look alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crawler.engine.holdback import in_words
from crawler.engine.watch import peak_memory
from crawler.frontier import Outcome
from crawler.interfaces import CrawlSnapshot

if TYPE_CHECKING:
    from crawler.engine import Engine
    from crawler.frontier.hostqueue import HostQueue

# Rows of what is listed.
HOSTS, CALLBACKS, TROUBLES = 10, 5, 5


def snapshot(engine: Engine | None, stats: Mapping[str, Any], *, spider: str, elapsed: float) -> CrawlSnapshot:
    """Return the figures of the crawl of *engine*, None before it is assembled."""
    if engine is None:
        return CrawlSnapshot(spider, "new", 0, 0, 0, 0, 0, 0, 0, 0.0, 0)
    prefix = "downloader/response_status_count/"
    statuses = [(int(name[len(prefix) :]), count) for name, count in stats.items() if name.startswith(prefix)]
    return CrawlSnapshot(
        spider=spider,
        state="paused" if engine.paused else engine.state,
        pages=engine.account.pages,
        items=engine.account.items,
        errors=engine.account.errors + engine.frontier.failed,
        dropped=engine.account.dropped,
        waiting=engine.frontier.waiting,
        in_flight=engine.in_flight,
        hosts=engine.frontier.workbench.hosts,
        elapsed=elapsed,
        bytes_received=stats.get("downloader/response_bytes", 0),
        statuses=tuple(sorted(statuses)),
        failed=engine.frontier.failed,
    )


def look(engine: Engine, stats: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the crawl of *engine*, whose statistics are *stats*, looks like now."""
    now, watch = engine.now(), engine.watch
    elapsed, cpu = watch.elapsed(now), watch.cpu()
    download = watch.waits["download"]
    return {
        "spider": engine.spider.name,
        "job": engine.job,
        "state": "paused" if engine.paused else engine.state,
        "elapsed": elapsed,
        "pages": engine.account.pages,
        "items": engine.account.items,
        "errors": engine.account.errors,
        "done": engine.frontier.ended[Outcome.DONE],
        "failed": engine.frontier.failed,
        "waiting": engine.frontier.waiting,
        "in_flight": engine.in_flight,
        "known_hosts": engine.frontier.workbench.hosts,
        "dropped": _counts(stats, "dropped/"),
        "statuses": _counts(stats, "downloader/response_status_count/"),
        "bytes": stats.get("downloader/response_bytes", 0),
        "cpu": cpu,
        "memory": peak_memory(),
        "latency": {name: download.percentile(share) for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))},
        "waits": watch.waits.look(),
        "held_back": in_words(watch.holdback.plain(), elapsed=elapsed, cpu=cpu, on_the_wire=watch.waits.on_the_wire()),
        "hosts": _hosts(engine, now),
        "callbacks": watch.callbacks.slowest(CALLBACKS),
        "troubles": [
            {"kind": one.kind, "where": one.where, "text": one.text[:200], "example": one.example, "count": one.count}
            for one in watch.troubles.latest(TROUBLES)
        ],
        "stalls": [
            {"name": one.name, "where": one.where, "count": one.count, "seconds": one.seconds}
            for one in watch.stalls.most()[:3]
        ],
    }


def _counts(stats: Mapping[str, Any], prefix: str) -> dict[str, int]:
    return {name[len(prefix) :]: count for name, count in stats.items() if name.startswith(prefix)}


def _hosts(engine: Engine, now: float) -> list[dict[str, Any]]:
    return [
        {
            "host": host.key,
            "waiting": len(host.waiting),
            "more": host.first_stored is not None,
            "active": host.active,
            "state": _state(host, now),
            "delay": host.delay,
            "concurrency": host.concurrency,
            "starts_in": max(0.0, host.next_at - now) if host.waiting else 0.0,
        }
        for host in engine.frontier.workbench.busiest(HOSTS)
    ]


def _state(host: HostQueue, now: float) -> str:
    """Return the state of *host* in words that need no explanation."""
    if host.guarded:
        return "robots.txt"
    if host.asked_until > now:
        return "set aside"
    return host.state


def rest_of(now: dict[str, Any], rate: float) -> float | None:
    """Return for how many seconds what waits would last at *rate* pages a second, None where that says nothing.

    A crawl that still finds more than it fetches has no end in sight.
    """
    if rate <= 0 or not now["waiting"] or now["pages"] < 50:
        return None
    found = now["pages"] + now["waiting"]
    return now["waiting"] / rate if now["waiting"] < found / 2 else None
