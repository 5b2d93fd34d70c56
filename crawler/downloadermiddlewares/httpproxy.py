"""Proxies: which one a request goes through, where it does not say so itself.

``meta["proxy"]`` is the URL of a proxy, with user and password if it wants them; None or ``""`` is none. A request without it
gets what ``http.proxy`` and ``http.proxies`` say for its URL, else the environment (``http_proxy``, ``https_proxy``,
``all_proxy``, ``no_proxy``); that choice is made anew for every hop and every retry, so that a redirect from http to https
goes through the proxy for https. It is written into ``meta["proxy"]`` without credentials: those stay with the connections.

A Proxy-Authorization header is for the proxy that the request first goes through. It never reaches an origin.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from crawler.download import proxy_rules
from crawler.exceptions import NotConfigured
from crawler.settings import Settings

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request
    from crawler.http.proxy import ProxyRules

logger = logging.getLogger(__name__)

# What was chosen here, as against what the spider or another middleware wrote.
_CHOSEN = "_proxy_chosen"


class HttpProxyMiddleware:
    """Gives requests without ``meta["proxy"]`` the proxy that *rules* have for their URL."""

    def __init__(self, auth_encoding: str = "latin-1", *, rules: ProxyRules | None = None) -> None:
        # The encoding is Scrapy's argument; credentials are sent as they are written.
        self._rules = proxy_rules(Settings().http) if rules is None else rules

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from ``settings.http`` and the environment; left out if they name no proxy, unless it is a subclass."""
        rules = proxy_rules(crawler.settings.http)
        if not rules:
            if cls is HttpProxyMiddleware:
                raise NotConfigured
            return cls(rules=rules)
        logger.info(
            "Requests go through a proxy: %s",
            ", ".join(f"{proxy} for {scheme}" for scheme, proxy in rules.by_scheme.items()),
        )
        return cls(rules=rules)

    # Hot: once per request.
    def process_request(self, request: Request, spider: Any = None) -> None:
        """Choose the proxy of *request*, unless it names one."""
        meta = request.meta
        if "proxy" in meta and (_CHOSEN not in meta or meta[_CHOSEN] != meta["proxy"]):
            return
        proxy = self._rules.proxy_for(request.url)
        if proxy is not None:
            meta["proxy"] = meta[_CHOSEN] = proxy.url
        elif _CHOSEN in meta:
            del meta[_CHOSEN], meta["proxy"]
