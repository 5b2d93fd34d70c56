"""Downloader middlewares, folded once around the fetch.

``fold`` resolves every hook when the crawl is assembled and returns one coroutine function: request in, response out, or a
request to visit instead. A hook that is a plain function is called and no more; it is awaited only when it returns an
awaitable. Requests meet the middlewares in order, responses and exceptions in reverse, as in Scrapy.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from crawler.engine.components import hooks
from crawler.http import Request, Response

if TYPE_CHECKING:
    from crawler.concurrency import Bridge

#: What hooks a downloader middleware may have, and how many arguments the engine passes to each.
HOOKS = {"process_request": 1, "process_response": 2, "process_exception": 2}

#: Fetches a request; what a folded chain is too.
Download = Callable[[Request], Awaitable["Response | Request"]]


def fold(
    middlewares: Sequence[Any], fetch: Callable[[Request], Awaitable[Response]], *, spider: Any, bridge: Bridge
) -> Download:
    """Return *fetch* with the hooks of *middlewares* around it; *fetch* itself if they have none."""
    on_request = hooks(middlewares, "process_request", spider)
    on_response = hooks(reversed(middlewares), "process_response", spider)
    on_exception = hooks(reversed(middlewares), "process_exception", spider)
    if not (on_request or on_response or on_exception):
        return fetch

    # Hot: once per request.
    async def download(request: Request) -> Response | Request:
        try:
            response: Any = None
            for hook in on_request:
                response = hook(request)
                if response is not None:
                    response = await _settled(response, hook, bridge)
                    if response is not None:
                        break
            if response is None:
                response = await fetch(request)
        except Exception as error:
            response = await recover(request, error)
        for hook in on_response:
            if isinstance(response, Request):
                break
            response = hook(request, response)
            if not isinstance(response, Response):
                response = await _settled(response, hook, bridge)
                if response is None:
                    raise TypeError(f"{_name(hook)} returned None: return the response, or a request to visit instead")
        return response  # type: ignore[no-any-return]  # hooks are user code; checked by _settled

    async def recover(request: Request, error: Exception) -> Any:
        """Return what a hook makes of *error*, or raise it on."""
        for hook in on_exception:
            result = hook(request, error)
            if result is not None:
                result = await _settled(result, hook, bridge)
                if result is not None:
                    return result
        raise error

    return download


async def _settled(result: Any, hook: Callable[..., Any], bridge: Bridge) -> Any:
    """Return what *result* comes to: a request, a response or None."""
    if not isinstance(result, Response | Request) and hasattr(result, "__await__"):
        result = await bridge.deferred(result)
    if result is not None and not isinstance(result, Response | Request):
        raise TypeError(f"{_name(hook)} returned {result!r}: return None, a Response or a Request")
    return result


def _name(hook: Callable[..., Any]) -> str:
    return getattr(getattr(hook, "func", hook), "__qualname__", repr(hook))
