"""URLs as browsers read them.

Parsing and joining follow the WHATWG URL standard (ada-url, the parser of Node.js). Two forms of a URL matter to a crawler and
are kept apart:

* what goes on the wire stays as it was given, as long as a browser would send it so (``ensure_absolute``, ``join``);
* what it is recognised by is canonical: serialised, its query sorted, without fragment (``canonical``). The case of path and
  query is kept: two pages may differ by it.

The politeness key (``host_key``), the origin and the parts of a URL are cached: most URLs of a crawl share few hosts, and most
links of a page were seen before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import ada_url

from crawler.exceptions import InvalidURLError
from crawler.remembering import remembered

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}

# A URL that needs no work: a scheme, and only characters that RFC 3986 allows in a URL, percent signs only before hex digits.
_CLEAN = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")

# A URL that is its own serialisation, if only one of the most common kind: nothing in it is to be lowered, escaped or resolved. The
# host is no number, and no segment begins with a dot. (Punycode that is not valid does not parse, and is its own form then.)
_SERIALISED = re.compile(
    r"https?://(?:[a-z0-9-]+\.)+[a-z][a-z-]*(?:/(?!\.)[A-Za-z0-9\-._~!$&'()*+,;=:@]*)+"
    r"(?:\?[A-Za-z0-9\-._~!$&()*+,;=:@/?]*)?"
).fullmatch

# "example.com:80/x" parses as a URL of the scheme "example.com"; nobody means that.
_HOST_AND_PORT = re.compile(r"\s*[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+:\d*(?:[/?#]|$)")

# A host that a browser would not send as it is: with escapes, or an IPv4 address in any but its usual form.
_MENDED_HOST = re.compile(
    r"//(?:[^/?#]*@)?(?:[^/?#@:]*%"
    r"|(?!(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})(?:[:/?#]|$))(?:[^/?#@:\[]*\.)?\d[^/?#@:.]*\.?(?:[:/?#]|$))"
)

# Schemes whose URLs have an authority, which must name a host.
_WITH_HOST = frozenset({"http", "https", "ws", "wss", "ftp"})

_UP_TO_THE_PATH = re.compile(r"[^:]*://[^/?#\\]*").match

# The WHATWG URL parser removes these before it reads on.
_IGNORED = {ord(character): None for character in "\t\n\r"}
_C0_AND_SPACE = "".join(map(chr, range(0x21)))

# What may stand unescaped in a query beside letters and digits; the rest of the WHATWG query set is escaped.
_QUERY_SAFE = "!$%&'()*+,-./:;=?@[\\]^_`{|}~"


class SplitURL(NamedTuple):
    """The parts of a URL. The host is lower case, IPv6 without brackets; the port is None where the scheme's own is meant."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str
    fragment: str


# Hot: once per link.
def join(base: str, reference: str, encoding: str = "utf-8") -> str:
    """Return *reference*, found on the page *base*, as an absolute URL. Raise InvalidURLError if no browser could.

    What is not ASCII in its query is escaped in *encoding*, that of the page.
    """
    if not reference.isascii() and "?" in reference and not _is_utf8(encoding):
        reference = _with_query_in(reference, encoding)
    if (
        # To the page itself, or perhaps: a blank in front is not read, and "https:?x" is as "?x" is. Its name matters then.
        reference[:1] <= " "
        or reference[0] in "?#"
        or reference.find(":") != reference.find("://")
        # A page whose name may be ".." lies in another folder than it seems to.
        or "?" in base
        or "#" in base
        or base.endswith(_UP)
    ):
        return _joined.__wrapped__(base, reference)
    folder = base[: base.rfind("/") + 1]
    return _joined(base if not folder or folder.endswith("://") else folder, reference)


def follow(base: str, reference: str, encoding: str = "utf-8") -> str:
    """Return what :func:`join` does, but ``http://example.org`` as it is written, without the slash that a browser adds."""
    url = join(base, reference, encoding)
    return reference if url.endswith("/") and url[:-1] == reference else url


_UP = (".", "%2e", "%2E")


