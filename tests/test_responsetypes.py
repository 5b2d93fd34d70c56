"""The class of a response, as middlewares ask for it."""

from __future__ import annotations

from typing import Any

import pytest

from crawler.http import HtmlResponse, JsonResponse, Response, TextResponse, XmlResponse
from crawler.responsetypes import responsetypes


@pytest.mark.parametrize(
    ("known", "cls"),
    [
        ({"headers": {"Content-Type": "text/html; charset=utf-8"}, "url": "http://x/a.xml"}, HtmlResponse),
        ({"headers": {"Content-Disposition": 'attachment; filename="a.xml"'}, "url": "http://x/a.html"}, XmlResponse),
        ({"url": "http://x/a.json?b.html"}, JsonResponse),
        ({"filename": "a.txt", "url": "http://x/"}, TextResponse),
        ({"filename": "a.txt", "headers": {"Content-Type": "text/html"}}, HtmlResponse),
        ({"url": "http://x/", "body": b"<html>"}, HtmlResponse),
        ({"url": "http://x/", "body": b"\0\1"}, Response),
        ({}, Response),
    ],
)
def test_a_response_is_told_by_all_that_is_known_of_it(known: dict[str, Any], cls: type[Response]) -> None:
    assert responsetypes.from_args(**known) is cls


def test_a_response_is_told_by_one_thing_alone() -> None:
    assert responsetypes.from_headers({"Content-Type": "application/ld+json"}) is JsonResponse
    assert responsetypes.from_content_type("text/xml") is XmlResponse
    assert responsetypes.from_content_type(b"text/xml", content_encoding=b"gzip") is Response
    assert responsetypes.from_mimetype("application/xhtml+xml") is HtmlResponse
    assert responsetypes.from_content_disposition(b"attachment; filename=a.csv") is TextResponse
    assert responsetypes.from_filename("/tmp/a.html") is HtmlResponse
    assert responsetypes.from_body(b"<?xml version='1.0'?>") is XmlResponse
