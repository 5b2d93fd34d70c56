"""The HTTP cache, in front of the wire: answers from what is kept where that is allowed, and keeps what may be kept.

Two policies: ``rfc9111`` does what a browser does (see ``http.cachepolicy``); ``everything`` keeps every response, to forms too,
and uses it for ever, for the work on a parser: crawl once, then again and again in seconds. Only what a server says in trouble
(5xx, 408, 425, 429) is asked for again, as a retry would. With ``cache.offline`` nothing is fetched at all, whatever a request
says, and what is not kept is an error that says so.

Users are kept apart: by Authorization and the other headers of ``redirect.secret_headers``, and by the ``cookiejar`` of ``meta``.
Identities of ``[sessions]`` are not: they are one user in several clothes. None of these secrets is stored, but for a digest.

An answer from the cache has the flag ``cached`` and ``meta["cache_timestamp"]``, the moment when it was received. It costs its host
no delay. ``meta["dont_cache"]`` keeps a request away from the cache.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from hashlib import blake2b
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
    is_conditional,
    is_invalidating,
    is_not_modified,
    is_storable,
    stored_of,
    tells_of,
)
from crawler.http.fingerprint import fingerprint
from crawler.http.redirects import ALWAYS_SECRET
from crawler.http.response import RESPONSE_CLASSES
from crawler.http.sessions import WORN
from crawler.http.sniff import kind_of
from crawler.settings import find_project
from crawler.url import origin

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request
    from crawler.stats import StatsCollector

logger = logging.getLogger(__name__)

_GATEWAY_TIMEOUT, _NOT_MODIFIED = 504, 304

#: What is on this machine: offline it can be read.
_LOCAL = ("file", "data")

#: Headers that tell one user from another. Not cookies, which a site changes at will: their jar does. Nor what is for a proxy.
_USERS = frozenset({"authorization", "x-api-key", "x-auth-token"})
_NO_USERS = frozenset({"cookie", "proxy-authorization"})

# A digest is another one for each request; who it is for is not.
_DIGEST_USER = re.compile(rb'^digest\b.*?\busername="((?:[^"\\]|\\.)*)"', re.IGNORECASE | re.DOTALL)


class HttpCacheMiddleware:
    """Answers requests from *store*. *settings* are the section ``cache``; *users* the headers that tell who asks."""

    def __init__(
        self,
        store: CacheStore,
        settings: Any,
        stats: StatsCollector,
        *,
        users: Iterable[str] = _USERS,
        wall_time: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self._settings = settings
        self._stats = stats
        self._time = wall_time
        self._users = sorted(users)
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
        secret = ALWAYS_SECRET | {name.lower() for name in crawler.settings.redirect.secret_headers}
        middleware = cls(store, settings, crawler.stats, users=(_USERS | secret) - _NO_USERS)
        crawler.signals.connect(middleware.engine_stopped, signals.engine_stopped)
        return middleware

    def engine_stopped(self) -> None:
        """Write what has gathered."""
        self.store.close()

    def process_request(self, request: Request, spider: Any = None) -> Response | None:
        """Return what is kept for *request* if it may be used, else None; ask whether it is still good where that can be asked."""
        if not self._takes(request):
            if self._settings.offline and request.url.partition(":")[0] not in _LOCAL:
                raise NotCachedError(
                    f"{request.url} is not for the cache, by meta['dont_cache'] or cache.ignore_schemes, "
                    "and cache.offline fetches nothing"
                )
            return None
        if not (self._keeps_everything or request.method in ("GET", "HEAD")):
            return self._missing(request)
        entry = self.store.find(self._key(request), request.headers)
        if entry is None:
            return self._missing(request)
        if self._settings.offline:
            return self._answer(request, entry, "hit")
        if self._keeps_everything:
            return self._missing(request) if _is_trouble(entry.stored.status) else self._answer(request, entry, "hit")
        return self._decided(request, entry)

    def _decided(self, request: Request, entry: Entry) -> Response | None:
        """Return *entry* if RFC 9111 allows it, else None; make *request* ask whether it is still good."""
        asked, now = request.headers, self._time()
        decision = decide(self._effective(entry.stored), asked, now)
        if decision.use is Use.FRESH:
            is_known = is_conditional(asked) and is_not_modified(entry.stored, asked)
            return self._not_modified(request, entry) if is_known else self._answer(request, entry, "hit")
        if "only-if-cached" in directives(asked):
            return self._gateway_timeout(request)
        if is_conditional(asked):
            self._sent[request] = (
                now,
                None,
                0.0,
            )  # the answer is to the author's condition: it says nothing of the entry
            return None
        self._sent[request] = (now, entry, decision.stale_until)
        if decision.use is Use.VALIDATE and request.method == "GET":
            for name, value in decision.conditions:
                asked[name] = value
        return None

    def _takes(self, request: Request) -> bool:
        if request.has_meta and request.meta.get("dont_cache"):
            return False
        return request.url.partition(":")[0] not in self._settings.ignore_schemes

    def _key(self, request: Request) -> bytes:
        """Return what the answer to *request* is kept under: what is asked for, and by whom."""
        is_head = request.method == "HEAD" and not self._keeps_everything
        asked_for = fingerprint(request.replace(method="GET") if is_head else request)
        user = self._user(request)
        return blake2b(asked_for + user, digest_size=16).digest() if user else asked_for

    def _user(self, request: Request) -> bytes:
        parts = []
        for name in self._users if request.has_headers else ():
            value = request.headers.get(name)
            if value is not None:
                digest = _DIGEST_USER.match(value)
                parts.append(name.encode() + b":" + (digest[1] if digest is not None else value))
        meta = request.meta if request.has_meta else {}
        jar = meta.get("cookiejar")
        if jar is not None and not meta.get(WORN, {}).get("cookiejar"):
            parts.append(b"jar:" + repr(jar).encode())
        return b"\n".join(parts)

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

    def _not_modified(self, request: Request, entry: Entry) -> Response:
        """Return the answer that the author of *request* has the page of *entry* already."""
        self._stats.inc_value("httpcache/hit")
        headers = Headers(entry.stored.headers)
        for name in [name for name in headers if name.startswith(b"Content-")]:
            del headers[name]
        headers["Age"] = str(int(age(entry.stored, self._time())))
        return Response(request.url, status=_NOT_MODIFIED, headers=headers, request=request, flags=[CACHED])

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
        body = entry.body if request.method != "HEAD" else b""
        cls = RESPONSE_CLASSES.get(kind_of(headers.get, entry.url, body), Response)
        return cls(request.url, status=entry.stored.status, headers=headers, body=body, request=request, flags=[CACHED])

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Response:
        """Keep *response* if that is allowed; return what was kept where the server says that it is still good."""
        if CACHED in response.flags or not self._takes(request):
            return response
        now = self._time()
        sent, entry, stale_until = self._sent.pop(request, (now, None, 0.0))
        self._stats.inc_value("httpcache/firsthand")
        if not self._keeps_everything:
            if is_invalidating(request.method, response.status):
                self._invalidate(request, response)
            if request.method == "HEAD" and entry is not None:
                self._learn_of_head(request, response, entry, sent, now)
            if request.method != "GET":
                return response
        if entry is not None:
            self._unconditioned(request, entry)
            if response.status == _NOT_MODIFIED:
                fresh = self._freshened(request, response, entry, sent, now)
                return self._answer(request, fresh, "revalidate")
            if response.status >= 500 and now < stale_until:
                return self._answer(request, entry, "errorrecovery")
            self._stats.inc_value("httpcache/invalidate")
        self._keep(request, response, entry, sent, now)
        return response

    def _freshened(self, request: Request, response: Response, entry: Entry, sent: float, now: float) -> Entry:
        """Return *entry* with what *response* says of it, and keep it so."""
        stored = freshened(entry.stored, response.headers, requested=sent, received=now)
        fresh = Entry(entry.url, stored, entry.body)
        self.store.put(self._key(request), fresh, replacing=entry)
        return fresh

    def _learn_of_head(self, request: Request, response: Response, entry: Entry, sent: float, now: float) -> None:
        """Let the answer to a HEAD make what is kept fresh, or invalid if it is about another page (section 4.3.5)."""
        if response.status != 200:
            return
        if tells_of(entry.stored, response.headers):
            self._freshened(request, response, entry, sent, now)
        else:
            self.store.remove(self._key(request))
            self._stats.inc_value("httpcache/invalidate")

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
            or response.status == _NOT_MODIFIED
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
        self.store.put(self._key(request), Entry(request.url, stored, response.body), replacing=entry)
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
                self.store.remove(self._key(request.replace(url=url, method="GET", body=b"")))

    def process_exception(self, request: Request, exception: Exception, spider: Any = None) -> Response | None:
        """Return what was kept where the server cannot be asked and that allows to use it (stale-if-error)."""
        _, entry, stale_until = self._sent.pop(request, (0.0, None, 0.0))
        if entry is None:
            return None
        self._unconditioned(request, entry)
        if isinstance(exception, DownloadError) and self._time() < stale_until:
            return self._answer(request, entry, "errorrecovery")
        return None


def _is_trouble(status: int) -> bool:
    """Tell whether *status* is about the moment, so that asking again may bring something else."""
    return status >= 500 or status in (408, 425, 429)
