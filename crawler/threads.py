"""Blocking work, off the reactor: in a thread, while the crawl goes on.

    async def process_item(self, item):
        item["colours"] = await threads.run(analyse, item["image"])     # a function that takes long, or waits for a disk
        return item

    @threads.off_loop
    def analyse(image): ...                                             # then ``await analyse(image)`` is enough

What runs there must not touch the spider, the crawler or anything else that the crawl works with: it gets values and returns one.
In memory (``crawler.testing``) there are no threads, and it runs at once, so that tests stay exact.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_at_once: contextvars.ContextVar[bool] = contextvars.ContextVar("crawler_without_threads", default=False)


def run(
    function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Awaitable[Result]:
    """Return an awaitable of what *function* returns or raises; it is called in a thread, with the context variables of here."""
    call = partial(function, *args, **kwargs)
    if _at_once.get():
        return _called(call)
    return asyncio.get_running_loop().run_in_executor(None, partial(contextvars.copy_context().run, call))


async def _called(call: Callable[[], Result]) -> Result:
    return call()


@contextmanager
def without_threads() -> Iterator[None]:
    """Return a context in which there are no threads: what would run in one runs at once."""
    token = _at_once.set(True)
    try:
        yield
    finally:
        _at_once.reset(token)


def off_loop(function: Callable[Parameters, Result]) -> Callable[Parameters, Awaitable[Result]]:
    """Decorate a blocking *function* so that calling it returns an awaitable, and it runs in a thread."""

    @wraps(function)
    def called(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Awaitable[Result]:
        return run(function, *args, **kwargs)

    return called
