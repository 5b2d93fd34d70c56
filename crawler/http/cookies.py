"""Cookies by RFC 6265bis: a jar that takes what servers set and says what goes with the next request.

    jar = CookieJar()
    jar.store("https://example.com/login", b"session=1; Secure; HttpOnly", now=now)
    jar.header("https://example.com/", now=now)      # b"session=1"

Rules that are choices of this crawler:

* A Domain attribute that is a public suffix is refused, or ignored where the host *is* that suffix.
* SameSite is kept and not enforced: every request of a crawler is like an address typed in by the user.
* What one site sets is bounded: cookies per domain, octets per cookie and per Cookie header. A jar that is full
  forgets the domain that was not used for the longest time.
* A jar is exported as plain lists and strings and restored from them; nothing is ever unpickled.

Pure: every method that depends on the time takes ``now`` in seconds since 1970; only the two methods that ported
code calls (``extract_cookies``, ``add_cookie_header``) read the clock.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from crawler.http.cookieheader import check, render
from crawler.http.publicsuffix import is_public_suffix
from crawler.http.setcookie import (
    SetCookie,
    bytes_of,
    default_path,
    domain_matches,
    is_address,
    parse,
    path_matches,
    text_of,
)
from crawler.url import split

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping

    from crawler.http.request import Request
    from crawler.http.response import Response

# Chrome's number; the RFC asks for 50 or more.
MAX_PER_DOMAIN = 180

# The RFC asks for 3,000 or more; a broad crawl meets that many sites. At some 400 bytes a cookie this is 20 MB.
MAX_COOKIES = 50_000

_SECURE_SCHEMES = ("https", "wss")


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie in a jar. ``expires`` is None for a session cookie; ``host_only``: not for what is below ``domain``."""

    name: str
    value: str
    domain: str
    path: str = "/"
    expires: float | None = None
    host_only: bool = True
    secure: bool = False
    http_only: bool = False
    same_site: str = ""
    sequence: int = 0

    def __repr__(self) -> str:
        domain = self.domain if self.host_only else f"*.{self.domain}"
        return f"<Cookie {self.name} for {domain}{self.path}>"  # not its value, which is a secret


