"""The fetch as the engine sees it: counted, and announced to whoever listens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from crawler import signals
from crawler.exceptions import StopDownload
from crawler.http.retry import error_reason

if TYPE_CHECKING:
    from crawler.http import Headers, Request, Response
    from crawler.signals import SignalManager
    from crawler.stats import StatsCollector


def counted(
    fetch: Callable[[Request], Awaitable[Response]],
    *,
    spider: Any,
    stats: StatsCollector,
    signal_manager: SignalManager,
) -> Callable[[Request], Awaitable[Response]]:
    """Return *fetch* with Scrapy's ``downloader/...`` statistics and its signals around each download."""
    reached = signal_manager.receivers(signals.request_reached_downloader)
    left = signal_manager.receivers(signals.request_left_downloader)
    downloaded = signal_manager.receivers(signals.response_downloaded)
    count = stats.inc_value
    methods: dict[str, str] = {}
    statuses: dict[int, str] = {}

    # Hot: once per request.
    async def counted_fetch(request: Request) -> Response:
        method = request.method
        count("downloader/request_count")
        count(methods.get(method) or methods.setdefault(method, f"downloader/request_method_count/{method}"))
        count("downloader/request_bytes", _size_of(request))
        if reached:
            signal_manager.send(signals.request_reached_downloader, request=request, spider=spider)
        try:
            response = await fetch(request)
        except Exception as error:
            count("downloader/exception_count")
            count(f"downloader/exception_type_count/{error_reason(error)}")
            raise
        finally:
            if left:
                signal_manager.send(signals.request_left_downloader, request=request, spider=spider)
        status = response.status
        count("downloader/response_count")
        count(statuses.get(status) or statuses.setdefault(status, f"downloader/response_status_count/{status}"))
        size = response.body_size
        count("downloader/response_bytes", size)
        if b"Content-Encoding" in response.headers:
            count("httpcompression/response_count")
            count("httpcompression/response_bytes", size)
        if downloaded:
            signal_manager.send(signals.response_downloaded, response=response, request=request, spider=spider)
        return response

    return counted_fetch


# Hot: once per request.
def _size_of(request: Request) -> int:
    """Return about how many bytes *request* is on the wire: its line, its headers, its body."""
    size = len(request.method) + len(request._url) + len(request._body) + _LINE
    headers = request._headers
    return size if headers is None else size + headers.size


# " HTTP/1.1", the ends of the first line and of the head.
_LINE = 14


class SignalWatcher:
    """Sends ``headers_received`` and ``bytes_received`` while downloads last, where anybody listens."""

    def __init__(self, signal_manager: SignalManager, spider: Any) -> None:
        self._signals = signal_manager
        self._spider = spider
        self._on_headers = signal_manager.receivers(signals.headers_received)
        self._on_bytes = signal_manager.receivers(signals.bytes_received)

    def is_watching(self) -> bool:
        """Tell whether a handler is connected."""
        return bool(self._on_headers or self._on_bytes)

    def headers(self, request: Request, headers: Headers, length: int | None) -> None:
        """Send ``headers_received``; raise a StopDownload that a handler raises."""
        self._send(signals.headers_received, headers=headers, body_length=length, request=request)

    def data(self, request: Request, data: bytes) -> None:
        """Send ``bytes_received``; raise a StopDownload that a handler raises."""
        self._send(signals.bytes_received, data=data, request=request)

    def _send(self, signal: signals.Signal, **arguments: Any) -> None:
        for result in self._signals.send(signal, dont_log=StopDownload, spider=self._spider, **arguments):
            if isinstance(result, StopDownload):
                raise result
