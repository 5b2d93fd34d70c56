"""The downloader: the transport for a URL's scheme, the limits of a request, the Response."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from crawler.download.answer import Answer, response_of
from crawler.download.errors import InvalidRequestError
from crawler.exceptions import UnsupportedURLSchemeError

if TYPE_CHECKING:
    from crawler.download.transport import FetchLimits
    from crawler.http import Request, Response
    from crawler.interfaces import Clock

logger = logging.getLogger(__name__)

_LIMITS_IN_META = {
    "download_timeout": "timeout",
    "download_maxsize": "max_body",
    "download_fail_on_dataloss": "fail_on_dataloss",
    "download_to_file": "to_file",
}


class Transport(Protocol):
    """Fetches the URLs of a scheme."""

    async def fetch(self, request: Request, limits: FetchLimits) -> Answer:
        """Return what came back, or raise a ``DownloadError``."""


class ClosingTransport(Transport, Protocol):
    """A transport that keeps something open."""

    async def close(self) -> Any:
        """Close it."""


class FirstAsked:
    """A transport that *make* makes when the first request asks for it."""

    def __init__(self, make: Callable[[], ClosingTransport]) -> None:
        self._make = make
        self._made: ClosingTransport | None = None

    def made(self) -> ClosingTransport:
        """Return the transport."""
        if self._made is None:
            self._made = self._make()
        return self._made

    async def fetch(self, request: Request, limits: FetchLimits) -> Answer:
        """Fetch with the transport."""
        return await self.made().fetch(request, limits)

    async def close(self) -> None:
        """Close the transport if there is one."""
        if self._made is not None:
            await self._made.close()


class Downloader:
    """Fetches requests with the *transports* of their schemes, within *limits* unless ``request.meta`` says otherwise.

    Its keys are ``download_timeout``, ``download_maxsize``, ``download_warnsize``, ``download_fail_on_dataloss``, as Scrapy has
    them, and ``download_to_file``, which puts the body into a temporary file however small it is. ``transport`` names one of
    *named*.
    """

    def __init__(
        self,
        transports: Mapping[str, Transport],
        limits: FetchLimits,
        clock: Clock,
        *,
        named: Mapping[str, Transport] | None = None,
        warn_body: int = 0,
        close: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        self._transports = transports
        self._named = named or {}
        self._limits = limits
        self._clock = clock
        self._warn_body = warn_body
        self._close = close

    def __repr__(self) -> str:
        return f"<Downloader of {', '.join(self._transports)}>"

    # Hot: once per request.
    async def fetch(self, request: Request) -> Response:
        """Return the response to *request*; raise a ``DownloadError`` if there is none.

        ``request.meta["download_latency"]`` is set to the seconds that it took.
        """
        transport = self._transports.get(request.url.partition(":")[0])
        if transport is None:
            transport = self._other_transport(request)
        meta = request.meta
        if "transport" in meta:
            transport = self._named_transport(meta["transport"])
        limits = self._limits
        if (
            "download_timeout" in meta
            or "download_maxsize" in meta
            or "download_to_file" in meta
            or "download_fail_on_dataloss" in meta
        ):
            limits = replace(limits, **{ours: meta[name] for name, ours in _LIMITS_IN_META.items() if name in meta})
        began = self._clock.seconds()
        answer = await transport.fetch(request, limits)
        meta["download_latency"] = self._clock.seconds() - began
        warn_at = meta.get("download_warnsize", self._warn_body)
        if warn_at and len(answer.body) > warn_at:
            logger.warning("%s: the body is %d bytes long, more than %d", request, len(answer.body), warn_at)
        return response_of(request, answer)

    def _named_transport(self, name: Any) -> Transport:
        """Return the transport that a request asks for by name."""
        transport = self._named.get(name)
        if transport is None:
            raise InvalidRequestError(
                f'meta["transport"] is {name!r}; there are {", ".join(self._named)}'
                + ("" if "curl" in self._named else "; curl needs pip install 'crawler[curl]'")
            )
        return transport

    def _other_transport(self, request: Request) -> Transport:
        scheme = request.url.partition(":")[0].lower()
        transport = self._transports.get(scheme)
        if transport is None:
            raise UnsupportedURLSchemeError(
                f"{request.url[:200]}: {scheme} is not among the schemes that are switched on "
                f"({', '.join(self._transports)}); see http.schemes"
            )
        return transport

    async def close(self) -> None:
        """Close what is kept open between requests."""
        if self._close is not None:
            await self._close()
