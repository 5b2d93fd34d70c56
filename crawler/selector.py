"""Selectors: XPath, CSS and JMESPath over a response or a text.

parsel's, with Scrapy's way of making one from a response. A page whose bytes are valid UTF-8 is parsed as it is, without being
decoded and encoded again.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import parsel
from lxml import etree

if TYPE_CHECKING:
    from crawler.http.response.text import TextResponse

__all__ = ["Selector", "SelectorList"]


class SelectorList(parsel.SelectorList["Selector"]):
    """A list of selectors that can be queried like one."""


class Selector(parsel.Selector):
    """A part of a document that can be queried.

    Made from a *response*, a *text* or an lxml *root*; *type* is "html", "xml", "json" or "text", by default what the response
    is, and "html" for a text.
    """

    __slots__ = ("_response",)
    selectorlist_cls = SelectorList  # type: ignore[assignment]  # parsel cannot say "a list of my own kind"

    def __init__(
        self,
        response: TextResponse | None = None,
        text: str | None = None,
        type: str | None = None,
        root: Any = None,
        **kwargs: Any,
    ) -> None:
        if response is not None and text is not None:
            raise ValueError("a Selector is made from a response or from a text, not from both")
        # Weak, or a page and its selector would keep each other, and the tree with them, until the garbage collector comes.
        self._response = weakref.ref(response) if response is not None else None
        if response is None:
            if text is not None:
                kwargs["text"], type = text, type or "html"
            if root is not None:
                kwargs["root"] = root
            super().__init__(type=type, **kwargs)
            return
        kind = type or response.selector_type
        kwargs.setdefault("base_url", response.url)
        if root is None and kind == "html":
            root = parse_html(response)
        if root is not None:
            super().__init__(root=root, type=kind, **kwargs)
        else:
            super().__init__(text=response.text, type=kind, **kwargs)

    @property
    def response(self) -> TextResponse | None:
        """The response that the selector was made from, for as long as somebody else keeps it."""
        return self._response() if self._response is not None else None

    def drop(self) -> None:
        """Remove the element from its document; the text behind it stays."""
        root: Any = self.root
        parent = root.getparent() if self.type == "html" and isinstance(root, etree._Element) else None
        if parent is None:
            super().drop()
            return
        # What lxml.html's elements do; those of parse_html are plain ones, which are made faster.
        previous = root.getprevious()
        if root.tail and previous is None:
            parent.text = (parent.text or "") + root.tail
        elif root.tail:
            previous.tail = (previous.tail or "") + root.tail
        parent.remove(root)


# One for all pages: a new parser each time costs more than parsing a short page.
_PARSER = etree.HTMLParser(recover=True, encoding="utf-8", huge_tree=True)


# Hot: once per page.
def parse_html(response: TextResponse) -> etree._Element:
    """Return the root of the page's tree; an empty ``<html/>`` for a page without any element."""
    body = response.utf8_body
    if b"\0" in body:
        body = body.replace(b"\0", b"")
    root = etree.fromstring(body, parser=_PARSER, base_url=response.url) if body.strip() else None
    if root is None:
        root = etree.fromstring(b"<html/>", parser=_PARSER, base_url=response.url)
    return root
