"""Where a crawl runs: a reactor, the asyncio loop below it, and how to wait for the end of a crawl there.

The crawler asks for no particular process: it takes a reactor as an argument and imports none. For whoever does not bring one
(``crawler.run``, the command line) this module makes one on an asyncio loop (uvloop where it is installed) and lets it run
for as long as a crawl lasts. The loop is ours to start and stop, so a crawl can be run again and again in one process, which
a reactor that is run the usual way cannot.

In a running asyncio program (a notebook, a web service) the crawl joins the loop that is there.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.threads import deferToThreadPool

from crawler import threads
from crawler.collector import collector_at_ease
from crawler.exceptions import UsageError

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred
    from twisted.web.iweb import IAgent

    from crawler.concurrency import Bridge

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Runtime:
    """A *reactor* that is or will be running, the asyncio *loop* that it runs on if any, and an *agent* in place of the network."""

    reactor: Any
    loop: asyncio.AbstractEventLoop | None = None
    agent: IAgent | None = None

    def off_loop(self, bridge: Bridge) -> Callable[..., Awaitable[Any]]:
        """Return what calls a blocking function in a thread and returns an awaitable of its result; in memory, at once."""
        reactor = self.reactor
        if self.loop is not None:
            return lambda function, *args: bridge.deferred(threads.run(function, *args))
        if IReactorThreads.providedBy(reactor):
            return lambda function, *args: deferToThreadPool(reactor, reactor.getThreadPool(), function, *args)

        async def at_once(function: Callable[..., Any], *args: Any) -> Any:
            return function(*args)

        return at_once


def of_reactor(reactor: Any) -> Runtime:
    """Return the runtime of a reactor that somebody else runs."""
    return Runtime(reactor, getattr(reactor, "_asyncioEventloop", None))


def of_running_loop() -> Runtime:
    """Return the runtime on the asyncio loop that is running now; raise RuntimeError if none is."""
    loop = asyncio.get_running_loop()
    installed = _installed_reactor()
    if installed is not None and getattr(installed, "_asyncioEventloop", None) is loop:
        return _started(Runtime(installed, loop))
    known = _PRIVATE.get(loop)
    if known is None:
        _PRIVATE.clear()  # the loops of earlier programs are closed by now
        known = _PRIVATE[loop] = AsyncioSelectorReactor(loop)
        if installed is None:
            _install(known)
    return _started(Runtime(known, loop))


def here() -> Runtime:
    """Return the runtime that runs now, or that of the reactor which is installed, or else our own."""
    try:
        return of_running_loop()
    except RuntimeError:
        installed = _installed_reactor()
    return own() if installed is None else of_reactor(installed)


def own() -> Runtime:
    """Return the runtime of this process for blocking calls, made at the first call."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise UsageError(
            "an asyncio loop is running here (a notebook?): write  await crawler.crawl(...)  instead of crawler.run(...)"
        )
    if threading.current_thread() is not threading.main_thread() and _installed_reactor() is None:
        raise UsageError(
            "the first crawl of a process must be run in its main thread, since that is where its reactor lives"
        )
    reactor = _installed_reactor()
    if reactor is None:
        reactor = AsyncioSelectorReactor(new_loop())
        _install(reactor)
    loop = getattr(reactor, "_asyncioEventloop", None)
    if loop is None or loop.is_closed():
        raise UsageError(
            f"the reactor {type(reactor).__name__} is installed and cannot be run again and again: use CrawlerRunner "
            "within it, or import crawler before whatever installs it"
        )
    return Runtime(reactor, loop)


def awaitable(deferred: Deferred[T]) -> Awaitable[T]:
    """Return *deferred* as what the coroutine that is running can wait for: in a task of asyncio's, a future."""
    try:
        is_task = asyncio.current_task() is not None
    except RuntimeError:
        is_task = False
    return deferred.asFuture(asyncio.get_running_loop()) if is_task else deferred


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a new asyncio loop: uvloop's where it is installed."""
    if importlib.util.find_spec("uvloop") is not None:
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop
    return asyncio.SelectorEventLoop()


