"""``crawler bench models``: three ways to fetch the same pages, measured and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from crawler.demo.models import MODELS, Run, Task, run
from crawler.demo.models_drawn import in_words, run_models, timeline, timeline_svg
from crawler.demo.server import start_server

LATENCY = 0.05
TASKS = 8


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = start_server(1, latency=LATENCY)
    yield server.url
    server.stop()


@pytest.mark.parametrize("model", MODELS)
def test_every_task_is_begun_sent_answered_and_over_in_that_order(model: str, url: str) -> None:
    done = run(model, TASKS, url)
    assert len(done.timeline) == TASKS
    assert all(task.begun <= task.sent <= task.answered <= task.over for task in done.timeline)
    assert all(task.answered - task.sent >= LATENCY * 0.9 for task in done.timeline)
    assert done.seconds > 0
    assert done.cpu > 0
    assert done.memory > 1_000_000


def test_one_after_the_other_the_waits_add_up_and_otherwise_they_overlap(url: str) -> None:
    def together(model: str) -> int:
        """Return how many tasks wait at once at most."""
        tasks = run(model, TASKS, url).timeline
        return max(sum(one.sent < other.answered and other.sent < one.answered for other in tasks) for one in tasks)

    assert together(MODELS[0]) == 1
    assert together(MODELS[1]) > TASKS // 2
    assert together(MODELS[2]) > TASKS // 2


DONE = [Run("events", 1, 1.0, 0.1, 1, 1, [Task(0.0, 0.25, 0.75, 1.0)])]


def test_the_timeline_shows_work_and_waiting() -> None:
    line = list(timeline(DONE))[1]
    assert line.count("█") == line.count("░") + 2 or abs(line.count("█") - line.count("░")) <= 2
    assert line.startswith("█")
    assert line.endswith("█")


def test_the_drawing_is_valid_and_says_what_it_shows() -> None:
    drawing = timeline_svg(DONE)
    ElementTree.fromstring(drawing)
    assert "events: 1.00 s" in drawing
    assert drawing.count('class="works"') == 2 + 1  # one in the legend
    assert drawing.count('class="waits"') == 1 + 1
    assert "it asks the system which have been answered" in drawing
    assert "1.00 s</text>" in drawing


def test_the_numbers_are_put_in_words() -> None:
    one, threads, events = (
        Run(model, 1000, seconds, 1.0, mib * 2**20, switches, [])
        for model, seconds, mib, switches in zip(
            MODELS, (50.0, 2.0, 1.2), (28, 104, 77), (10, 53_000, 200), strict=True
        )
    )
    said = in_words([one, threads, events])
    assert "at 1,000 tasks: one after the other takes 50.0 s, and the processor has nothing to do for 98% of it" in said
    assert (
        "With a thread each it is 2.0 s, 53,000 switches and 104 MiB; with events 1.2 s, 200 switches and 77 MiB"
        in said
    )


def test_the_table_has_a_row_for_every_model_and_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_models(str(tmp_path / "models.svg"), latency=0.01, tasks=(2, 3))
    said = capsys.readouterr().out
    rows = [line for line in said.splitlines() if line.startswith(("     2", "     3"))]
    assert [sum(model in row for row in rows) for model in MODELS] == [4, 4, 4]
    assert "waiting decides" in said
    assert "In words, at 3 tasks" in said
    assert "the CPU decides" in said
    ElementTree.parse(tmp_path / "models.svg")
