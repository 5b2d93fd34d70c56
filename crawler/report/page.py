"""The report as one HTML file: no script, nothing from outside, light and dark as the reader likes it, fit for print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler import __version__
from crawler.engine.waits import Histogram
from crawler.report import charts
from crawler.report.finding import shortened
from crawler.report.findings import findings_of

if TYPE_CHECKING:
    from crawler.report.comparison import Change
    from crawler.report.facts import Facts, PageFacts

_STYLE = (Path(__file__).parent / "style.css").read_text("utf-8")


def report_page(facts: Facts) -> str:
    """Return the report of one crawl."""
    return _document(
        f"{facts.spider}: report of {facts.name}",
        [
            f'<p class="soft">Job {_text(facts.name)}, begun {_text(facts.started)} UTC, {_text(facts.state)}.</p>',
            _findings(facts),
            _summary(facts),
            _timeline(facts),
            _latency(facts),
            _waits(facts),
            _hosts(facts),
            _dropped(facts),
            _errors(facts),
            _fields(facts),
            _pages("Slowest pages", facts.slowest),
            _pages("Largest pages", facts.largest),
            _settings(facts),
        ],
    )


def comparison_page(before: Facts, after: Facts, changes: Sequence[Change]) -> str:
    """Return two crawls beside each other."""
    rows = []
    for change in changes:
        new = "new" if change.after else ""
        share = new if change.share is None else f"{change.share:+.0%}"
        cells = (
            _cell(change.name),
            _number(f"{_plain(change.before)}{change.unit}"),
            _number(f"{_plain(change.after)}{change.unit}"),
            _number(share),
        )
        rows.append(f"<tr{' class=notable' if change.is_notable else ''}>{''.join(cells)}</tr>")
    head = ("", f"{before.name}", f"{after.name}", "change")
    notable = [change for change in changes if change.is_notable]
    said = ", ".join(change.name for change in notable) or "nothing"
    return _document(
        f"{after.spider}: {before.name} and {after.name}",
        [
            f'<p class="soft">Two jobs: {_text(before.name)}, begun {_text(before.started)} UTC, and {_text(after.name)}, begun '
            f"{_text(after.started)} UTC.</p>",
            _findings(after, f"Findings about {after.name}"),
            _section("What changed", f"<p>Changed by more than a tenth: {_text(said)}.</p>"),
            _table(head, rows, numbers=(1, 2, 3)),
        ],
    )


def _document(title: str, parts: Iterable[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{_text(title)}</h1>{''.join(parts)}"
        f'<p class="soft">Made by crawler {__version__}.</p></body></html>\n'
    )


def _summary(facts: Facts) -> str:
    elapsed = facts.elapsed
    numbers = [
        ("pages", f"{facts.pages:,}"),
        ("items", f"{facts.items:,}"),
        ("pages a second", f"{facts.pages / elapsed:,.1f}" if elapsed else "-"),
        ("failed", f"{facts.ended['failed']:,}"),
        ("dropped", f"{sum(facts.dropped.values()):,}"),
        ("waiting", f"{facts.waiting:,}"),
        ("received", size_text(facts.bytes)),
        ("time", time_text(elapsed)),
        ("CPU", f"{facts.watch.get('cpu', 0.0):,.1f} s"),
        ("memory", size_text(facts.watch.get("memory", 0))),
    ]
    return f'<div class="numbers">{"".join(f"<div><b>{value}</b>{name}</div>" for name, value in numbers)}</div>'


def _findings(facts: Facts, title: str = "Findings") -> str:
    found = findings_of(facts)
    if not found:
        return _section(title, "<p>Nothing stands out.</p>")
    items = "".join(f'<li class="{finding.kind}">{_said(finding.text)}</li>' for finding in found)
    return _section(title, f'<ul class="findings">{items}</ul>')


def _said(text: str) -> str:
    """Return a sentence; the command that it may end with is one to copy, so it stays whole."""
    said, gap, command = text.partition("  crawler ")
    return _text(shortened(said)) + (f" <code>crawler {_text(command)}</code>" if gap else "")


def _timeline(facts: Facts) -> str:
    if not facts.timeline:
        return ""
    seconds = facts.slice_seconds
    right = time_text(seconds * len(facts.timeline))
    pages = [pages / seconds for pages, _ in facts.timeline]
    items = [items / seconds for _, items in facts.timeline]
    return _section(
        "Over time",
        charts.line(pages, "Requests that ended, a second", left="0", right=right, unit="pages/s")
        + charts.line(items, "Items a second", left="0", right=right, unit="items/s", kind="two"),
    )


def _latency(facts: Facts) -> str:
    histogram = facts.latency
    if not histogram.count:
        return ""
    used = [bucket for bucket, count in enumerate(histogram.counts) if count]
    shown = range(used[0], used[-1] + 1)
    values = [(_seconds(_edge(bucket)), float(histogram.counts[bucket])) for bucket in shown]
    words = ", ".join(f"{share:.0%} within {_seconds(histogram.percentile(share))}" for share in (0.5, 0.9, 0.99))
    chart = charts.bars(
        values,
        "Pages by the time they took",
        left=_seconds(_edge(used[0])),
        right=_seconds(_edge(used[-1] + 1)),
        unit="pages",
    )
    return _section("How long pages took", f"<p>{words}, the longest {_seconds(histogram.most)}.</p>{chart}")


def _edge(bucket: int) -> float:
    return float(1e-6 * 2.0 ** (bucket / 4))


def _waits(facts: Facts) -> str:
    waits = {phase: Histogram.restored(kept) for phase, kept in facts.watch.get("waits", {}).items()}
    if not waits:
        return ""
    rows = [
        _row(
            _cell(phase),
            _number(f"{one.count:,}"),
            _number(f"{one.total:,.1f} s"),
            *(_number(_seconds(one.percentile(share))) for share in (0.5, 0.9, 0.99)),
        )
        for phase, one in waits.items()
    ]
    callbacks = [
        _row(_cell(name), _number(f"{calls:,}"), _number(f"{total:,.2f} s"), _number(_seconds(most)))
        for name, calls, total, most in facts.watch.get("callbacks", ())[:10]
    ]
    return _section(
        "Where the time went",
        _table(("phase", "times", "in all", "half within", "90 % within", "99 % within"), rows, numbers=range(1, 6))
        + _table(("callback", "calls", "in all", "longest"), callbacks, numbers=(1, 2, 3)),
    )


def _hosts(facts: Facts) -> str:
    hosts = sorted(facts.hosts.items(), key=lambda one: -(one[1].pages + one[1].failed))[:50]
    statuses = sorted(facts.statuses)
    rows = [
        _row(
            _cell(name),
            _number(f"{host.pages:,}"),
            _number(f"{host.failed:,}"),
            _number(f"{host.refused:,}"),
            *(_number(f"{host.statuses[status]:,}" if host.statuses[status] else "") for status in statuses),
        )
        for name, host in hosts
    ]
    head = ("host", "done", "failed", "refused", *(str(status) for status in statuses))
    return _section("Hosts and status codes", _table(head, rows, numbers=range(1, len(head))))


def _dropped(facts: Facts) -> str:
    first = facts.watch.get("first_dropped", {})
    requests = [
        _row(_cell(reason), _number(f"{count:,}"), _long(first.get(reason, "")))
        for reason, count in facts.dropped.items()
    ]
    items = _troubles(facts.refused_items)
    tables = _table(("requests dropped for", "requests", "first"), requests, numbers=(1,))
    tables += _table(("items dropped with", "items", "where", "what it said", "first of"), items, numbers=(1,))
    return _section("Dropped", tables) if tables else ""


def _troubles(troubles: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a row for each of what went wrong: its kind, how often, where, what it said, the first."""
    return [
        _row(
            _cell(one["kind"]),
            _number(f"{one['count']:,}"),
            _long(one["where"]),
            _long(one["text"][:300]),
            _long(one["example"]),
        )
        for one in troubles
    ]


