"""Where a redirect leads, and what of the request goes there. By the Fetch standard, as browsers do it.

    target = location_of(request.url, response.headers.getlist("Location"))
    following = next_request(request, target, status=302, policy=RedirectPolicy())

* 301 and 302 turn POST into GET, 303 everything but HEAD; a body that is left behind takes its headers along.
* A secret is for the origin that it was given for: the headers of ``secret_headers`` are left behind when scheme, host
  or port change, a Cookie header written by hand when the host changes or TLS ends, credentials in ``meta`` with them.
* The Referer is asked again what it may tell the new place.
* Only http and https lead anywhere. ``redirect_times``, ``redirect_urls`` and ``redirect_reasons`` in ``meta`` tell the
  way.
* A hop back to a URL of the same chain is no duplicate (the server has set a cookie on the way), another one may be.

Pure; nothing of the given request is changed.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from crawler.exceptions import IgnoreRequest, InvalidURLError
from crawler.http.referrer import REFERRER_POLICIES, referrer
from crawler.url import defrag, join, same_origin, split

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crawler.http.request import Request

#: RFC 9110 section 15.4, without 300 and 304, which ask for no hop.
STATUSES = frozenset({301, 302, 303, 307, 308})

#: Headers that open doors. Compared in lower case.
ALWAYS_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})
SECRET_HEADERS = ALWAYS_SECRET | {"x-api-key", "x-auth-token", "x-csrf-token", "api-key"}

# What describes a body, and goes with it (Fetch standard, "request-body-header name").
_BODY_HEADERS = ("Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Location")

# Credentials that a request carries in its meta.
_SECRET_META = ("http_user", "http_pass", "http_token", "http_auth_scheme")

_WEB = ("http", "https")

# A page says so near its beginning or not at all; what is behind is text.
META_REFRESH_WITHIN = 4096


@dataclass(frozen=True, slots=True)
class RedirectPolicy:
    """How far redirects are followed, how long they may let us wait, and which headers stay with their origin."""

    max_times: int = 20
    priority_adjust: int = 2
    secret_headers: frozenset[str] = SECRET_HEADERS
    referrer_policy: str = "strict-origin-when-cross-origin"
    #: Most seconds that a redirect may ask to wait before it is followed.
    max_wait: float = 600.0


class TooManyRedirectsError(IgnoreRequest):
    """A chain of redirects is longer than the policy allows; loops end here too."""


def location_of(url: str, locations: Sequence[bytes]) -> str | None:
    """Return where a response from *url* with these Location headers leads, None if nowhere that can be followed.

    None for no Location, an empty one, several that differ, what is no URL, and schemes other than http and https. The
    fragment of *url* is kept if the new one has none.
    """
    if len(set(locations)) != 1 or not locations[0].strip():
        return None
    try:
        text = locations[0].decode("utf-8")
    except UnicodeDecodeError:
        # As browsers do: which characters a server means is not known, but the bytes are.
        text = "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in locations[0])
    return target_of(url, text)


def target_of(url: str, reference: str) -> str | None:
    """Return where *reference* on a page at *url* leads, None if it is no http or https URL."""
    try:
        target = join(url, reference)
        parts = split(target)
    except InvalidURLError:
        return None
    if parts.scheme not in _WEB or not parts.host:
        return None
    fragment = split(url).fragment
    return f"{target}#{fragment}" if fragment and "#" not in target else target


def method_after(status: int, method: str) -> str:
    """Return the method of the request that follows a response of *status* to *method*."""
    if (status in (301, 302) and method == "POST") or (status == 303 and method not in ("GET", "HEAD")):
        return "GET"
    return method


def next_request(
    request: Request,
    target: str,
    *,
    method: str,
    reason: int | str,
    policy: RedirectPolicy,
    referrer_policy: str = "",
) -> Request:
    """Return the request that follows *request* to *target*. Raises TooManyRedirectsError at the end of the chain.

    *referrer_policy* is that of the response, which counts before that of the policy.
    """
    meta = request.meta
    times = meta.get("redirect_times", 0) + 1
    left = meta.get("redirect_ttl", policy.max_times)
    if times > policy.max_times or left < 1:
        raise TooManyRedirectsError("max redirections reached")
    passed = [*meta.get("redirect_urls", ()), request.url]
    changes: dict[str, Any] = {"url": target, "priority": request.priority + policy.priority_adjust, "cookies": None}
    if method != request.method:
        changes |= {"method": method, "body": b""}
    following: Request = request.replace(**changes)
    following.dont_filter = request.dont_filter or defrag(target) in {defrag(url) for url in passed}
    following.meta.update(
        redirect_times=times,
        redirect_ttl=left - 1,
        redirect_urls=passed,
        redirect_reasons=[*meta.get("redirect_reasons", ()), reason],
    )
    if method != request.method:
        _drop(following, _BODY_HEADERS)
    _leave_secrets(request, following, policy.secret_headers)
    _tell_referrer(following, referrer_policy or meta.get("referrer_policy") or policy.referrer_policy)
    return following


def hop(before: Request, after: Request) -> str:
    """Return what led from the request *before* to the one *after*: a status or "meta refresh"; empty if that was no redirect."""
    reasons = after.meta.get("redirect_reasons") if after.has_meta else None
    earlier = before.meta.get("redirect_reasons") if before.has_meta else None
    if not isinstance(reasons, list) or len(reasons) <= (len(earlier) if isinstance(earlier, list) else 0):
        return ""
    return str(reasons[-1])


def _leave_secrets(request: Request, following: Request, secret_headers: Collection[str]) -> None:
    """Remove from *following* what the origin of *request* was trusted with and its own was not."""
    if same_origin(request.url, following.url):
        return
    before, after = split(request.url), split(following.url)
    if following.has_headers:
        keeps_cookie = before.host == after.host and after.scheme in (before.scheme, "https")
        names = [name.decode("latin-1") for name in list(following.headers.keys())]
        _drop(
            following,
            [
                name
                for name in names
                if name.lower() in secret_headers and not (name.lower() == "cookie" and keeps_cookie)
            ],
        )
    if not following.meta.get("http_auth_domain"):
        for key in _SECRET_META:
            following.meta.pop(key, None)


def _tell_referrer(following: Request, policy: str) -> None:
    """Let the Referer of *following*, if it has one, tell its new target what *policy* allows, and no more."""
    if not following.has_headers or policy not in REFERRER_POLICIES:
        return
    told = following.headers.get("Referer")
    if told is None:
        return
    del following.headers["Referer"]
    kept = referrer(policy, told.decode("latin-1"), following.url)
    if kept is not None:
        following.headers["Referer"] = kept


def _drop(request: Request, names: Collection[str]) -> None:
    if request.has_headers:
        for name in names:
            request.headers.pop(name, None)


def referrer_policy_of(headers: Sequence[bytes]) -> str:
    """Return the last policy that Referrer-Policy *headers* name and that exists, empty if there is none."""
    for name in reversed(b",".join(headers).decode("latin-1").split(",")):
        if (policy := name.strip().lower()) in REFERRER_POLICIES and policy != "scrapy-default":
            return policy
    return ""


# --- meta refresh ---------------------------------------------------------------------------------


class Refresh(NamedTuple):
    """What ``<meta http-equiv="refresh" content="5; url=/next">`` says."""

    seconds: float
    url: str


_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))", re.DOTALL)

# What is in these is text, or is not shown.
_RAW = ("script", "style", "template", "textarea", "title", "iframe", "noembed", "noframes", "plaintext", "xmp")
_META = re.compile(r"""<meta\b((?:[^>"']++|"[^"]*"|'[^']*')*+)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_REFRESH = re.compile(r"\s*(\d*)(?:\.[\d.]*)?(?:\s*[;,]\s*|\s+|$)(.*)", re.DOTALL | re.ASCII)
_URL = re.compile(r"""(?:url\s*=\s*)?(?:"([^"]*)|'([^']*)|(.*))""", re.IGNORECASE | re.DOTALL)


def might_refresh(body: bytes) -> bool:
    """Tell, quickly, whether a meta refresh in *body* is possible: the word in its usual spellings is there."""
    # Hot: once per page.
    return body.find(b"efresh", 0, META_REFRESH_WITHIN) != -1 or body.find(b"EFRESH", 0, META_REFRESH_WITHIN) != -1


def meta_refresh(text: str, *, ignore_tags: Sequence[str] = ("noscript",)) -> Refresh | None:
    """Return the first meta refresh of the HTML *text* that names a URL, None if there is none.

    Comments, scripts, styles, templates and what is inside *ignore_tags* do not count.
    """
    text = _COMMENT.sub("", text[:META_REFRESH_WITHIN])
    for tag in (*_RAW, *ignore_tags):
        name = re.escape(tag)
        text = re.sub(rf"<{name}\b.*?(?:</{name}\b[^>]*>|\Z)", "", text, flags=re.IGNORECASE | re.DOTALL)
    for found in _META.finditer(text):
        attributes = {
            name.lower(): html.unescape(double or single or bare)
            for name, double, single, bare in reversed(_ATTRIBUTE.findall(found[1]))
        }
        if attributes.get("http-equiv", "").lower() == "refresh":
            refresh = parse_refresh(attributes.get("content", ""))
            if refresh is not None:
                return refresh
    return None


def parse_refresh(content: str) -> Refresh | None:
    """Return what a refresh of *content* says, None if it names no URL; as the HTML standard reads it."""
    found = _REFRESH.match(content)
    if found is None or not (found[1] or content.lstrip().startswith(".")):
        return None
    named = _URL.match(found[2])
    url = next((group for group in named.groups() if group), "").strip() if named is not None else ""
    return Refresh(float(found[1] or 0), url) if url else None
