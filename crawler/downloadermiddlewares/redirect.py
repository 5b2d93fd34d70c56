"""Redirects: by a 3xx status with a Location, and by ``<meta http-equiv="refresh">``.

What cannot be followed (another scheme than http and https, no Location, nonsense) reaches the spider as it is; a chain
that is too long raises IgnoreRequest, so that the errback is called.

``meta``: ``dont_redirect``, ``handle_httpstatus_list``, ``handle_httpstatus_all``; a spider's own
``handle_httpstatus_list`` counts too. The policy is in ``crawler.http.redirects``.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from crawler.exceptions import NotConfigured
from crawler.http import HtmlResponse
from crawler.http.ratelimit import wait_asked_for
from crawler.http.redirects import (
    ALWAYS_SECRET,
    META_REFRESH_WITHIN,
    STATUSES,
    RedirectPolicy,
    location_of,
    meta_refresh,
    method_after,
    might_refresh,
    next_request,
    referrer_policy_of,
    target_of,
)
from crawler.url import defrag

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crawler.crawler import Crawler
    from crawler.http import Request, Response
    from crawler.settings import Settings

logger = logging.getLogger(__name__)


class BaseRedirectMiddleware:
    """How far redirects are followed: ``max_redirect_times`` and ``priority_adjust``, which subclasses may change."""

    #: The crawl, where the middleware was built by ``from_crawler``.
    crawler: Crawler

    def __init__(self, settings: Settings | None = None, *, policy: RedirectPolicy | None = None) -> None:
        self._policy = _policy(settings, policy)

    @property
    def max_redirect_times(self) -> int:
        """How long a chain of redirects may be."""
        return self._policy.max_times

    @max_redirect_times.setter
    def max_redirect_times(self, times: int) -> None:
        self._policy = replace(self._policy, max_times=times)

    @property
    def priority_adjust(self) -> int:
        """What is added to the priority of a request that is redirected."""
        return self._policy.priority_adjust

    @priority_adjust.setter
    def priority_adjust(self, adjustment: int) -> None:
        self._policy = replace(self._policy, priority_adjust=adjustment)


class RedirectMiddleware(BaseRedirectMiddleware):
    """Returns the request to which a response redirects."""

    def __init__(
        self, settings: Settings | None = None, *, policy: RedirectPolicy | None = None, handled: Collection[int] = ()
    ) -> None:
        super().__init__(settings, policy=policy)
        self._statuses = STATUSES.difference(handled)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from ``settings.redirect`` and the spider's ``handle_httpstatus_list``."""
        if not crawler.settings.redirect.enabled:
            raise NotConfigured
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        middleware._statuses = STATUSES.difference(getattr(crawler.spider, "handle_httpstatus_list", None) or ())
        return middleware

    # Hot: once per response.
    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Return the request that *response* leads to, or *response* itself."""
        if response.status not in self._statuses:
            return response
        meta = request.meta
        if (
            meta.get("dont_redirect")
            or meta.get("handle_httpstatus_all")
            or response.status in (meta.get("handle_httpstatus_list") or ())
        ):
            return response
        target = location_of(request.url, response.headers.getlist("Location"))
        if target is None:
            return response
        following = next_request(
            request,
            target,
            method=method_after(response.status, request.method),
            reason=response.status,
            policy=self._policy,
            referrer_policy=referrer_policy_of(response.headers.getlist("Referrer-Policy")),
        )
        if b"Retry-After" in response.headers:
            # RFC 9110 section 10.2.3: how long the redirected request is to wait.
            following.meta["retry_delay"] = min(
                wait_asked_for(response.headers, time.time()) or 0.0, self._policy.max_wait
            )
        logger.debug("Redirecting (%s) to %s from %s", response.status, following, request)
        return following


class MetaRefreshMiddleware(BaseRedirectMiddleware):
    """Returns the request to which the meta refresh of an HTML page leads, if it does so within *max_delay* seconds."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        policy: RedirectPolicy | None = None,
        max_delay: float = 100.0,
        ignore_tags: Sequence[str] = ("noscript",),
    ) -> None:
        super().__init__(settings, policy=policy)
        self._max_delay = max_delay if settings is None else settings.redirect.meta_refresh_max_delay
        self._ignore_tags = tuple(ignore_tags if settings is None else settings.redirect.meta_refresh_ignore_tags)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from ``settings.redirect``."""
        redirect = crawler.settings.redirect
        if not (redirect.enabled and redirect.meta_refresh):
            raise NotConfigured
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        return middleware

    # Hot: once per response.
    def process_response(self, request: Request, response: Response, spider: Any = None) -> Request | Response:
        """Return the request that the page *response* leads to, or *response* itself."""
        if not isinstance(response, HtmlResponse):
            return response
        start = response.body if response.spool is None else response.body_head(META_REFRESH_WITHIN)
        if not might_refresh(start):
            return response
        if request.method == "HEAD" or request.meta.get("dont_redirect"):
            return response
        head = start[:META_REFRESH_WITHIN].decode(response.encoding, "replace")
        refresh = meta_refresh(head, ignore_tags=self._ignore_tags)
        if refresh is None or refresh.seconds >= self._max_delay:
            return response
        target = target_of(request.url, response.urljoin(refresh.url))
        if target is None or (refresh.seconds > 0 and defrag(target) == defrag(request.url)):
            return response  # a page that reloads itself is a page
        following = next_request(request, target, method="GET", reason="meta refresh", policy=self._policy)
        logger.debug("Redirecting (meta refresh) to %s from %s", following, request)
        return following


def _policy(settings: Settings | None, policy: RedirectPolicy | None) -> RedirectPolicy:
    """Return *policy*, or the one of *settings*: what Scrapy's middleware is built with, and so its subclasses."""
    if policy is not None:
        return policy
    return policy_of(settings) if settings is not None else RedirectPolicy()


def policy_of(settings: Settings) -> RedirectPolicy:
    """Return the policy that ``settings.redirect`` describes."""
    redirect = settings.redirect
    return RedirectPolicy(
        max_times=redirect.max_times,
        priority_adjust=redirect.priority_adjust,
        # Whoever names headers of their own still keeps these three.
        secret_headers=ALWAYS_SECRET | {name.lower() for name in redirect.secret_headers},
        referrer_policy=settings.crawl.referrer_policy,
        max_wait=settings.politeness.max_wait,
    )