def _errors(facts: Facts) -> str:
    rows = _troubles(facts.watch.get("troubles", ()))
    failures = [
        _row(_cell(kind), _number(f"{count:,}"), _long(example)) for kind, (count, example) in facts.failures.items()
    ]
    parts = ""
    if rows:
        parts += _table(("error", "times", "where", "what it said", "first at"), rows, numbers=(1,))
    if failures:
        parts += _table(("requests that failed with", "requests", "first"), failures, numbers=(1,))
    for stall in facts.watch.get("stalls", ())[:5]:
        summary = f"{_text(stall['name'])} blocked at {_text(stall['where'])}"
        parts += f"<details><summary>{summary}</summary><pre>{_text(stall['stack'])}</pre></details>"
    return _section("Errors", parts) if parts else ""


def _fields(facts: Facts) -> str:
    if not facts.profiled:
        return ""
    rows = []
    for name, field in facts.fields.items():
        share = field["filled"] / facts.profiled
        types = ", ".join(f"{kind} {count:,}" for kind, count in field["types"].items())
        rows.append(
            _row(
                _cell(name),
                f"<td>{charts.share(share)}</td>",
                _number(f"{share:.0%}"),
                _long(types),
                _long("  ".join(field["examples"])),
            )
        )
    return _section(
        f"Fields of {facts.profiled:,} items", _table(("field", "filled", "", "types", "examples"), rows, numbers=(2,))
    )


def _pages(title: str, pages: Sequence[PageFacts]) -> str:
    rows = [
        _row(_long(page.url), _number(str(page.status)), _number(_seconds(page.seconds)), _number(size_text(page.size)))
        for page in pages
    ]
    return _section(title, _table(("page", "status", "time", "size"), rows, numbers=(1, 2, 3))) if rows else ""


def _settings(facts: Facts) -> str:
    rows = [_row(_cell(name), _long(value), _cell(source)) for name, value, source in facts.settings]
    return _section("Settings that are not the defaults", _table(("setting", "value", "from"), rows)) if rows else ""


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{content}</section>"


def _table(head: Sequence[str], rows: Sequence[str], *, numbers: Iterable[int] = ()) -> str:
    if not rows:
        return ""
    right = set(numbers)
    cells = "".join(f"<th{' class=n' if place in right else ''}>{_text(name)}</th>" for place, name in enumerate(head))
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _row(*cells: str) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _cell(text: str) -> str:
    return f"<td>{_text(text)}</td>"


def _long(text: str) -> str:
    shown = shortened(text)
    whole = f' title="{_text(text)}"' if shown != text else ""
    return f'<td class="long"{whole}>{_text(shown)}</td>'


def _number(text: str) -> str:
    return f'<td class="n">{_text(text)}</td>'


def _text(text: object) -> str:
    return escape(str(text))


def _plain(number: float) -> str:
    """Return *number* with all the digits that it has before its point and at most three behind."""
    return f"{number:,.0f}" if number == int(number) else f"{number:,.3f}".rstrip("0")


def _seconds(seconds: float) -> str:
    return f"{seconds:,.1f} s" if seconds >= 1 else f"{seconds * 1000:,.1f} ms"


def time_text(seconds: float) -> str:
    """Return *seconds* as ``1:02:03``, ``2:03`` or ``5.0 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size_text(count: float) -> str:
    """Return a number of bytes as ``12.3 MiB``."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} GiB"
