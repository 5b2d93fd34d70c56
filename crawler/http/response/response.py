"""Response: what came back, whatever it is."""

from __future__ import annotations

import io
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from urllib.parse import urljoin

from crawler.exceptions import NotSupported
from crawler.http.headers import Headers
from crawler.http.request import Request
from crawler.http.spool import BLOCK, Spool
from crawler.link import Link
from crawler.url import follow

if TYPE_CHECKING:
    from crawler.selector import SelectorList


# Made once: Response is made once per page.
_BODIES = (bytes, Spool)

#: The flag of a response that was answered without the wire.
CACHED = "cached"


class Response:
    """An HTTP response. Arguments and attributes are Scrapy's; ``certificate`` and ``ip_address`` are set by the transport."""

    attributes: tuple[str, ...] = (
        "url",
        "status",
        "headers",
        "body",
        "flags",
        "request",
        "certificate",
        "ip_address",
        "protocol",
    )
    """What :meth:`replace` carries over."""

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_body",
        "_flags",
        "_url",
        "certificate",
        "headers",
        "ip_address",
        "protocol",
        "request",
        "status",
    )

    def __init__(
        self,
        url: str,
        status: int = 200,
        headers: Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None = None,
        body: bytes | Spool | None = b"",
        flags: Iterable[str] | None = None,
        request: Request | None = None,
        certificate: Any = None,
        ip_address: Any = None,
        protocol: str | None = None,
    ) -> None:
        if not isinstance(url, str):
            raise TypeError(f"the URL of a response is text, not {type(url).__name__}: {url!r}")
        if body is None:
            body = b""
        elif not isinstance(body, _BODIES):
            raise TypeError(
                f"the body of a {type(self).__name__} is bytes, not {type(body).__name__}; "
                "a TextResponse takes text and an encoding"
            )
        self._url = url
        self.status = int(status)
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self._body = body
        self._flags = list(flags) if flags else None
        self.request = request
        self.certificate = certificate
        self.ip_address = ip_address
        self.protocol = protocol

    def __repr__(self) -> str:
        return f"<{self.status} {self._url}>"

    @property
    def url(self) -> str:
        """The URL that answered."""
        return self._url

    @property
    def body(self) -> bytes:
        """The body, decompressed. One that is in a file (see :meth:`open_body`) is read into memory, and stays there."""
        body = self._body
        if isinstance(body, bytes):
            return body
        self._body = loaded = body.load()
        return loaded

    @property
    def body_size(self) -> int:
        """How many bytes the body has; does not read it."""
        return len(self._body)

    def body_head(self, size: int) -> bytes:
        """Return the first *size* bytes of the body; does not read the rest."""
        return self._body[:size] if isinstance(self._body, bytes) else self._body.head(size)

    @property
    def spool(self) -> Spool | None:
        """The file that holds the body, if it was large (``http.spool_above``) and is not in memory."""
        return self._body if isinstance(self._body, Spool) else None

    def open_body(self) -> BinaryIO:
        """Return the body as a file to read, from its beginning, without loading one that is on disk into memory."""
        return io.BytesIO(self._body) if isinstance(self._body, bytes) else self._body.open()

    def save_body(self, path: str | os.PathLike[str]) -> None:
        """Write the body to a file, block by block; the file is there when it is whole, and replaces one of its name.

        Blocks meanwhile, as any writing does: ``await asyncio.to_thread(response.save_body, path)`` for what takes long.
        """
        target = Path(path)
        partial = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.partial")
        try:
            with self.open_body() as source, partial.open("xb") as file:
                shutil.copyfileobj(source, file, BLOCK)
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    @property
    def has_flags(self) -> bool:
        """Whether there are any; asking does not make a list of none."""
        return bool(self._flags)

    @property
    def flags(self) -> list[str]:
        """Words about the response, such as "cached" or "dataloss"."""
        if self._flags is None:
            self._flags = []
        return self._flags

    @flags.setter
    def flags(self, flags: Iterable[str] | None) -> None:
        self._flags = list(flags) if flags else None

    @property
    def meta(self) -> dict[str, Any]:
        """The ``meta`` of the request."""
        return self._request_of("meta").meta

    @property
    def cb_kwargs(self) -> dict[str, Any]:
        """The callback arguments of the request."""
        return self._request_of("cb_kwargs").cb_kwargs

    def _request_of(self, name: str) -> Request:
        if self.request is None:
            raise AttributeError(f"Response.{name} not available, this response is not tied to any request")
        return self.request

    @property
    def text(self) -> str:
        """The body as text; only text responses have one."""
        raise AttributeError(f"the content of {self!r} is not text: use .body")

    def css(self, *args: Any, **kwargs: Any) -> SelectorList:
        """Only text responses can be queried."""
        raise NotSupported(f"the content of {self!r} is not text: .css() is for HTML and XML")

    def xpath(self, *args: Any, **kwargs: Any) -> SelectorList:
        """Only text responses can be queried."""
        raise NotSupported(f"the content of {self!r} is not text: .xpath() is for HTML and XML")

    def jmespath(self, *args: Any, **kwargs: Any) -> SelectorList:
        """Only text responses can be queried."""
        raise NotSupported(f"the content of {self!r} is not text: .jmespath() is for JSON")

    def copy(self) -> Self:
        """Return a copy."""
        copy: Self = self.replace()
        return copy

    def replace(self, *args: Any, cls: type[Any] | None = None, **kwargs: Any) -> Any:
        """Return a response of class *cls* (by default this one's) with the given attributes changed."""
        if args:
            raise TypeError(f"replace takes keyword arguments only, such as url={args[0]!r}")
        kwargs.setdefault("body", self._body)  # which may be in a file, and stays there
        if "headers" not in kwargs:
            kwargs["headers"] = self.headers.copy()
        for name in self.attributes:
            if name not in kwargs:
                kwargs[name] = getattr(self, name)
        return (cls or type(self))(**kwargs)

    def to_dict(self) -> dict[str, Any]:
        """Return the response as plain data, without its request and its certificate: what :meth:`from_dict` takes."""
        left_out = ("request", "certificate")
        as_dict: dict[str, Any] = {name: getattr(self, name) for name in self.attributes if name not in left_out}
        as_dict["headers"] = dict(self.headers.items())
        if type(self) is not Response:
            as_dict["_class"] = f"{type(self).__module__}.{type(self).__name__}"
        return as_dict

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the response of this class that :meth:`to_dict` has written."""
        return cls(**{name: value for name, value in data.items() if name != "_class"})

    @property
    def base_url(self) -> str:
        """The URL that links are relative to."""
        return self._url

    def urljoin(self, url: str) -> str:
        """Return *url*, found in this response, as an absolute one."""
        try:
            return follow(self.base_url, url)
        except ValueError:
            return urljoin(self.base_url, url)

    def follow(
        self,
        url: Any,
        callback: Callable[..., Any] | None = None,
        method: str = "GET",
        headers: Mapping[Any, Any] | None = None,
        body: bytes | str | None = None,
        cookies: Any = None,
        meta: Mapping[str, Any] | None = None,
        encoding: str | None = "utf-8",
        priority: int = 0,
        dont_filter: bool = False,
        errback: Callable[..., Any] | None = None,
        cb_kwargs: Mapping[str, Any] | None = None,
        flags: Iterable[str] | None = None,
    ) -> Request:
        """Return a request for *url*: a Link, or a URL that may be relative to this page."""
        if encoding is None:
            raise ValueError("the encoding of a request cannot be None")
        if url is None:
            raise ValueError("follow() needs a URL, and got None: does the element have the attribute?")
        return Request(
            url=self._absolute(url, encoding),
            callback=callback,
            method=method,
            headers=headers,
            body=body,
            cookies=cookies,
            meta=meta,
            encoding=encoding,
            priority=priority,
            dont_filter=dont_filter,
            errback=errback,
            cb_kwargs=cb_kwargs,
            flags=flags,
        )

    def _absolute(self, url: Any, encoding: str) -> str:
        if isinstance(url, Link):
            url = url.url
        if not isinstance(url, str):
            raise TypeError(f"follow() takes a URL or a Link, not {type(url).__name__}: {url!r}")
        return follow(self.base_url, url.strip(), encoding)

    def follow_all(
        self, urls: Iterable[Any] | Any, callback: Callable[..., Any] | None = None, *args: Any, **kwargs: Any
    ) -> Iterable[Request]:
        """Yield a request for each of *urls*, each URL once; other arguments are those of :meth:`follow`."""
        if not hasattr(urls, "__iter__"):
            raise TypeError(f"follow_all() takes an iterable of URLs or Links, not {type(urls).__name__}: {urls!r}")
        seen: set[str] = set()
        for url in urls:
            request = self.follow(url, callback, *args, **kwargs)
            identity = request.url.partition("#")[0]
            if identity not in seen:
                seen.add(identity)
                yield request
