"""Every error of the crawler, in one tree that says who must act.

    CrawlerError
    |- UsageError                  the person at the command line or calling the library
    |  |- SettingsError            a setting: unknown, ill-typed or out of bounds
    |  |- SpiderNotFoundError      no spider of that name
    |  |- SpiderArgumentError      an unknown or ill-typed spider argument (-a)
    |  |- ComponentError           a middleware, pipeline or extension that cannot be assembled
    |  |- FeedError                an output that cannot be written
    |  |- StorageError             a place for files, by URL: unknown, not reachable, or it refuses
    |  `- JobError                 a job that cannot be opened, is in use, or whose store failed
    |- SpiderError                 the author of the spider
    |  |- InvalidURLError          a URL that no browser could open (also a ValueError)
    |  |- ContractError            a contract in a docstring that cannot be read (also a ValueError)
    |  |- InvalidOutputError       a callback yielded something that is no request and no item (also a TypeError)
    |  `- NotStorableError         a request that cannot be written to the job store
    `- DownloadError               the site or the network
       |- CannotResolveHostError   DNS
       |- HostDownError            a host that could not be reached again and again: nothing was sent
       |- DownloadConnectionRefusedError, DownloadTLSError
       |- PrivateAddressError    a page leads to an address of the own network, which nobody has allowed
       |- ProxyError             the proxy cannot be reached, or does not connect: see ``status``
       |  `- ProxyAuthenticationError   it does not know us
       |- DownloadTimeoutError     connect, first byte or whole response: see ``phase``
       |- DownloadConnectionLostError
       |- ResponseDataLossError    the body ended before its length or its last chunk
       |- ResponseMalformedError   not HTTP, or headers beyond every bound
       |- ResponseTooLargeError    more decompressed bytes than ``http.max_body``
       |- ResponseDecodeError      a Content-Encoding that does not decode
       |- NotCachedError           offline, and the cache does not have it
       |- UnsupportedURLSchemeError
       `- DownloadCancelledError   stopped by the crawler itself

    DropItem (InvalidItem is one), IgnoreRequest, CloseSpider, DontCloseSpider, StopDownload, NotConfigured, NotSupported,
    ContractFail
                                   no errors but messages from user code to the engine, with Scrapy's names

Foreign exceptions are translated at the edge where they appear and kept as ``__cause__``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.http.response import Response
    from crawler.http.spool import Spool


class CrawlerError(Exception):
    """Base of everything that the crawler raises by itself."""


class UsageError(CrawlerError):
    """The command, its arguments or the project must be changed; the message says how."""


class SettingsError(UsageError):
    """A setting is unknown, has the wrong type or lies outside its bounds."""


class SpiderNotFoundError(UsageError, KeyError):
    """No spider has that name."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""  # KeyError would print the repr


class SpiderArgumentError(UsageError):
    """A spider argument is unknown or has the wrong type."""


class ComponentError(UsageError):
    """A middleware, pipeline or extension cannot be assembled into a crawl."""


class FeedError(UsageError):
    """An output cannot be written: unknown format, unwritable place, or a file changed behind our back."""


class StorageError(UsageError):
    """A place for files that is named by a URL is unknown, lacks a package, cannot be reached, or refuses."""


class JobError(UsageError):
    """A job cannot be opened, belongs to another process, or its store failed; the message says what to do."""


class SpiderError(CrawlerError):
    """The spider's code must be changed."""


class InvalidURLError(SpiderError, ValueError):
    """A URL has no scheme, no host, a bad port, or cannot be parsed at all."""


class InvalidOutputError(SpiderError, TypeError):
    """A callback yielded something that is neither a request nor an item."""


class ContractError(SpiderError, ValueError):
    """A contract in the docstring of a callback cannot be read; the message begins with file and line."""


class NotStorableError(SpiderError, ValueError):
    """A request cannot be written to the job store."""


class DownloadError(CrawlerError):
    """A request did not end in a response. Subclasses say why."""


class CannotResolveHostError(DownloadError):
    """The host name has no address."""

    #: Whether the name servers have said so: then asking again soon brings the same.
    is_certain = False


class HostDownError(DownloadError):
    """The host could not be reached for so long that its requests fail without being sent."""


class DownloadConnectionRefusedError(DownloadError):
    """No connection could be made to any address of the host."""


class DownloadTLSError(DownloadError):
    """The TLS handshake failed or the certificate was not trusted."""


