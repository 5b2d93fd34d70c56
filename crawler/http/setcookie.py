"""What a Set-Cookie header says, before a jar decides whether to take it. RFC 6265bis sections 5.1 and 5.6.

A cookie is bytes on the wire and text here: UTF-8, and bytes that are no UTF-8 as lone surrogates, so that what is sent
back is byte for byte what came. A Set-Cookie without ``=`` or without a name is ignored, as RFC 6265 and its test suite
have it (6265bis would keep a cookie without name, which no server is known to rely on).

Pure: the caller gives ``now``, in seconds since 1970.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from crawler.http.dates import cookie_date

#: Octets of name and value together, and of one attribute's value; what is longer is ignored (sections 5.6 and 5.7).
MAX_COOKIE = 4096
MAX_ATTRIBUTE = 1024

# Section 5.6.1 and 5.6.2: no cookie outlives 400 days.
MAX_AGE = 400 * 24 * 3600.0

_PAST = float("-inf")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DELTA = re.compile(r"-?[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SetCookie:
    """A parsed Set-Cookie. ``expires`` is None for a session cookie; ``domain`` and ``path`` are empty if not given."""

    name: str
    value: str
    domain: str = ""
    path: str = ""
    expires: float | None = None
    secure: bool = False
    http_only: bool = False
    same_site: str = ""


def text_of(header: bytes | str) -> str:
    """Return *header* as text from which :func:`bytes_of` makes the same bytes."""
    return header if isinstance(header, str) else header.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """Return *text* as it goes on the wire."""
    return text.encode("utf-8", "surrogateescape")


def parse(header: bytes | str, *, now: float) -> SetCookie | None:
    """Return what the Set-Cookie value *header* says, None if it must be ignored."""
    text = text_of(header)
    if _CONTROL.search(text):
        return None
    pair, _, rest = text.partition(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(" \t"), value.strip(" \t")
    if not equals or not name or len(bytes_of(name)) + len(bytes_of(value)) > MAX_COOKIE:
        return None
    attributes = _attributes(rest)
    max_age = attributes.get("max-age")
    return SetCookie(
        name=name,
        value=value,
        domain=attributes.get("domain", "").removeprefix(".").lower(),
        path=attributes.get("path", ""),
        expires=_expires(attributes.get("expires"), now) if max_age is None else _after(max_age, now),
        secure="secure" in attributes,
        http_only="httponly" in attributes,
        same_site=attributes.get("samesite", "").lower(),
    )


def _attributes(text: str) -> dict[str, str]:
    """Return the attributes by lower-case name; the last one of a name counts."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        name, value = name.strip(" \t").lower(), value.strip(" \t")
        if len(value) > MAX_ATTRIBUTE:
            continue
        if name == "domain" and not value:
            continue  # RFC 6265 section 5.2.3; a Domain without value would else widen nothing and hide an earlier one
        if name == "path" and not value.startswith("/"):
            value = ""
        if name == "max-age" and not _DELTA.fullmatch(value):
            continue
        if name == "expires" and cookie_date(value) is None:
            continue
        found[name] = value
    return found


def _after(max_age: str, now: float) -> float:
    seconds = float(max_age[:20])
    return now + min(seconds, MAX_AGE) if seconds > 0 else _PAST


def _expires(date: str | None, now: float) -> float | None:
    moment = cookie_date(date) if date is not None else None
    return None if moment is None else min(moment, now + MAX_AGE)


def default_path(path: str) -> str:
    """Return the Path of a cookie that has none and was set by a URL with *path* (section 5.1.4)."""
    last = path.rfind("/")
    return path[:last] if last > 0 and path.startswith("/") else "/"


def path_matches(path: str, cookie_path: str) -> bool:
    """Tell whether a cookie for *cookie_path* is sent with a request for *path* (section 5.1.4)."""
    if not path.startswith(cookie_path):
        return False
    return len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"


def is_address(host: str) -> bool:
    """Tell whether *host* of a parsed URL is an IP address, which has no domain above it."""
    return ":" in host or host[-1:].isdigit()


def domain_matches(host: str, domain: str) -> bool:
    """Tell whether *host* is *domain* or below it (section 5.1.3)."""
    if host == domain:
        return True
    return host.endswith(domain) and host[-len(domain) - 1] == "." and not is_address(host)