# The pages of a folder share most of their links: a look-up costs a tenth of a join.
@lru_cache(maxsize=16384)
def _joined(base: str, reference: str) -> str:
    try:
        return ada_url.join_url(base, reference)
    except ValueError:
        whole = reference.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if whole != reference:
            return _joined(base, whole)  # half of a surrogate pair, out of JSON: to a browser, a character that is none
        raise InvalidURLError(f"cannot resolve the link {reference!r} on {base!r}: {_reason(reference)}") from None


def ensure_absolute(url: str, encoding: str = "utf-8") -> str:
    """Return *url* fit to be requested, unchanged if it already is.

    Characters that do not belong into a URL are escaped as a browser escapes them: in UTF-8, but in *encoding* (that of the
    page) for the query; host names are written in ASCII. Raise InvalidURLError naming what is wrong.
    """
    if _CLEAN.fullmatch(url) and _is_valid(url):
        return url
    if _HOST_AND_PORT.match(url):
        raise InvalidURLError(f"invalid URL {url!r}: {_reason(url)}")
    stripped = url.strip(_C0_AND_SPACE).translate(_IGNORED)
    if "?" in stripped and not _is_utf8(encoding):
        stripped = _with_query_in(stripped, encoding)
    try:
        return ada_url.normalize_url(stripped)
    except ValueError:
        raise InvalidURLError(f"invalid URL {url!r}: {_reason(url)}") from None


# Hot: once per Request whose URL is not known to be good.
def _is_valid(url: str) -> bool:
    """Tell whether *url* parses, and names a host where its scheme needs one."""
    if not ada_url.check_url(url):
        return False
    scheme, _, rest = url.partition(":")
    if "." in scheme or _MENDED_HOST.match(rest):
        return False
    # A browser reads "http:host" and "http:///host" as "http://host/": that is mended, not kept.
    return scheme.lower() not in _WITH_HOST or (rest.startswith("//") and rest[2:3] not in ("", "/", "?", "#"))


def _is_utf8(encoding: str) -> bool:
    return encoding.lower() in ("utf-8", "utf8", "ascii", "us-ascii")


def _with_query_in(url: str, encoding: str) -> str:
    """Return *url* with what is not ASCII in its query escaped in *encoding*; what that cannot hold as a numeric entity."""
    head, _, rest = url.partition("?")
    query, hash_mark, fragment = rest.partition("#")
    try:
        encoded = query.encode(encoding, "xmlcharrefreplace")
    except LookupError:
        return url
    return f"{head}?{quote(encoded, safe=_QUERY_SAFE)}{hash_mark}{fragment}"


def _reason(url: str) -> str:
    """Say in words why *url* does not parse, and what to write instead."""
    text = url.strip(_C0_AND_SPACE).translate(_IGNORED)
    scheme, colon, rest = text.partition(":")
    if not colon or not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9+.-]*", scheme):
        return f"it has no scheme; write https://{text.lstrip('/')}" if text else "it is empty"
    if re.fullmatch(r"\d+(?:[/?#].*)?", rest) and "." in scheme:
        return f"it has no scheme; write https://{text}"
    authority = re.split(r"[/?#\\]", rest.lstrip("/\\"), maxsplit=1)[0].rpartition("@")[2]
    if not authority or authority.startswith(":"):
        return f"it names no host; write {scheme}://host/path"
    host, _, port = authority.rpartition(":") if not authority.endswith("]") else (authority, "", "")
    if host and port and not (port.isdecimal() and int(port) < 65536):
        return f"the port {port!r} is no number from 0 to 65535"
    return f"{host or authority!r} is no host name"


def canonical(url: str, *, keep_fragment: bool = False) -> str:
    """Return the form of *url* by which it is recognised: serialised, query arguments sorted, without fragment.

    Blank values and the order of arguments of one name are kept. A URL that does not parse is its own canonical form.
    """
    if _SERIALISED(url):
        if "?" not in url:
            return url
        serialised = url
    else:
        try:
            serialised = ada_url.normalize_url(url)
        except ValueError:
            return url
    body, hash_mark, fragment = serialised.partition("#")
    head, question_mark, query = body.partition("?")
    if question_mark:
        # Stable: arguments of the same name stay in their order.
        query = (
            "&".join(sorted(query.split("&"), key=lambda argument: argument.partition("=")[0]))
            if "&" in query
            else query
        )
        body = f"{head}?{query}" if query else head
    return f"{body}#{fragment}" if keep_fragment and hash_mark else body


