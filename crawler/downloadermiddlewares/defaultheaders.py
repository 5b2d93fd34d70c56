"""The headers that every request has unless it says otherwise: ``settings.http.headers``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from crawler.exceptions import NotConfigured

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crawler.crawler import Crawler
    from crawler.http import Request


class DefaultHeadersMiddleware:
    """Gives requests those of *headers* that they do not have, in the order and spelling given here."""

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
        self._headers = [
            (name.encode("ascii"), value.encode("utf-8")) for name, value in dict(headers).items() if value is not None
        ]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from ``settings.http.headers``; without any the middleware is left out, unless it is a subclass."""
        if not crawler.settings.http.headers and cls is DefaultHeadersMiddleware:
            raise NotConfigured
        return cls(crawler.settings.http.headers)

    # Hot: once per request.
    def process_request(self, request: Request, spider: Any = None) -> None:
        """Add the headers that *request* does not have."""
        headers = request.headers
        for name, value in self._headers:
            headers.setdefault(name, value)
