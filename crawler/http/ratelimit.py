"""What a server says of how often it may be asked: Retry-After and the RateLimit headers.

Retry-After: 120                                          RFC 9110 section 10.2.3; seconds or a date
RateLimit: "hour";r=0;t=1800                              draft-ietf-httpapi-ratelimit-headers, from its 8th version
RateLimit: limit=100, remaining=0, reset=30               its 7th
RateLimit-Remaining: 0 / RateLimit-Reset: 30              its first ones; also with X- in front, and then often with
X-RateLimit-Reset: 1735689600                             the second of the epoch when there is more
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crawler.http.dates import http_date, retry_after

if TYPE_CHECKING:
    from crawler.http.headers import Headers

# (what is left, when there is more)
_PAIRS = (
    (b"Ratelimit-Remaining", b"Ratelimit-Reset"),
    (b"X-Ratelimit-Remaining", b"X-Ratelimit-Reset"),
    (b"X-Rate-Limit-Remaining", b"X-Rate-Limit-Reset"),
)
#: The headers that say what is left of a quota.
QUOTA = frozenset({b"Ratelimit", *(left for left, _ in _PAIRS)})
_PARAMETER = re.compile(r"\b(r|remaining|t|reset)\s*=\s*(\d{1,12})")
_NUMBER = re.compile(r"\s*(\d{1,12})(?:\.\d*)?\s*$")

# No server asks to be let alone for thirty years: a larger number counts from 1970.
_EPOCH = 1_000_000_000


def sent_at(headers: Headers, now: float) -> float:
    """Return the seconds of the epoch that the Date of a response tells, *now* without one.

    What a server says in dates counts from its own clock.
    """
    date = headers.get(b"Date")
    told = http_date(date.decode("latin-1")) if date is not None else None
    return now if told is None else told


def wait_asked_for(headers: Headers, now: float) -> float | None:
    """Return the seconds that the Retry-After among *headers* asks to wait, None if it has none that can be read."""
    value = headers.get(b"Retry-After")
    return None if value is None else retry_after(value.decode("latin-1"), now=sent_at(headers, now))


def wait_for_quota(headers: Headers, now: float) -> float | None:
    """Return the seconds until there is more of a quota of which nothing is left, None if there is some or none is told."""
    if b"Ratelimit" in headers:
        return _of_structured(headers)
    for left, more in _PAIRS:
        if left in headers:
            return _of_pair(headers, left, more, now)
    return None


def _of_structured(headers: Headers) -> float | None:
    """Return the longest wait of the quotas in RateLimit that are used up."""
    waits = []
    for line in headers.getlist(b"Ratelimit"):
        text = line.decode("latin-1")
        # Before its 8th version a comma was between parameters, and is between quotas since.
        for quota in [text] if "remaining" in text else text.split(","):
            found = {name: float(value) for name, value in _PARAMETER.findall(quota)}
            left, more = found.get("r", found.get("remaining")), found.get("t", found.get("reset"))
            if left == 0 and more is not None:
                waits.append(more)
    return max(waits, default=None)


def _of_pair(headers: Headers, left: bytes, more: bytes, now: float) -> float | None:
    remaining = _NUMBER.match((headers.get(left) or b"").decode("latin-1"))
    reset = _NUMBER.match((headers.get(more) or b"").decode("latin-1"))
    if remaining is None or reset is None or float(remaining[1]) > 0:
        return None
    seconds = float(reset[1])
    return max(0.0, seconds - sent_at(headers, now)) if seconds >= _EPOCH else seconds
