"""What spans and metrics say of a request, by OpenTelemetry's semantic conventions for HTTP. Pure.

What is secret in a URL (user and password, the values of the query that the conventions and ``telemetry.redact`` name) is replaced
by REDACTED; methods that are no method of HTTP are ``_OTHER``, so that no page decides how many time series there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from crawler import url as urls

if TYPE_CHECKING:
    from crawler.http import Request, Response

REDACTED, OTHER = "REDACTED", "_OTHER"

_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.IGNORECASE)

_METHODS = frozenset("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY".split())


def redactor(names: Iterable[str]) -> Callable[[str], str]:
    """Return what replaces the secrets of a URL: user and password, and the values of the parameters *names*, in any case."""
    secret = frozenset(name.lower() for name in names)

    def parameter(pair: str) -> str:
        name, equals, _ = pair.partition("=")
        return f"{name}={REDACTED}" if equals and name.lower() in secret else pair

    def redacted(url: str) -> str:
        url = url.partition("#")[0]
        start = url.find("://") + 3
        ends = [found for mark in "/?" if (found := url.find(mark, start)) >= 0]
        end = min(ends, default=len(url))
        at = url.rfind("@", start, end)
        if at >= 0:
            mask = f"{REDACTED}:{REDACTED}" if ":" in url[start:at] else REDACTED
            url = url[:start] + mask + url[at:]
        path, question, query = url.partition("?")
        return f"{path}?{'&'.join(map(parameter, query.split('&')))}" if question and "=" in query else url

    return redacted


def told(text: str, redacted: Callable[[str], str]) -> str:
    """Return *text*, such as the message of an error, with its URLs *redacted*, and without what is no Unicode."""
    return _URL.sub(lambda found: redacted(found.group()), text).encode("utf-8", "replace").decode()


def request_attributes(request: Request) -> dict[str, Any]:
    """Return what is said of *request* in metrics and spans alike: its method, its server."""
    parts = urls.split(request.url)
    attributes: dict[str, Any] = {
        "http.request.method": request.method if request.method in _METHODS else OTHER,
        "server.address": parts.host,
        "url.scheme": parts.scheme,
    }
    port = parts.port or urls.DEFAULT_PORTS.get(parts.scheme)
    if port:
        attributes["server.port"] = port
    return attributes


def answer_attributes(response: Response | None, error: BaseException | None) -> dict[str, Any]:
    """Return what is said of what came: a *response*, or the *error* in its place."""
    if response is None:
        return {} if error is None else {"error.type": error_type(error)}
    attributes: dict[str, Any] = {"http.response.status_code": response.status}
    if response.status >= 400:
        attributes["error.type"] = str(response.status)
    if response.protocol:
        attributes["network.protocol.version"] = str(response.protocol).partition("/")[2].removesuffix(".0") or "1.1"
    return attributes


def error_type(error: BaseException) -> str:
    """Return the name of the class of *error*, with its module where that is nobody's own."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def original_method(request: Request) -> dict[str, Any]:
    """Return the method that :func:`request_attributes` does not tell."""
    return {} if request.method in _METHODS else {"http.request.method_original": request.method}
