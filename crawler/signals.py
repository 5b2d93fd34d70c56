"""Signals: what happens in a crawl, for whoever wants to know.

The names, their arguments and which of them may have asynchronous handlers are Scrapy's. A handler is connected once and asked
for only the arguments that its signature names. Sending a signal that nobody listens to costs one look at an empty list:

    if receivers:              # the live list from SignalManager.receivers(signal)
        signals.send(...)

What is waited for stands with each signal. A coroutine function that is connected to another would never run, and is refused.
"""

from __future__ import annotations

import inspect
import logging
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from crawler.concurrency import Bridge, promise, start
from crawler.exceptions import ComponentError

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

logger = logging.getLogger(__name__)


class Signal:
    """One kind of event; compared by identity. What asynchronous handlers come to *is_awaited*, or they may not be connected."""

    __slots__ = ("__weakref__", "is_awaited", "name")

    def __init__(self, name: str, *, is_awaited: bool = False) -> None:
        self.name = name
        self.is_awaited = is_awaited

    def __repr__(self) -> str:
        return f"<Signal {self.name}>"


engine_started = Signal("engine_started", is_awaited=True)
engine_stopped = Signal("engine_stopped", is_awaited=True)
scheduler_empty = Signal("scheduler_empty")
spider_opened = Signal("spider_opened", is_awaited=True)
spider_idle = Signal("spider_idle")
spider_closed = Signal("spider_closed", is_awaited=True)
spider_error = Signal("spider_error")
request_scheduled = Signal("request_scheduled")
request_dropped = Signal("request_dropped")
request_reached_downloader = Signal("request_reached_downloader")
request_left_downloader = Signal("request_left_downloader")
response_received = Signal("response_received")
response_downloaded = Signal("response_downloaded")
headers_received = Signal("headers_received")
bytes_received = Signal("bytes_received")
item_scraped = Signal("item_scraped", is_awaited=True)
item_dropped = Signal("item_dropped", is_awaited=True)
item_error = Signal("item_error", is_awaited=True)
feed_slot_closed = Signal("feed_slot_closed", is_awaited=True)
feed_exporter_closed = Signal("feed_exporter_closed", is_awaited=True)
robots_parsed = Signal("robots_parsed", is_awaited=True)
memusage_warning_reached = Signal("memusage_warning_reached")

# Known, so that code which connects to it goes on working; never sent, since there is no telnet console.
update_telnet_vars = Signal("update_telnet_vars")

# Older names that ported code still imports.
stats_spider_opened = spider_opened
stats_spider_closing = spider_closed
stats_spider_closed = spider_closed
item_passed = item_scraped
request_received = request_scheduled


class Receiver:
    """A connected handler, called with only the arguments that it names."""

    __slots__ = ("_accepted", "_function", "handler")

    def __init__(self, handler: Callable[..., Any], *, weak: bool) -> None:
        self.handler = handler
        self._accepted = _accepted_arguments(handler)
        self._function: Callable[[], Callable[..., Any] | None]
        if not weak:
            self._function = lambda: handler
        else:
            self.handler = None  # type: ignore[assignment]  # a strong reference here would defeat the weak one
            self._function = weakref.WeakMethod(handler) if inspect.ismethod(handler) else weakref.ref(handler)

    @property
    def function(self) -> Callable[..., Any] | None:
        """The handler, None if it was held weakly and is gone."""
        return self._function()

    def matches(self, handler: Callable[..., Any]) -> bool:
        """Tell whether this is the receiver of *handler*."""
        return self._function() == handler

    def __call__(self, arguments: dict[str, Any]) -> Any:
        function = self._function()
        if function is None:
            return None
        if self._accepted is not None:
            arguments = {name: value for name, value in arguments.items() if name in self._accepted}
        return function(**arguments)


