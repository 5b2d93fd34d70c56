"""Request: what to fetch, and what to do with the answer.

A crawl makes one for every link that it finds, and drops most of them as seen before. So a request from a link costs little:
headers, meta, cb_kwargs, cookies and flags are made when they are first looked at, and a URL that a browser's join has made is
not checked a second time.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from crawler.http.headers import Headers
from crawler.url import ensure_absolute, origin

if TYPE_CHECKING:
    from crawler.spiders import Spider

Cookies = Mapping[str, Any] | list[dict[str, Any]]

_USER = re.compile(r"(https?:/*)([^/?#\\]*)@", re.IGNORECASE)


def NO_CALLBACK(*args: Any, **kwargs: Any) -> None:
    """Mark a request whose response no callback is to get, such as a download of a pipeline's own."""
    raise RuntimeError("NO_CALLBACK is a mark for requests without a callback and is never called")


class Request:
    """An HTTP request. Arguments and attributes are Scrapy's.

    Raises InvalidURLError for a URL that no browser could open, TypeError for a callback that cannot be called.

    User and password of a URL (``https://me:secret@example.com/``) are taken out of it into ``meta``, where those of HTTP
    authentication are, bound to its origin: URLs are logged, kept and passed on as Referer.
    """

    attributes: tuple[str, ...] = (
        "url",
        "callback",
        "method",
        "headers",
        "body",
        "cookies",
        "meta",
        "encoding",
        "priority",
        "dont_filter",
        "errback",
        "flags",
        "cb_kwargs",
    )
    """What :meth:`replace` and :meth:`to_dict` carry over."""

    __slots__ = (
        "__weakref__",
        "_body",
        "_cb_kwargs",
        "_cookies",
        "_flags",
        "_headers",
        "_identity",
        "_meta",
        "_parent",
        "_sequence",
        "_since",
        "_url",
        "callback",
        "dont_filter",
        "encoding",
        "errback",
        "method",
        "priority",
    )

    def __init__(
        self,
        url: str,
        callback: Callable[..., Any] | None = None,
        method: str = "GET",
        headers: Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None = None,
        body: bytes | str | None = None,
        cookies: Cookies | None = None,
        meta: Mapping[str, Any] | None = None,
        encoding: str = "utf-8",
        priority: int = 0,
        dont_filter: bool = False,
        errback: Callable[..., Any] | None = None,
        flags: Iterable[str] | None = None,
        cb_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(url, str):
            raise TypeError(f"the URL of a request is text, not {type(url).__name__}: {url!r}")
        if not isinstance(priority, int):
            raise TypeError(f"the priority of a request is an integer, not {priority!r}")
        for role, function in (("callback", callback), ("errback", errback)):
            if function is not None and not callable(function):
                raise TypeError(f"{role} must be a function or a method, not {type(function).__name__}: {function!r}")
        self._fill(
            url if meta and meta.get("verbatim_url") else ensure_absolute(url, encoding),
            callback=callback,
            errback=errback,
            method=str(method).upper(),
            headers=Headers(headers, encoding=encoding) if headers else None,
            body=body.encode(encoding) if isinstance(body, str) else body or b"",
            cookies=cookies,
            meta=meta,
            encoding=encoding,
            priority=priority,
            dont_filter=dont_filter,
            flags=flags,
            cb_kwargs=cb_kwargs,
        )

    @classmethod
    def from_trusted_url(
        cls,
        url: str,
        *,
        callback: Callable[..., Any] | None = None,
        errback: Callable[..., Any] | None = None,
        method: str = "GET",
        headers: Headers | None = None,
        body: bytes = b"",
        cookies: Cookies | None = None,
        meta: Mapping[str, Any] | None = None,
        encoding: str = "utf-8",
        priority: int = 0,
        dont_filter: bool = False,
        flags: Iterable[str] | None = None,
        cb_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return a request whose parts are known to be good: *url* comes out of a join, or all of it out of a store."""
        request = cls.__new__(cls)
        request._fill(
            url,
            callback=callback,
            errback=errback,
            method=method,
            headers=headers,
            body=body,
            cookies=cookies,
            meta=meta,
            encoding=encoding,
            priority=priority,
            dont_filter=dont_filter,
            flags=flags,
            cb_kwargs=cb_kwargs,
        )
        return request

    # Hot: once per link.
    @classmethod
    def of_link(cls, url: str, callback: Callable[..., Any] | None = None) -> Self:
        """Return a plain GET request for a *url* that comes out of a join."""
        request = cls.__new__(cls)
        request._url = url
        request.callback = callback
        request.errback = None
        request.method = "GET"
        request._headers = None
        request._body = b""
        request._cookies = None
        request._meta = None
        request.encoding = "utf-8"
        request.priority = 0
        request.dont_filter = False
        request._flags = None
        request._cb_kwargs = None
        request._identity = None
        request._since = None
        request._sequence = request._parent = 0
        if "@" in url:
            request._take_credentials()
        return request

    def _fill(
        self,
        url: str,
        *,
        callback: Callable[..., Any] | None,
        errback: Callable[..., Any] | None,
        method: str,
        headers: Headers | None,
        body: bytes,
        cookies: Cookies | None,
        meta: Mapping[str, Any] | None,
        encoding: str,
        priority: int,
        dont_filter: bool,
        flags: Iterable[str] | None,
        cb_kwargs: Mapping[str, Any] | None,
    ) -> None:
        self._url = url
        self.callback = callback
        self.errback = errback
        self.method = method
        self._headers = headers
        self._body = body
        self._cookies = cookies or None
        self._meta = dict(meta) if meta else None
        self.encoding = encoding
        self.priority = priority
        self.dont_filter = dont_filter
        self._flags = list(flags) if flags else None
        self._cb_kwargs = dict(cb_kwargs) if cb_kwargs else None
        self._identity: bytes | None = None
        self._since: float | None = None
        self._sequence = self._parent = 0
        if "@" in url:
            self._take_credentials()

    def _take_credentials(self) -> None:
        """Move user and password out of the URL, unless the request has others."""
        found = _USER.match(self._url)
        if found is None:
            return
        self._url = found[1] + self._url[found.end() :]
        user, _, password = found[2].partition(":")
        meta = self.meta
        if (user or password) and meta.keys().isdisjoint(("http_user", "http_pass", "http_token")):
            meta.update(http_user=unquote(user), http_pass=unquote(password), http_auth_domain=origin(self._url))

    def __repr__(self) -> str:
        return f"<{self.method} {self._url}>"

    @property
    def url(self) -> str:
        """The absolute URL; :meth:`replace` makes a request with another."""
        return self._url

    @property
    def body(self) -> bytes:
        """The body; :meth:`replace` makes a request with another."""
        return self._body

    @property
    def headers(self) -> Headers:
        """The headers."""
        if self._headers is None:
            self._headers = Headers(encoding=self.encoding)
        return self._headers

    @headers.setter
    def headers(self, headers: Mapping[Any, Any]) -> None:
        self._headers = headers if isinstance(headers, Headers) else Headers(headers, encoding=self.encoding)

    @property
    def meta(self) -> dict[str, Any]:
        """What travels with the request to its response, for spiders and middlewares."""
        if self._meta is None:
            self._meta = {}
        return self._meta

    @property
    def cb_kwargs(self) -> dict[str, Any]:
        """The keyword arguments of the callback."""
        if self._cb_kwargs is None:
            self._cb_kwargs = {}
        return self._cb_kwargs

    @property
    def cookies(self) -> Cookies:
        """Cookies to send besides those of the jar."""
        if self._cookies is None:
            self._cookies = {}
        return self._cookies

    @cookies.setter
    def cookies(self, cookies: Cookies | None) -> None:
        self._cookies = cookies or None

    @property
    def flags(self) -> list[str]:
        """Words about the request, for logs."""
        if self._flags is None:
            self._flags = []
        return self._flags

    @flags.setter
    def flags(self, flags: Iterable[str] | None) -> None:
        self._flags = list(flags) if flags else None

    @property
    def has_headers(self) -> bool:
        """Whether there may be headers; asking does not make any."""
        return self._headers is not None

    @property
    def has_meta(self) -> bool:
        """Whether there may be meta; asking does not make any."""
        return self._meta is not None

    @property
    def has_cb_kwargs(self) -> bool:
        """Whether there may be callback arguments; asking does not make any."""
        return self._cb_kwargs is not None

    @property
    def has_cookies(self) -> bool:
        """Whether there are cookies; asking does not make any."""
        return self._cookies is not None

    def copy(self) -> Self:
        """Return a copy."""
        copy: Self = self.replace()
        return copy

    def replace(self, *args: Any, cls: type[Any] | None = None, **kwargs: Any) -> Any:
        """Return a request of class *cls* (by default this one's) with the given attributes changed."""
        if args:
            raise TypeError(f"replace takes keyword arguments only, such as url={args[0]!r}")
        kind = cls or type(self)
        for name in self.attributes:
            kwargs.setdefault(name, getattr(self, name))
        return kind(**kwargs)

    @classmethod
    def from_curl(cls, curl_command: str, ignore_unknown_options: bool = True, **kwargs: Any) -> Self:
        """Return the request that a curl command makes, as browsers copy it; *kwargs* override its parts."""
        from crawler.http.request.curl import arguments_of

        return cls(**{**arguments_of(curl_command, ignore_unknown_options=ignore_unknown_options), **kwargs})

    def to_curl(self) -> str:
        """Return a curl command that makes this request."""
        from crawler.http.request.curl import command_for

        return command_for(self)

    def to_dict(self, *, spider: Spider | None = None) -> dict[str, Any]:
        """Return the request as plain data; callbacks by their names on *spider*.

        Raises ValueError for a callback that is no method of *spider*.
        """
        as_dict: dict[str, Any] = {name: getattr(self, name) for name in self.attributes}
        as_dict["callback"] = _method_name(spider, self.callback) if callable(self.callback) else self.callback
        as_dict["errback"] = _method_name(spider, self.errback) if callable(self.errback) else self.errback
        as_dict["headers"] = dict(self.headers.items())
        if type(self) is not Request:
            as_dict["_class"] = f"{type(self).__module__}.{type(self).__name__}"
        return as_dict


def request_from_dict(data: Mapping[str, Any], *, spider: Spider | None = None) -> Request:
    """Return the request that :meth:`Request.to_dict` has written; its class must be imported already."""
    fields = {key: value for key, value in data.items() if key != "_class"}
    cls = next(
        (one for one in _subclasses(Request) if f"{one.__module__}.{one.__name__}" == data.get("_class")), Request
    )
    for role in ("callback", "errback"):
        name = fields.get(role)
        if isinstance(name, str):
            if spider is None or not hasattr(spider, name):
                raise ValueError(f"{spider!r} has no method {name!r}, which the {role} of {data.get('url')} names")
            fields[role] = getattr(spider, name)
    return cls(**fields)


def _subclasses(cls: type[Request]) -> Iterable[type[Request]]:
    for one in cls.__subclasses__():
        yield one
        yield from _subclasses(one)


def _method_name(spider: Any, function: Callable[..., Any]) -> str:
    """Return the name by which *spider* has *function*."""
    plain = getattr(function, "__func__", function)
    if spider is not None:
        for name, member in inspect.getmembers(spider, inspect.ismethod):
            if member.__func__ is plain:
                return name
    raise ValueError(f"{function!r} is no method of {spider!r}, so it cannot be written by name")
