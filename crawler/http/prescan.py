"""What a document says about its own encoding, near its beginning: a meta element, or an XML declaration. Labels, as they stand.

The prescan of the HTML standard: it walks over comments, tags and attributes without knowing what an element is, so that a
``<meta>`` in a script counts and one in an attribute or a comment does not. It gives up where the bytes end within a tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

#: How far it reads.
WITHIN = 1024

_TAG = re.compile(rb"<(?:(!--)|(meta)(?=[\t\n\f\r /])|/?[a-z]|([!/?]))", re.IGNORECASE)
_AFTER_NAME = re.compile(rb"[\t\n\f\r >]")

# An attribute: the end of the tag, or a name, and a value in quotes, without, or none. What matches none of it has no end.
_ATTRIBUTE = re.compile(
    rb"[\t\n\f\r /]*(?:(>)|([^\t\n\f\r />][^\t\n\f\r />=]*)"
    rb"(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|(?=>)|([^\t\n\f\r >\"'][^\t\n\f\r >]*)(?=[\t\n\f\r >]))"
    rb"|(?=[\t\n\f\r />])(?![\t\n\f\r ]*=)))"
)
_CHARSET = re.compile(
    rb"charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|(?![\"'])([^\t\n\f\r ;]+)|)", re.IGNORECASE
)
# Leniently: blanks before it and large letters are mistakes of those who write XML by hand.
_XML = re.compile(
    rb"[\t\n\f\r ]*<\?xml[^>]*?encoding[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"\0- >]*)\"|'([^'\0- >]*)')[^>]*>",
    re.IGNORECASE,
)


def meta_encoding(body: bytes, known: Callable[[str], str | None]) -> str | None:
    """Return what *known* gives for the label of the first meta element that has one it knows, None if there is none."""
    head = body[:WITHIN]
    place = head.lower().find(b"charset")
    if place == -1:
        return None  # either way of saying it has the word
    # The pages of a site begin alike, mostly as far as that: a look-up costs a tenth of the prescan.
    return _prescanned(head[: head.find(b">", place) + 1], known) or _prescanned.__wrapped__(head, known)


@lru_cache(maxsize=256)
def _prescanned(head: bytes, known: Callable[[str], str | None]) -> str | None:
    """Return what :func:`meta_encoding` does, for the bytes as far as it reads or less."""
    place = head.find(b"<")
    while place != -1 and (tag := _TAG.search(head, place)) is not None:
        comment, meta, other = tag.groups()
        if comment:
            end = head.find(b"-->", tag.end() - 2)  # <!--> is a whole one
        elif other:
            end = head.find(b">", tag.end())
        else:
            after = _AFTER_NAME.search(head, tag.end()) if meta is None else None
            if meta is None and after is None:
                return None
            attributes, end = _attributes(head, tag.end() if after is None else after.start())
            if end != -1 and meta and (found := _declared(attributes, known)):
                return found
        if end == -1:
            return None
        place = end + (3 if comment else 1)
    return None


def _attributes(head: bytes, place: int) -> tuple[dict[bytes, bytes], int]:
    """Return the attributes of a tag, in their order, and where its ``>`` is; -1 if it has none."""
    attributes: dict[bytes, bytes] = {}
    while (found := _ATTRIBUTE.match(head, place)) is not None:
        end, name, double, single, bare = found.groups()
        if end:
            return attributes, found.end() - 1
        attributes.setdefault(name.lower(), double or single or bare or b"")
        place = found.end()
    return attributes, -1


def _declared(attributes: dict[bytes, bytes], known: Callable[[str], str | None]) -> str | None:
    """Return the encoding of a meta element with *attributes*: by ``charset``, else by ``content`` of a ``Content-Type``."""
    if b"charset" in attributes:
        return known(attributes[b"charset"].decode("latin-1"))
    if attributes.get(b"http-equiv", b"").lower() != b"content-type" or b"content" not in attributes:
        return None
    found = _CHARSET.search(attributes[b"content"])
    label = next((one for one in found.groups() if one is not None), None) if found is not None else None
    return known(label.decode("latin-1")) if label is not None else None


def xml_encoding(body: bytes) -> str | None:
    """Return the label in the XML declaration that *body* begins with."""
    found = _XML.match(body, 0, WITHIN)
    label = next((one for one in found.groups() if one is not None), None) if found is not None else None
    return label.decode("latin-1") if label is not None else None


def utf16_of_xml(body: bytes) -> str | None:
    """Return the codec of an XML declaration that is in UTF-16 without a byte order mark."""
    if body.startswith(b"<\0?\0x\0"):
        return "utf-16-le"
    return "utf-16-be" if body.startswith(b"\0<\0?\0x") else None
