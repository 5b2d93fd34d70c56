"""The shell: a prompt with a response at hand, and the engine behind it.

    crawler shell https://books.toscrape.com/          from the command line
    inspect_response(response, spider)                 in a callback: the crawl waits until the prompt is left

Prompt and reactor share one thread. The reactor runs for as long as ``fetch()`` or an ``await`` waits, and rests while somebody
types; so nothing that is called at the prompt meets a reactor that runs beside it, and Ctrl-C means one thing at a time: at the
prompt it drops the line, during a fetch it cancels the fetch. In a line that awaits, the reactor runs already, and ``fetch()`` is
awaited too.

The prompt is IPython's where that is installed, else Python's own with history and completion. Both await at top level.
"""

from __future__ import annotations

import importlib
import importlib.util
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crawler import runtime as runtimes
from crawler.concurrency import Bridge
from crawler.exceptions import UsageError
from crawler.http import FormRequest, JsonRequest, Request, XmlRpcRequest
from crawler.http.browser import open_in_browser
from crawler.logs import terminal_free
from crawler.prompt import Wait, ask_ipython, ask_python, run_source
from crawler.selector import Selector

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from twisted.internet.defer import Deferred

    from crawler.http import Response
    from crawler.open_crawl import OpenCrawl
    from crawler.runtime import Runtime
    from crawler.spiders import Spider

__all__ = ["Shell", "Waiting", "inspect_response", "open_in_browser"]

#: Names that need no import at the prompt.
_CLASSES = {cls.__name__: cls for cls in (Request, FormRequest, JsonRequest, XmlRpcRequest, Selector)}


class Shell:
    """The names at a prompt on an open *crawl*, and what runs code with them. *wait* runs the reactor until something is done."""

    def __init__(self, crawl: OpenCrawl, wait: Wait) -> None:
        self._crawl = crawl
        self._wait = wait
        crawler = crawl.crawler
        self.names = _names(crawler.spider, fetch=self.fetch, view=self._view, shelp=self._print_help)

    @property
    def help(self) -> str:
        """What is at hand, a line each."""
        return _help(self.names, can_fetch=True)

    def fetch(self, what: str | Request, redirect: bool = True, **options: Any) -> Any:
        """Fetch a URL or a request, put it under ``request`` and ``response``, and return the response.

        Where the reactor runs already, that is in a line that awaits, return a Deferred of the response.
        """
        fetching = self._fetch(what, redirect=redirect, **options)
        return self._wait.later(fetching) if self._wait.is_running else self._wait(fetching)

    async def _fetch(self, what: str | Request, **options: Any) -> Response:
        response = await self._crawl.fetch(what, **options)
        self.show(response)
        return response

    def show(self, response: Response) -> None:
        """Put *response* and its request under their names."""
        self.names.update(response=response, request=response.request)

    def _view(self, response: Response | None = None) -> Any:
        """Open *response*, by default the last one, in a web browser."""
        shown = response if response is not None else self.names["response"]
        if shown is None:
            raise UsageError("there is no response yet: fetch one with fetch(URL)")
        return open_in_browser(shown)

    def _print_help(self) -> None:
        print(self.help)

    def run(self, source: str, name: str = "<command>") -> Any:
        """Run Python *source*, which may await; return the value of its last expression, if it ends with one."""
        return run_source(source, self.names, self._wait, name)

    def prompt(self, *, plain: bool = False) -> None:
        """Ask for lines and run them until the prompt is left; in Python's own prompt if *plain*."""
        ask = ask_python if plain or not has_ipython() else ask_ipython
        ask(self.names, self.help, self._wait)


class Waiting:
    """Runs the reactor of *runtime* until something is done; Ctrl-C cancels it, a second one raises at once."""

    def __init__(self, runtime: Runtime) -> None:
        assert runtime.loop is not None  # runtimes.own() makes sure of it
        self._runtime = runtime
        self._loop: AbstractEventLoop = runtime.loop
        self._bridge = Bridge(self._loop)

    @property
    def is_running(self) -> bool:
        """Whether the reactor runs now, because something is waited for."""
        return self._loop.is_running()

    def later(self, awaitable: Any) -> Deferred[Any]:
        """Begin *awaitable*, which goes on while the reactor runs."""
        return self._bridge.deferred(awaitable)

    def __call__(self, awaitable: Any) -> Any:
        """Return or raise what *awaitable* comes to; raise KeyboardInterrupt if it is cancelled by Ctrl-C."""
        begun: list[Deferred[Any]] = []

        def begin() -> Deferred[Any]:
            begun.append(self.later(awaitable))
            if was_cancelled():  # before there was anything to cancel
                cancel()
            return begun[0]

        def cancel() -> None:
            for deferred in begun:
                deferred.cancel()

        with _cancelled_by_ctrl_c(self._loop, cancel) as was_cancelled:
            try:
                return runtimes.run(self._runtime, begin)
            except BaseException:
                if was_cancelled():
                    raise KeyboardInterrupt from None
                raise


