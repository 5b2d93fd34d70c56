"""Cookies: what a response sets goes into a jar, what the jar has for a URL goes with the request.

Three sources may name a cookie. By name, the first of these counts, and all of them are sent in one header:

1. a ``Cookie`` header that the spider writes by hand; it is for this request and its retries only, and never stored;
2. ``Request(cookies=...)``, which is put into the jar, as if the server had set it;
3. the jar, which is chosen by ``meta["cookiejar"]``; None is the common one.

With ``meta["dont_merge_cookies"]`` the jar is neither read nor written, and 1 and 2 are sent.

``jars`` is open to spiders and extensions: ``crawler.get_downloader_middleware(CookiesMiddleware).jars[None]`` can be
read, changed, exported and restored.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Self

from crawler.exceptions import NotConfigured
from crawler.http.cookieheader import check, pairs_of, render
from crawler.http.cookies import CookieJars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crawler.crawler import Crawler
    from crawler.http import Request, Response

logger = logging.getLogger(__name__)

# Where a request remembers which Cookie header was made here, and what of it was written by hand: [made, by hand].
_MADE = "_cookie_header"


class CookiesMiddleware:
    """Keeps cookies in *jars*. With *debug* everything that is sent and received is logged, secrets included."""

    #: The crawl, where the middleware was built by ``from_crawler``.
    crawler: Crawler

    def __init__(
        self, debug: bool = False, *, jars: CookieJars | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.jars = jars if jars is not None else CookieJars()
        self.debug = debug
        self._now = now

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from ``settings.cookies``."""
        if not crawler.settings.cookies.enabled:
            raise NotConfigured
        middleware = cls(crawler.settings.cookies.debug)
        middleware.crawler = crawler
        return middleware

    # Hot: once per request.
    def process_request(self, request: Request, spider: Any = None) -> None:
        """Give *request* its Cookie header."""
        has_own = request.has_cookies or (request.has_headers and b"Cookie" in request.headers)
        if not has_own and not self.jars:
            return
        meta = request.meta if request.has_meta else {}
        uses_jar = not meta.get("dont_merge_cookies")
        jar = self.jars.get(meta.get("cookiejar")) if uses_jar else None
        if not has_own and not jar:
            return
        by_hand = self._by_hand(request)
        pairs = pairs_of(by_hand)
        names = {name for name, _ in pairs}
        if request.has_cookies:
            given = list(_given(request))
            if uses_jar:
                jar = self.jars[meta.get("cookiejar")]
                for cookie in given:
                    jar.add(request.url, now=self._now(), **cookie)
            else:
                pairs += [(cookie["name"], cookie["value"]) for cookie in given if cookie["name"] not in names]
        if jar:
            kept = jar.cookies_for(request.url, now=self._now())
            pairs += [(cookie.name, cookie.value) for cookie in kept if cookie.name not in names]
        self._set_header(request, render(pairs), by_hand)

    # Hot: once per response.
    def process_response(self, request: Request, response: Response, spider: Any = None) -> Response:
        """Take what *response* sets."""
        if b"Set-Cookie" not in response.headers:
            return response
        meta = request.meta if request.has_meta else {}
        if meta.get("dont_merge_cookies"):
            return response
        jar = self.jars[meta.get("cookiejar")]
        now = self._now()
        received = response.headers.getlist("Set-Cookie")
        for header in received:
            jar.store(request.url, header, now=now)
        if self.debug:
            logger.debug("Received cookies from: %s\n%s", response, _lines("Set-Cookie", received))
        return response

    def _by_hand(self, request: Request) -> bytes:
        """Return the part of the Cookie header of *request* that its author wrote."""
        if not request.has_headers:
            return b""
        header = request.headers.get("Cookie") or b""
        made = request.meta.get(_MADE) if request.has_meta else None
        return made[1] if made is not None and made[0] == header else header

    def _set_header(self, request: Request, header: bytes, by_hand: bytes) -> None:
        if not header:
            if request.has_headers:
                request.headers.pop("Cookie", None)
            return
        request.headers["Cookie"] = header
        if header != by_hand:
            request.meta[_MADE] = [header, by_hand]
        if self.debug:
            logger.debug("Sending cookies to: %s\n%s", request, _lines("Cookie", [header]))


def _given(request: Request) -> Iterator[dict[str, Any]]:
    """Yield the cookies that *request* was made with, as arguments of ``CookieJar.add``; wrong ones are logged."""
    cookies: Any = request.cookies
    if isinstance(cookies, dict):
        cookies = [{"name": name, "value": value} for name, value in cookies.items()]
    is_secure = request.url.startswith("https:")
    for cookie in cookies:
        name, value = _text(cookie.get("name")), _text(cookie.get("value"))
        if name is None or value is None:
            logger.warning(
                "Invalid cookie found in request %s: its %s is missing", request, "value" if name else "name"
            )
            continue
        try:
            check(name, value)
        except ValueError as error:
            logger.warning("Invalid cookie found in request %s: %s", request, error)
            continue
        yield {
            "name": name,
            "value": value,
            "domain": _text(cookie.get("domain")) or "",
            "path": _text(cookie.get("path")) or "",
            "secure": bool(cookie.get("secure", is_secure)),
        }


def _text(value: Any) -> str | None:
    """Return *value*, which may be text, bytes, a number or a flag, as text; None for None."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return None if value is None else str(value)


def _lines(name: str, values: list[bytes]) -> str:
    return "\n".join(f"{name}: {value.decode('utf-8', 'replace')}" for value in values)
