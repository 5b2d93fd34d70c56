"""RefererMiddleware, for projects that have one of their own in its place. Else the engine sets Referer (``crawl.referer``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.http.referrer import REFERRER_POLICIES, referrer
from crawler.spidermiddlewares.base import BaseSpiderMiddleware

if TYPE_CHECKING:
    from crawler.http import Request, Response


class RefererMiddleware(BaseSpiderMiddleware):
    """Gives requests the page that they were found on as Referer; subclasses say what it is, or by what policy."""

    def get_processed_request(self, request: Request, response: Response | None) -> Request:
        """Return *request* with its Referer."""
        if response is not None and b"Referer" not in request.headers:
            source = self.referrer(response, request)
            if source:
                request.headers[b"Referer"] = source
        return request

    def referrer(self, response: Response, request: Request) -> bytes | str | None:
        """Return what is told of *response* as the Referer of *request*, None for nothing."""
        return referrer(self.policy(response, request), response.url, request.url)

    def policy(self, response: Response, request: Request) -> str:
        """Return the policy that holds for *request*, by the W3C's names."""
        named = request.meta.get("referrer_policy")
        return str(named) if named in REFERRER_POLICIES else self.crawler.settings.crawl.referrer_policy
