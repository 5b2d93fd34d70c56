"""The numbers of a crawl in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from typing import Any

_NUMBERS = (
    ("pages", "counter", "Responses that came to a callback."),
    ("items", "counter", "Items that were kept."),
    ("errors", "counter", "Errors in callbacks and pipelines."),
    ("failed", "counter", "Requests that failed for good."),
    ("bytes", "counter", "Bytes of bodies that were received."),
    ("cpu", "counter", "Seconds of CPU."),
    ("waiting", "gauge", "Requests that wait."),
    ("in_flight", "gauge", "Visits in progress."),
    ("known_hosts", "gauge", "Hosts with work."),
    ("memory", "gauge", "Most bytes of memory so far."),
)


def exposition(now: dict[str, Any]) -> str:
    """Return *now*, as ``crawler.look`` gives it, for a scrape of Prometheus."""
    spider = f'spider="{_escaped(now["spider"])}"'
    lines: list[str] = []
    for name, kind, meaning in _NUMBERS:
        full = f"crawler_{name}{'_total' if kind == 'counter' else ''}"
        lines += [f"# HELP {full} {meaning}", f"# TYPE {full} {kind}", f"{full}{{{spider}}} {now[name]}"]
    for name, label, meaning in (
        ("statuses", "status", "Responses by status."),
        ("dropped", "reason", "Requests that were dropped."),
    ):
        full = f"crawler_{name}_total"
        lines += [f"# HELP {full} {meaning}", f"# TYPE {full} counter"]
        lines += [f'{full}{{{spider},{label}="{_escaped(value)}"}} {count}' for value, count in now[name].items()]
    lines += ["# HELP crawler_download_seconds Time of a download.", "# TYPE crawler_download_seconds summary"]
    for name, seconds in now["latency"].items():
        lines.append(f'crawler_download_seconds{{{spider},quantile="0.{name[1:]}"}} {seconds}')
    lines += ["# HELP crawler_wait_seconds Where the time of visits goes.", "# TYPE crawler_wait_seconds summary"]
    for phase, wait in now["waits"].items():
        labels = f'{spider},phase="{_escaped(phase)}"'
        lines += [
            f'crawler_wait_seconds{{{labels},quantile="0.{name[1:]}"}} {seconds}'
            for name, seconds in wait.items()
            if name.startswith("p")
        ]
        lines += [
            f"crawler_wait_seconds_sum{{{labels}}} {wait['total']}",
            f"crawler_wait_seconds_count{{{labels}}} {wait['count']}",
        ]
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
