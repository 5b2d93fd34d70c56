"""Credentials: basic, bearer and digest, for one domain or origin and never for any other.

They come from ``settings.auth`` (or a spider's ``http_user``, ``http_pass`` and ``http_auth_domain``), where a domain
must be named; or from ``meta``: ``http_user`` and ``http_pass``, or ``http_token``, with ``http_auth_domain``, and
``http_auth_scheme`` ``"basic"`` or ``"digest"``. A request moves those of its URL (``https://me:secret@host/``) there.
Credentials in meta without a domain are bound to the origin of the first request that carries them, so that neither a
redirect nor a callback that passes ``meta`` on takes them elsewhere.

An Authorization header written by hand is left alone. After a redirect from https to http nothing is sent.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Self

from crawler.exceptions import SettingsError
from crawler.http.auth import Credentials, digest_challenge
from crawler.url import origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.crawler import Crawler
    from crawler.http import Request, Response
    from crawler.http.auth import Challenge

# A wrong password is answered with a challenge again; a second try with a fresh nonce is all that can help.
_MAX_ANSWERS = 2


class HttpAuthMiddleware:
    """Adds Authorization to the requests that *credentials*, or their own meta, are for."""

    def __init__(
        self, *, credentials: Credentials | None = None, client_nonce: Callable[[], str] = lambda: secrets.token_hex(16)
    ) -> None:
        self._credentials = credentials
        self._client_nonce = client_nonce
        self._challenges: dict[str, _Used] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler, *, scheme: str = "basic", token: str = "") -> Self:
        """Build from ``settings.auth`` and the spider's attributes."""
        spider, auth = crawler.spider, crawler.settings.auth
        user = getattr(spider, "http_user", "") or auth.user
        password = getattr(spider, "http_pass", "") or auth.password
        domain = getattr(spider, "http_auth_domain", "") or auth.domain
        if not (user or password or token):
            return cls()
        if not domain:
            raise SettingsError("auth.user is set but auth.domain is not: name the domain that the credentials are for")
        return cls(
            credentials=Credentials(domain=domain, user=user, password=password, token=token, scheme=_scheme(scheme))
        )

    # Hot: once per request.
    def process_request(self, request: Request, spider: Any = None) -> None:
        """Add the Authorization header that belongs to *request*, if any."""
        if self._credentials is None and not (request.has_meta and _carries(request.meta)):
            return
        credentials = self._credentials_for(request)
        if credentials is None or not credentials.are_for(request.url) or _lost_tls(request):
            return
        given = request.headers.get("Authorization")
        if credentials.scheme != "digest":
            if given is None:
                request.headers["Authorization"] = credentials.header()
            return
        used = self._challenges.get(origin(request.url))
        if used is not None and (given is None or given.startswith(b"Digest ")):
            used.count += 1
            request.headers["Authorization"] = used.challenge.answer(
                credentials.user,
                credentials.password,
                method=request.method,
                url=request.url,
                body=request.body,
                count=used.count,
                client_nonce=self._client_nonce(),
            )

    # Hot: once per response.
    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Return *request* again if *response* asks for a digest that we can give."""
        if response.status != 401:
            return response
        credentials = self._credentials_for(request)
        if credentials is None or credentials.scheme != "digest" or not credentials.are_for(request.url):
            return response
        challenge = digest_challenge(response.headers.getlist("WWW-Authenticate"))
        answers = request.meta.get("_digest_answers", 0)
        if challenge is None or _lost_tls(request) or answers >= (_MAX_ANSWERS if challenge.is_stale else 1):
            return response
        self._challenges[origin(request.url)] = _Used(challenge)
        again: Request = request.replace(dont_filter=True)
        again.meta["_digest_answers"] = answers + 1
        return again

    def _credentials_for(self, request: Request) -> Credentials | None:
        """Return the credentials that *request* carries, else those of the crawl."""
        meta = request.meta
        if not _carries(meta):
            return self._credentials
        return Credentials(
            domain=meta.get("http_auth_domain") or meta.setdefault("http_auth_domain", origin(request.url)),
            user=meta.get("http_user", ""),
            password=meta.get("http_pass", ""),
            token=meta.get("http_token", ""),
            scheme=_scheme(meta.get("http_auth_scheme", "basic")),
        )


class _Used:
    """A challenge, and how often its nonce was used."""

    __slots__ = ("challenge", "count")

    def __init__(self, challenge: Challenge) -> None:
        self.challenge = challenge
        self.count = 0


def _carries(meta: dict[str, object]) -> bool:
    return "http_user" in meta or "http_pass" in meta or "http_token" in meta


def _lost_tls(request: Request) -> bool:
    """Tell whether a redirect has led *request* from https to http."""
    passed = request.meta.get("redirect_urls", ()) if request.has_meta else ()
    return not request.url.startswith("https:") and any(url.startswith("https:") for url in passed)


def _scheme(name: str) -> str:
    if name not in ("basic", "digest"):
        raise SettingsError(f"unknown http_auth_scheme {name!r}; write 'basic' or 'digest'")
    return name