def run(runtime: Runtime, begin: Callable[[], Deferred[T]]) -> T:
    """Call *begin* with the reactor of *runtime* running, and return or raise what its Deferred comes to."""
    loop = runtime.loop
    assert loop is not None  # own() makes sure of it

    async def until_done() -> T:
        _started(runtime)
        result: T = await begin().asFuture(loop)
        return result

    asyncio.set_event_loop(loop)
    try:
        with collector_at_ease():
            return loop.run_until_complete(until_done())
    finally:
        release_threads(runtime)


def _started(runtime: Runtime) -> Runtime:
    """Let the reactor know that it runs, without letting it run the loop."""
    if not runtime.reactor.running:
        runtime.reactor.startRunning(installSignalHandlers=False)
    return runtime


def when_running(runtime: Runtime, begin: Callable[[], object]) -> None:
    """Call *begin* now if the reactor of *runtime* runs, else as soon as it does.

    What began before could end before: a script that stops the reactor at the end would then find none to stop.
    """
    reactor, loop = runtime.reactor, runtime.loop
    if getattr(reactor, "running", True) or (loop is not None and loop.is_running()):
        begin()
    else:
        reactor.callWhenRunning(begin)


def release_threads(runtime: Runtime) -> None:
    """Let the idle threads of the reactor's pool end: they would keep the process from ending."""
    reactor = runtime.reactor
    if IReactorThreads.providedBy(reactor) and reactor.threadpool is not None:
        pool = reactor.threadpool
        limits = pool.min, pool.max
        pool.adjustPoolsize(0, 0)
        pool.adjustPoolsize(0, limits[1])


def _installed_reactor() -> Any:
    return sys.modules.get("twisted.internet.reactor")


def _install(reactor: Any) -> None:
    from twisted.internet.main import installReactor

    installReactor(reactor)


#: The reactor that was made for an asyncio loop which somebody else runs.
_PRIVATE: dict[asyncio.AbstractEventLoop, AsyncioSelectorReactor] = {}


class Stoppable(Protocol):
    """What a signal can stop: an engine."""

    def stop(self, reason: str) -> None:
        """Finish what is in flight, then end."""

    def stop_now(self, reason: str) -> None:
        """End at once."""


@contextmanager
def stopped_by_signals(where: Runtime, engines: Callable[[], Iterable[Stoppable]]) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop what *engines* returns: gracefully at first, then at once; a third ends the process.

    The loop does not come round to them while a callback blocks it: what is left then is to say where it is, and to end.
    Afterwards both go where they went before.
    """
    asked, arrived, heard = False, 0, 0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal arrived
        arrived += 1
        name = signal.Signals(number).name
        if arrived == _LAST_SIGNAL:
            _say(f"Received {name} a third time: ending the process; `crawler resume` goes on with a job")
            os._exit(128 + signal.SIGINT)
        if arrived - heard > 1 and frame is not None:
            code = frame.f_code
            place = f"{code.co_filename}:{frame.f_lineno} in {code.co_qualname}"
            _say(f"Received {name} again, but this does not give way: {place}; send it once more to end the process")

    def stop(number: int) -> None:
        nonlocal asked, heard
        heard += 1
        name = signal.Signals(number).name
        if asked:
            logger.warning("Received %s again: stopping now", name)
        else:
            logger.warning("Received %s: finishing what is in flight; send it again to stop now", name)
        for engine in engines():
            (engine.stop_now if asked else engine.stop)("shutdown")
        asked = True

    loop, numbers = where.loop, (signal.SIGINT, signal.SIGTERM)
    if loop is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        loop.add_signal_handler(number, stop, number)
        signal.signal(number, note)  # called at once, and the loop still hears of it by the descriptor that it has set
    try:
        yield
    finally:
        # The loop puts Python's own handlers there meanwhile.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        try:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: nobody knows
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


# The one that ends the process, whatever it does: a job is as safe as after kill -9.
_LAST_SIGNAL = 3

_STDERR = 2


def _say(text: str) -> None:
    """Write a line past the log, which may be what is blocked, and give a live view's cursor back."""
    cursor = "\x1b[?25h" if os.isatty(_STDERR) else ""
    with suppress(OSError):
        os.write(_STDERR, f"\n{cursor}{text}\n".encode())
