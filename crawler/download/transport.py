"""The transport: a request out, a response in, through treq. The only module that knows treq.

treq's client is asked for one thing, to send a request through an agent. What it would do besides is done here or elsewhere, and is
off: redirects and cookies (downloader middlewares decide), decoding and buffering (limits must hold while a body arrives).

    fetch -> treq -> agent -> connection        the agent is ours, or any IAgent: that is how crawls run in memory
    head: connect, then first byte, in time     body (see body.py): decoded, counted, stopped when it is too much

Every failure leaves as a ``DownloadError`` (see ``errors.py``); a body that was cut short is never a success, unless it is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from http.cookiejar import Cookie
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hyperlink import EncodedURL
from treq.client import HTTPClient
from treq.cookies import IndexableCookieJar
from twisted.internet.defer import CancelledError, Deferred

from crawler import url as urls
from crawler.download.answer import Answer, response_of
from crawler.download.body import BodyReceiver, BytesInHand, Spooling
from crawler.download.deadlines import NEVER, Deadlines
from crawler.download.errors import (
    DownloadCancelledError,
    DownloadTimeoutError,
    InvalidRequestError,
    ResponseDataLossError,
    translated,
)
from crawler.download.phases import OnPhases, Stopwatch
from crawler.download.proxy import Way, Ways
from crawler.download.wire import BytesProducer, WireHeaders
from crawler.exceptions import DownloadError, ResponseTooLargeError, StopDownload
from crawler.exceptions import ResponseDataLossError as AnyDataLossError
from crawler.http import Headers
from crawler.http.decode import ACCEPT_ENCODING, codings

if TYPE_CHECKING:
    from twisted.web.iweb import IAgent

    from crawler.http import Request
    from crawler.http.spool import Spool
    from crawler.interfaces import Clock

# What the connection says itself, from the body that it sends; and what is for a proxy, which origins never get to see.
_OWN_HEADERS = frozenset({b"Content-Length", b"Transfer-Encoding", b"Connection", b"Proxy-Authorization"})


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a fetch may take: seconds for its phases, decompressed bytes for its body (0 is no limit).

    With *to_file* the body goes to a temporary file, however small.
    """

    connect_timeout: float
    first_byte_timeout: float
    timeout: float
    max_body: int
    fail_on_dataloss: bool = True
    to_file: bool = False


class Watcher(Protocol):
    """Sees downloads while they last. Its methods may raise ``StopDownload`` to end one."""

    def is_watching(self) -> bool:
        """Tell whether anybody wants to see the next download."""

    def headers(self, request: Request, headers: Headers, length: int | None) -> None:
        """See the headers of a response, and how long its body will be if that was said."""

    def data(self, request: Request, data: bytes) -> None:
        """See a part of a body, as it came."""


