"""HTTP caching by RFC 9111, for a private cache: what may be kept, and what may be used again.

Pure: headers, statuses and moments (seconds of the epoch) in, decisions out. Section numbers are those of the RFC.

    is_storable(...)                      section 3
    decide(stored, request, now)          section 4: use it, ask whether it is still good, or fetch anew
    is_not_modified(stored, request)      section 4.3.2: what answers the conditions of the request itself
    freshened(stored, not_modified)       section 4.3.4: what a 304 says replaces what was kept
    tells_of(stored, head)                section 4.3.5: whether the answer to a HEAD is about what is kept
    is_invalidating(method, status)       section 4.4

Private: responses to requests with Authorization and cookies are kept, for the user that they are for (see the middleware);
``s-maxage`` and ``private`` mean nothing. Partial responses are never kept, and nothing is used while it is being revalidated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b

from crawler.http.dates import http_date
from crawler.http.headers import Headers
from crawler.http.response.response import CACHED as CACHED

#: RFC 9110 section 15.1: statuses that may be kept without being told for how long.
HEURISTIC = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})

# What a status says of how its response is cached is understood for these, so must-understand does not keep them out.
_UNDERSTOOD = frozenset({*HEURISTIC, 302, 303, 307, 400, 401, 403, 500, 502, 503, 504})

# Section 4.2.2 speaks of a fraction of the time since the last change, typically a tenth; and RFC 9111 warns above a day.
_HEURISTIC_SHARE, _HEURISTIC_MOST = 0.1, 24 * 3600.0

# Section 1.2.2: a larger number of seconds is this one.
_MOST_SECONDS = 2**31

# What a 304 may not change, since it describes the body that is kept.
_OF_THE_BODY = frozenset(
    {
        b"Content-Length",
        b"Content-Encoding",
        b"Content-Range",
        b"Content-Type",
        b"Transfer-Encoding",
        b"Etag",
        b"Connection",
    }
)

# Section 3.1: what is about a connection, and what such a header names, is no part of the response.
_HOP_BY_HOP = frozenset(
    {
        b"Connection",
        b"Keep-Alive",
        b"Proxy-Authenticate",
        b"Proxy-Authentication-Info",
        b"Proxy-Connection",
        b"Te",
        b"Upgrade",
    }
)

_DIRECTIVE = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)(?:=("(?:[^"\\]|\\.)*"|[^\s,]*))?\s*(,|$)')

_DATE = re.compile(
    r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT"
    r"|[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}",
    re.IGNORECASE,
)

_TAG = re.compile(rb'(?:W/)?"[^"]*"')

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Use(StrEnum):
    """What to do about a request for which something is kept."""

    FRESH = "fresh"
    VALIDATE = "validate"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True)
class Stored:
    """A response as it is kept: *requested* and *received* are moments.

    *vary* names the request's headers that Vary names, with a digest of their values: these may be cookies and passwords.
    """

    status: int
    headers: Headers
    requested: float
    received: float
    vary: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do: *conditions* are the headers of a request that validates; *stale_until* when it may be used on an error."""

    use: Use
    conditions: tuple[tuple[str, bytes], ...] = ()
    stale_until: float = 0.0


def directives(headers: Headers) -> dict[str, str]:
    """Return the directives of Cache-Control by name, in lower case; the first of several counts, an empty text is no value."""
    found: dict[str, str] = {}
    text = ",".join(line.decode("latin-1") for line in headers.getlist(b"Cache-Control"))
    place = 0
    while place < len(text):
        match = _DIRECTIVE.match(text, place)
        if match is None:
            comma = text.find(",", place)
            place = len(text) if comma < 0 else comma + 1
            continue
        value = match[2] or ""
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.setdefault(match[1].lower(), value)
        place = match.end()
    return found


def _seconds(value: str | None) -> float | None:
    """Return a number of seconds; None if there is none, 0 for what is no number (it counts as stale, section 4.2.1)."""
    if value is None:
        return None
    return float(min(int(value[:12]), _MOST_SECONDS)) if value.isascii() and value.isdigit() else 0.0


def _moment(headers: Headers, name: bytes) -> float | None:
    """Return the moment that a header names; None if there is none, or if it is none of the three forms of RFC 9110 section 5.6.7.

    Elsewhere dates are read as leniently as browsers do. Here a wrong one means "expired" (section 5.3).
    """
    value = b", ".join(headers.getlist(name)).decode("latin-1")
    return http_date(re.sub("gmt$", "GMT", value, flags=re.IGNORECASE)) if _DATE.fullmatch(value) else None


def is_storable(method: str, request: Headers, status: int, response: Headers) -> bool:
    """Tell whether a response may be kept (section 3)."""
    if method != "GET" or status < 200 or status in (206, 304) or b"Range" in request:
        return False
    told = directives(response)
    if "no-store" in directives(request) or b"*" in b",".join(response.getlist(b"Vary")).replace(b" ", b"").split(b","):
        return False
    if "must-understand" in told:
        if status not in _UNDERSTOOD:
            return False
    elif "no-store" in told:
        return False
    explicit = "max-age" in told or b"Expires" in response
    return explicit or "public" in told or "private" in told or status in HEURISTIC


def stored_of(request: Headers, status: int, response: Headers, *, requested: float, received: float) -> Stored:
    """Return what is kept of a response."""
    named = {
        name.strip().title().encode("latin-1")
        for line in response.getlist(b"Connection")
        for name in line.decode("latin-1").split(",")
    }
    headers = Headers(response)
    for name in (_HOP_BY_HOP | named) & set(headers):
        del headers[name]
    return Stored(status, headers, requested, received, vary=_varying(request, response))


