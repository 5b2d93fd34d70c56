"""The class that a response is given, for middlewares that make responses themselves.

    cls = responsetypes.from_args(headers=headers, url=url, body=body)
    return cls(url, headers=headers, body=body, request=request)

What comes over the network is judged by the same rules (:mod:`crawler.http.sniff`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crawler.http import Headers, Response
from crawler.http.response import RESPONSE_CLASSES
from crawler.http.sniff import kind_of, kind_of_body, kind_of_disposition, kind_of_name, kind_of_type


class ResponseTypes:
    """Tells the class of a response by whatever is known of it; :class:`Response` where that says nothing."""

    def from_args(
        self,
        headers: Mapping[Any, Any] | None = None,
        url: str | None = None,
        filename: str | None = None,
        body: bytes | None = None,
    ) -> type[Response]:
        """Return the class for all of these together: headers count most, then names, then the look of the body."""
        given = Headers(headers)
        if filename is not None and kind_of_type(given.get(b"Content-Type") or b"") is None:
            named = kind_of_disposition(given.get(b"Content-Disposition")) or kind_of_name(filename)
            if named is not None:
                return _class(named)
        return _class(kind_of(given.get, url or "", body if body is not None else b"\0"))

    def from_headers(self, headers: Mapping[Any, Any]) -> type[Response]:
        """Return the class for Content-Type and Content-Disposition."""
        given = Headers(headers)
        if given.get(b"Content-Encoding"):
            return Response  # still packed
        kind = kind_of_type(given.get(b"Content-Type") or b"")
        return _class(kind or kind_of_disposition(given.get(b"Content-Disposition")))

    def from_content_type(self, content_type: str | bytes, content_encoding: bytes | None = None) -> type[Response]:
        """Return the class for a Content-Type; what is still encoded can be nothing but bytes."""
        return Response if content_encoding else _class(kind_of_type(_bytes(content_type)))

    def from_mimetype(self, mimetype: str) -> type[Response]:
        """Return the class for a media type."""
        return _class(kind_of_type(_bytes(mimetype)))

    def from_content_disposition(self, content_disposition: str | bytes) -> type[Response]:
        """Return the class for the file name of a Content-Disposition."""
        return _class(kind_of_disposition(_bytes(content_disposition)))

    def from_filename(self, filename: str) -> type[Response]:
        """Return the class for a file name or a path."""
        return _class(kind_of_name(filename))

    def from_body(self, body: bytes) -> type[Response]:
        """Return the class for the look of a body."""
        return _class(kind_of_body(body))


def _class(kind: str | None) -> type[Response]:
    return RESPONSE_CLASSES[kind] if kind is not None else Response


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")


responsetypes = ResponseTypes()