class TreqTransport:
    """Fetches http and https through *agent*.

    *compression* asks for compressed bodies; *watcher* sees what comes; *ways* finds the proxy that a request goes through.
    """

    def __init__(
        self,
        agent: IAgent,
        clock: Clock,
        deadlines: Deadlines,
        *,
        compression: bool = True,
        watcher: Watcher | None = None,
        ways: Ways | None = None,
        spooling: Spooling | None = None,
        phases: OnPhases | None = None,
    ) -> None:
        self._client = HTTPClient(agent, _NO_COOKIES)
        self._clock = clock
        self._deadlines = deadlines
        self._compression = compression
        self._watcher = watcher
        self._ways = ways if ways is not None else Ways()
        self._spooling = spooling or _IN_MEMORY
        self._phases = phases

    def __repr__(self) -> str:
        return f"<TreqTransport {self._deadlines}>"

    # Hot: once per request.
    async def fetch(self, request: Request, limits: FetchLimits) -> Answer:
        """Return what the server answered; raise a DownloadError that says why there is nothing to return."""
        exchange = _Exchange(limits, self._clock, self._deadlines)
        try:
            target = target_of(request.url)
            body, meta = request.body, request._meta or ()
            way = self._ways.of(request) if "proxy" in meta or "bindaddress" in meta else None
            exchange.answering = self._client.request(
                request.method,
                target.url,
                headers=WireHeaders(self._lines(request, target.host, way), exchange, way),
                data=BytesProducer(body) if body else None,
                cookies=_NO_COOKIES,
                allow_redirects=False,
                unbuffered=True,
                reactor=self._clock,  # type: ignore[arg-type]  # only kept from importing the global one
            )
            response = (await exchange.answering).original
            exchange.answered()
            return await self._read(request, response, exchange)
        except (CancelledError, DownloadCancelledError) as error:
            raise exchange.ended_by or translated(error, request.url) from error
        except StopDownload:
            raise
        except DownloadError as error:
            raise exchange.ended_by or error from error.__cause__
        except Exception as error:
            raise exchange.ended_by or translated(error, request.url) from error
        finally:
            if self._phases is not None:
                self._phases(request, exchange.phases())
            exchange.due = NEVER
            # It stays among the deadlines until its own would have been; what it holds need not.
            exchange.answering = exchange.body = None

    async def _read(self, request: Request, response: Any, exchange: _Exchange) -> Answer:
        limits, head = exchange.limits, response.head
        encodings = [value for name, value in head.headers if name.lower() == b"content-encoding"]
        length = response.length if isinstance(response.length, int) else None
        flags: tuple[str, ...] = ()
        seen = None
        if self._watcher is not None and self._watcher.is_watching():
            seen = partial(self._watcher.data, request)
            try:
                self._watcher.headers(
                    request, Headers.received((name, [value]) for name, value in head.headers), length
                )
            except StopDownload as stop:
                exchange.refuse(response)
                return _stopped(stop, request, _answer(response, b"", _STOPPED))
        if length == 0 or request.method == "HEAD":
            body = await exchange.body_of(response, BodyReceiver(self._spooling.body()))
        else:
            transfer = [coding for coding in head.transfer if coding != b"chunked"]
            receiver = BodyReceiver(
                self._spooling.body(to_file=limits.to_file), [*codings(encodings), *transfer], limits.max_body, seen
            )
            if limits.max_body and length is not None and length > limits.max_body:
                exchange.refuse(response)
                raise ResponseTooLargeError(
                    f"the body of {request.url} is {length} bytes long; http.max_body is {limits.max_body}",
                    limit=limits.max_body,
                )
            try:
                body = await exchange.body_of(response, receiver)
            except StopDownload as stop:
                return _stopped(stop, request, _answer(response, receiver.so_far, _STOPPED))
            except AnyDataLossError as error:
                if limits.fail_on_dataloss:
                    raise ResponseDataLossError(f"{request.url}: {error}", partial=error.kept) from error
                body, flags = error.kept, ("dataloss",)
        return _answer(response, body, flags)

    def _lines(self, request: Request, host: bytes, way: Way | None) -> list[tuple[bytes, bytes]]:
        """Return the header lines of *request*: as given, with what HTTP needs besides."""
        if request.method not in _USUAL_METHODS:
            check_method(request.method)
        lines: list[tuple[bytes, bytes]] = []
        has_host = has_encoding = False
        if request.has_headers:
            headers = request.headers
            lines = headers.raw_items()
            has_host, has_encoding = b"Host" in headers, b"Accept-Encoding" in headers
            if not _OWN_HEADERS.isdisjoint(headers.keys()):  # which are in Title-Case already, as here
                lines = [line for line in lines if line[0].title() not in _OWN_HEADERS]
        if not has_host:
            lines.insert(0, (b"Host", host))
        if self._compression and not has_encoding:
            lines.append((b"Accept-Encoding", ACCEPT_ENCODING))
        if way is not None and (authorization := way.authorization_with(request.url.partition(":")[0].lower())):
            lines.append((b"Proxy-Authorization", authorization))
        return lines


_STOPPED = ("download_stopped",)
_USUAL_METHODS = frozenset({"GET", "POST", "HEAD"})
_PROTOCOLS = {b"1.1": "HTTP/1.1"}


def _answer(response: Any, body: bytes | Spool, flags: tuple[str, ...]) -> Answer:
    """Return what *response* has brought, *body* decoded."""
    head = response.head
    return Answer(
        head.status,
        head.headers,
        body,
        flags,
        certificate=response.connection.certificate,
        ip_address=response.connection.peer,
        protocol=_PROTOCOLS.get(head.version) or f"HTTP/{head.version.decode('ascii')}",
    )


def _stopped(stop: StopDownload, request: Request, so_far: Answer) -> Answer:
    """Return what had arrived when a handler raised *stop*; where the errback is to have it, raise *stop* with it."""
    if stop.fail:
        stop.response = response_of(request, so_far)
        raise stop
    return so_far


