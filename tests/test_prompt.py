"""Code that is typed in or given at once: what it comes to, and what is said of its mistakes."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crawler.exceptions import CannotResolveHostError, UsageError
from crawler.prompt import run_source, told


class InLoop:
    """Waits in an asyncio loop."""

    is_running = False

    def later(self, awaitable: Any) -> Any:
        return awaitable

    def __call__(self, awaitable: Any) -> Any:
        with ThreadPoolExecutor(1) as thread:  # in that of the tests a loop is running
            return thread.submit(asyncio.run, awaitable).result()


def run(source: str, **names: Any) -> Any:
    return run_source(source, names, InLoop(), "<command>")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 1", 2),
        ("x = 2\nx * x", 4),
        ("x = 2", None),
        ("", None),
        ("import asyncio\nawait asyncio.sleep(0, 5)", 5),
        ("async def f():\n    return 6\ny = await f()\ny", 6),
        ("import asyncio\n[await asyncio.sleep(0, n) for n in range(3)]", [0, 1, 2]),
        ("def f():\n    return given\nf()", 7),
    ],
)
def test_code_comes_to_the_value_of_its_last_expression(source: str, value: Any) -> None:
    assert run(source, given=7) == value


def test_a_coroutine_that_is_not_awaited_is_a_value() -> None:
    coroutine = run("async def f(): pass\nf()")
    assert asyncio.iscoroutine(coroutine)
    coroutine.close()


def test_names_that_are_set_stay() -> None:
    names: dict[str, Any] = {}
    run_source("import asyncio\nx = await asyncio.sleep(0, 1)", names, InLoop(), "<command>")
    assert names["x"] == 1


def test_code_that_cannot_be_read_is_told_without_what_tried_to_read_it() -> None:
    with pytest.raises(SyntaxError) as wrong:
        run("a b")
    assert told(wrong.value).startswith('  File "<command>", line 1\n')


def test_an_error_is_told_with_a_traceback_that_begins_in_the_code() -> None:
    with pytest.raises(ZeroDivisionError) as wrong:
        run("def f():\n    1/0\nf()")
    lines = told(wrong.value).splitlines()
    assert lines[1].startswith('  File "<command>", line 3')
    assert lines[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (CannotResolveHostError("no address of x"), "CannotResolveHostError: no address of x"),
        (UsageError("do that"), "do that"),
    ],
)
def test_an_error_that_says_it_all_is_told_in_a_line(error: Exception, says: str) -> None:
    assert told(error) == says
