"""Fingerprints: what makes two requests the same.

128 bits of BLAKE2b over method, canonical URL, body and chosen headers. That of a plain GET request is remembered by its URL, since
most links of a page were seen before.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING

from crawler.remembering import remembered
from crawler.url import canonical, defrag

if TYPE_CHECKING:
    from crawler.http.request import Request

SIZE = 16


# Hot: once per link.
def fingerprint(request: Request, *, include_headers: Iterable[str] = (), keep_fragments: bool = False) -> bytes:
    """Return the 16 bytes by which *request* is recognised.

    The values of *include_headers* count too, and the URL's fragment if *keep_fragments*. A URL that goes out as it is written
    (``verbatim_url`` in meta) counts as it is written.
    """
    meta = request._meta  # there is a request for every link, and has_meta takes a call
    if meta is not None and meta.get("verbatim_url"):
        return _digest(request.method, request.url, request.body, *_headers(request, include_headers))
    if not include_headers and not keep_fragments:
        if request.method == "GET" and not request.body:
            url = request.url
            return _of_get(defrag(url) if "#" in url else url)
        return _digest(request.method, canonical(request.url), request.body)
    url = canonical(request.url, keep_fragment=keep_fragments)
    return _digest(request.method, url, request.body, *_headers(request, include_headers))


def _headers(request: Request, names: Iterable[str]) -> list[bytes]:
    """Return the values of those of the headers *names* that *request* has, in an order of their own."""
    if not request.has_headers:
        return []
    found = ((name, request.headers.getlist(name)) for name in sorted({header.lower() for header in names}))
    return [name.encode() + b":" + b",".join(values) for name, values in found if values]


def request_fingerprint(
    request: Request, include_headers: Iterable[str] | None = None, keep_fragments: bool = False
) -> str:
    """Return :func:`fingerprint` in hexadecimal, as projects of older days call it."""
    return fingerprint(request, include_headers=include_headers or (), keep_fragments=keep_fragments).hex()


class RequestFingerprinter:
    """What REQUEST_FINGERPRINTER_CLASS is without one of the project's own: :func:`fingerprint`. For subclasses to build on."""

    def fingerprint(self, request: Request) -> bytes:
        """Return the bytes by which *request* is recognised."""
        return fingerprint(request)


# Enough for the navigation of many sites, and few enough for a processor's cache: most URLs that are not here never come again,
# and with eight times as many each of them costs twice as much.
@remembered(8192)
def _of_get(url: str) -> bytes:
    """Return what :func:`_digest` does for a GET request without a body, put together in one step."""
    encoded = canonical(url).encode("utf-8", "surrogatepass")
    return blake2b(b"3:GET%d:%b0:" % (len(encoded), encoded), digest_size=SIZE).digest()


def _digest(method: str, url: str, body: bytes, *headers: bytes) -> bytes:
    """Return the digest of the parts, each with its length, so that no two lists of parts look alike."""
    parts = (method.encode(), url.encode("utf-8", "surrogatepass"), body, *headers)
    return blake2b(b"".join([b"%d:%b" % (len(part), part) for part in parts]), digest_size=SIZE).digest()
