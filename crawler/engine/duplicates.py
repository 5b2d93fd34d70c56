"""A duplicates filter of the project's own in the place of the frontier's; see ``crawler.dupefilters``."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from crawler import signals
from crawler.dupefilters import RFPDupeFilter
from crawler.engine import components
from crawler.exceptions import ComponentError
from crawler.http.fingerprint import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.crawler import Crawler
    from crawler.frontier import Frontier
    from crawler.http import Request


class OwnFilter:
    """The filter that the settings of *crawler* name. Raise ComponentError if it is none."""

    def __init__(self, crawler: Crawler, spider: Any) -> None:
        named = crawler.settings.components.dupefilter or RFPDupeFilter
        self._filter = components.instance(components.Declared(named), crawler)
        self._spider = spider
        if not callable(getattr(self._filter, "request_seen", None)):
            raise ComponentError(f"components.dupefilter: {named} has no method request_seen(request)")
        for name, signal in (("open", signals.engine_started), ("close", signals.spider_closed)):
            method = getattr(self._filter, name, None)
            if method is not None:
                crawler.signals.connect(method, signal)

    @classmethod
    def of(cls, crawler: Crawler, spider: Any) -> OwnFilter | None:
        """Return the filter, None where the frontier's own does all that the settings ask for."""
        settings = crawler.settings
        return cls(crawler, spider) if settings.components.dupefilter or settings.log.duplicates else None

    def identity(self, default: Callable[[Request], bytes]) -> Callable[[Request], bytes]:
        """Return what gives the identity of a request: the filter's ``request_fingerprint`` if it has one of its own."""
        fingerprint = getattr(self._filter, "request_fingerprint", None)
        if fingerprint is None or getattr(fingerprint, "__func__", None) is RFPDupeFilter.request_fingerprint:
            return default

        def identity(request: Request) -> bytes:
            known = fingerprint(request)
            if not isinstance(known, str | bytes):
                name = type(self._filter).__qualname__
                raise ComponentError(f"{name}.request_fingerprint returned {known!r} for {request}: return a text")
            return blake2b(known.encode() if isinstance(known, str) else known, digest_size=SIZE).digest()

        return identity

    def around(self, frontier: Frontier) -> Callable[[Request], bool]:
        """Return what tells whether a request is filtered, in the place of *frontier*'s own answer."""
        if isinstance(self._filter, RFPDupeFilter):
            self._filter.seen_by_crawl = frontier.is_duplicate
        seen, log, spider = self._filter.request_seen, getattr(self._filter, "log", None), self._spider

        def is_duplicate(request: Request) -> bool:
            if request.dont_filter or not seen(request):
                return False
            if log is not None:
                log(request, spider)
            return True

        return is_duplicate
