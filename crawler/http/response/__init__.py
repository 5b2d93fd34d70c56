"""Responses: what came back, as bytes, as text, as HTML, XML or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crawler.http.headers import Headers
from crawler.http.response.response import Response
from crawler.http.response.text import RESPONSE_CLASSES, HtmlResponse, JsonResponse, TextResponse, XmlResponse
from crawler.http.sniff import kind_of

__all__ = [
    "RESPONSE_CLASSES",
    "HtmlResponse",
    "JsonResponse",
    "Response",
    "TextResponse",
    "XmlResponse",
    "response_from_dict",
]


def response_from_dict(data: Mapping[str, Any]) -> Response:
    """Return the response that :meth:`Response.to_dict` has written; its class must be imported already.

    Without a class, it is told as that of a response from the network.
    """
    headers = Headers(data.get("headers"))
    cls = next((one for one in _classes(Response) if f"{one.__module__}.{one.__name__}" == data.get("_class")), None)
    if cls is None:
        cls = RESPONSE_CLASSES[kind_of(headers.get, data["url"], data.get("body") or b"")]
    return cls.from_dict({**data, "headers": headers})


def _classes(cls: type[Response]) -> Iterator[type[Response]]:
    for one in cls.__subclasses__():
        yield one
        yield from _classes(one)
