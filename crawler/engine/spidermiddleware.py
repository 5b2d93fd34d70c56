"""Spider middlewares, only if any are installed: what goes into callbacks and what comes out.

Hooks may be written for plain iterables or as asynchronous generators, as Scrapy's have been over the years. A callback's
output is turned into an asynchronous stream only when a hook needs one; a hook that can read only plain iterables gets the
output of an asynchronous callback collected.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from crawler.engine.components import hook, hooks

if TYPE_CHECKING:
    from crawler.concurrency import Bridge
    from crawler.http import Response

#: What hooks a spider middleware may have, and how many arguments the engine passes to each.
HOOKS = {
    "process_start": 1,
    "process_start_requests": 1,
    "process_spider_input": 1,
    "process_spider_output": 2,
    "process_spider_output_async": 2,
    "process_spider_exception": 2,
}


class SpiderChain:
    """The spider middlewares of one crawl; the first in reading order is nearest to the engine."""

    def __init__(self, middlewares: Sequence[Any], *, spider: Any, bridge: Bridge) -> None:
        self._bridge = bridge
        self._start = [hook(one, "process_start", spider) or _older_start(one, spider) for one in reversed(middlewares)]
        self._input = hooks(middlewares, "process_spider_input", spider)
        self._output = [
            (
                hook(one, "process_spider_output", spider),
                hook(one, "process_spider_output_async", spider),
                hook(one, "process_spider_exception", spider),
            )
            for one in reversed(middlewares)
        ]

    def start(self, outputs: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Return what the crawl starts with, made from what the spider starts with."""
        for process in self._start:
            if process is not None:
                outputs = process(outputs)
        return outputs

    async def check_input(self, response: Response) -> None:
        """Show *response* to ``process_spider_input``; raise what it raises."""
        for process in self._input:
            rest = self._bridge.call(process, response)
            if rest is not None:
                await rest

    def output(self, response: Response, result: Any) -> AsyncIterator[Any]:
        """Return what goes on to the engine, made from the callback's *result* (any iterable, async or not)."""
        stream = _stream(result)
        for process, process_async, on_exception in self._output:
            stream = _stage(stream, response, process_async or process, on_exception)
        return stream

    def exception(self, response: Response, error: Exception) -> Iterable[Any] | None:
        """Return what a middleware makes of an *error* that came before any output, None if none takes it."""
        for _, _, on_exception in self._output:
            result = on_exception(response, error) if on_exception is not None else None
            if result is not None:
                return result  # type: ignore[no-any-return]  # user code
        return None


def _older_start(middleware: Any, spider: Any) -> Callable[[AsyncIterator[Any]], AsyncIterator[Any]] | None:
    """Return ``process_start_requests``, which takes and returns a plain iterable, in the shape of ``process_start``."""
    method = getattr(middleware, "process_start_requests", None)
    if method is None:
        return None

    async def process_start(outputs: AsyncIterator[Any]) -> AsyncIterator[Any]:
        for output in method([output async for output in outputs], spider):
            yield output

    return process_start


async def _stage(
    stream: AsyncIterator[Any],
    response: Response,
    process: Callable[..., Any] | None,
    on_exception: Callable[..., Any] | None,
) -> AsyncIterator[Any]:
    """Pass *stream* through one middleware; an exception from below goes to its ``process_spider_exception``."""
    try:
        async for output in stream if process is None else _processed(stream, response, process):
            yield output
    except Exception as error:
        recovered = on_exception(response, error) if on_exception is not None else None
        if recovered is None:
            raise
        async for output in _stream(recovered):
            yield output


async def _processed(stream: AsyncIterator[Any], response: Response, process: Callable[..., Any]) -> AsyncIterator[Any]:
    function = getattr(process, "func", process)
    if inspect.isasyncgenfunction(function):
        async for output in process(response, stream):
            yield output
        return
    collected = [output async for output in stream]
    result = process(response, collected)
    if inspect.isawaitable(result):
        result = await result
    async for output in _stream(result):
        yield output


async def _stream(result: Any) -> AsyncIterator[Any]:
    """Return any iterable as an asynchronous one."""
    if hasattr(result, "__aiter__"):
        async for output in result:
            yield output
    else:
        for output in result or ():
            yield output