class CookieJar:
    """Cookies by domain. Iterating gives every :class:`Cookie`, expired ones included until they are met."""

    def __init__(self, *, max_per_domain: int = MAX_PER_DOMAIN, max_cookies: int = MAX_COOKIES) -> None:
        self._domains: dict[str, dict[tuple[str, str, bool], Cookie]] = {}  # least recently used first
        self._max_per_domain = max_per_domain
        self._max_cookies = max_cookies
        self._count = 0
        self._sequence = 0
        #: Grows with every change, so that what was exported need not be again.
        self.changes = 0

    def __repr__(self) -> str:
        return f"<CookieJar {self._count} cookies of {len(self._domains)} domains>"

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Cookie]:
        for cookies in list(self._domains.values()):
            yield from list(cookies.values())

    # --- what goes out ----------------------------------------------------------------------------

    # Hot: once per request.
    def header(self, url: str, *, now: float) -> bytes:
        """Return the value of the Cookie header of a request for *url*, empty if there is nothing to send."""
        if not self._domains:
            return b""
        cookies = self.cookies_for(url, now=now)
        return render([(cookie.name, cookie.value) for cookie in cookies]) if cookies else b""

    def cookies_for(self, url: str, *, now: float) -> list[Cookie]:
        """Return the cookies that go with a request for *url*, in the order in which they are sent (section 5.8.3)."""
        parts = split(url)
        found: list[Cookie] = []
        for domain in _and_above(parts.host):
            cookies = self._domains.get(domain)
            if cookies is None:
                continue
            self._domains[domain] = self._domains.pop(domain)
            for cookie in list(cookies.values()):
                if cookie.expires is not None and cookie.expires <= now:
                    self._remove(cookie)
                elif (
                    (domain == parts.host or not cookie.host_only)
                    and (not cookie.secure or parts.scheme in _SECURE_SCHEMES)
                    and path_matches(parts.path or "/", cookie.path)
                ):
                    found.append(cookie)
        if len(found) > 1:
            found.sort(key=lambda cookie: (-len(cookie.path), cookie.sequence))
        return found

    # --- what comes in ----------------------------------------------------------------------------

    def store(self, url: str, header: bytes | str, *, now: float) -> Cookie | None:
        """Take the Set-Cookie value *header* of a response from *url*; return the cookie, None if it was refused.

        A cookie that is expired already deletes the one of its name, and is None too.
        """
        received = parse(header, now=now)
        if received is None:
            return None
        parts = split(url)
        is_secure = parts.scheme in _SECURE_SCHEMES
        if received.secure and not is_secure:
            return None
        cookie = self._accepted(received, host=parts.host, path=parts.path)
        if cookie is None or not _keeps_prefix(received, cookie):
            return None
        if not is_secure and self._would_hide_secure(cookie, parts.host):
            return None
        return self._put(cookie, now)

    def add(
        self, url: str, name: str, value: str, *, domain: str = "", path: str = "", secure: bool = False, now: float
    ) -> Cookie | None:
        """Take a cookie that the spider's author gives for *url*; None if *domain* is none of the URL's host."""
        parts = split(url)
        given = SetCookie(name=name, value=value, domain=domain.removeprefix(".").lower(), path=path, secure=secure)
        cookie = self._accepted(given, host=parts.host, path=parts.path)
        return self._put(cookie, now) if cookie is not None else None

    def set(
        self, name: str, value: str, *, domain: str, path: str = "/", secure: bool = False, expires: float | None = None
    ) -> Cookie:
        """Put a cookie into the jar: for *domain* alone, or with a leading dot for everything below it too."""
        check(name, value)
        cookie = Cookie(
            name=name,
            value=value,
            domain=domain.removeprefix(".").lower(),
            path=path,
            expires=expires,
            host_only=not domain.startswith("."),
            secure=secure,
        )
        return self._keep(cookie)

    def _accepted(self, given: SetCookie, *, host: str, path: str) -> Cookie | None:
        """Return the cookie that *given* makes for *host*, None if its domain must be refused (section 5.7)."""
        domain, host_only = given.domain, not given.domain
        if domain:
            if not domain.isascii():
                try:
                    domain = domain.encode("idna").decode("ascii")
                except UnicodeError:
                    return None
            if not domain_matches(host, domain):
                return None
            if not is_address(domain) and is_public_suffix(domain):
                if domain != host:
                    return None
                host_only = True
        return Cookie(
            name=given.name,
            value=given.value,
            domain=domain or host,
            path=given.path or default_path(path),
            expires=given.expires,
            host_only=host_only,
            secure=given.secure,
            http_only=given.http_only,
            same_site=given.same_site,
        )

    def _would_hide_secure(self, cookie: Cookie, host: str) -> bool:
        """Tell whether *cookie*, set without TLS, would stand in for a secure one of *host* or a domain above it."""
        return any(
            other.secure and other.name == cookie.name and path_matches(cookie.path, other.path)
            for domain in _and_above(host)
            for other in self._domains.get(domain, {}).values()
        )

    def _put(self, cookie: Cookie, now: float) -> Cookie | None:
        if cookie.expires is not None and cookie.expires <= now:
            old = self._domains.get(cookie.domain, {}).get(_key(cookie))
            if old is not None:
                self._remove(old)
            return None
        return self._keep(cookie)

    def _keep(self, cookie: Cookie) -> Cookie:
        """Store *cookie* in the place of the one with its key, and make room."""
        cookies = self._domains.pop(cookie.domain, {})
        self._domains[cookie.domain] = cookies  # last: most recently used
        old = cookies.get(_key(cookie))
        if old is None:
            self._sequence += 1
            self._count += 1
        kept = replace(cookie, sequence=old.sequence if old is not None else self._sequence)
        cookies[_key(kept)] = kept
        self.changes += kept != old
        if len(cookies) > self._max_per_domain:
            others = [one for one in cookies.values() if one is not kept]
            self._remove(next((one for one in others if not one.secure), others[0]))
        while self._count > self._max_cookies and len(self._domains) > 1:
            self._count -= len(self._domains.pop(next(iter(self._domains))))
        return kept

    # --- reading and changing ---------------------------------------------------------------------

    def get(self, name: str, *, domain: str = "", path: str = "") -> str | None:
        """Return the value of the cookie *name*, the newest if there are several; None if there is none."""
        found = [one for one in self if one.name == name and domain in ("", one.domain) and path in ("", one.path)]
        return max(found, key=lambda cookie: cookie.sequence).value if found else None

    def clear(self, domain: str = "", path: str = "", name: str = "") -> None:
        """Remove the cookies of *domain*, *name* and *path*; what is not given means any."""
        for cookie in self:
            if domain in ("", cookie.domain) and name in ("", cookie.name) and path in ("", cookie.path):
                self._remove(cookie)

    def _remove(self, cookie: Cookie) -> None:
        cookies = self._domains[cookie.domain]
        del cookies[_key(cookie)]
        self._count -= 1
        self.changes += 1
        if not cookies:
            del self._domains[cookie.domain]

    # --- persistence ------------------------------------------------------------------------------

    def export(self) -> list[dict[str, Any]]:
        """Return every cookie as a dictionary of plain values that survives JSON and msgpack."""
        ordered = sorted(self, key=lambda cookie: cookie.sequence)
        return [_plain(cookie) | {"name": _latin(cookie.name), "value": _latin(cookie.value)} for cookie in ordered]

    @classmethod
    def restore(cls, exported: Iterable[Mapping[str, Any]]) -> CookieJar:
        """Return a jar with the cookies that :meth:`export` gave."""
        jar = cls()
        for one in exported:
            jar._keep(Cookie(**{**one, "name": _unlatin(one["name"]), "value": _unlatin(one["value"])}))
        return jar

    # --- Scrapy's names ---------------------------------------------------------------------------

    def extract_cookies(self, response: Response, request: Request) -> None:
        """Take what *response* to *request* sets."""
        now = time.time()
        for header in response.headers.getlist("Set-Cookie"):
            self.store(request.url, header, now=now)

    def make_cookies(self, response: Response, request: Request) -> list[Cookie]:
        """Return the cookies that *response* to *request* sets, without taking them."""
        jar = CookieJar()
        jar.extract_cookies(response, request)
        return list(jar)

    def set_cookie(self, cookie: Any) -> None:
        """Take a cookie of another jar, ours or one of :mod:`http.cookiejar`."""
        if not isinstance(cookie, Cookie):
            domain = cookie.domain if cookie.domain_specified else cookie.domain.lstrip(".")
            self.set(
                cookie.name,
                cookie.value or "",
                domain=domain,
                path=cookie.path,
                secure=cookie.secure,
                expires=cookie.expires,
            )
            return
        self._keep(cookie)

    def clear_session_cookies(self) -> None:
        """Remove the cookies without an end, as a browser does when it is closed."""
        for cookie in self:
            if cookie.expires is None:
                self._remove(cookie)

    def add_cookie_header(self, request: Request) -> None:
        """Give *request* the cookies for its URL, unless it has a Cookie header."""
        value = self.header(request.url, now=time.time())
        if value:
            request.headers.setdefault("Cookie", value)


