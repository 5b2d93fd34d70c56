"""The three models drawn: a table, a timeline for the terminal, and one as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from crawler.demo.models import MODELS, Run, Task, run
from crawler.demo.server import start_server

TASKS = (10, 100, 1000)
LATENCY = 0.05

_WAITS, _WORKS, _NOTHING = "░", "█", " "
_COLUMNS = 72
# Tasks of which each has a line in the timelines.
_SHOWN = 10

# The few tasks that are drawn are over so soon that a busy machine shows in them: the best of so many runs is taken.
_DRAWN_RUNS = 3

# What there is to see in the timelines.
_WORDS = dict(
    zip(
        MODELS,
        (
            "Nothing is begun before the one before is over, so the waits add up.",
            "All wait at once. The price is a thread for each: memory, and a switch whenever one has something to do.",
            "All wait at once, in one thread: it asks the system which have been answered, and takes them up in turn.",
        ),
        strict=True,
    )
)


def run_models(svg: str = "", latency: float = LATENCY, tasks: Sequence[int] = TASKS) -> None:
    """Run the three models with *latency* and without, print what they took and when tasks wait; write the timeline to *svg*."""
    drawn: list[Run] = []
    most: list[Run] = []
    for seconds, what in ((latency, "waiting decides"), (0.0, "the CPU decides")):
        server = start_server(1, latency=seconds)
        try:
            print(f"\nThe server answers after {seconds * 1000:.0f} ms: {what}\n")
            print(f"{'tasks':>6}  {'model':<20}{'seconds':>9}{'CPU s':>8}{'MiB':>7}{'switches':>10}")
            for count in tasks:
                for model in MODELS:
                    times = _DRAWN_RUNS if count == min(tasks) and seconds else 1
                    done = min((run(model, count, server.url) for _ in range(times)), key=lambda one: one.seconds)
                    print(_row(done))
                    if count == min(tasks) and seconds:
                        drawn.append(done)
                    if count == max(tasks) and seconds:
                        most.append(done)
        finally:
            server.stop()
    print("\n~ told from the first 100, since one after the other more would take minutes")
    print("switches: how often the system took the processor from a thread, or a thread gave it up to wait")
    print(f"\n{in_words(most)}")
    print(f"\nWhen each of {min(tasks)} tasks works ({_WORKS}) and waits ({_WAITS}), all three on one scale:")
    for line in timeline(drawn):
        print(line)
    if svg:
        Path(svg).write_text(timeline_svg(drawn), encoding="utf-8")
        print(f"\nWritten: {svg}")


def in_words(runs: Sequence[Run]) -> str:
    """Return what *runs* of the three models with the same number of tasks come to."""
    one, threads, events = runs
    idle = max(0.0, 1 - one.cpu / one.seconds)
    return (
        f"In words, at {one.tasks:,} tasks: one after the other takes {one.seconds:,.1f} s, and the processor has nothing to do "
        f"for {idle:.0%} of it.\nWith a thread each it is {threads.seconds:,.1f} s, {threads.switches:,} switches and "
        f"{_mib(threads)} MiB; with events {events.seconds:,.1f} s, {events.switches:,} switches and {_mib(events)} MiB.\n"
        "Where nothing is waited for, all three take what the processor needs: events help with waiting, not with work."
    )


def _mib(done: Run) -> str:
    return f"{done.memory / 1024 / 1024:,.0f}"


def _row(done: Run) -> str:
    about = "~" if done.is_told else ""
    return (
        f"{done.tasks:>6}  {done.model:<20}{about + f'{done.seconds:.2f}':>9}{about + f'{done.cpu:.2f}':>8}"
        f"{done.memory / 1024 / 1024:>7.0f}{about + f'{done.switches:,}':>10}"
    )


def timeline(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the lines of a timeline of *runs*, for a terminal."""
    end = max((run.seconds for run in runs), default=1.0)
    for one in runs:
        yield f"\n{one.model}: {one.seconds:.2f} s. {_WORDS[one.model]}"
        for task in one.timeline[:_SHOWN]:
            yield "".join(
                _mark(task, (column + 0.5) * end / _COLUMNS, end / _COLUMNS) for column in range(_COLUMNS)
            ).rstrip()


def _mark(task: Task, moment: float, width: float) -> str:
    """Return what a task does at *moment*; work is shown where there is any within *width*."""
    left, right = moment - width / 2, moment + width / 2
    for begin, end in ((task.begun, task.sent), (task.answered, task.over)):
        if begin < right and end > left:
            return _WORKS
    return _WAITS if task.sent < right and task.answered > left else _NOTHING


_WIDTH, _ROW, _LEFT = 800, 12, 10


def timeline_svg(runs: Sequence[Run]) -> str:
    """Return the timeline of *runs* as SVG, readable on light and on dark ground."""
    end = max((run.seconds for run in runs), default=1.0)
    scale = (_WIDTH - 2 * _LEFT) / end
    count = len(runs[0].timeline) if runs else 0
    top, parts = 28, [f'<text class="title" x="{_LEFT}" y="20">Three ways to fetch the same {count} pages</text>']
    for kind, words in (("works", "the task works"), ("waits", "it waits for the server")):
        left = _LEFT if kind == "works" else _LEFT + 150
        parts.append(f'<rect class="{kind}" x="{left}" y="{top + 4}" width="14" height="{_ROW - 3}"/>')
        parts.append(f'<text class="small" x="{left + 20}" y="{top + 13}">{words}</text>')
    top += 44
    for one in runs:
        parts.append(
            f'<text x="{_LEFT}" y="{top}">{escape(one.model)}: {one.seconds:.2f} s, {one.cpu:.2f} s of CPU</text>'
        )
        parts.append(f'<text class="small" x="{_LEFT}" y="{top + 17}">{escape(_WORDS[one.model])}</text>')
        top += 26
        for task in one.timeline[:_SHOWN]:
            for begin, stop, kind in (
                (task.begun, task.sent, "works"),
                (task.sent, task.answered, "waits"),
                (task.answered, task.over, "works"),
            ):
                width = max(0.8, (stop - begin) * scale)
                parts.append(
                    f'<rect class="{kind}" x="{_LEFT + begin * scale:.1f}" y="{top}" width="{width:.1f}" height="{_ROW - 3}"/>'
                )
            top += _ROW
        top += 30
    parts.append(f'<line x1="{_LEFT}" y1="{top - 16}" x2="{_WIDTH - _LEFT}" y2="{top - 16}" stroke="#98a2b3"/>')
    parts.append(f'<text class="small" x="{_LEFT}" y="{top}">0 s</text>')
    parts.append(f'<text class="small" x="{_WIDTH - _LEFT}" y="{top}" text-anchor="end">{end:.2f} s</text>')
    style = (
        ":root{color-scheme:light dark}@media(prefers-color-scheme:dark){text{fill:#98a2b3!important}}"
        "text{font:600 14px system-ui,sans-serif;fill:#475467}.title{font-size:18px}.small{font-weight:400;font-size:12px}"
        ".works{fill:#2563eb}.waits{fill:#98a2b3;opacity:.45}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 12}" role="img">'
        f"<title>Three ways to fetch the same pages</title><style>{style}</style>{''.join(parts)}</svg>\n"
    )
