"""Sitemaps (sitemaps.org): the pages or further sitemaps that a document names, read as it goes, in constant memory.

    sitemap = Sitemap(body)
    sitemap.type                          # "urlset", "sitemapindex", "rss", "feed" or "text"
    for entry in sitemap: entry["loc"]    # with lastmod, changefreq, priority and alternate where they are there

XML is read in time linear in its length. Entities are neither resolved nor expanded, and nothing is fetched or opened for a DTD.
What is no well-formed XML is read as far as it goes. RSS and Atom feeds count as sitemaps, as search engines take them; so does a
text with a URL on each line.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Literal

from lxml import etree

from crawler.exceptions import ResponseDataLossError
from crawler.http.decode import Decoder
from crawler.robots import RobotsRules
from crawler.url import join

_ENTRIES = {"urlset": "url", "sitemapindex": "sitemap", "rss": "item", "feed": "entry"}
_GZIP = b"\x1f\x8b"


class Sitemap:
    """The entries of the document *body*, each a dictionary by local name. ``type`` is the local name of its root."""

    def __init__(self, body: bytes) -> None:
        self._body = body.lstrip(b"\xef\xbb\xbf \t\r\n")
        self.type = _root_of(self._body)
        if not self.type and _is_text(self._body):
            self.type = "text"

    @property
    def is_known(self) -> bool:
        """Whether the document is a sitemap of any kind."""
        return self.type == "text" or self.type in _ENTRIES

    def __repr__(self) -> str:
        return f"<Sitemap {self.type or 'of no known type'}>"

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self.type == "text":
            for line in self._body.decode("utf-8", "replace").splitlines():
                if _is_url(line.strip()):
                    yield {"loc": line.strip()}
            return
        wanted = _ENTRIES.get(self.type)
        if wanted is None:
            return
        read = {"rss": _of_item, "feed": _of_atom}.get(self.type, _of_url)
        for element in _elements(self._body, wanted):
            entry = read(element)
            if entry.get("loc"):
                yield entry


def _is_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def _is_text(body: bytes) -> bool:
    return any(_is_url(line.strip()) for line in body[:4096].decode("utf-8", "replace").splitlines())


def _parsed(body: bytes, event: Literal["start", "end"]) -> Iterator[etree._Element]:
    """Yield the elements of *body* at each *event*; what is no XML ends it."""
    parsing = etree.iterparse(
        io.BytesIO(body),
        events=(event,),
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        remove_pis=True,
    )
    try:
        for _, element in parsing:
            yield element
    except etree.XMLSyntaxError:
        return


def _root_of(body: bytes) -> str:
    for element in _parsed(body[:65_536], "start"):
        return _local(element)
    return ""


def _elements(body: bytes, wanted: str) -> Iterator[etree._Element]:
    """Yield each element called *wanted*, complete; what was read before it is let go of."""
    for element in _parsed(body, "end"):
        if _local(element) != wanted:
            continue
        parent = element.getparent()
        if parent is not None and _local(parent) == "loc":
            continue  # a URL that somebody wrapped once more: its text is the loc
        yield element
        element.clear()
        while element.getprevious() is not None:
            before = element.getprevious()
            above = element.getparent()
            if before is None or above is None:
                break
            above.remove(before)


def _local(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _text(element: etree._Element) -> str:
    """Return the text of *element* and of what is in it, without comments and entities."""
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str):
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts).strip()


def _of_url(element: etree._Element) -> dict[str, Any]:
    """Return an entry of a urlset or an index."""
    entry: dict[str, Any] = {}
    for child in element:
        name = _local(child)
        if name == "link":
            if child.get("href"):
                entry.setdefault("alternate", []).append(child.get("href"))
        elif name:
            entry.setdefault(name, _text(child))
    if "loc" not in entry and _is_url((element.text or "").strip()):
        entry["loc"] = (element.text or "").strip()
    return entry


def _of_item(element: etree._Element) -> dict[str, Any]:
    """Return an entry of RSS: its link, else a guid that is one."""
    entry: dict[str, Any] = {}
    for child in element:
        name = _local(child)
        if name == "link" and "loc" not in entry:
            entry["loc"] = _text(child) or child.get("href") or ""
        elif name == "pubDate":
            entry["lastmod"] = _text(child)
    if not entry.get("loc"):
        guids = [_text(child) for child in element if _local(child) == "guid"]
        entry["loc"] = next((guid for guid in guids if _is_url(guid)), "")
    return entry


def _of_atom(element: etree._Element) -> dict[str, Any]:
    """Return an entry of Atom: its link to a page."""
    entry: dict[str, Any] = {}
    for child in element:
        name = _local(child)
        if name == "link" and child.get("rel", "alternate") == "alternate":
            entry.setdefault("loc", child.get("href") or "")
        elif name == "updated":
            entry["lastmod"] = _text(child)
    return entry


def unpacked(body: bytes, max_size: int) -> bytes:
    """Return *body*, decompressed if it is gzip. Raise ResponseTooLargeError for more than *max_size* bytes (0: no limit)."""
    if not body.startswith(_GZIP):
        return body
    decoder = Decoder([b"gzip"], max_size)
    content = decoder.feed(body)
    try:
        return content + decoder.finish()
    except ResponseDataLossError:
        return content  # cut off: what is there is read, as with XML


def sitemap_urls_from_robots(robots: str | bytes, base_url: str | None = None) -> Iterator[str]:
    """Yield the sitemaps that the text of a robots.txt names, made absolute with *base_url*."""
    body = robots.encode() if isinstance(robots, str) else robots
    for url in RobotsRules.of_response(200, body).sitemaps:
        yield join(base_url, url) if base_url else url