class PrivateAddressError(DownloadError):
    """The host has a private, loopback, link-local or otherwise special *address*, which neither spider nor settings allow."""

    def __init__(self, message: str = "", *, host: str = "", address: str = "") -> None:
        super().__init__(message)
        self.host = host
        self.address = address


class ProxyError(DownloadError):
    """The proxy cannot be reached, or does not connect to the host. ``status`` is its answer to CONNECT, None without one."""

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ProxyAuthenticationError(ProxyError):
    """The proxy wants other credentials than it got; trying again would not help."""


class DownloadTimeoutError(DownloadError):
    """Time ran out. ``phase`` is ``"connect"``, ``"first byte"`` or ``"response"``; ``seconds`` its limit."""

    def __init__(self, message: str = "", *, phase: str = "response", seconds: float = 0.0) -> None:
        super().__init__(message or f"no {phase} within {seconds:g} s")
        self.phase = phase
        self.seconds = seconds


class DownloadConnectionLostError(DownloadError):
    """The connection ended before a response began."""


class DownloadFailedError(DownloadError):
    """The download failed for a reason that has no class of its own."""


class ResponseDataLossError(DownloadError):
    """The body ended early. ``kept`` holds what had arrived, decoded as far as it went: bytes, or a spool of them."""

    def __init__(self, message: str = "", *, partial: bytes | Spool = b"") -> None:
        super().__init__(message)
        self.kept = partial

    @property
    def partial(self) -> bytes:
        """What had arrived, as bytes; read into memory if it was large enough to be in a file."""
        return self.kept if isinstance(self.kept, bytes) else self.kept.load()


class ResponseMalformedError(DownloadError):
    """What came back is not HTTP, or its headers are beyond every bound."""


class ResponseTooLargeError(DownloadError):
    """The decompressed body grew over the limit. ``limit`` is in bytes."""

    def __init__(self, message: str = "", *, limit: int = 0) -> None:
        super().__init__(message or f"body larger than {limit} bytes")
        self.limit = limit


class ResponseDecodeError(DownloadError):
    """The Content-Encoding of the body does not decode."""


class NotCachedError(DownloadError):
    """Nothing is fetched, since the crawl is offline, and the cache does not have the page."""


class UnsupportedURLSchemeError(DownloadError):
    """No transport is switched on for the scheme of the URL."""


class DownloadCancelledError(DownloadError):
    """The crawler itself stopped the download, for instance because the crawl was stopped."""


class DropItem(Exception):
    """Raised by a pipeline to drop an item. ``log_level`` overrides the default level of its log line."""

    def __init__(self, message: str = "", log_level: int | str | None = None) -> None:
        super().__init__(message)
        self.log_level = log_level


class InvalidItem(DropItem):
    """An item is not what its type, or the callback that yielded it, says that it is.

    *problems* are pairs of a field and what is wrong with it; ``item`` is what was yielded, or what is known of it.
    """

    response: Response | None = None

    def __init__(self, type_name: str, problems: Sequence[tuple[str, str]], item: Any = None) -> None:
        shown = [problem for _, problem in problems[:3]]
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} more")
        super().__init__(f"invalid {type_name}: {'; '.join(shown)}")
        self.fields = tuple(dict.fromkeys(field for field, _ in problems))
        self.item = item


class IgnoreRequest(Exception):
    """Raised by a middleware or a signal handler to drop a request; the errback is called."""


class CloseSpider(Exception):
    """Raised by a callback, ``start()`` or a handler to end the crawl with a reason."""

    def __init__(self, reason: str = "cancelled") -> None:
        super().__init__(reason)
        self.reason = reason


class DontCloseSpider(Exception):
    """Raised by a ``spider_idle`` handler to keep the crawl open."""


class StopDownload(Exception):
    """Raised by a ``headers_received`` or ``bytes_received`` handler to end a download early.

    With ``fail=True`` (the default) the errback is called, else the callback gets what has arrived. ``response`` is what has
    arrived, for the errback: ``failure.value.response``.
    """

    response: Response | None = None

    def __init__(self, *, fail: bool = True) -> None:
        super().__init__()
        self.fail = fail


class NotConfigured(Exception):
    """Raised while a component is built to leave it out of the crawl."""


class NotSupported(Exception):
    """A feature was asked of an object that cannot have it, such as ``.text`` of a binary response."""


class ContractFail(AssertionError):
    """Raised by a contract whose promise a callback has not kept."""


class ScrapyDeprecationWarning(Warning):
    """Kept so that ported code which filters it still imports; the crawler never emits it."""


def describe(error: BaseException) -> str:
    """Return ``ClassName: message`` on one line, for logs and messages."""
    text: Any = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
