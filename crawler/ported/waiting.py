"""Of Scrapy's ``utils``: functions for asynchronous code, on the asyncio loop that every crawl runs on.

New code calls asyncio itself: hooks and callbacks may await its awaitables, and Twisted's, as they are.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from crawler.concurrency import in_task, is_awaitable, ported

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

logger = logging.getLogger(__name__)


def is_asyncio_available() -> bool:
    """Tell whether code may await what asyncio has: whether its loop runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def is_reactorless() -> bool:
    """Tell whether there is no reactor: there always is one here."""
    return False


def call_later(delay: float, function: Callable[..., Any], *args: Any) -> asyncio.TimerHandle:
    """Call *function* after *delay* seconds; return what has ``cancel()``."""
    return asyncio.get_running_loop().call_later(delay, function, *args)


async def sleep(seconds: float) -> None:
    """Wait for *seconds*."""
    await asyncio.sleep(seconds)


async def run_in_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what *function* returns, called in a thread. New code has ``crawler.threads.run``."""
    return await asyncio.to_thread(function, *args, **kwargs)


class LoopingCall:
    """Calls a function again and again; what it awaits is over before the next time."""

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self._function = functools.partial(function, *args, **kwargs)
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started, and not stopped."""
        return self._task is not None

    def start(self, interval: float, now: bool = True) -> None:
        """Call the function every *interval* seconds, at once too if *now*."""
        if self._task is not None:
            raise RuntimeError("this looping call runs already")
        if interval <= 0:
            raise ValueError(f"the interval of a looping call is more than 0 seconds, not {interval!r}")
        self._task = asyncio.get_running_loop().create_task(self._run(interval, now=now))

    def stop(self) -> None:
        """Call it no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self, interval: float, *, now: bool) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() if now else loop.time() + interval
        while True:
            await asyncio.sleep(due - loop.time())
            try:
                result = self._function()
                if is_awaitable(result):
                    await ported(result).asFuture(loop)
            except Exception:
                logger.exception("A looping call failed, and is stopped: %r", self._function)
                self._task = None
                return
            # A turn that took longer than the interval makes those in between fall out.
            due += interval * max(1, -(-(loop.time() - due) // interval))


def create_looping_call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> LoopingCall:
    """Return a looping call of *function*, to be started."""
    return LoopingCall(function, *args, **kwargs)


def deferred_f_from_coro_f(function: Callable[..., Any]) -> Callable[..., Deferred[Any]]:
    """Return *function*, which is asynchronous, as one that returns Deferreds: a decorator."""

    @functools.wraps(function)
    def returning(*args: Any, **kwargs: Any) -> Deferred[Any]:
        return ported(function(*args, **kwargs))

    return returning


async def ensure_awaitable(value: Any) -> Any:
    """Return *value*, awaited if it must be."""
    if not is_awaitable(value):
        return value
    deferred = ported(value)
    return await (deferred.asFuture(asyncio.get_running_loop()) if in_task() else deferred)


def defers(function: Callable[..., Any]) -> Callable[..., Deferred[Any]]:
    """Return *function* as one that returns Deferreds, of its failures too: a decorator."""
    from twisted.internet.defer import maybeDeferred

    @functools.wraps(function)
    def returning(*args: Any, **kwargs: Any) -> Deferred[Any]:
        return maybeDeferred(function, *args, **kwargs)

    return returning


def inthread(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """Return *function* as one that runs in a thread and is awaited: a decorator. New code has ``crawler.threads.run``."""

    @functools.wraps(function)
    def running(*args: Any, **kwargs: Any) -> Awaitable[Any]:
        return asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))

    return running
