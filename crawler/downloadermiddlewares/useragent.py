"""The User-Agent of requests that have none: the spider's ``user_agent``, else ``settings.http.user_agent`` with the contact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from crawler.exceptions import NotConfigured

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request


class UserAgentMiddleware:
    """Gives requests without a User-Agent *user_agent*."""

    def __init__(self, user_agent: str = "") -> None:
        self.user_agent = user_agent

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the spider's ``user_agent`` or the settings; an empty one leaves this class out, not a subclass."""
        user_agent = getattr(crawler.spider, "user_agent", None) or crawler.settings.http.identification
        if not user_agent and cls is UserAgentMiddleware:
            raise NotConfigured
        return cls(user_agent)

    def spider_opened(self, spider: Any) -> None:
        """Take the ``user_agent`` of *spider*; for subclasses, whose ``from_crawler`` connects it to the signal."""
        self.user_agent = getattr(spider, "user_agent", self.user_agent)

    # Hot: once per request.
    def process_request(self, request: Request, spider: Any = None) -> None:
        """Add the User-Agent to *request* if it has none."""
        if self.user_agent:
            request.headers.setdefault(b"User-Agent", self.user_agent)
