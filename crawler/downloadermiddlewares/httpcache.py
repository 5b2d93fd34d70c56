"""The HTTP cache, in front of the wire: answers from what is kept where that is allowed, and keeps what may be kept.

Two policies: ``rfc9111`` does what a browser does (see ``http.cachepolicy``); ``everything`` keeps every response and uses it for
ever, for the work on a parser: crawl once, then again and again in seconds. With ``cache.offline`` nothing is fetched at all, and
what is not kept is an error that says so.

An answer from the cache has the flag ``cached`` and ``meta["cache_timestamp"]``, the moment when it was received. It costs its host
no delay. ``meta["dont_cache"]`` keeps a request away from the cache.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin
from weakref import WeakKeyDictionary

from crawler import signals
from crawler.download.cachestore import CacheStore, Entry
from crawler.exceptions import DownloadError, NotCachedError, NotConfigured
from crawler.http import Headers, Response
from crawler.http.cachepolicy import (
    CACHED,
    Stored,
    Use,
    age,
    decide,
    directives,
    freshened,
    is_invalidating,
    is_storable,
    stored_of,
)
from crawler.http.fingerprint import fingerprint
from crawler.http.response import RESPONSE_CLASSES
from crawler.http.sniff import kind_of
from crawler.settings import find_project
from crawler.url import origin

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request
    from crawler.stats import StatsCollector

logger = logging.getLogger(__name__)

_GATEWAY_TIMEOUT = 504


class HttpCacheMiddleware:
    """Answers requests from *store*. *settings* are the section ``cache``."""

    def __init__(
        self,
        store: CacheStore,
        settings: Any,
        stats: StatsCollector,
        *,
        wall_time: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self._settings = settings
        self._stats = stats
        self._time = wall_time
        self._keeps_everything = settings.policy == "everything"
        self._ignored = frozenset(settings.ignore_response_directives)
        #: What is on the wire: when it was sent; and what is kept for it, with when that may be used on an error.
        self._sent: WeakKeyDictionary[Request, tuple[float, Entry | None, float]] = WeakKeyDictionary()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from ``settings.cache``; left out where it is not enabled."""
        settings = crawler.settings.cache
        if not settings.enabled:
            raise NotConfigured
        path = Path(settings.path) if settings.path else Path(crawler.settings.frontier.directory) / "cache.sqlite"
        store = CacheStore((find_project() or Path()) / path, max_size=settings.max_size, max_age=settings.max_age)
        middleware = cls(store, settings, crawler.stats)
        crawler.signals.connect(middleware.engine_stopped, signals.engine_stopped)
        return middleware

    def engine_stopped(self) -> None:
        """Write what has gathered."""
        self.store.close()

    def process_request(self, request: Request, spider: Any = None) -> Response | None:
        """Return what is kept for *request* if it may be used, else None; ask whether it is still good where that can be asked."""
        if not self._takes(request):
            return None
        asked, now = request.headers, self._time()
        entry = self.store.find(fingerprint(request), asked) if request.method == "GET" else None
        if entry is None:
            return self._missing(request)
        if self._keeps_everything or self._settings.offline:
            return self._answer(request, entry, "hit")
        decision = decide(self._effective(entry.stored), asked, now)
        if decision.use is Use.FRESH:
            return self._answer(request, entry, "hit")
        if "only-if-cached" in directives(asked):
            return self._gateway_timeout(request)
        self._sent[request] = (now, entry, decision.stale_until)
        if decision.use is Use.VALIDATE and not (b"If-None-Match" in asked or b"If-Modified-Since" in asked):
            for name, value in decision.conditions:
                asked[name] = value
        return None

    def _takes(self, request: Request) -> bool:
        if request.has_meta and request.meta.get("dont_cache"):
            return False
        return request.url.partition(":")[0] not in self._settings.ignore_schemes

    def _missing(self, request: Request) -> Response | None:
        self._stats.inc_value("httpcache/miss")
        if self._settings.offline:
            self._stats.inc_value("httpcache/ignore")
            raise NotCachedError(
                f"{request.url} is not in the cache {self.store.path}, and cache.offline fetches nothing: crawl once without it"
            )
        if request.method == "GET" and "only-if-cached" in directives(request.headers):
            return self._gateway_timeout(request)
        self._sent[request] = (self._time(), None, 0.0)
        return None

    def _gateway_timeout(self, request: Request) -> Response:
        return Response(request.url, status=_GATEWAY_TIMEOUT, request=request, flags=[CACHED])

    def _effective(self, stored: Stored) -> Stored:
        """Return *stored* without the directives that are to be ignored."""
        if not self._ignored:
            return stored
        headers = Headers(stored.headers)
        told = directives(headers)
        headers[b"Cache-Control"] = ", ".join(
            f"{name}={value}" if value else name for name, value in told.items() if name not in self._ignored
        )
        return Stored(stored.status, headers, stored.requested, stored.received, stored.vary)

    def _answer(self, request: Request, entry: Entry, how: str) -> Response:
        self._stats.inc_value(f"httpcache/{how}")
        request.meta["cache_timestamp"] = entry.stored.received
        headers = Headers(entry.stored.headers)
        headers["Age"] = str(int(age(entry.stored, self._time())))
        cls = RESPONSE_CLASSES.get(kind_of(headers.get, entry.url, entry.body), Response)
        return cls(
            request.url, status=entry.stored.status, headers=headers, body=entry.body, request=request, flags=[CACHED]
        )

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Response:
        """Keep *response* if that is allowed; return what was kept where the server says that it is still good."""
        if CACHED in response.flags or not self._takes(request):
            return response
        now = self._time()
        sent, entry, stale_until = self._sent.pop(request, (now, None, 0.0))
        self._stats.inc_value("httpcache/firsthand")
        if is_invalidating(request.method, response.status):
            self._invalidate(request, response)
        if request.method != "GET":
            return response
        if entry is not None:
            self._unconditioned(request, entry)
            if response.status == 304:
                fresh = Entry(
                    entry.url, freshened(entry.stored, response.headers, requested=sent, received=now), entry.body
                )
                self.store.put(fingerprint(request), fresh, replacing=entry)
                return self._answer(request, fresh, "revalidate")
            if response.status >= 500 and now < stale_until:
                return self._answer(request, entry, "errorrecovery")
            self._stats.inc_value("httpcache/invalidate")
        self._keep(request, response, entry, sent, now)
        return response

    def _unconditioned(self, request: Request, entry: Entry) -> None:
        """Take the conditions off *request* again: they are no part of what it is."""
        for name, value in (("If-None-Match", b"Etag"), ("If-Modified-Since", b"Last-Modified")):
            if request.headers.get(name) == entry.stored.headers.get(value):
                request.headers.pop(name, None)

    def _keep(self, request: Request, response: Response, entry: Entry | None, sent: float, now: float) -> None:
        settings = self._settings
        if (
            response.status in settings.ignore_statuses
            or "dataloss" in response.flags
            or "download_stopped" in response.flags
            or response.body_size > settings.max_body
            or response.status == 304
        ):
            self._stats.inc_value("httpcache/uncacheable")
            return
        headers = self._effective(Stored(response.status, response.headers, sent, now)).headers
        if not (
            self._keeps_everything
            or settings.always_store
            or is_storable(request.method, request.headers, response.status, headers)
        ):
            self._stats.inc_value("httpcache/uncacheable")
            return
        stored = stored_of(request.headers, response.status, Headers(response.headers), requested=sent, received=now)
        self.store.put(fingerprint(request), Entry(request.url, stored, response.body), replacing=entry)
        self._stats.inc_value("httpcache/store")

    def _invalidate(self, request: Request, response: Response) -> None:
        """Forget what is kept for the URL, and for those of the same origin that the response names (section 4.4)."""
        urls = {request.url}
        for name in (b"Location", b"Content-Location"):
            value = response.headers.get(name)
            if value is not None:
                urls.add(urljoin(request.url, value.decode("latin-1")))
        for url in urls:
            if origin(url) == origin(request.url):
                self.store.remove(fingerprint(request.replace(url=url, method="GET", body=b"")))

    def process_exception(self, request: Request, exception: Exception, spider: Any = None) -> Response | None:
        """Return what was kept where the server cannot be asked and that allows to use it (stale-if-error)."""
        _, entry, stale_until = self._sent.pop(request, (0.0, None, 0.0))
        if entry is None:
            return None
        self._unconditioned(request, entry)
        if isinstance(exception, DownloadError) and self._time() < stale_until:
            return self._answer(request, entry, "errorrecovery")
        return None
