"""An optional transport on libcurl (curl_cffi): HTTP/2, HTTP/3 and the TLS and header order of a browser, for sites that need them.

    pip install 'crawler[curl]'
    http.transport = "curl"          for everything, or meta={"transport": "curl"} for a request
    http.impersonate = "chrome"      the handshake of that browser; or meta={"impersonate": "chrome"}

An existing client, and not a connection of our own on h2, by measurement: over TLS from nginx a page of 14 KB takes libcurl with
HTTP/2 1.14 of the CPU that the crawler's own HTTP/1.1 takes, and a client on h2 in Python (httpx) 4.6 (``tests.benchmarks.http2``).
HTTP/2 is worth its place where a site asks for it, or is far away.

The rules stay ours: names are looked up, and addresses admitted by the guard, before curl connects to just these; redirects,
cookies and decoding are left to the crawler, and so are limits and errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import inf
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone

from crawler.download.answer import Answer
from crawler.download.body import BodyReceiver, Spooling
from crawler.download.curloptions import CurlOptions, wanted_of
from crawler.download.errors import (
    CannotResolveHostError,
    DownloadConnectionLostError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    DownloadTLSError,
    InvalidRequestError,
    ResponseDataLossError,
    ResponseMalformedError,
)
from crawler.download.phases import OnPhases, Phases
from crawler.download.transport import check_method, target_of
from crawler.exceptions import (
    DownloadError,
    DownloadFailedError,
    ProxyAuthenticationError,
    ProxyError,
    ResponseTooLargeError,
    SettingsError,
    StopDownload,
)
from crawler.http.decode import codings
from crawler.url import split

if TYPE_CHECKING:
    from crawler.download.dns import Resolver
    from crawler.download.guard import Guard
    from crawler.download.proxy import Ways
    from crawler.download.transport import FetchLimits
    from crawler.http import Request

# Curl's own look-up of what it is told beforehand takes microseconds; what takes longer was asked of somebody.
_LOOKED_UP = 0.001

# Numbers of libcurl's errors (curl.se/libcurl/c/libcurl-errors.html).
# CURL_WRITEFUNC_ERROR: no more is taken.
_STOP = 0xFFFFFFFF

_RESOLVE, _PROXY_RESOLVE, _REFUSED, _PARTIAL, _TIMEOUT, _WRITE = 6, 5, 7, 18, 28, 23
_TLS = frozenset({35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91})
_MALFORMED = frozenset({1, 8, 16, 61, 84, 92, 95})
_PROXY = frozenset({5, 97})


class CurlTransport:
    """Fetches http and https with libcurl on the asyncio *loop*. Raise SettingsError if curl_cffi is not installed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        resolver: Resolver,
        guard: Guard,
        ways: Ways,
        options: CurlOptions,
        *,
        spooling: Spooling,
        phases: OnPhases | None = None,
    ) -> None:
        if find_spec("curl_cffi") is None:
            raise SettingsError("http.transport = 'curl' needs curl_cffi: pip install 'crawler[curl]'")
        self._loop = loop
        self._resolver = resolver
        self._guard = guard
        self._ways = ways
        self._options = options
        self._spooling = spooling
        self._phases = phases
        self._multi: Any = None

    def __repr__(self) -> str:
        return "<CurlTransport>"

    async def fetch(self, request: Request, limits: FetchLimits) -> Answer:
        """Return what the server answered; raise a DownloadError that says why there is nothing to return."""
        check_method(request.method)
        target_of(request.url)  # raises for what cannot be written in a request line
        parts = split(request.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        way = self._ways.of(request)
        addresses: Sequence[Any] = ()
        asked, waited = self._loop.time(), None
        if way is None or way.proxy is None or way.proxy.scheme == "socks5":  # whose names are looked up here
            found = self._found(parts.host, port)
            is_asking = not found.called
            try:
                addresses = self._guard.admitted(parts.host, await found)
            finally:
                waited = self._loop.time() - asked if is_asking else None
                if not addresses and self._phases is not None:
                    self._phases(request, Phases(waited))
        else:
            self._guard.check_name(parts.host)
        import curl_cffi  # it takes a while, and few crawls need it

        exchange = _Exchange(curl_cffi, self._options, self._spooling, request, limits)
        exchange.set_up(parts.host, port, addresses, way)
        if self._multi is None:
            self._multi = curl_cffi.AsyncCurl(loop=self._loop)
        future: asyncio.Future[Any] = self._multi.add_handle(exchange.handle)
        performing = Deferred.fromFuture(future)
        patience = _FirstByte(self._loop, exchange, lambda error: self._multi.set_exception(exchange.handle, error))
        try:
            await performing
        except asyncio.CancelledError:
            raise
        except Exception as error:
            exchange.failed(error)
        finally:
            if self._phases is not None:
                self._phases(request, exchange.phases(waited))
            patience.end()
            self._multi.remove_handle(exchange.handle)  # where it was cancelled, or is too late
            exchange.over()
        return await exchange.answer()

    def _found(self, host: str, port: int) -> Deferred[tuple[Any, ...]]:
        pinned = self._resolver.pinned(host, port)
        return succeed(pinned) if pinned is not None else self._resolver.resolve(host)

    async def close(self) -> None:
        """Close all connections."""
        if self._multi is not None:
            multi, self._multi = self._multi, None
            await Deferred.fromFuture(self._loop.create_task(multi.close()))


class _Exchange:
    """One request with libcurl, and what comes back."""

    def __init__(
        self, curl: Any, options: CurlOptions, spooling: Spooling, request: Request, limits: FetchLimits
    ) -> None:
        self._curl = curl
        self._options = options
        self._spooling = spooling
        self._request = request
        self._limits = limits
        self.handle: Any = curl.Curl()
        self._status = 0
        self._protocol = ""
        self._headers: list[tuple[bytes, bytes]] = []
        self._header_bytes = 0
        self._receiver: BodyReceiver | None = None
        self._error: DownloadError | StopDownload | None = None
        self._address: Any = None

    def set_up(self, host: str, port: int, addresses: Sequence[Any], way: Any) -> None:
        """Tell curl what to send, where, and what to do with the answer."""
        option = self._curl.CurlOpt
        browser = self._request.meta.get("impersonate") or self._options.impersonate
        if browser:
            self._impersonate(browser)
        wanted = wanted_of(
            self._curl,
            self._request,
            self._limits,
            self._options,
            way=way,
            place=(host, port, addresses),
            browser=browser,
        )
        wanted += [(option.HEADERFUNCTION, self._take_header), (option.WRITEFUNCTION, self._take_body)]
        for name, value in wanted:
            self.handle.setopt(name, value)

    def _impersonate(self, browser: str) -> None:
        from curl_cffi.requests.impersonate import REAL_TARGET_MAP

        target = REAL_TARGET_MAP.get(browser, browser)  # a browser without a version is its newest one
        if self.handle.impersonate(str(target), default_headers=False) != 0:
            raise InvalidRequestError(
                f"{browser!r} is no browser that curl_cffi can be like; there are {', '.join(REAL_TARGET_MAP)}"
            )

    def _take_header(self, line: bytes) -> int:
        self._header_bytes += len(line)
        if self._header_bytes > self._options.max_header_bytes:
            self._error = ResponseMalformedError(
                f"the headers of the response are longer than {self._options.max_header_bytes} bytes"
            )
            return _STOP
        text = line.rstrip(b"\r\n")
        if text.startswith(b"HTTP/") and b":" not in text.partition(b" ")[0]:
            version, _, rest = text.partition(b" ")
            self._protocol = "HTTP/2.0" if version == b"HTTP/2" else version.decode("latin-1")
            self._status = int(rest[:3]) if rest[:3].isdigit() else 0
            self._headers.clear()
        elif self._receiver is not None:
            pass  # a trailer, which is no header
        elif text and b":" in text:
            name, _, value = text.partition(b":")
            self._headers.append((name, value.strip()))
        elif not text and self._is_too_long():
            return _STOP
        return len(line)

    def _is_too_long(self) -> bool:
        """Refuse a body that is announced with more bytes than are taken."""
        lengths = [value for name, value in self._headers if name.lower() == b"content-length" and value.isdigit()]
        most = self._limits.max_body
        if not lengths or not most or int(lengths[0][:20]) <= most or self._request.method == "HEAD":
            return False
        self._error = ResponseTooLargeError(
            f"the body of {self._request.url} is {lengths[0].decode()} bytes long; http.max_body is {most}", limit=most
        )
        return True

    def _take_body(self, data: bytes) -> int:
        receiver = self._body()
        if receiver is None:
            return _STOP
        receiver.dataReceived(bytes(data))
        return _STOP if receiver.finished.called else len(data)

    def _body(self) -> BodyReceiver | None:
        """Return what takes the body, made when its first byte or its end comes."""
        if self._receiver is None:
            limits = self._limits
            encodings = [value for name, value in self._headers if name.lower() == b"content-encoding"]
            kept = self._spooling.body(to_file=limits.to_file)
            has_body = self._request.method != "HEAD"
            self._receiver = BodyReceiver(kept, codings(encodings) if has_body else [], limits.max_body)
        return self._receiver

    def failed(self, error: Exception) -> None:
        """Note what curl says is wrong; an error of the body that ended it counts more."""
        if self._error is None and not (self._receiver is not None and self._receiver.finished.called):
            self._error = self._translated(error)

    def _translated(self, error: Exception) -> DownloadError:
        if isinstance(error, DownloadError):
            return error
        number = int(getattr(error, "code", 0) or 0)
        url, said = self._request.url, str(error).partition(". See https://")[0]
        if self._told("HTTP_CONNECTCODE") in (401, 407):
            return ProxyAuthenticationError(f"the proxy for {url} does not know us: {said}", status=407)
        if number in _PROXY or ("proxy" in said.lower() and number in (7, 56)):
            return ProxyError(f"the proxy for {url} does not connect: {said}")
        if number == _RESOLVE:
            return CannotResolveHostError(f"no address for {url}: {said}")
        if number == _REFUSED:
            return DownloadConnectionRefusedError(f"no connection for {url}: {said}")
        if number == _TIMEOUT:
            if not self.is_sent and self._limits.connect_timeout < self._limits.timeout:
                return DownloadTimeoutError(phase="connect", seconds=self._limits.connect_timeout)
            return DownloadTimeoutError(phase="response", seconds=self._limits.timeout)
        if number in _TLS:
            return DownloadTLSError(f"no TLS connection for {url}: {said}")
        if number == _PARTIAL:
            return ResponseDataLossError(f"{url}: {said}")
        if number in _MALFORMED:
            return ResponseMalformedError(f"{url}: {said}")
        if number in (52, 55, 56):
            if self._status:
                return ResponseDataLossError(f"{url}: {said}")
            return DownloadConnectionLostError(f"{url}: {said}", [Failure(error)])
        return DownloadFailedError(f"{url}: {said}")

    def phases(self, dns: float | None) -> Phases:
        """Return what each step took by curl's clock; the name was looked up before, for *dns* seconds if that was waited for."""
        info = self._curl.CurlInfo
        name, connected, secured, sent, answered, ended = (
            self.handle.getinfo(one)
            for one in (
                info.NAMELOOKUP_TIME,
                info.CONNECT_TIME,
                info.APPCONNECT_TIME,
                info.PRETRANSFER_TIME,
                info.STARTTRANSFER_TIME,
                info.TOTAL_TIME,
            )
        )
        connect = tls = None
        if self.handle.getinfo(info.NUM_CONNECTS):
            # Curl knows the address of the host, so it has only asked for that of a proxy.
            dns = dns if dns is not None or name < _LOOKED_UP else name
            connect = (connected or ended) - name
            tls = secured - connected if secured else None
        if not sent:
            return Phases(dns, connect, tls)
        if not answered:
            return Phases(dns, connect, tls, ended - sent)
        return Phases(dns, connect, tls, answered - sent, ended - answered)

    def _told(self, name: str) -> Any:
        return self.handle.getinfo(getattr(self._curl.CurlInfo, name))

    @property
    def is_sent(self) -> bool:
        """Whether the connection was made, and the request goes out."""
        return bool(self._told("PRETRANSFER_TIME"))

    @property
    def is_answered(self) -> bool:
        """Whether anything has come back."""
        return self._header_bytes > 0

    def too_late(self) -> DownloadTimeoutError:
        """Return the error of an answer that does not begin."""
        return DownloadTimeoutError(phase="first byte", seconds=self._limits.first_byte_timeout)

    @property
    def patience(self) -> float:
        """The seconds that an answer may take to begin; infinite if the whole time says more."""
        limits = self._limits
        return limits.first_byte_timeout if limits.first_byte_timeout < limits.timeout else inf

    def over(self) -> None:
        """Let go of curl's handle."""
        try:
            told = self.handle.getinfo(self._curl.CurlInfo.PRIMARY_IP)
            self._address = told.decode() if isinstance(told, bytes) else told
        finally:
            self.handle.close()

    async def answer(self) -> Answer:
        """Return the answer, or raise what was wrong."""
        flags: tuple[str, ...] = ()
        receiver = self._body()
        assert receiver is not None  # _body() makes one
        if isinstance(self._error, ResponseDataLossError) and not receiver.finished.called:
            receiver.connectionLost(Failure(self._error))
        elif self._error is not None:
            receiver.finished.addErrback(lambda _: None)
            receiver.end(self._error)
            raise self._error
        elif not receiver.finished.called:
            receiver.connectionLost(Failure(ResponseDone()))
        try:
            body = await receiver.finished
        except ResponseDataLossError as error:
            if self._limits.fail_on_dataloss:
                raise
            body, flags = error.kept, ("dataloss",)
        return Answer(
            self._status, list(self._headers), body, flags, ip_address=self._address, protocol=self._protocol or None
        )


class _FirstByte:
    """Ends an *exchange* whose answer does not begin in time. libcurl has no such limit, so it is looked at now and then."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, exchange: _Exchange, end: Callable[[DownloadError], object]
    ) -> None:
        self._loop = loop
        self._exchange = exchange
        self._end = end
        self._sent = 0.0
        self._timer = loop.call_later(self._step, self._look) if exchange.patience < inf else None

    @property
    def _step(self) -> float:
        return min(1.0, self._exchange.patience / 4)

    def _look(self) -> None:
        exchange, now = self._exchange, self._loop.time()
        if exchange.is_answered:
            return
        if exchange.is_sent:
            self._sent = self._sent or now
            if now - self._sent >= exchange.patience:
                self._end(exchange.too_late())
                return
        self._timer = self._loop.call_later(self._step, self._look)

    def end(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
