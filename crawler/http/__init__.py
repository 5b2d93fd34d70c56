"""Documents: requests, responses, headers, and what is decided from them alone. No network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawler.http import request as _requests
from crawler.http.headers import Headers
from crawler.http.request import Request
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


def _kind(name: str) -> Any:
    """Import a kind of request when it is first asked for."""
    if name not in _requests.KINDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(_requests, name)
    return value


if not TYPE_CHECKING:  # type checkers know the names from above, and tell one that is misspelled
    __getattr__ = _kind


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
