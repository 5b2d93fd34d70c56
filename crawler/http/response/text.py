"""TextResponse and its kinds: responses that can be read, queried and followed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import parsel
from parsel.csstranslator import HTMLTranslator

from crawler.exceptions import InvalidURLError
from crawler.http import charsets
from crawler.http.request import Request
from crawler.http.response.response import Response
from crawler.http.sniff import bom_encoding, codec_for, declared_encoding, encoding_of, header_encoding
from crawler.link import Link
from crawler.selector import Selector, SelectorList
from crawler.url import follow, join

if TYPE_CHECKING:
    from lxml.etree import _Element

_UNSET: Any = object()

# <base href> stands in the head; nobody puts it further down than this.
_BASE_WITHIN = 4096
_BASE = re.compile(rb"<base\s[^>]*?href\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?(?:-->|$)", re.DOTALL)

# Links of other schemes (mailto, javascript, tel) lead to no page.
_FOLLOWED = ("http://", "https://", "file:", "ftp://", "s3://")

# What may follow the callback by its place.
_FOLLOW = (
    "method",
    "headers",
    "body",
    "cookies",
    "meta",
    "encoding",
    "priority",
    "dont_filter",
    "errback",
    "cb_kwargs",
    "flags",
)

_UTF_8 = ("utf-8", "ascii", "utf_8", "us-ascii")


class TextResponse(Response):
    """A response whose body is text. *body* may be given as text together with an *encoding*."""

    attributes = (*Response.attributes, "encoding")
    selector_type: str | None = None
    """What selectors take the text for: "html", "xml", "json", or None for JSON if it is that, else HTML."""

    __slots__ = ("_base_url", "_encoding", "_json", "_selector", "_text", "_utf8")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._encoding: str | None = kwargs.pop("encoding", None)
        self._text: str | None = None
        self._utf8: bytes | None = None
        self._json: Any = _UNSET
        self._selector: Selector | None = None
        self._base_url: str | None = None
        body = kwargs.get("body", args[3] if len(args) > 3 else b"")
        if isinstance(body, str):
            if self._encoding is None:
                raise TypeError(f"a {type(self).__name__} made from text needs an encoding, such as encoding='utf-8'")
            encoded = body.encode(self._encoding)
            args, kwargs = args[:3] + args[4:], {**kwargs, "body": encoded}
        super().__init__(*args, **kwargs)

    @property
    def encoding(self) -> str:
        """The encoding: as given, by byte order mark, header or declaration, or as the bytes look."""
        if self._encoding is None:
            self._encoding = encoding_of(self.body, self.headers.get(b"Content-Type"), default=self._fallback())
        return self._encoding

    def _fallback(self) -> str:
        return "cp1252"

    def declared_encoding(self) -> str | None:
        """Return the encoding that was given, or that the header or the document names; None if nothing does."""
        mark = bom_encoding(self.body)
        if mark is not None:
            return mark[0]
        content_type = self.headers.get(b"Content-Type")
        return self._encoding or header_encoding(content_type) or declared_encoding(self.body, content_type)

    @property
    def text(self) -> str:
        """The body, decoded; bytes that do not decode become U+FFFD."""
        if self._text is None:
            mark = bom_encoding(self.body)
            if mark is not None and codec_for(self.encoding) in (mark[0], "utf-8", "utf-16"):
                self._text = self.body[mark[1] :].decode(mark[0], "replace")
            else:
                self._text = charsets.text(self.body, codec_for(self.encoding) or self.encoding)
        return self._text

    # Hot: once per page.
    @property
    def utf8_body(self) -> bytes:
        """The text as UTF-8: the body itself if it is valid UTF-8 already."""
        if self._utf8 is None:
            self._utf8 = self.body if self._is_utf8() else self.text.encode("utf-8", "replace")
        return self._utf8

    def _is_utf8(self) -> bool:
        if self.encoding not in _UTF_8 or self.body.startswith(b"\xef\xbb\xbf"):
            return False
        if self.body.isascii():
            return True
        try:
            self._text = self.body.decode()
        except UnicodeDecodeError:
            return False
        return True

    def json(self) -> Any:
        """Return the body, read as JSON; the same object every time."""
        if self._json is _UNSET:
            try:
                self._json = json.loads(self.body)
            except UnicodeDecodeError:  # JSON is UTF-8; some say that theirs is something else
                self._json = json.loads(self.text)
        return self._json

    @property
    def selector(self) -> Selector:
        """The whole document, to be queried; parsed at the first use."""
        if self._selector is None:
            self._selector = Selector(self)
        return self._selector

    def xpath(self, query: str, **kwargs: Any) -> SelectorList:
        """Return what an XPath finds; *kwargs* are its variables, and ``namespaces``."""
        return self.selector.xpath(query, **kwargs)  # type: ignore[return-value]  # our selectors' list class

    def css(self, query: str) -> SelectorList:
        """Return what a CSS selector finds."""
        return self.selector.css(query)  # type: ignore[return-value]  # our selectors' list class

    def jmespath(self, query: str, **kwargs: Any) -> SelectorList:
        """Return what a JMESPath finds in a JSON document."""
        return self.selector.jmespath(query, **kwargs)  # type: ignore[return-value]  # our selectors' list class

    @property
    def base_url(self) -> str:
        """The URL that links are relative to: that of ``<base href>`` if there is one."""
        if self._base_url is None:
            self._base_url = self._declared_base() or self._url
        return self._base_url

    def _declared_base(self) -> str | None:
        head = self.body_head(_BASE_WITHIN)
        if b"<base" not in head and b"<BASE" not in head:
            return None
        found = _BASE.search(_COMMENT.sub(b"", head))
        if found is None:
            return None
        raw = next(group for group in found.groups() if group is not None)
        href = charsets.text(raw, codec_for(self.encoding) or self.encoding).strip()
        try:
            return join(self._url, href)
        except InvalidURLError:
            return None

    def follow(
        self, url: str | Link | Selector, callback: Callable[..., Any] | None = None, *args: Any, **kwargs: Any
    ) -> Request:
        """Return a request for *url*: a URL, a Link, or a selector of an element with a link or of an attribute."""
        kwargs.update(zip(_FOLLOW, args, strict=False))
        if isinstance(url, SelectorList):
            raise ValueError("follow() takes one link; use follow_all() for a list of selectors")
        if isinstance(url, parsel.Selector):
            url = _url_of(url)
        if kwargs.get("encoding") is None:
            kwargs["encoding"] = self.encoding
        return super().follow(url, callback, **kwargs)

    def follow_all(
        self,
        urls: Iterable[Any] | None = None,
        callback: Callable[..., Any] | None = None,
        *args: Any,
        css: str | None = None,
        xpath: str | None = None,
        **kwargs: Any,
    ) -> Iterator[Request]:
        """Yield a request for each link, each URL once: of *urls*, or of the elements or attributes that *css* or *xpath* find.

        Other arguments are those of :meth:`follow`. Elements without a link, and links
        that lead to no page (``mailto:``), are passed over.
        """
        if sum(given is not None for given in (urls, css, xpath)) != 1:
            raise ValueError("follow_all() takes exactly one of urls, css and xpath")
        kwargs.update(zip(_FOLLOW, args, strict=False))
        links = self._links_found(css, xpath) if urls is None else _links_in(urls)
        if kwargs or self.encoding not in _UTF_8:
            return self._requests(links, lambda link: self.follow(link, callback, **kwargs))
        base = self.base_url
        return self._requests(links, lambda link: Request.of_link(follow(base, link), callback))

    # Hot: once per link.
    def _requests(self, links: Iterable[str], follow: Callable[[str], Request]) -> Iterator[Request]:
        """Yield what *follow* makes of *links*, once for each page: most links of a long page differ only in their fragment."""
        seen: set[str] = set()
        urls: set[str] = set()
        for link in links:
            page = link.partition("#")[0]
            if page in seen:
                continue
            seen.add(page)
            try:
                request = follow(link.strip())
            except InvalidURLError:
                continue  # a page may hold any rubbish; it is no error of the spider's
            url = request.url.partition("#")[0]
            if url not in urls and url.startswith(_FOLLOWED):
                urls.add(url)
                yield request

    def _links_found(self, css: str | None, xpath: str | None) -> list[str]:
        """Return the links of what *css* or *xpath* finds, without making a selector of each."""
        root = self.selector.root
        if not hasattr(root, "xpath"):
            return []  # JSON has no elements
        query = _link_query(css) if css is not None else xpath
        found = root.xpath(query, namespaces=self.selector.namespaces, smart_strings=False)
        if not isinstance(found, list):
            found = [found]
        return [link for one in found if (link := one if isinstance(one, str) else _link_of_element(one)) is not None]


def _links_in(urls: Iterable[Any]) -> Iterator[str]:
    """Yield the links that *urls* stand for, passing over selectors of elements without one."""
    for url in urls:
        if isinstance(url, parsel.Selector):
            link = url.get() if isinstance(url.root, str) else _link_of_element(url.root)
            if link is not None:
                yield link
        else:
            yield url.url if isinstance(url, Link) else url


def _link_of_element(element: _Element) -> str | None:
    return element.get("src") if element.tag == "img" else element.get("href")


@lru_cache(maxsize=256)
def _link_query(css: str) -> str:
    """Return the XPath for what *css* finds; for the ``href`` of what it finds if that is plain to see."""
    query = _TRANSLATOR.css_to_xpath(css)
    return f"({query})/@href" if _FINDS_ANCHORS.fullmatch(css) else query


# A selector without commas and pseudo-elements whose last part names an <a>. Its attribute costs half of its element.
_FINDS_ANCHORS = re.compile(r"(?:[^,:]*[\s>+~])?a(?:[.#\[][^,:\s>+~]*)?")


def _url_of(selector: parsel.Selector) -> str:
    """Return the link that *selector* stands for; raise ValueError if it stands for none."""
    if isinstance(selector.root, str):
        return selector.root.strip()
    if not hasattr(selector.root, "tag"):
        raise ValueError(f"follow() takes selectors of elements and attributes: {selector!r}")
    if selector.root.tag not in ("a", "link", "area"):
        raise ValueError(f"follow() takes selectors of <a>, <area> and <link>, not of <{selector.root.tag}>")
    href = selector.root.get("href")
    if href is None:
        raise ValueError(f"<{selector.root.tag}> has no href: {selector!r}")
    return str(href).strip()


_TRANSLATOR = HTMLTranslator()


class HtmlResponse(TextResponse):
    """An HTML page."""

    selector_type = "html"
    __slots__ = ()


class XmlResponse(TextResponse):
    """An XML document."""

    selector_type = "xml"
    __slots__ = ()

    def _fallback(self) -> str:
        return "utf-8"


class JsonResponse(TextResponse):
    """A JSON document."""

    selector_type = "json"
    __slots__ = ()

    def _fallback(self) -> str:
        return "utf-8"


RESPONSE_CLASSES: Mapping[str, type[Response]] = {
    "html": HtmlResponse,
    "xml": XmlResponse,
    "json": JsonResponse,
    "text": TextResponse,
    "binary": Response,
}