@contextmanager
def _cancelled_by_ctrl_c(loop: AbstractEventLoop, cancel: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Let the first SIGINT call *cancel* in *loop*, and the next raise; yield what tells whether one came."""
    count = 0

    def stop(number: int, frame: Any) -> None:
        nonlocal count
        count += 1
        if count > 1:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(cancel)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: count > 0
    finally:
        signal.signal(signal.SIGINT, before)


def inspect_response(response: Response, spider: Spider) -> None:
    """Open a prompt on *response* in the middle of a crawl, from a callback: the crawl waits until it is left (Ctrl-D).

    ``fetch()`` and ``await`` need the reactor, which waits too: they are for ``crawler shell``.
    """
    names = _names(spider, response, fetch=_no_fetch, view=lambda shown=response: open_in_browser(shown))
    banner = _help(names, can_fetch=False)
    names["shelp"] = lambda: print(banner)
    with terminal_free(), _prompt_has_ctrl_c():
        if not has_ipython() or not sys.stdin.isatty():
            ask_python(names, banner, _NoWaiting())
            return
        # IPython's prompt runs an asyncio loop of its own, which has no place in a thread where one runs.
        asking = threading.Thread(target=ask_ipython, args=(names, banner, _NoWaiting()), daemon=True)
        asking.start()
        while asking.is_alive():
            try:
                asking.join()
            except KeyboardInterrupt:
                continue  # the prompt's own business


def debug(error: BaseException) -> None:
    """Open the debugger where *error* was raised, ipdb's if that is installed; the crawl waits until it is left."""
    debugger = importlib.import_module("ipdb" if importlib.util.find_spec("ipdb") is not None else "pdb")
    with terminal_free(), _prompt_has_ctrl_c():
        traceback.print_exception(error)
        debugger.post_mortem(error.__traceback__)


class _NoWaiting:
    """Stands for a reactor that waits for the prompt."""

    is_running = False

    def later(self, awaitable: Any) -> Any:
        return self(awaitable)

    def __call__(self, awaitable: Coroutine[Any, Any, Any]) -> Any:
        try:
            awaitable.send(None)
            awaitable.throw(
                UsageError("the crawl waits for this prompt, so nothing can be awaited here: use  crawler shell URL")
            )
        except StopIteration as stop:
            return stop.value


def _no_fetch(*_: Any, **__: Any) -> None:
    raise UsageError("the crawl waits for this prompt, so nothing can be fetched here: use  crawler shell URL")


@contextmanager
def _prompt_has_ctrl_c() -> Iterator[None]:
    """Keep Ctrl-C from the crawl, which would take it for the wish to end. SIGTERM ends at once, which a job survives."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # asyncio learns of signals through this descriptor, whatever their handlers are.
    wakeup = signal.set_wakeup_fd(-1)
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, signal.SIG_DFL),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)


def has_ipython() -> bool:
    """Tell whether IPython is installed."""
    return importlib.util.find_spec("IPython") is not None


def _names(spider: Spider | None, response: Response | None = None, **functions: Callable[..., Any]) -> dict[str, Any]:
    assert spider is not None  # the crawl has begun
    return {
        "crawler": spider.crawler,
        "spider": spider,
        "settings": spider.settings,
        "request": response.request if response is not None else None,
        "response": response,
        **functions,
        **_CLASSES,
    }


def _help(names: Mapping[str, Any], *, can_fetch: bool) -> str:
    lines = ["At hand:"]
    lines += [f"  {name:<11} {names[name]!r}" for name in ("crawler", "spider", "settings", "request", "response")]
    if can_fetch:
        lines.append("  fetch(URL)  get a page, or a Request; redirect=False for the first answer. Cookies are kept")
    lines.append("  view()      the response in a web browser; view(other) another one")
    lines.append("  shelp()     this")
    lines.append(f"  {', '.join(_CLASSES)}" + ("; await works" if can_fetch else ""))
    return "\n".join(lines)
