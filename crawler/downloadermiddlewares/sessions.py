"""Sessions on the wire: each request goes out as the identity whose turn it is, and again as another where that one is blocked.

``meta["session"]`` names the identity of a request, which stays the same for that name until it is blocked; what is yielded from a
response goes on as it with ``meta={"session": response.meta["session"]}``. What a spider sets itself counts more: headers that are
not the defaults, ``meta["cookiejar"]`` and ``meta["proxy"]``.

An answer is a block by ``sessions.blocked_statuses``, ``sessions.blocked_texts``, or by what the spider's own
``is_blocked(response)`` says: True, False, or None to let the settings decide. The request is then tried again with another
identity, up to ``sessions.max_retries`` times; the last answer goes on to the callback or the errback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from crawler.exceptions import DownloadError, NotConfigured, ProxyError, SettingsError
from crawler.http import Headers
from crawler.http.sessions import WORN, BlockRules, ProxyPool, Session, SessionPool

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request, Response
    from crawler.stats import StatsCollector


class SessionsMiddleware:
    """Lets requests go out as the identities of *pool*."""

    def __init__(
        self,
        pool: SessionPool,
        *,
        rules: BlockRules,
        stats: StatsCollector,
        clock: Callable[[], float],
        defaults: Headers,
        max_retries: int = 3,
        is_blocked: Callable[[Response], bool | None] | None = None,
    ) -> None:
        self.pool = pool
        self._rules = rules
        self._stats = stats
        self._clock = clock
        self._defaults = defaults
        self._max_retries = max_retries
        self._is_blocked = is_blocked
        self._wearing: WeakKeyDictionary[Request, Session] = WeakKeyDictionary()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from ``settings.sessions``; without sessions, proxies and header sets the middleware is left out."""
        settings = crawler.settings.sessions
        if not (settings.size or settings.proxies or settings.headers):
            raise NotConfigured
        try:
            rules = BlockRules.of(settings.blocked_statuses, settings.blocked_texts)
        except ValueError as error:
            raise SettingsError(f"sessions.blocked_texts: {error}") from error
        pool = SessionPool(
            size=settings.size,
            proxies=ProxyPool(settings.proxies, cool_down=settings.cool_down) if settings.proxies else None,
            headers=settings.headers,
            max_uses=settings.max_uses,
            max_strikes=settings.max_strikes,
        )
        http = crawler.settings.http
        return cls(
            pool,
            rules=rules,
            stats=crawler.stats,
            clock=crawler.clock.seconds,
            defaults=Headers({**http.headers, "User-Agent": http.identification}),
            max_retries=settings.max_retries,
            is_blocked=getattr(crawler.spider, "is_blocked", None),
        )

    def process_request(self, request: Request, spider: Any = None) -> Request | None:
        """Put an identity on *request*; return it to wait where every proxy rests."""
        meta, now = request.meta, self._clock()
        session = self.pool.take(now, meta.get("session"))
        if session is None:
            assert self.pool.proxies is not None  # only proxies make a pool run out
            again: Request = request.replace(dont_filter=True)
            again.meta["retry_delay"] = max(0.0, self.pool.proxies.back_at() - now)
            again.meta["retry_reason"] = "every proxy rests"
            self._stats.inc_value("sessions/waited")
            return again
        self._wear(request, session)
        self._wearing[request] = session
        self._stats.inc_value("sessions/requests")
        return None

    def _wear(self, request: Request, session: Session) -> None:
        meta = request.meta
        worn: dict[str, Any] = {}
        if session.key is not None and "cookiejar" not in meta:
            meta["cookiejar"] = session.key
            worn["cookiejar"] = True
        if session.name is not None and "session" not in meta:
            meta["session"] = session.name
            worn["session"] = True
        if session.proxy is not None and "proxy" not in meta:
            meta["proxy"] = session.proxy.url
            worn["proxy"] = True
        if session.headers:
            worn["headers"] = self._dress(request, session)
        meta[WORN] = worn

    def _dress(self, request: Request, session: Session) -> list[str]:
        """Give *request* the headers of *session*, in their order; what it has of its own stays. Return their names."""
        headers = request.headers
        own = [(name, value) for name, value in headers.raw_items() if headers.get(name) != self._defaults.get(name)]
        kept = {name.title() for name, _ in own}
        given = [(name, value) for name, value in session.headers.items() if name.encode().title() not in kept]
        headers.clear()
        for name, value in given:
            headers[name] = value
        for written, one in own:
            headers.appendlist(written, one)
        return [name for name, _ in given]

    def _undress(self, request: Request) -> Session | None:
        """Take the identity off *request* again, so that neither a retry nor the job store has it; return it."""
        session = self._wearing.pop(request, None)
        worn = request.meta.pop(WORN, None) or {}
        for name in ("cookiejar", "proxy"):
            if worn.get(name):
                request.meta.pop(name, None)
        for name in worn.get("headers", ()):
            request.headers.pop(name, None)
        return session

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Return *response*, or *request* to try again as somebody else where it is a block."""
        named = request.meta.get(WORN, {}).get("session")
        session = self._undress(request)
        if session is None:
            return response
        reason = self._block(response)
        if not reason:
            self.pool.worked(session)
            return response
        self.pool.blocked(session, self._clock())
        self._stats.inc_value(f"sessions/blocked/{reason}")
        self._stats.set_value("sessions/retired", self.pool.retired)
        times = request.meta.get("session_retries", 0)
        if times >= self._max_retries or request.meta.get("dont_retry"):
            self._stats.inc_value("sessions/gave_up")
            return response
        again: Request = request.replace(dont_filter=True)
        if named:
            del again.meta["session"]
        again.meta["session_retries"] = times + 1
        again.meta["retry_reason"] = f"blocked: {reason}"
        return again

    def _block(self, response: Response) -> str:
        if self._is_blocked is not None:
            told = self._is_blocked(response)
            if told is not None:
                return "spider" if told else ""
        return self._rules.reason(response.status, response.body)

    def process_exception(self, request: Request, exception: Exception, spider: Any = None) -> None:
        """Let a proxy that cannot be used rest; whether the request is tried again is decided by others."""
        named = request.meta.get(WORN, {}).get("session")
        session = self._undress(request)
        if session is not None and isinstance(exception, DownloadError) and isinstance(exception, ProxyError):
            self.pool.proxy_failed(session, self._clock())
            self._stats.inc_value("sessions/proxy_failed")
            if named:
                request.meta.pop("session", None)
