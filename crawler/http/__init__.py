"""Documents: requests, responses, headers, and what is decided from them alone. No network."""

from __future__ import annotations

from crawler.http.headers import Headers
from crawler.http.request import FormRequest, JsonRequest, Request, XmlRpcRequest
from crawler.http.response import HtmlResponse, JsonResponse, Response, TextResponse, XmlResponse

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
