"""XML: a root element, an element an item, an element a field; lists hold ``value`` elements.

Field names that are no XML names have the offending characters replaced by ``_``; characters that XML 1.0 cannot hold
become U+FFFD. What the encoding cannot hold is written as a character reference.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Any

from crawler.exceptions import FeedError
from crawler.exporters.formats import TextEncoding
from crawler.exporters.values import plain_fields, scalar_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
# NameStartChar and NameChar of XML 1.0, without the colon, which belongs to namespaces.
_START = (
    r"A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    r"\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NO_NAME_START = re.compile(f"^(?![{_START}])")
_NOT_IN_A_NAME = re.compile(rf"[^{_START}\-.0-9\u00b7\u0300-\u036f\u203f\u2040]")
_DECLARED_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)["']""")


class XmlFormat:
    """XML. ``indent=None`` or 0 puts each item on one line, n indents its fields by n."""

    before_first = b""
    before_next = b""

    def __init__(
        self,
        *,
        encoding: str = "utf-8",
        indent: int | None = None,
        item_element: str = "item",
        root_element: str = "items",
    ) -> None:
        self._text = TextEncoding(encoding, errors="xmlcharrefreplace")
        self._encoding = _declared_name(encoding)
        self._step = " " * (indent or 0)
        self._newline = "\n" if indent else ""
        self._item = item_element
        self._root = root_element
        self._names: dict[str, str] = {}
        self.closing = self._text.encode(f"</{root_element}>\n")

    def opening(self) -> bytes:
        """Return the XML declaration and the root's start tag."""
        return self._text.mark + self._text.encode(
            f'<?xml version="1.0" encoding="{self._encoding}"?>\n<{self._root}>\n'
        )

    def encode(self, fields: Mapping[str, Any]) -> bytes:
        """Return the element of an item."""
        parts = [self._step, f"<{self._item}>", self._newline]
        for name, value in plain_fields(fields).items():
            self._element(parts, name, value, depth=2)
        parts += [self._step, f"</{self._item}>\n"]
        return self._text.encode("".join(parts))

    def adopt(self, head: bytes) -> None:
        """Refuse a file with another root or another encoding."""
        if not re.search(rb"<" + re.escape(self._text.encode(self._root)) + rb"[\s>]", head):
            raise FeedError(f"it is no XML with a root element <{self._root}>")
        declared = _DECLARED_ENCODING.search(head)
        if declared and _declared_name(declared[1].decode()) != self._encoding:
            raise FeedError(f"it is in {declared[1].decode()}, this feed in {self._encoding}")

    def continuation(self, tail: bytes) -> tuple[int, bytes]:
        """Cut the root's end tag off."""
        body = tail.rstrip()
        end_tag = self.closing.rstrip()
        if not body.endswith(end_tag):
            raise FeedError(f"it does not end with {end_tag.decode()}")
        body = body.removesuffix(end_tag)
        return len(tail) - len(body), b"" if body.endswith(b"\n") else b"\n"

    def _element(self, parts: list[str], name: str, value: Any, *, depth: int) -> None:
        name = self._names.get(name) or self._element_name(name)
        parts += [self._step * depth, f"<{name}>"]
        if isinstance(value, (dict, list, tuple)):
            inner = value.items() if isinstance(value, dict) else (("value", one) for one in value)
            parts.append(self._newline)
            for inner_name, inner_value in inner:
                self._element(parts, inner_name, inner_value, depth=depth + 1)
            parts.append(self._step * depth)
        else:
            parts.append(_FORBIDDEN.sub("\ufffd", scalar_text(value)).translate(_ESCAPES))
        parts.append(f"</{name}>{self._newline}")

    def _element_name(self, name: str) -> str:
        """Return *name* as an XML name; known ones are kept, up to a number that only invented keys reach."""
        known = element_name(name)
        if not self._text.can_encode(known):
            known = element_name(known.encode("ascii", "replace").decode())
        if len(self._names) < 10_000:
            self._names[name] = known
        return known


def _declared_name(encoding: str) -> str:
    """Return the registered name of *encoding*, which parsers know, for Python's."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        return encoding
    return name.replace("iso8859", "iso-8859").replace("cp125", "windows-125").removesuffix("-sig")


def element_name(name: str) -> str:
    """Return *name* as an XML name."""
    return _NO_NAME_START.sub("_", _NOT_IN_A_NAME.sub("_", name), count=1)
