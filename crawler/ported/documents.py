"""Of Scrapy's ``utils``: requests, responses and the documents in them."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import ParseResult, urlparse
from weakref import WeakKeyDictionary

from w3lib.html import get_meta_refresh as meta_refresh

from crawler.http import Request, Response, TextResponse
from crawler.selector import Selector
from crawler.settings import find_project
from crawler.spiders.feed import iter_nodes, iter_rows

if TYPE_CHECKING:
    from twisted.python.failure import Failure

_parsed: WeakKeyDictionary[Request | Response, ParseResult] = WeakKeyDictionary()


def urlparse_cached(request_or_response: Request | Response) -> ParseResult:
    """Return the parsed URL, the same object each time. New code calls :func:`urllib.parse.urlsplit`."""
    parsed = _parsed.get(request_or_response)
    if parsed is None:
        parsed = _parsed[request_or_response] = urlparse(request_or_response.url)
    return parsed


def get_base_url(response: Response) -> str:
    """Return what links in *response* are relative to. New code reads ``response.base_url``, or calls ``urljoin``."""
    return response.base_url if isinstance(response, TextResponse) else response.url


def get_meta_refresh(
    response: TextResponse, ignore_tags: Iterable[str] = ("script", "noscript")
) -> tuple[None, None] | tuple[float, str]:
    """Return (seconds, URL) of the meta refresh of *response*, (None, None) without one."""
    return meta_refresh(response.text[:4096], response.base_url, response.encoding, ignore_tags=tuple(ignore_tags))


def response_status_message(status: bytes | int | str) -> str:
    """Return the status with its name: ``404 Not Found``. New code has :class:`http.HTTPStatus`."""
    code = int(status)
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"{code} Unknown Status"


def request_to_curl(request: Request) -> str:
    """Return a curl command that makes *request*. New code calls ``request.to_curl()``."""
    return request.to_curl()


def request_httprepr(request: Request) -> bytes:
    """Return *request* about as HTTP/1.1 would have it, to look at."""
    parsed = urlparse_cached(request)
    target = urlparse("")._replace(path=parsed.path or "/", params=parsed.params, query=parsed.query).geturl()
    lines = [f"{request.method} {target} HTTP/1.1".encode(), b"Host: " + (parsed.hostname or "").encode("idna")]
    head = request.headers.to_string()
    return b"\r\n".join([*lines, *([head] if head else []), b"", request.body])


def referer_str(request: Request) -> str | None:
    """Return the Referer of *request* as text, None without one."""
    referer = request.headers.get("Referer")
    return None if referer is None else referer.decode("utf-8", "replace")


def gzip_magic_number(response: Response) -> bool:
    """Tell whether the body of *response* begins as gzip does."""
    return response.body_head(3) == b"\x1f\x8b\x08"


def gunzip(data: bytes, *, max_size: int = 0) -> bytes:
    """Return what gzip *data* holds; of data that is cut off, what is there. Raise ValueError above *max_size* bytes."""
    content = b""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        while True:
            try:
                chunk = file.read1(1 << 16)
            except (OSError, EOFError, zlib.error):
                if content:
                    return content
                raise
            if not chunk:
                return content
            content += chunk
            if max_size and len(content) > max_size:
                raise ValueError(f"the data is more than {max_size} bytes when it is decompressed")


def xmliter_lxml(
    obj: Response | str | bytes, nodename: str, namespace: str | None = None, prefix: str = "x"
) -> Iterator[Selector]:
    """Yield a selector for each element *nodename* of a document. New code has :class:`crawler.spiders.XMLFeedSpider`."""
    tag = nodename if not namespace or ":" in nodename else f"{prefix}:{nodename}"
    spaces = [(prefix, namespace)] if namespace else []
    for text in iter_nodes(_document(obj), tag, spaces):
        selector = Selector(text=text, type="xml")
        if namespace:
            selector.register_namespace(prefix, namespace)
        yield selector.xpath("/*")[0]


def csviter(
    obj: Response | str | bytes,
    delimiter: str | None = None,
    headers: Sequence[str] | None = None,
    encoding: str | None = None,
    quotechar: str | None = None,
) -> Iterator[dict[str, str]]:
    """Yield a dictionary for each row of a CSV document. New code has :class:`crawler.spiders.CSVFeedSpider`."""
    return iter_rows(_document(obj, encoding), delimiter=delimiter, quotechar=quotechar, headers=headers)


def _document(obj: Response | str | bytes, encoding: str | None = None) -> Response:
    if isinstance(obj, str):
        return TextResponse("about:blank", body=obj, encoding="utf-8")
    if isinstance(obj, bytes):
        return TextResponse("about:blank", body=obj, encoding=encoding or "utf-8")
    return obj.replace(encoding=encoding) if encoding and isinstance(obj, TextResponse) else obj


def failure_to_exc_info(failure: Failure) -> tuple[Any, Any, Any] | None:
    """Return the ``exc_info`` of a Failure, for logging; None for anything else."""
    value = getattr(failure, "value", None)
    return (getattr(failure, "type", None), value, failure.getTracebackObject()) if value is not None else None


def data_path(path: str | Path, createdir: bool = False) -> str:
    """Return *path* below the project's folder for data, ``.scrapy``; an absolute path as it is."""
    whole = Path(path)
    project = find_project()
    if not whole.is_absolute():
        whole = (project or Path()) / ".scrapy" / whole
    if createdir:
        whole.mkdir(parents=True, exist_ok=True)
    return str(whole)
