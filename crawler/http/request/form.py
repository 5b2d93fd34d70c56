"""FormRequest: what a browser sends when a form is submitted.

``from_response`` reads a form of a page (:mod:`crawler.http.request.controls`) and builds the request that a browser would: every
control that is "successful" in the sense of the HTML standard, in tree order, the clicked button among them, and what
the caller wants changed in their place; in the encoding and the way (``enctype``) that the form asks for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from parsel.csstranslator import HTMLTranslator

from crawler.http.headers import Headers
from crawler.http.request.controls import NoFile, attribute, charset, clicked, entries, find_form
from crawler.http.request.request import Request
from crawler.url import join

if TYPE_CHECKING:
    from lxml.etree import _Element

    from crawler.http.response.text import TextResponse

Pairs = list[tuple[str, Any]]
FormData = Mapping[str, Any] | Iterable[tuple[str, Any]] | None


class FormRequest(Request):
    """A request that sends *formdata*: in the body of a POST, or as the query of a GET."""

    valid_form_methods: ClassVar[list[str]] = ["GET", "POST"]
    """What :meth:`from_response` takes from a form; one that says anything else is sent with GET."""

    __slots__ = ()

    def __init__(self, *args: Any, formdata: FormData = None, **kwargs: Any) -> None:
        if formdata and kwargs.get("method") is None:
            kwargs["method"] = "POST"
        super().__init__(*args, **kwargs)
        if not formdata:
            return
        data = _urlencoded(_pairs(formdata), self.encoding)
        if self.method == "POST":
            self.headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            self._body = data.encode("ascii")
        else:
            self._url = urlunsplit(urlsplit(self._url)._replace(query=data, fragment=""))

    @classmethod
    def from_response(
        cls,
        response: TextResponse,
        formname: str | None = None,
        formid: str | None = None,
        formnumber: int = 0,
        formdata: FormData = None,
        clickdata: dict[str, str | int] | None = None,
        dont_click: bool = False,
        formxpath: str | None = None,
        formcss: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return the request of submitting a form of *response*.

        The form is found by name, id, XPath, CSS or number; *formdata* replaces the values of its controls (None leaves a
        control out); *clickdata* (attributes, or ``nr``) names the button that is clicked, by default the first one, unless
        *dont_click*. Raises ValueError if there is no such form or button, IndexError if there are fewer forms.
        """
        if formcss is not None:
            formxpath = HTMLTranslator().css_to_xpath(formcss)
        form = find_form(response, name=formname, identity=formid, number=formnumber, xpath=formxpath)
        button = None if dont_click else clicked(form, clickdata)
        encoding = kwargs.setdefault("encoding", _output(charset(form) or response.encoding))
        given = _pairs(formdata or ())
        sent: Pairs = [*entries(form, button, charset=encoding, without={name for name, _ in given})]
        sent += [(name, value) for name, value in given if value is not None]
        method = (kwargs.pop("method", None) or attribute(form, button, "method") or "GET").upper()
        write = _WRITERS.get((attribute(form, button, "enctype") or "").strip().lower())
        if write is not None and "Content-Type" in Headers(kwargs.get("headers")):
            write = None  # the caller knows better than the form
        request = cls(
            url=_address(response, form, button, kwargs.pop("url", None)),
            method=method if method in cls.valid_form_methods else "GET",
            formdata=sent,
            **kwargs,
        )
        if write is not None and sent and request.method == "POST":
            request._body, request.headers["Content-Type"] = write(sent, encoding)
        return request


def _pairs(formdata: Any) -> Pairs:
    """Return *formdata* as pairs of name and value. Raise ValueError for what has none."""
    pairs = formdata.items() if isinstance(formdata, Mapping) else formdata
    try:
        return [(name, value) for name, value in pairs]
    except (TypeError, ValueError):
        raise ValueError(f"formdata is a dictionary or pairs of name and value, not {formdata!r}") from None


def _address(response: TextResponse, form: _Element, button: _Element | None, given: str | None) -> str:
    """Return where *form* is sent: to the URL that the caller has *given*, to its action, or to its own page."""
    action = (given if given is not None else attribute(form, button, "action") or "").strip()
    return join(response.base_url, action, response.encoding) if action else response.url


def _output(encoding: str) -> str:
    """Return the encoding that a form is sent in on a page of *encoding*: never UTF-16."""
    return "utf-8" if encoding.lower().startswith("utf-16") else encoding


# --- ways to write ----------------------------------------------------------------------------------------------------


def _urlencoded(pairs: Pairs, encoding: str) -> str:
    return urlencode([(_bytes(name, encoding), _bytes(value, encoding)) for name, value in _single(pairs)])


def _multipart(pairs: Pairs, encoding: str) -> tuple[bytes, str]:
    """Return the body and the Content-Type of ``multipart/form-data`` (RFC 7578, names escaped as browsers do)."""
    parts = []
    for name, value in _single(pairs):
        escaped = _bytes(name, encoding).replace(b"\r", b"%0D").replace(b"\n", b"%0A").replace(b'"', b"%22")
        no_file = b'; filename=""\r\nContent-Type: application/octet-stream' if isinstance(value, NoFile) else b""
        head = b'Content-Disposition: form-data; name="' + escaped + b'"' + no_file
        parts.append(head + b"\r\n\r\n" + _bytes(value, encoding) + b"\r\n")
    # Made of what it parts: it stands in none of it, and the same form is the same request.
    boundary = b"----crawler" + hashlib.blake2b(b"".join(parts), digest_size=12).hexdigest().encode()
    body = b"".join(b"--" + boundary + b"\r\n" + part for part in parts) + b"--" + boundary + b"--\r\n"
    return body, f"multipart/form-data; boundary={boundary.decode()}"


def _plain(pairs: Pairs, encoding: str) -> tuple[bytes, str]:
    lines = [_bytes(name, encoding) + b"=" + _bytes(value, encoding) + b"\r\n" for name, value in _single(pairs)]
    return b"".join(lines), "text/plain"


_WRITERS: Mapping[str, Callable[[Pairs, str], tuple[bytes, str]]] = {
    "multipart/form-data": _multipart,
    "text/plain": _plain,
}


def _single(pairs: Pairs) -> Pairs:
    """Return *pairs* with one for each of the values that come as a list."""
    return [
        (name, one) for name, value in pairs for one in (value if isinstance(value, list | tuple | set) else [value])
    ]


def _bytes(value: Any, encoding: str) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(encoding, "xmlcharrefreplace")