@remembered(4096)
def split(url: str) -> SplitURL:
    """Return the parts of *url*. Raise InvalidURLError if it does not parse."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidURLError(f"invalid URL {url!r}: {error}") from None
    scheme = parts.scheme.lower()
    if port == DEFAULT_PORTS.get(scheme):
        port = None
    return SplitURL(scheme, (parts.hostname or "").lower(), port, parts.path, parts.query, parts.fragment)


# Hot: once per request.
def origin(url: str) -> str:
    """Return scheme, host and port of *url* as in ``https://example.com`` or ``http://example.com:8080``."""
    found = _UP_TO_THE_PATH(url)
    return _origin(_authority_part(url) if found is None else found[0])


# Hot: once per request.
def host_key(url: str) -> str:
    """Return the host of *url*, with its port if that is not the scheme's own: what politeness counts by."""
    found = _UP_TO_THE_PATH(url)
    return _host_key(_authority_part(url) if found is None else found[0])


def same_origin(one: str, other: str) -> bool:
    """Tell whether both URLs have the same scheme, host and port."""
    return origin(one) == origin(other)


def _authority_part(url: str) -> str:
    """Return *url* up to its path: few of these are different, so what is made of them can be cached."""
    found = _UP_TO_THE_PATH(url)
    return url.partition(":")[0] + ":" if found is None else found[0]


@remembered(65536)
def _origin(authority_part: str) -> str:
    parts = split(authority_part)
    return f"{parts.scheme}://{_with_port(parts)}"


@remembered(65536)
def _host_key(authority_part: str) -> str:
    return _with_port(split(authority_part))


def _with_port(parts: SplitURL) -> str:
    host = f"[{parts.host}]" if ":" in parts.host else parts.host
    return f"{host}:{parts.port}" if parts.port is not None else host


def defrag(url: str) -> str:
    """Return *url* without its fragment."""
    return url.partition("#")[0]


class HostMatcher:
    """Tells whether the host of a URL is one of *domains* or lies below one, however many they are."""

    __slots__ = ("_domains", "_known")

    def __init__(self, domains: Iterable[str]) -> None:
        self._domains = frozenset(_domain(one) for one in domains if one)
        self._known: dict[str, bool] = {}

    def __repr__(self) -> str:
        return f"<HostMatcher {len(self._domains)} domains>"

    # Hot: once per new link.
    def matches(self, url: str) -> bool:
        """Tell whether the host of *url* is covered."""
        part = _authority_part(url)
        known = self._known.get(part)
        if known is None:
            if len(self._known) >= 65536:
                self._known.clear()  # a broad crawl meets any number of hosts
            known = self._known[part] = self._covers(part)
        return known

    def _covers(self, authority_part: str) -> bool:
        try:
            host = split(authority_part).host
        except InvalidURLError:
            return False
        while host:
            if host in self._domains:
                return True
            host = host.partition(".")[2]
        return False


def _domain(text: str) -> str:
    """Return a domain as it is compared: lower case, ASCII, without a leading dot or port; a URL by its host."""
    domain = text.strip().lower()
    if "://" in domain:
        domain = split(domain).host
    domain = domain.lstrip(".").rstrip(".")
    if not domain.isascii():
        domain = ada_url.idna_to_ascii(domain).decode() if hasattr(ada_url, "idna_to_ascii") else domain
    return domain.partition(":")[0] if domain.count(":") == 1 else domain


_CREDENTIALS = re.compile(r"(?<=://)[^/@]*:[^/]*@(?=[^/@]*(?:/|$))")


def without_password(url: str) -> str:
    """Return *url* as it may be shown or logged: with ``***`` for the password in it, unchanged if it has none."""
    return _CREDENTIALS.sub(lambda found: f"{found[0].partition(':')[0]}:***@", url)
