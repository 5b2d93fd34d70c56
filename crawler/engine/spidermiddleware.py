"""Spider middlewares, only if any are installed: what goes into callbacks and what comes out.

Hooks may be written for plain iterables or as asynchronous generators, as Scrapy's have been over the years. A callback's
output stays a plain iterable, read as it comes, until a hook needs an asynchronous one; a hook that can read only plain iterables
gets the output of an asynchronous callback collected.

What the callback or a middleware raises goes to ``process_spider_exception`` of the middlewares after it, one by one towards the
engine. What the first of them makes of it goes on to those after that one; what was there before the exception is not lost.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
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

    def output(self, response: Response, result: Any, *, past: int = 0) -> Iterable[Any] | AsyncIterator[Any]:
        """Return what goes on to the engine, made from *result* (any iterable, async or not) by all stages but the first *past*."""
        stream = result or () if not hasattr(result, "__aiter__") else result
        for process, process_async, on_exception in self._output[past:]:
            is_plain = process_async is None if process is None else not _is_asynchronous(process)
            if is_plain and not hasattr(stream, "__aiter__"):
                stream = _plain_stage(stream, response, process, on_exception)
            else:
                stream = _stage(_stream(stream), response, process_async or process, on_exception)
        return stream

    def recovered(self, response: Response, error: Exception) -> Iterable[Any] | AsyncIterator[Any] | None:
        """Return what goes on to the engine in the place of an *error* that came before any output; None if none takes it."""
        for index, (_, _, on_exception) in enumerate(self._output):
            result = on_exception(response, error) if on_exception is not None else None
            if result is not None:
                return self.output(response, result, past=index + 1)
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


def _is_asynchronous(process: Callable[..., Any]) -> bool:
    function = getattr(process, "func", process)
    return inspect.isasyncgenfunction(function) or inspect.iscoroutinefunction(function)


class _Below:
    """The outputs that a middleware reads, and the error that ended them: only such a one is for its process_spider_exception."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def plain(self, stream: Iterable[Any]) -> Iterator[Any]:
        """Yield from *stream*, and note what it raises."""
        try:
            yield from stream
        except Exception as error:
            self.error = error
            raise

    async def asynchronous(self, stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Yield from *stream*, and note what it raises."""
        try:
            async for output in stream:
                yield output
        except Exception as error:
            self.error = error
            raise

    def recovered(self, error: Exception, response: Response, on_exception: Callable[..., Any] | None) -> Any:
        """Return what *on_exception* makes of *error*; raise it on where it is none from below, or is not taken."""
        result = on_exception(response, error) if on_exception is not None and error is self.error else None
        if result is None:
            raise error
        return result


def _plain_stage(
    stream: Iterable[Any],
    response: Response,
    process: Callable[..., Any] | None,
    on_exception: Callable[..., Any] | None,
) -> Iterator[Any]:
    """Pass *stream* through one middleware, one output at a time."""
    below = _Below()
    outputs = below.plain(stream)
    try:
        yield from outputs if process is None else process(response, outputs) or ()
    except Exception as error:
        yield from below.recovered(error, response, on_exception)


async def _stage(
    stream: AsyncIterator[Any],
    response: Response,
    process: Callable[..., Any] | None,
    on_exception: Callable[..., Any] | None,
) -> AsyncIterator[Any]:
    """Pass *stream* through one middleware, one output at a time where it can read asynchronous ones."""
    below = _Below()
    outputs = below.asynchronous(stream)
    try:
        async for output in outputs if process is None else _processed(outputs, response, process):
            yield output
    except Exception as error:
        async for output in _stream(below.recovered(error, response, on_exception)):
            yield output


async def _processed(stream: AsyncIterator[Any], response: Response, process: Callable[..., Any]) -> AsyncIterator[Any]:
    function = getattr(process, "func", process)
    if inspect.isasyncgenfunction(function):
        async for output in process(response, stream):
            yield output
        return
    result = process(response, await _collected(stream))
    if inspect.isawaitable(result):
        result = await result
    async for output in _stream(result):
        yield output


async def _collected(stream: AsyncIterator[Any]) -> Iterator[Any]:
    """Return what *stream* yields as a plain iterator, which ends as it has ended."""
    outputs, ended_by = [], None
    try:
        async for output in stream:
            outputs.append(output)
    except Exception as error:
        ended_by = error

    def again() -> Iterator[Any]:
        yield from outputs
        if ended_by is not None:
            raise ended_by

    return again()


async def _stream(result: Any) -> AsyncIterator[Any]:
    """Return any iterable as an asynchronous one."""
    if hasattr(result, "__aiter__"):
        async for output in result:
            yield output
    else:
        for output in result or ():
            yield output
