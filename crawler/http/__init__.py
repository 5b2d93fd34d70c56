"""Documents: requests, responses, headers, and what is decided from them alone. No network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.first_use import at_first_use
from crawler.http.headers import Headers
from crawler.http.request import KINDS, Request
from crawler.http.response import HtmlResponse, JsonResponse, Response, TextResponse, XmlResponse

if TYPE_CHECKING:
    from crawler.http.request import FormRequest, JsonRequest, XmlRpcRequest

__all__ = [
    "FormRequest",
    "Headers",
    "HtmlResponse",
    "JsonRequest",
    "JsonResponse",
    "Request",
    "Response",
    "TextResponse",
    "XmlResponse",
    "XmlRpcRequest",
]


if not TYPE_CHECKING:  # type checkers know the names from above, and tell one that is misspelled
    __getattr__ = at_first_use(globals(), KINDS)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
