"""Admission: which requests a crawl takes in, and what they inherit from the page that they were found on.

Pure decisions. ``refusal`` names the one reason why a request is not taken, for the account of dropped requests; ``adopt``
gives a new request its depth, its priority by depth and its Referer. Neither is called for a link that was seen before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crawler.http.referrer import REFERRER_POLICIES, referrer
from crawler.url import HostMatcher, split

if TYPE_CHECKING:
    from crawler.http import Request, Response
    from crawler.settings import Settings

# The reasons why a request ends without a response. One name each: they are counted, sent with request_dropped and shown.
DUPLICATE = "duplicate"
OFFSITE = "offsite"
DEPTH = "depth"
URL_LENGTH = "url_length"
IGNORED = "ignored"
ROBOTS = "robots"
PRIVATE = "private_address"

# Domains of a spider that are named where a link leads to none of them.
_DOMAINS_TOLD = 10


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """The limits that a request must keep to be taken in; 0 means no limit."""

    depth_limit: int = 0
    depth_priority: int = 0
    url_length: int = 0
    send_referer: bool = True
    referrer_policy: str = "strict-origin-when-cross-origin"
    stay_on_site: bool = True
    sticky_meta: tuple[str, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> AdmissionPolicy:
        """Return the policy that *settings* describe."""
        crawl = settings.crawl
        return cls(
            depth_limit=crawl.depth_limit,
            depth_priority=crawl.depth_priority,
            url_length=crawl.url_length,
            send_referer=crawl.referer,
            referrer_policy=crawl.referrer_policy,
            stay_on_site=crawl.stay_on_site,
            sticky_meta=tuple(crawl.sticky_meta),
        )


class Admission:
    """Applies an :class:`AdmissionPolicy` to the requests of *spider*, whose ``allowed_domains`` may change on the way."""

    def __init__(self, policy: AdmissionPolicy, spider: Any) -> None:
        self._policy = policy
        self._spider = spider
        self._domains: tuple[str, ...] = ()
        self._matcher: HostMatcher | None = None

    def refusal(self, request: Request, depth: int) -> str | None:
        """Return the reason why *request*, found at *depth*, is not taken in, or None if it is."""
        policy = self._policy
        if (
            policy.depth_limit
            and depth > policy.depth_limit
            and not (request.has_meta and request.meta.get("depth_reset"))
        ):
            return DEPTH
        if policy.url_length and len(request.url) > policy.url_length:
            return URL_LENGTH
        if self.is_offsite(request):
            return OFFSITE
        return None

    def explained(self, refusal: str, request: Request, depth: int) -> str:
        """Return the *refusal* of *request* with the numbers that it comes from, for whoever asks why."""
        policy = self._policy
        if refusal == DEPTH:
            return f"{refusal}: depth {depth} is more than crawl.depth_limit = {policy.depth_limit}"
        if refusal == URL_LENGTH:
            return f"{refusal}: its {len(request.url)} characters are more than crawl.url_length = {policy.url_length}"
        domains = ", ".join(map(str, self._domains[:_DOMAINS_TOLD]))
        more = ", ..." if len(self._domains) > _DOMAINS_TOLD else ""
        return f"{refusal}: {split(request.url).host} is not in the spider's allowed_domains ({domains}{more})"

    def is_offsite(self, request: Request) -> bool:
        """Tell whether *request* leads away from the spider's ``allowed_domains``, and nothing allows it to."""
        domains = getattr(self._spider, "allowed_domains", None)
        if (
            not domains
            or not self._policy.stay_on_site
            or request.dont_filter
            or (request.has_meta and request.meta.get("allow_offsite"))
        ):
            return False
        if len(domains) != len(self._domains) or tuple(domains) != self._domains:
            self._domains = tuple(domains)
            self._matcher = HostMatcher(domains)
        return self._matcher is not None and not self._matcher.matches(request.url)

    def depth_of(self, response: Response | None) -> int:
        """Return the depth of requests that are found in *response*: 0 for start requests."""
        if response is None or response.request is None:
            return 0
        depth: int = response.request.meta.setdefault("depth", 0)
        return depth + 1

    def adopt(self, request: Request, response: Response | None, depth: int) -> int:
        """Give *request* what it inherits from *response*: depth, priority by depth, Referer, keys of meta that stick.

        Return its depth.
        """
        policy = self._policy
        if policy.sticky_meta and response is not None:
            for name in policy.sticky_meta:
                if name in response.meta:
                    request.meta.setdefault(name, response.meta[name])
        meta = request.meta
        if meta.pop("depth_reset", False):
            depth = 0
        meta["depth"] = depth
        if policy.depth_priority:
            request.priority -= depth * policy.depth_priority
        if response is not None and policy.send_referer and not (request.has_headers and b"Referer" in request.headers):
            source = referrer(self._referrer_policy(request, response), response.url, request.url)
            if source:
                request.headers[b"Referer"] = source
        return depth

    def _referrer_policy(self, request: Request, response: Response) -> str:
        """Return the policy named by the request, else by the page, else by the settings; unknown names do not count."""
        named = request.meta.get("referrer_policy")
        if named in REFERRER_POLICIES:
            return str(named)
        header: bytes | None = response.headers.get(b"Referrer-Policy")
        if header:
            for name in reversed(header.decode("latin-1").lower().split(",")):
                if name.strip() in REFERRER_POLICIES:
                    return name.strip()
        return self._policy.referrer_policy