class _Exchange(Stopwatch):
    """One request on its way: its deadline, and what ended it. Also told of its progress by its headers."""

    __slots__ = (
        "_deadlines",
        "_end",
        "_phase",
        "answering",
        "body",
        "due",
        "ended_by",
        "limits",
        "queued",
    )

    def __init__(self, limits: FetchLimits, clock: Clock, deadlines: Deadlines) -> None:
        super().__init__(clock)
        self.limits = limits
        self.queued = NEVER
        self.answering: Deferred[Any] | None = None
        self.ended_by: DownloadError | None = None
        self._deadlines = deadlines
        self.body: BodyReceiver | None = None
        now = self._began
        self._end = now + limits.timeout
        self._enter("connect", now + limits.connect_timeout)

    def _enter(self, phase: str, due: float) -> None:
        self._phase = phase if due < self._end else "response"
        self.due = min(due, self._end)
        self._deadlines.watch(self)

    def connected(self) -> None:
        """Note that the request is being written: from now on the first byte of the answer is awaited."""
        if self.due < NEVER:
            self._sent = now = self._clock.seconds()
            self._enter("first byte", now + self.limits.first_byte_timeout)

    def answered(self) -> None:
        """Note that the answer has begun: it has what is left of the whole time."""
        self._answered = self._clock.seconds()
        if self.due < NEVER:
            self._enter("response", self._end)

    def overdue(self, now: float) -> None:
        """End: a deadline has passed."""
        seconds = {
            "connect": self.limits.connect_timeout,
            "first byte": self.limits.first_byte_timeout,
            "response": self.limits.timeout,
        }[self._phase]
        self.due = NEVER
        self.ended_by = DownloadTimeoutError(phase=self._phase, seconds=seconds)
        if self.body is not None:
            self.body.end(self.ended_by)
        elif self.answering is not None:
            self.answering.cancel()

    def body_of(self, response: Any, receiver: BodyReceiver) -> Deferred[bytes | Spool]:
        """Let *receiver* take the body of *response*; fires with it, decoded."""
        self.body = receiver
        response.deliverBody(receiver)
        return receiver.finished

    def refuse(self, response: Any) -> None:
        """Let go of a body that nobody wants."""
        unread = BodyReceiver(_IN_MEMORY.body())
        unread.finished.addErrback(lambda _: None)
        response.deliverBody(unread)
        unread.end(DownloadCancelledError("the body is not wanted"))


class _Target(NamedTuple):
    """Where a URL leads: as treq takes it, and the Host that it names."""

    url: _WireURL
    host: bytes


class _WireURL(EncodedURL):
    """An absolute URL that is fit for the wire as it is; nothing is parsed and nothing is changed."""

    def __init__(self, text: str) -> None:
        self._text = text

    def to_uri(self) -> _WireURL:
        """Return the URL itself."""
        return self

    def to_text(self, with_password: bool = False) -> str:
        """Return the URL."""
        return self._text


# Hot: once per request.
def check_method(method: str) -> None:
    """Raise InvalidRequestError for a *method* that could break out of its line."""
    if not method.isascii() or not method.replace("-", "").isalnum():
        raise InvalidRequestError(f"{method!r} is no method of HTTP")


# Hot: once per request.
def target_of(url: str) -> _Target:
    """Return where *url* leads, its path as it stands there; raise InvalidRequestError if it cannot be written."""
    start = url.find("://") + 3
    slash = url.find("/", start)
    site = url[:slash] if slash > 0 else ""
    if not site or "?" in site or "#" in site:  # no path, which is "/" on the wire
        ends = [found for mark in "/?#" if (found := url.find(mark, start)) >= 0]
        slash = min(ends, default=len(url))
        site = url[:slash]
    path = url[slash:].partition("#")[0]
    if not path.startswith("/"):
        path = "/" + path
    if not path.isascii() or not path.isprintable() or " " in path:
        raise InvalidRequestError(f"{url!r} cannot be written in a request line")
    prefix, host = _site(site)
    return _Target(_WireURL(prefix + path), host)


@lru_cache(maxsize=10_000)
def _site(site: str) -> tuple[str, bytes]:
    """Return scheme and authority as they are on the wire (no user, no default port), and the value of Host."""
    origin = urls.origin(site)
    return origin, origin.partition("://")[2].encode("ascii")


class _NoCookies(IndexableCookieJar):
    """A cookie jar that stays empty and adds nothing: cookies are the cookies middleware's."""

    def add_cookie_header(self, request: Any) -> None:
        """Do nothing."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Do nothing."""

    def __iter__(self) -> Iterator[Cookie]:
        return iter(())


_NO_COOKIES = _NoCookies()

# For a transport that is told nothing: bodies stay in memory, and nobody counts them.
_IN_MEMORY = Spooling(BytesInHand(0))
