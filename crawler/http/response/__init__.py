"""Responses: what came back, as bytes, as text, as HTML, XML or JSON."""

from __future__ import annotations

from crawler.http.response.response import Response
from crawler.http.response.text import RESPONSE_CLASSES, HtmlResponse, JsonResponse, TextResponse, XmlResponse

__all__ = ["RESPONSE_CLASSES", "HtmlResponse", "JsonResponse", "Response", "TextResponse", "XmlResponse"]