def _accepted_arguments(handler: Callable[..., Any]) -> frozenset[str] | None:
    """Return the names that *handler* takes, or None if it takes any."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):  # builtins and C functions may have no signature
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return frozenset(parameter.name for parameter in parameters)


class SignalManager:
    """Connects handlers to signals and sends signals to them, in the order of connection.

    ``bridge`` is what asynchronous handlers are waited for with: that of the crawl, from when it begins.
    """

    def __init__(self, sender: object = None) -> None:
        self._sender = sender
        self.bridge = Bridge()
        self._receivers: dict[Any, list[Receiver]] = {}

    def receivers(self, signal: Any) -> list[Receiver]:
        """Return the live list of receivers of *signal*: empty means that sending it would do nothing."""
        return self._receivers.setdefault(signal, [])

    def connect(self, receiver: Callable[..., Any], signal: Any, *, weak: bool = False, **_: Any) -> None:
        """Call *receiver* whenever *signal* is sent. Connecting the same handler twice has no effect.

        The handler is held strongly unless *weak*: a connected object lives as long as the crawl. Raise ComponentError for a
        coroutine function where nobody would wait for it.
        """
        if isinstance(signal, Signal) and not signal.is_awaited and inspect.iscoroutinefunction(receiver):
            raise ComponentError(
                f"{getattr(receiver, '__qualname__', receiver)} is a coroutine function, and handlers of {signal.name} are not "
                "waited for: it would never run. Make it a plain function"
            )
        receivers = self.receivers(signal)
        if not any(known.matches(receiver) for known in receivers):
            receivers.append(Receiver(receiver, weak=weak))

    def disconnect(self, receiver: Callable[..., Any], signal: Any, **_: Any) -> None:
        """Stop calling *receiver* for *signal*."""
        receivers = self.receivers(signal)
        receivers[:] = [known for known in receivers if not known.matches(receiver)]

    def disconnect_all(self, signal: Any, **_: Any) -> None:
        """Stop calling anybody for *signal*."""
        self.receivers(signal).clear()

    def send(self, signal: Any, **arguments: Any) -> list[Any]:
        """Call every receiver of *signal*; return what they returned, exceptions included (logged unless a ``dont_log`` type)."""
        receivers = self._receivers.get(signal)
        if not receivers:
            return []
        quiet = arguments.pop("dont_log", ())
        arguments.setdefault("signal", signal)
        arguments.setdefault("sender", self._sender)
        results: list[Any] = []
        for receiver in tuple(receivers):
            try:
                results.append(receiver(arguments))
            except Exception as error:
                if not (quiet and isinstance(error, quiet)):
                    logger.exception("Error in a handler of the signal %s", getattr(signal, "name", signal))
                results.append(error)
        return results

    def send_catch_log(self, signal: Any, **arguments: Any) -> list[tuple[Any, Any]]:
        """Send as :meth:`send` does; return pairs of a handler and what it returned or raised, as Scrapy does."""
        handlers = [receiver.function for receiver in self._receivers.get(signal, ())]
        return list(zip(handlers, self.send(signal, **arguments), strict=True))

    async def send_catch_log_async(self, signal: Any, **arguments: Any) -> list[tuple[Any, Any]]:
        """Send, wait for asynchronous handlers, and return pairs of a handler and what it came to."""
        pairs = []
        for handler, result in self.send_catch_log(signal, **arguments):
            answer = result
            if hasattr(result, "__await__"):
                try:
                    answer = await self.bridge.deferred(result)
                except Exception as error:
                    logger.exception("Error in a handler of the signal %s", getattr(signal, "name", signal))
                    answer = error
            pairs.append((handler, answer))
        return pairs

    def send_catch_log_deferred(self, signal: Any, **arguments: Any) -> Deferred[list[tuple[Any, Any]]]:
        """Return a Deferred of what :meth:`send_catch_log_async` returns."""
        return start(self.send_catch_log_async(signal, **arguments))

    async def wait_for(self, signal: Any) -> None:
        """Return when *signal* is sent the next time."""
        sent, fire = promise()

        def once() -> None:
            self.disconnect(once, signal)
            fire(None)

        self.connect(once, signal)
        try:
            await sent
        finally:
            self.disconnect(once, signal)
