"""What makes two requests the same: our fingerprint, with the headers that the settings name, or a class of the project's own."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from crawler.engine import components
from crawler.exceptions import ComponentError
from crawler.http.fingerprint import SIZE, RequestFingerprinter, fingerprint

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request


def fingerprinter_of(crawler: Crawler) -> Any:
    """Return the fingerprinter that the settings name, or the default one. Raise ComponentError if it is none."""
    named = crawler.settings.components.fingerprinter
    if not named:
        return RequestFingerprinter()
    fingerprinter = components.instance(components.Declared(named), crawler)
    if not callable(getattr(fingerprinter, "fingerprint", None)):
        raise ComponentError(f"components.fingerprinter: {named} has no method fingerprint(request)")
    return fingerprinter


def identity_of(fingerprinter: Any, include_headers: tuple[str, ...] = ()) -> Callable[[Request], bytes]:
    """Return the function that gives the identity of a request, of the size that the frontier keeps."""
    if type(fingerprinter) is RequestFingerprinter:
        return (
            (lambda request: fingerprint(request, include_headers=include_headers)) if include_headers else fingerprint
        )

    def identity(request: Request) -> bytes:
        digest = fingerprinter.fingerprint(request)
        if not isinstance(digest, bytes):
            name = type(fingerprinter).__qualname__
            raise ComponentError(f"{name}.fingerprint returned {digest!r} for {request}: return bytes")
        return digest if len(digest) == SIZE else blake2b(digest, digest_size=SIZE).digest()

    return identity