class CookieJars:
    """Several jars by key; a jar exists from the first time that it is asked for with ``[]``."""

    def __init__(self) -> None:
        self._jars: dict[Hashable, CookieJar] = {}

    def __repr__(self) -> str:
        return f"<CookieJars {len(self._jars)} jars>"

    def __getitem__(self, key: Hashable) -> CookieJar:
        jar = self._jars.get(key)
        if jar is None:
            jar = self._jars[key] = CookieJar()
        return jar

    def __iter__(self) -> Iterator[Hashable]:
        return iter(list(self._jars))

    def __len__(self) -> int:
        return len(self._jars)

    def __contains__(self, key: object) -> bool:
        return key in self._jars

    def get(self, key: Hashable) -> CookieJar | None:
        """Return the jar of *key* if there is one, without making it."""
        return self._jars.get(key)

    def discard(self, key: Hashable) -> None:
        """Forget the jar of *key*, as a spider does with an identity that it has used up."""
        self._jars.pop(key, None)

    @property
    def changes(self) -> tuple[int, ...]:
        """What is another value after every change of a jar."""
        return tuple(jar.changes for jar in self._jars.values())

    def export(self) -> list[tuple[Any, list[dict[str, Any]]]]:
        """Return (key, exported jar) of every jar that holds something."""
        return [(key, jar.export()) for key, jar in self._jars.items() if jar]

    def restore(self, exported: Iterable[tuple[Any, Iterable[Mapping[str, Any]]]]) -> None:
        """Put the jars that :meth:`export` gave in the places of those that are here."""
        for key, cookies in exported:
            self._jars[key] = CookieJar.restore(cookies)


def _keeps_prefix(received: SetCookie, cookie: Cookie) -> bool:
    """Tell whether *cookie* is what the prefix of its name promises (section 5.7, steps 20 and 21)."""
    name = cookie.name.lower()
    if name.startswith("__host-"):
        return cookie.secure and not received.domain and received.path == "/"
    return cookie.secure or not name.startswith("__secure-")


def _and_above(host: str) -> Iterator[str]:
    """Yield *host* and, unless it is an address, every domain above it."""
    yield host
    if is_address(host):
        return
    dot = host.find(".")
    while dot != -1:
        host = host[dot + 1 :]
        yield host
        dot = host.find(".")


def _key(cookie: Cookie) -> tuple[str, str, bool]:
    return cookie.path, cookie.name, cookie.host_only


def _plain(cookie: Cookie) -> dict[str, Any]:
    fields = asdict(cookie)
    del fields["sequence"]
    return fields


def _latin(text: str) -> str:
    """Return *text* with one character per byte, so that bytes which are no UTF-8 survive any encoding."""
    return bytes_of(text).decode("latin-1")


def _unlatin(text: str) -> str:
    return text_of(text.encode("latin-1"))
