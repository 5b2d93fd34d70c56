"""Scraping: a response goes into its callback, what comes out is handled one by one.

A callback may be a function, a generator, a coroutine or an asynchronous generator, and may return a Deferred. A plain
generator, by far the commonest, is iterated in place: no task, no queue, no copy. *handle* is called with every output and
returns None, or a Deferred to wait for before the next output (back pressure of asynchronous pipelines).

A response whose status the spider does not handle goes to the errback as ``HttpError``; so does every download error.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Container, Iterable
from functools import partial
from types import CodeType, GeneratorType
from typing import TYPE_CHECKING, Any

from twisted.python.failure import Failure

from crawler.engine.lostreturns import returns_value
from crawler.item import outputs_of
from crawler.spidermiddlewares.httperror import HttpError
from crawler.spiders import Spider

if TYPE_CHECKING:
    from crawler.concurrency import Bridge
    from crawler.engine.spidermiddleware import SpiderChain
    from crawler.engine.typed import TypedItems
    from crawler.engine.waits import Callbacks
    from crawler.http import Request, Response

logger = logging.getLogger(__name__)

#: Takes one output; the Deferred it may return is waited for before the next.
Handle = Callable[[Any], Any]


class Scraper:
    """Calls the callbacks and errbacks of *spider*.

    *chain* are the spider middlewares, None if none are installed; *typed* is what callbacks say that they yield, None if that is
    nothing. A callback that holds the reactor longer than *patience*
    seconds is named in a warning.
    """

    def __init__(
        self,
        spider: Any,
        *,
        bridge: Bridge,
        chain: SpiderChain | None = None,
        typed: TypedItems | None = None,
        callbacks: Callbacks,
        patience: float = 0.25,
        allow_all_statuses: bool = False,
        allowed_statuses: frozenset[int] = frozenset(),
    ) -> None:
        self._spider = spider
        self._default = default_callback(spider)
        self._looked_at: set[CodeType] = set()
        self._bridge = bridge
        self._chain = chain
        self._typed = typed
        self._callbacks = callbacks
        self._patience = patience
        self._allow_all = allow_all_statuses
        self._allowed = allowed_statuses

    # Hot: once per response.
    async def scrape(self, request: Request, response: Response, handle: Handle) -> None:
        """Pass *response* to the callback of *request* and its outputs to *handle*; raise what the callback raises."""
        status = response.status
        if not 200 <= status < 300 and not self._handles_status(request, status):
            refused = HttpError(
                response, f"HTTP status {status} is not handled: list it in handle_httpstatus_list to get it"
            )
            await self._refuse(refused, request, response, handle)
            return
        callback = request.callback or self._default
        if self._typed is not None:
            handle = self._typed.around(callback, handle, request, response)
        if self._chain is None:
            await self._deliver(callback, (response,), request.cb_kwargs if request.has_cb_kwargs else {}, handle)
        else:
            await self._deliver_through(self._chain, callback, response, request, handle)

    async def errback(self, request: Request, error: BaseException, handle: Handle) -> None:
        """Pass *error* to the errback of *request* as a Failure and its outputs to *handle*."""
        failure = Failure(error)
        failure.request = request  # type: ignore[attr-defined]  # Scrapy's contract with errbacks
        if isinstance(error, HttpError):
            error.response.request = request
        assert request.errback is not None
        if self._typed is not None:
            handle = self._typed.around(request.errback, handle, request, getattr(error, "response", None))
        response = getattr(error, "response", None)
        if self._chain is None or response is None:
            await self._deliver(request.errback, (failure,), {}, handle)
        else:
            await self._deliver_out(self._chain, partial(request.errback, failure), response, handle)

    async def _refuse(self, error: Exception, request: Request, response: Response, handle: Handle) -> None:
        """Let the spider middlewares have the *error* that keeps *response* from its callback; raise it if none takes it."""
        stream = self._chain.recovered(response, error) if self._chain is not None and request.errback is None else None
        if stream is None:
            raise error
        await self._take(stream, handle, _refused)

    def _handles_status(self, request: Request, status: int) -> bool:
        meta = request.meta
        if meta.get("handle_httpstatus_all"):
            return True
        if "handle_httpstatus_list" in meta:
            return status in meta["handle_httpstatus_list"]
        if self._allow_all:
            return True
        allowed: Container[int] = getattr(self._spider, "handle_httpstatus_list", self._allowed)
        return status in allowed

    async def _deliver(
        self, callback: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any], handle: Handle
    ) -> None:
        """Call *callback* and handle its outputs, timing what it does without giving the reactor back."""
        began = time.perf_counter()
        result = callback(*arguments, **named)
        if type(result) is GeneratorType and result.gi_code not in self._looked_at:
            self._look_at(result.gi_code, callback)
        if result is None:
            self._held(callback, time.perf_counter() - began)
            return
        if hasattr(result, "__await__"):
            self._held(callback, time.perf_counter() - began)
            result = await self._bridge.deferred(result, partial(self._held, callback))
            began = time.perf_counter()
            if result is None:
                return
        if hasattr(result, "__aiter__"):
            await self._bridge.deferred(self._drain(result, handle), partial(self._held, callback))
            return
        for output in outputs_of(result):
            pending = handle(output)
            if pending is not None:
                self._held(callback, time.perf_counter() - began)
                await pending
                began = time.perf_counter()
        self._held(callback, time.perf_counter() - began)

    async def _drain(self, outputs: AsyncIterator[Any], handle: Handle) -> None:
        async for output in outputs:
            pending = handle(output)
            if pending is not None:
                await pending

    async def _deliver_through(
        self, chain: SpiderChain, callback: Callable[..., Any], response: Response, request: Request, handle: Handle
    ) -> None:
        """As :meth:`_deliver`, with spider middlewares before and after."""
        try:
            await chain.check_input(response)
        except Exception as error:
            if request.errback is None or isinstance(error, HttpError):  # the engine counts it, and calls the errback
                await self._refuse(error, request, response, handle)
            else:
                error.response = response  # type: ignore[attr-defined]  # as errbacks find that of HttpError
                await self.errback(request, error, handle)
            return
        await self._deliver_out(chain, partial(callback, response, **request.cb_kwargs), response, handle)

    async def _deliver_out(self, chain: SpiderChain, call: partial[Any], response: Response, handle: Handle) -> None:
        """Make the *call* of a callback, and handle what spider middlewares make of its outputs."""
        callback = call.func
        try:
            began = time.perf_counter()
            result = call()
            self._held(callback, time.perf_counter() - began)
            if type(result) is GeneratorType and result.gi_code not in self._looked_at:
                self._look_at(result.gi_code, callback)
            if hasattr(result, "__await__"):
                result = await self._bridge.deferred(result, partial(self._held, callback))
            if result is not None and not hasattr(result, "__aiter__"):
                result = outputs_of(result)
        except Exception as error:
            stream = chain.recovered(response, error)
            if stream is None:
                raise
        else:
            stream = chain.output(response, result)
        await self._take(stream, handle, callback)

    async def _take(
        self, stream: Iterable[Any] | AsyncIterator[Any], handle: Handle, callback: Callable[..., Any]
    ) -> None:
        """Handle what *stream* yields of the outputs of *callback*."""
        if isinstance(stream, AsyncIterator):
            await self._bridge.deferred(self._drain(stream, handle), partial(self._held, callback))
            return
        began = time.perf_counter()
        for output in stream:
            pending = handle(output)
            if pending is not None:
                self._held(callback, time.perf_counter() - began)
                await pending
                began = time.perf_counter()
        self._held(callback, time.perf_counter() - began)

    def _look_at(self, code: CodeType, callback: Callable[..., Any]) -> None:
        """Tell once if the generator of *callback* returns something, which nobody gets."""
        self._looked_at.add(code)
        if returns_value(code):
            logger.warning(
                "%s (%s:%d) yields, and what it returns with  return value  is lost: write  yield  or  yield from  there",
                qualified_name(callback),
                code.co_filename,
                code.co_firstlineno,
            )

    def _held(self, callback: Callable[..., Any], held: float) -> None:
        """Count that *callback* held the reactor for *held* seconds; name it if that is longer than it may."""
        self._callbacks.add(qualified_name(callback), held)
        if held > self._patience:
            logger.warning(
                "%s held the reactor for %.2f s; nothing else could run meanwhile (limit: crawl.max_callback_seconds = %g)",
                qualified_name(callback),
                held,
                self._patience,
            )


def _refused(response: Response) -> None:
    """Stand for the callback of a response that was kept from it."""


def default_callback(spider: Any) -> Callable[..., Any]:
    """Return the callback of requests that name none: ``parse``, unless the kind of spider does something before it."""
    if isinstance(spider, Spider) and type(spider)._parse is Spider._parse:
        return spider.parse
    return spider._parse  # type: ignore[no-any-return]  # a spider that is no Spider must have one


# Hot: once per response.
def qualified_name(callback: Callable[..., Any]) -> str:
    """Return the name under which the author of *callback* knows it."""
    name: str | None = getattr(getattr(callback, "__func__", callback), "__qualname__", None)
    return repr(callback) if name is None else name
