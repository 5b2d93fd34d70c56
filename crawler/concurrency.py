"""The one place where plain results, generators, coroutines, asyncio awaitables and Deferreds meet.

Spiders, pipelines, middlewares and signal handlers may be plain functions or return anything that can be awaited. Inside the
crawler everything is a coroutine driven by Twisted (``Deferred.fromCoroutine``), which understands Deferreds only. User code may
also await asyncio futures, and asyncio libraries ask for the current task. So:

* the crawler's own coroutines never pass through here: they cost no task;
* user awaitables go through :meth:`Bridge.deferred`, which runs them in an asyncio task when the reactor runs on an asyncio loop;
* inside that task Deferreds are turned into futures one by one, so that both kinds can be awaited side by side.

Without an asyncio loop (another reactor, or the fake clock of ``crawler.testing``) Deferreds still work, and awaiting an asyncio
future is an error that says so.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeAlias, TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")

#: What user code may hand back where a value is asked for.
MaybeAwaitable: TypeAlias = Awaitable[T] | T


def is_awaitable(value: object) -> bool:
    """Tell whether *value* must be awaited: a coroutine, a Deferred, an asyncio future or anything with ``__await__``."""
    return hasattr(value, "__await__")


class Bridge:
    """Turns what user code returns into Deferreds that the engine can await.

    *loop* is the asyncio loop that the reactor runs on, None where there is none.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop

    def __repr__(self) -> str:
        return f"<Bridge {'asyncio' if self._loop else 'Deferreds only'}>"

    def deferred(self, awaitable: Any, on_step: Callable[[float], object] | None = None) -> Deferred[Any]:
        """Return a Deferred that fires with what *awaitable* results in; cancelling it cancels the awaitable.

        *on_step* is told, after each step of a coroutine, for how many seconds it held the reactor.
        """
        if isinstance(awaitable, Deferred):
            return awaitable
        if self._loop is None:
            return Deferred.fromCoroutine(_awaited(_Stepped(awaitable, _refuse_asyncio, on_step)))
        if isinstance(awaitable, asyncio.Future):
            return Deferred.fromFuture(awaitable)
        return Deferred.fromFuture(self._loop.create_task(_awaited(_Stepped(awaitable, self._meet, on_step))))

    def _meet(self, awaited: Any) -> Generator[Any, Any, Any]:
        """Let the asyncio task wait: for a future as it is, for a Deferred through a future of its own."""
        if isinstance(awaited, Deferred):
            assert self._loop is not None  # only tasks come here
            return (yield from _firing(awaited, self._loop))
        return (yield awaited)

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[Any] | None:
        """Call *function*; return None if it has finished, else a Deferred for the rest of it. Its result is not kept."""
        result = function(*args, **kwargs)
        return self.deferred(result) if is_awaitable(result) else None


async def _awaited(awaitable: Any) -> Any:
    """Make a coroutine of any awaitable."""
    return await awaitable


def _firing(awaited: Deferred[Any], loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
    """Return a future that is done when *awaited* fires; cancelling it cancels *awaited*.

    Unlike that of ``asFuture`` it leaves the result where it is, for that is where the coroutine looks for it.
    """
    future: asyncio.Future[None] = loop.create_future()

    def fired(result: Any) -> Any:
        if future.cancelled():
            return None  # nobody looks for it any more
        future.set_result(None)
        return result

    def ended(future: asyncio.Future[None]) -> None:
        if future.cancelled():
            awaited.cancel()

    awaited.addBoth(fired)
    future.add_done_callback(ended)
    return future


class _Stepped:
    """Advances a coroutine of user code; *meet* says what happens to each thing that it waits for.

    An exception that *meet* raises is thrown into the coroutine, at the ``await`` where it belongs.
    """

    def __init__(
        self,
        awaitable: Any,
        meet: Callable[[Any], Generator[Any, Any, Any]],
        on_step: Callable[[float], object] | None = None,
    ) -> None:
        self._coroutine = awaitable if inspect.iscoroutine(awaitable) else _awaited(awaitable)
        self._meet = meet
        self._on_step = on_step

    def __await__(self) -> Generator[Any, Any, Any]:
        step, argument = self._coroutine.send, None
        while True:
            began = time.perf_counter() if self._on_step is not None else 0.0
            try:
                awaited = step(argument)
            except StopIteration as stop:
                return stop.value
            finally:
                if self._on_step is not None:
                    self._on_step(time.perf_counter() - began)
            try:
                step, argument = self._coroutine.send, (yield from self._meet(awaited))
            except GeneratorExit:
                self._coroutine.close()
                raise
            except BaseException as error:
                step, argument = self._coroutine.throw, error


def _refuse_asyncio(awaited: Any) -> Generator[Any, Any, Any]:
    """Let Twisted's driver wait for a Deferred; refuse what only an asyncio loop could resume."""
    if not isinstance(awaited, Deferred):
        raise RuntimeError(
            f"cannot await {awaited!r} here: this crawl runs without an asyncio loop; await a Deferred, "
            "or run the crawl on the asyncio reactor (the default outside crawler.testing)"
        )
    return (yield awaited)


def ported(awaitable: Any) -> Deferred[Any]:
    """Return a Deferred of *awaitable* for code that does not know what it runs on: with or without an asyncio loop.

    It may await Deferreds and, while a loop runs, asyncio's futures; what needs to be in a task, such as ``asyncio.timeout``, finds
    itself in one only if the caller is.
    """
    if isinstance(awaitable, Deferred):
        return awaitable
    if isinstance(awaitable, asyncio.Future):
        return Deferred.fromFuture(awaitable)
    if in_task():
        return Bridge(asyncio.get_running_loop()).deferred(awaitable)
    return Deferred.fromCoroutine(_awaited(_Stepped(awaitable, _wait_for_any, None)))


def in_task() -> bool:
    """Tell whether the code at hand runs in an asyncio task, so that it may await asyncio's futures."""
    try:
        return asyncio.current_task() is not None
    except RuntimeError:  # no loop runs
        return False


def _wait_for_any(awaited: Any) -> Generator[Any, Any, Any]:
    """Let Twisted's driver wait for a Deferred, for a future of the running loop, or for its next turn (``sleep(0)``)."""
    if isinstance(awaited, Deferred):
        return (yield awaited)
    over: Deferred[None] = Deferred()
    if awaited is None:
        asyncio.get_running_loop().call_soon(over.callback, None)
    else:
        awaited._asyncio_future_blocking = False  # as a task does, which would be the one to wait
        awaited.add_done_callback(lambda _: over.callback(None))
    return (yield over)


def start(coroutine: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """Run one of the crawler's own coroutines; return the Deferred of its result, which can be cancelled."""
    return Deferred.fromCoroutine(coroutine)


def promise() -> tuple[Deferred[Any], Callable[[Any], None]]:
    """Return something to wait for, and the function that ends the waiting with a result."""
    promised: Deferred[Any] = Deferred()
    return promised, promised.callback
