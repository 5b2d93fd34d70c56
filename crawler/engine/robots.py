"""robots.txt as a prerequisite of the host: its rules are known before the first other request starts. RFC 9309.

Pure. The workbench asks ``prerequisite`` before it hands out a request and sends the robots.txt first; the engine gives what
came back to ``learn``, and asks ``refusal`` for each request. A robots.txt that cannot be reached, or a server error, means
that nothing may be fetched until it was tried again; a 4xx, or more redirects than five, means that everything may. Only a host
whose name does not exist, and has not been there before, is not waited for.

Its redirects are followed here, whatever the settings say of those of pages: only by status, and only five.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crawler.exceptions import CannotResolveHostError, DownloadFailedError, PrivateAddressError, describe
from crawler.http import Request
from crawler.http.redirects import STATUSES, RedirectPolicy, TooManyRedirectsError, location_of, next_request
from crawler.http.request import NO_CALLBACK
from crawler.robots import RobotsRules
from crawler.url import origin, split

if TYPE_CHECKING:
    from crawler.http import Response

logger = logging.getLogger(__name__)

# RFC 9309 section 2.4: a crawler should not use a cached robots.txt for more than 24 hours.
KEEP = 24 * 3600.0

# After a server error or no answer, RFC 9309 section 2.3.1.4 asks to assume "disallow". Its host is let alone for so many seconds
# and then asked again; when that has been tried, requests fail, and this is when we look again.
PAUSES = (5.0, 30.0)
RETRY_AFTER = 60.0

# RFC 9309 section 2.3.1.2: a crawler should follow at least five; what needs more may be taken for a file that is not there.
MAX_REDIRECTS = 5
_REDIRECTS = RedirectPolicy(max_times=MAX_REDIRECTS, priority_adjust=0)

# Of which 500 KiB are read. A limit that is meant for pages, and a file beyond it, would else forbid a whole site.
MAX_BODY = 64 * 1024 * 1024

_WEB = ("http", "https")


@dataclass(frozen=True, slots=True)
class _Known:
    rules: RobotsRules
    until: float
    #: Why the rules could not be read, empty if they could; and how often in a row.
    trouble: str = ""
    attempts: int = 0
    #: The refusal of the origin itself, which is then what its requests end with.
    refused: PrivateAddressError | None = None


class RobotsGate:
    """What the robots.txt of every origin says to *user_agent*; *max_delay* bounds the seconds between requests it may ask for.

    One that cannot be read is asked for again after each of *pauses*, in seconds.
    """

    def __init__(self, user_agent: str, *, max_delay: float = 0.0, pauses: Sequence[float] = PAUSES) -> None:
        self._user_agent = user_agent
        self._pauses = pauses
        self._max_delay = max_delay
        self._known: dict[str, _Known] = {}

    def __repr__(self) -> str:
        return f"<RobotsGate {len(self._known)} origins as {self._user_agent!r}>"

    # Hot: once per request.
    def prerequisite(self, request: Request, now: float) -> Request | None:
        """Return the request for the robots.txt that must come before *request*, or None if its rules are known."""
        site = origin(request.url)
        known = self._known.get(site)
        if known is not None and now < known.until:
            return None
        if not site.startswith(_WEB) or (request.has_meta and request.meta.get("dont_obey_robotstxt")):
            return None
        return robots_request(site, request)

    async def fetch(self, request: Request, download: Callable[[Request], Awaitable[Response | Request]]) -> Response:
        """Return the response to *request* for a robots.txt, over up to five redirects (RFC 9309 section 2.3.1.2).

        Raises TooManyRedirectsError where there are more.
        """
        for _ in range(MAX_REDIRECTS + 1):
            answer = await download(request)
            following = answer if isinstance(answer, Request) else _redirected(request, answer)
            if following is None:
                return answer  # type: ignore[return-value]  # a request is its own following
            request = following
        raise TooManyRedirectsError(f"more than {MAX_REDIRECTS} redirects")

    def refusal(self, request: Request) -> str | None:
        """Return the line of robots.txt that forbids *request*, None if it is allowed.

        Raises DownloadFailedError where the rules are not known: then nothing may be fetched, which is nobody's will; and
        PrivateAddressError where the origin is at an address that nobody has allowed.
        """
        site = origin(request.url)
        known = self._known.get(site)
        if known is None or (request.has_meta and request.meta.get("dont_obey_robotstxt")):
            return None
        if known.refused is not None:
            raise PrivateAddressError(
                str(known.refused), host=known.refused.host, address=known.refused.address
            ) from known.refused
        if known.trouble:
            raise DownloadFailedError(
                f"{site}/robots.txt could not be read ({known.trouble}), so nothing is fetched there"
            )
        allowed, line = known.rules.decision(request.url, self._user_agent)
        return None if allowed else line

    def learn(self, request: Request, answer: Response | Exception, now: float) -> RobotsRules:
        """Keep and return the rules that *answer* to *request* for a robots.txt means."""
        site = origin(request.url)
        if isinstance(answer, PrivateAddressError) and answer.host == split(request.url).host.rstrip("."):
            # There is nothing to try again: its requests end with the same refusal.
            self._known[site] = _Known(RobotsRules.unreachable(), now + RETRY_AFTER, refused=answer)
            return self._known[site].rules
        if isinstance(answer, TooManyRedirectsError):
            rules, trouble = RobotsRules.missing("more redirects than are followed"), ""
        elif isinstance(answer, Exception):
            rules, trouble = RobotsRules.unreachable(), describe(answer)
        else:
            rules = RobotsRules.of_response(answer.status, answer.body)
            trouble = "" if answer.status < 500 and answer.status != 429 else f"status {answer.status}"
        if not trouble:
            self._known[site] = _Known(rules, now + KEEP)
            return rules
        attempts = min(self._known[site].attempts if site in self._known else 0, len(self._pauses))
        if isinstance(answer, CannotResolveHostError) and answer.is_certain and site not in self._known:
            attempts = len(self._pauses)
        keep = RETRY_AFTER
        if attempts < len(self._pauses):
            keep = self._pauses[attempts]
            logger.warning(
                "%s/robots.txt could not be read (%s) and is asked for again in %.0f seconds", site, trouble, keep
            )
        self._known[site] = _Known(rules, now + keep, trouble, attempts + 1)
        return rules

    def pause_until(self, request: Request) -> float:
        """Return until when nothing is asked of the origin of *request*, 0 for no pause: its robots.txt is tried again then."""
        known = self._known[origin(request.url)]
        return known.until if 0 < known.attempts <= len(self._pauses) else 0.0

    def delay(self, request: Request) -> float:
        """Return the seconds between two requests that the robots.txt of their origin asks for, within bounds; 0 for none."""
        rules = self._known[origin(request.url)].rules
        requests, seconds = rules.request_rate(self._user_agent) or (1, 0.0)
        return min(self._max_delay, max(rules.crawl_delay(self._user_agent) or 0.0, seconds / requests))

    def known(self) -> dict[str, Any]:
        """Return the rules by origin, for views."""
        return {site: known.rules for site, known in self._known.items()}


def robots_request(site: str, request: Request) -> Request:
    """Return the request for the robots.txt of *site*, the origin of *request*."""
    meta: dict[str, Any] = {
        "dont_obey_robotstxt": True,
        "dont_retry": True,
        "dont_redirect": True,
        "download_maxsize": MAX_BODY,
        "download_warnsize": 0,
    }
    if request.has_meta:
        # It goes the way of the request that it is for: a site that is asked through a proxy is not asked directly before.
        meta |= {name: request.meta[name] for name in ("proxy", "bindaddress", "transport") if name in request.meta}
    return Request.from_trusted_url(f"{site}/robots.txt", callback=NO_CALLBACK, meta=meta, dont_filter=True)


def _redirected(request: Request, response: Response) -> Request | None:
    """Return the request that *response* to *request* redirects to, None if it leads nowhere."""
    if response.status not in STATUSES:
        return None
    target = location_of(request.url, response.headers.getlist("Location"))
    if target is None:
        return None
    return next_request(request, target, method=request.method, reason=response.status, policy=_REDIRECTS)