def _varying(request: Headers, response: Headers) -> tuple[tuple[str, bytes], ...]:
    names = sorted(
        {name.strip().lower() for line in response.getlist(b"Vary") for name in line.decode("latin-1").split(",")}
    )
    return tuple((name, _digest(request.getlist(name))) for name in names if name)


def _digest(values: Sequence[bytes]) -> bytes:
    """Return what is the same for the same members of a list header, however they are split into lines and spaced."""
    members = [member.strip() for value in values for member in value.split(b",") if member.strip()]
    return blake2b(b",".join(members), digest_size=16).digest() if members else b""


def matches(stored: Stored, request: Headers) -> bool:
    """Tell whether *stored* was selected by headers like those of *request* (section 4.1)."""
    return all(_digest(request.getlist(name)) == digest for name, digest in stored.vary)


def age(stored: Stored, now: float) -> float:
    """Return the age of *stored* in seconds (section 4.2.3)."""
    date = _moment(stored.headers, b"Date")
    apparent = 0.0 if date is None else max(0.0, stored.received - date)
    told = stored.headers.getlist(b"Age")
    age_value = _seconds(told[0].decode("latin-1").split(",")[0].strip()) if told else 0.0
    corrected = (age_value or 0.0) + (stored.received - stored.requested)
    return max(apparent, corrected) + now - stored.received


def lifetime(stored: Stored, told: Mapping[str, str]) -> float:
    """Return for how many seconds *stored* is fresh (section 4.2.1); *told* are its directives."""
    seconds = _seconds(told.get("max-age"))
    if seconds is not None:
        return seconds
    headers = stored.headers
    if b"Expires" in headers:
        expires = _moment(headers, b"Expires")
        date = _moment(headers, b"Date")
        return 0.0 if expires is None else max(0.0, expires - (stored.received if date is None else date))
    modified = _moment(headers, b"Last-Modified")
    if modified is None or not (stored.status in HEURISTIC or "public" in told):
        return 0.0
    date = _moment(headers, b"Date")
    since = (stored.received if date is None else date) - modified
    return min(_HEURISTIC_MOST, max(0.0, since * _HEURISTIC_SHARE))


def decide(stored: Stored, request: Headers, now: float) -> Decision:
    """Return what to do about *request*, for which *stored* was selected (section 4)."""
    told, asked = directives(stored.headers), directives(request)
    is_old, is_fresh = age(stored, now), lifetime(stored, told)
    conditions = _conditions(stored.headers)
    bound = "must-revalidate" in told or "no-cache" in told
    grace = _seconds(told.get("stale-if-error"))
    wished = _seconds(asked.get("stale-if-error"))
    grace = wished if wished is not None else grace
    stale_until = 0.0 if bound or grace is None else now + is_fresh - is_old + grace
    again = Decision(Use.VALIDATE if conditions else Use.FETCH, conditions, stale_until)
    if "no-cache" in told or "no-cache" in asked:
        return again
    if not asked and b"no-cache" in (request.get(b"Pragma") or b""):
        return again
    most = _seconds(asked.get("max-age"))
    if most is not None and is_old > most:
        return again
    if is_old + (_seconds(asked.get("min-fresh")) or 0.0) < is_fresh:
        return Decision(Use.FRESH)
    if "max-stale" in asked and not bound:
        tolerated = _seconds(asked["max-stale"]) if asked["max-stale"] else float("inf")
        if is_old < is_fresh + (tolerated or 0.0):
            return Decision(Use.FRESH)
    return again


def _conditions(headers: Headers) -> tuple[tuple[str, bytes], ...]:
    """Return the headers that ask whether what is kept is still good (section 4.3.1)."""
    pairs = (("If-None-Match", headers.getlist(b"Etag")), ("If-Modified-Since", headers.getlist(b"Last-Modified")))
    return tuple((name, values[0]) for name, values in pairs if values)


def is_conditional(request: Headers) -> bool:
    """Tell whether *request* asks for the page only if it is another than one that its author has."""
    return b"If-None-Match" in request or b"If-Modified-Since" in request


def is_not_modified(stored: Stored, request: Headers) -> bool:
    """Tell whether the page that the author of *request* has is the one that is *stored* (section 4.3.2)."""
    tags = b",".join(request.getlist(b"If-None-Match"))
    if tags:
        ours = (stored.headers.get(b"Etag") or b"").removeprefix(b"W/")
        given = {tag.strip().removeprefix(b"W/") for tag in _TAG.findall(tags)}
        return tags.strip() == b"*" or (bool(ours) and ours in given)
    since = _moment(request, b"If-Modified-Since")
    modified = _moment(stored.headers, b"Last-Modified")
    if modified is None:
        modified = _moment(stored.headers, b"Date")
    return since is not None and (stored.received if modified is None else modified) <= since


def tells_of(stored: Stored, head: Headers) -> bool:
    """Tell whether *head*, the answer to a HEAD, is about the page that is *stored* (section 4.3.5)."""
    names = [name for name in (b"Etag", b"Last-Modified", b"Content-Length") if name in head]
    return bool(names) and all(head.get(name) == stored.headers.get(name) for name in names)


def freshened(stored: Stored, not_modified: Headers, *, requested: float, received: float) -> Stored:
    """Return *stored* with what a 304 says in place of what was kept (sections 3.2 and 4.3.4)."""
    headers = Headers(stored.headers)
    for name in not_modified:
        if name not in _OF_THE_BODY:
            headers.setlist(name, not_modified.getlist(name))
    return replace(stored, headers=headers, requested=requested, received=received)


def is_invalidating(method: str, status: int) -> bool:
    """Tell whether what is kept for a URL is not to be used after *method* was answered with *status* (section 4.4)."""
    return method not in _SAFE and 200 <= status < 400
