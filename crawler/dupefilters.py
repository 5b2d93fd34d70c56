"""Duplicates filters of the project's own, which are asked in the place of the crawler's (``components.dupefilter``).

The crawler itself knows every request that it has taken in, also after a crash (``crawler.frontier``), so most crawls need
nothing of this. A class that is named in ``components.dupefilter`` (Scrapy's ``DUPEFILTER_CLASS``) decides instead:

    request_fingerprint   overridden: what it returns is the identity of a request; the crawler keeps it with the job
    request_seen          overridden: its answer counts; ``super().request_seen(request)`` asks the crawler, so it knows what
                          was seen before a restart. What the class keeps by itself is its own to keep.

Requests with ``dont_filter`` are not asked about.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol, Self

from crawler.http.fingerprint import RequestFingerprinter

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.crawler import Crawler
    from crawler.http import Request


class _Fingerprinter(Protocol):
    def fingerprint(self, request: Request) -> bytes:
        """Return what two requests share if they are the same."""


class BaseDupeFilter:
    """Filters nothing; the methods that a duplicates filter has."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build it for *crawler*; with ``from_settings`` where a class has that."""
        make: Any = getattr(cls, "from_settings", None)
        built: Self = cls() if make is None else make(crawler.settings)
        return built

    def request_seen(self, request: Request) -> bool:
        """Tell whether *request* was seen before, and note that it now is."""
        return False

    def open(self) -> Any:
        """Begin; called when the crawl begins. May return an awaitable."""

    def close(self, reason: str) -> Any:
        """End; called when the crawl has ended. May return an awaitable."""

    def log(self, request: Request, spider: Any) -> None:
        """Note that *request* was filtered."""


class RFPDupeFilter(BaseDupeFilter):
    """Filters by fingerprint. *debug* (``DUPEFILTER_DEBUG``) logs every request that is filtered, not only the first.

    In a crawl what was seen is kept by the crawler, outside of one in ``fingerprints``; *path* is there for ported classes, and
    nothing is written to it.
    """

    def __init__(
        self, path: str | None = None, debug: bool = False, *, fingerprinter: _Fingerprinter | None = None
    ) -> None:
        self.fingerprinter: _Fingerprinter = fingerprinter or RequestFingerprinter()
        self.fingerprints: set[str] = set()
        self.logdupes = True
        self.debug = debug
        self.logger = logging.getLogger(__name__)
        #: In a crawl: tells whether the frontier has seen a request. It is the frontier that notes those that are taken in.
        self.seen_by_crawl: Callable[[Request], bool] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build it with the fingerprinter and the settings of *crawler*."""
        if hasattr(cls, "from_settings"):
            return super().from_crawler(crawler)
        return cls(debug=crawler.settings.log.duplicates, fingerprinter=crawler.request_fingerprinter)

    def request_fingerprint(self, request: Request) -> str:
        """Return what two requests share if they are the same, as text."""
        return self.fingerprinter.fingerprint(request).hex()

    def request_seen(self, request: Request) -> bool:
        """Tell whether *request* was seen before, and note that it now is."""
        if self.seen_by_crawl is not None:
            return self.seen_by_crawl(request)
        fingerprint = self.request_fingerprint(request)
        if fingerprint in self.fingerprints:
            return True
        self.fingerprints.add(fingerprint)
        return False

    def log(self, request: Request, spider: Any) -> None:
        """Log *request*, which was filtered: each with ``debug``, else the first. The crawl counts them."""
        if self.debug:
            referer = request.headers.get("Referer")
            told = referer.decode("utf-8", "replace") if referer else None
            message = "Filtered duplicate request: %s (referer: %s)"
            self.logger.debug(message, request, told, extra={"spider": spider})
        elif self.logdupes:
            self.logdupes = False
            self.logger.debug(
                "Filtered duplicate request: %s - no more duplicates will be shown (DUPEFILTER_DEBUG shows all)",
                request,
                extra={"spider": spider},
            )
        if self.seen_by_crawl is None:  # in a crawl the engine has counted it
            spider.crawler.stats.inc_value("dupefilter/filtered")
