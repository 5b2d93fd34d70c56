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


def run_models(svg: str = "", latency: float = LATENCY, tasks: Sequence[int] = TASKS) -> None:
    """Run the three models with *latency* and without, print what they took and when tasks wait; write the timeline to *svg*."""
    drawn: list[Run] = []
    for seconds, what in ((latency, "waiting decides"), (0.0, "the CPU decides")):
        server = start_server(1, latency=seconds)
        try:
            print(f"\nThe server answers after {seconds * 1000:.0f} ms: {what}\n")
            print(f"{'tasks':>6}  {'model':<20}{'seconds':>9}{'CPU s':>8}{'MiB':>7}{'switches':>10}")
            for count in tasks:
                for model in MODELS:
                    done = run(model, count, server.url)
                    print(_row(done))
                    if count == min(tasks) and seconds:
                        drawn.append(done)
        finally:
            server.stop()
    print("\n~ told from the first 100, since one after the other more would take minutes")
    print(f"\nWhen each of {min(tasks)} tasks works ({_WORKS}) and waits ({_WAITS}), all three on one scale:")
    for line in timeline(drawn):
        print(line)
    if svg:
        Path(svg).write_text(timeline_svg(drawn), encoding="utf-8")
        print(f"\nWritten: {svg}")


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
        yield f"\n{one.model}: {one.seconds:.2f} s"
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
    top, parts = 24, []
    for one in runs:
        parts.append(
            f'<text x="{_LEFT}" y="{top}">{escape(one.model)}: {one.seconds:.2f} s, {one.cpu:.2f} s of CPU</text>'
        )
        top += 8
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
        top += 26
    style = "text{font:14px system-ui,sans-serif;fill:#667085}.works{fill:#2563eb}.waits{fill:#98a2b3;opacity:.45}"
    legend = f'<text x="{_LEFT}" y="{top}">dark: the task works; light: it waits for the server</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 12}" role="img">'
        f"<title>Three ways to fetch the same pages</title><style>{style}</style>{''.join(parts)}{legend}</svg>\n"
    )
