"""One screen that shows a crawl while it runs: for the live view of this process and for ``crawler top`` of another.

It is made of what ``crawler.watching.look`` returns, and fits every width from 40 columns on: what does not fit is cut with an
ellipsis. Only the sentence that says what holds the crawl back (its end says what helps) and the waits may take several lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from crawler.printable import printable
from crawler.watching import rest_of

_SPARKS = "▁▂▃▄▅▆▇█"
_WIDE = 100

# Downloads are told of above, and what politeness asks for is a part of the turn.
_SHOWN_WAITS = ("turn", "dns", "connect", "tls", "first byte", "body", "callback", "pipeline", "store")
_AT_TIMES = ("dns", "connect", "tls")


class Rate:
    """Pages and items a second over the last seconds, so that a stall can be seen, and how the rate of pages was before."""

    #: Seconds over which the rate is taken.
    SPAN = 5.0

    def __init__(self) -> None:
        self._seen: list[tuple[float, int, int]] = []
        self._second = -1
        self.history: list[float] = []

    def note(self, pages: int, items: int, now: float) -> None:
        """Note how many there are at *now*, in seconds."""
        self._seen = [one for one in self._seen if now - one[0] <= self.SPAN]
        self._seen.append((now, pages, items))
        if int(now) != self._second:
            self._second = int(now)
            self.history = [*self.history[-59:], self.pages]

    @property
    def pages(self) -> float:
        """Pages a second."""
        return self._of(1)

    @property
    def items(self) -> float:
        """Items a second."""
        return self._of(2)

    def _of(self, place: int) -> float:
        if len(self._seen) < 2:
            return 0.0
        first, last = self._seen[0], self._seen[-1]
        return (last[place] - first[place]) / (last[0] - first[0]) if last[0] > first[0] else 0.0


def screen(now: dict[str, Any], rate: Rate, *, width: int) -> Group:
    """Return what a crawl looks like *now*, for a terminal of *width* columns."""
    lines = [_title(now, rate), _progress(now, rate, width), _account(now), *_wire(now, width)]
    if now.get("waits"):  # the job of an older version has none
        lines += _waits(now["waits"], width)
    if now["held_back"]:
        lines += [_line((part, "yellow")) for part in wrap(now["held_back"], width, max_lines=4, placeholder="…")]
    parts: list[Any] = [*lines]
    if now["hosts"]:
        parts.append(_hosts(now["hosts"][:5], width))
    if now["callbacks"] and width >= _WIDE:
        parts.append(_callbacks(now["callbacks"][:3]))
    parts += [_line((f"  {one['count']:,} x {one['kind']}: ", "red"), (one["text"], "")) for one in now["troubles"][:3]]
    parts += [
        _line((f"  {one['name']} blocked for {one['seconds']:.1f} s", "red"), (f"  {one['where']}", "dim"))
        for one in now["stalls"]
    ]
    return Group(*parts)


def _line(*pieces: tuple[str, str]) -> Text:
    line = Text(overflow="ellipsis", no_wrap=True)
    for text, style in pieces:
        line.append(printable(text.replace("\n", " ")), style=style)
    return line


def _title(now: dict[str, Any], rate: Rate) -> Text:
    state, rest = now["state"], rest_of(now, rate.pages)
    return _line(
        (f" {now['spider']} ", "bold reverse"),
        (f"  {state}", "" if state == "running" else "yellow"),
        (f"  {duration(now['elapsed'])}", ""),
        (f"  about {duration(rest)} left" if rest is not None else "", ""),
        (f"  {now['job']}", "dim"),
    )


def _progress(now: dict[str, Any], rate: Rate, width: int) -> Text:
    room = max(0, min(60, width - 50))
    return _line(
        (f"{now['pages']:,} pages", "bold"),
        (f"  {rate.pages:,.0f}/s  ", ""),
        (f"{now['items']:,} items", "bold green"),
        (f"  {rate.items:,.0f}/s  ", ""),
        (sparkline(rate.history[-room:] if room else ()), "cyan"),
    )


def _account(now: dict[str, Any]) -> Text:
    # Every site links to its own pages again and again: among them, what was dropped for another reason would not be seen.
    duplicates = now["dropped"].get("duplicate", 0)
    dropped = sum(now["dropped"].values()) - duplicates
    return _line(
        (f"{now['done']:,} done", ""),
        (f"  {now['in_flight']:,} in flight", ""),
        (f"  {now['waiting']:,} waiting", ""),
        (f"  {now['failed']:,} failed", "bold red" if now["failed"] else "dim"),
        (f"  {now['errors']:,} errors", "bold red" if now["errors"] else "dim"),
        (f"  {dropped:,} dropped", "dim"),
        (f"  {duplicates:,} duplicates", "dim"),
    )


def _wire(now: dict[str, Any], width: int) -> list[Text]:
    statuses = "  ".join(f"{status}: {count:,}" for status, count in sorted(now["statuses"].items()))
    cpu = f"  CPU {now['cpu'] / now['elapsed']:.0%}" if now["elapsed"] > 0 else ""
    latency = f"half within {seconds(now['latency']['p50'])}, 99 % within {seconds(now['latency']['p99'])}"
    load = f"{size(now['bytes'])}  memory {size(now['memory'])}{cpu}"
    if len(statuses) + len(latency) + len(load) + 4 > width:
        return [_line((statuses, "")), _line((f"{latency}  ", "dim"), (load, "dim"))]
    return [_line((f"{statuses}  ", ""), (f"{latency}  {load}", "dim"))]


def _waits(waits: dict[str, dict[str, float]], width: int) -> list[Text]:
    """Return where the time goes: for each phase how long it takes on the average, and of what is not on each page, how often."""
    pages = waits.get("download", {}).get("count", 0)
    lines = ["waits"]
    for phase, one in waits.items():
        if phase in _SHOWN_WAITS:
            times = f" ({one['count']:,}x)" if phase in _AT_TIMES and one["count"] != pages else ""
            piece = f"  {phase} {seconds(one['total'] / one['count'])}{times}"
            if len(lines[-1]) + len(piece) > width:
                lines.append(" " * len("waits"))
            lines[-1] += piece
    return [_line((line, "dim")) for line in lines]


def _hosts(hosts: Sequence[dict[str, Any]], width: int) -> Table:
    table = _table(("host", "waiting", "state", "delay", "wire"), right=(1, 3, 4))
    for one in hosts:
        until = f", {seconds(one['starts_in'])}" if one["starts_in"] >= 1 else ""
        table.add_row(
            printable(one["host"]),
            f"{one['waiting']:,}{'+' if one['more'] else ''}",
            f"{one['state']}{until}",
            seconds(one["delay"]),
            f"{one['active']}/{one['concurrency']}",
        )
    return table


def _callbacks(callbacks: Iterable[Sequence[Any]]) -> Table:
    table = _table(("callback", "calls", "in all", "longest"), right=(1, 2, 3))
    for name, calls, total, most in callbacks:
        table.add_row(printable(name), f"{calls:,}", seconds(total), seconds(most))
    return table


def _table(head: Sequence[str], *, right: Sequence[int]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for place, name in enumerate(head):
        table.add_column(
            name, justify="right" if place in right else "left", no_wrap=True, overflow="ellipsis", min_width=4
        )
    return table


def sparkline(values: Sequence[float]) -> str:
    """Return *values* as a row of small bars."""
    most = max(values, default=0.0)
    if most <= 0:
        return ""
    return "".join(_SPARKS[min(len(_SPARKS) - 1, int(value / most * (len(_SPARKS) - 1) + 0.5))] for value in values)


def duration(seconds: float) -> str:
    """Return *seconds* as ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def seconds(value: float) -> str:
    """Return a number of seconds as ``120 ms`` or ``1.2 s``."""
    return f"{value:,.1f} s" if value >= 1 else f"{value * 1000:,.0f} ms"


def size(count: float) -> str:
    """Return a number of bytes as ``12.3 MiB``."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} GiB"
