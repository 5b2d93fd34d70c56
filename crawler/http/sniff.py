"""What a response is: its encoding, and which Response class shows it best.

Encodings go by the WHATWG: labels such as "latin-1" mean windows-1252; the order is byte order mark, Content-Type header,
declaration in the first 1024 bytes (see ``prescan``), and else UTF-8 if the bytes are valid UTF-8, windows-1252 if not.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import PurePosixPath

import webencodings

import crawler.http.charsets  # noqa: F401  # brings the codec of x-user-defined
from crawler.http.prescan import meta_encoding, utf16_of_xml, xml_encoding

_PYTHON_NAMES = {"gbk": "gb18030", "iso-8859-8-i": "iso8859-8", "x-mac-cyrillic": "mac-cyrillic"}

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CHARSET = re.compile(rb"(?:^|[;,\s])charset\s*=\s*[\"']?\s*([^\s\"'/>;]+)", re.IGNORECASE)

# What may name a codec of Python's, which takes any punctuation: "utf-8/" is a mistake and no label.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.:+-]*[A-Za-z0-9])?")

# Codecs of names of hosts, not of pages.
_HOST_CODECS = frozenset({"idna", "punycode"})


@lru_cache(maxsize=512)
def codec_for(label: str) -> str | None:
    """Return the name of Python's codec for a WHATWG *label*, None for a label that means nothing."""
    known = webencodings.lookup(label)
    if known is not None and known.name != "replacement":
        # Python's own names for the two that webencodings brings codecs or renames for.
        return _PYTHON_NAMES.get(known.name, known.codec_info.name)
    if not _NAME.fullmatch(label.strip()):
        return None
    try:
        name = codecs.lookup(label.strip()).name  # beyond the standard, Python knows some that pages use
        b"\xff".decode(name, "replace")  # and some that make no text of bytes, such as zlib
    except (LookupError, ValueError):
        return None
    if name in _HOST_CODECS:
        return None
    return codec_for(name) if name != label and webencodings.lookup(name) else name


def bom_encoding(body: bytes) -> tuple[str, int] | None:
    """Return the codec that the byte order mark of *body* names, and the length of the mark; None without one."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return name, len(mark)
    return None


def header_encoding(content_type: bytes | None) -> str | None:
    """Return the codec that a Content-Type header names."""
    found = _CHARSET.search(content_type) if content_type else None
    return codec_for(found[1].decode("latin-1")) if found else None


def declared_encoding(body: bytes, content_type: bytes | None = None) -> str | None:
    """Return the codec that the document declares about itself in its first 1024 bytes: in XML by its declaration, else by meta.

    A page of HTML with both means the meta element.
    """
    if (utf16 := utf16_of_xml(body)) is not None:
        return utf16
    declared = None
    if not _is_xml(body, content_type):
        declared = meta_encoding(body, codec_for)
    if declared is None and (label := xml_encoding(body)) is not None:
        declared = codec_for(label)
    # A declaration that could be read as ASCII cannot be in UTF-16; the standard takes it as UTF-8. So it does with this one:
    if declared == "x-user-defined":
        return "cp1252"
    return "utf-8" if declared is not None and declared.startswith("utf-16") else declared


def _is_xml(body: bytes, content_type: bytes | None) -> bool:
    mime = content_type.split(b";", 1)[0].strip().lower() if content_type else b""
    if mime in (b"text/html", b"application/xhtml+xml"):
        return mime != b"text/html"
    return kind_of_type(mime) == "xml" or (not mime and body.startswith(b"<?xml") and kind_of_body(body) == "xml")


def encoding_of(body: bytes, content_type: bytes | None = None, *, default: str = "cp1252") -> str:
    """Return the codec of *body*, by the WHATWG's order; *default* for bytes that declare nothing and are not UTF-8."""
    mark = bom_encoding(body)
    if mark is not None:
        return mark[0]
    named = header_encoding(content_type) or declared_encoding(body, content_type)
    if named is not None:
        return named
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return guessed(body) or default if default == "cp1252" else default
    return "utf-8"


# Codecs that can be told by statistics, since hardly anything else looks like them. Those of Latin letters cannot.
_TELLING = {
    **dict.fromkeys(("cp932", "shift_jis", "shift_jis_2004", "shift_jisx0213"), "cp932"),
    **dict.fromkeys(("euc_jp", "euc_jis_2004", "euc_jisx0213"), "euc_jp"),
    **dict.fromkeys(("gb18030", "gbk", "gb2312"), "gb18030"),
    **dict.fromkeys(("cp949", "euc_kr"), "cp949"),
    **{name: name for name in ("big5", "cp1251", "cp1253", "cp1255", "cp1256", "cp874")},
    "koi8_r": "koi8-r",
    "koi8_u": "koi8-u",
}

# Fewer bytes beyond ASCII tell nothing; more than this many bytes tell nothing new.
_TELLING_BYTES, _READ_TO_GUESS = 100, 100_000


def guessed(body: bytes) -> str | None:
    """Return the codec that the bytes of an undeclared text look like, None if they tell nothing."""
    start = body if len(body) <= _READ_TO_GUESS else body[: body.rfind(b"<", 0, _READ_TO_GUESS) + 1]
    if len(start.translate(None, bytes(range(128)))) < _TELLING_BYTES:
        return None
    from charset_normalizer import from_bytes  # heavy, and hardly ever needed

    best = from_bytes(start).best()
    return _TELLING.get(best.encoding) if best is not None else None


_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_JSON_TYPES = frozenset(
    {
        "application/json",
        "text/json",
        "application/x-json",
        "application/jsonml+json",
        "application/json-amazonui-streaming",
    }
)
_XML_TYPES = frozenset({"text/xml", "application/xml"})
_TEXT_TYPES = frozenset({"application/javascript", "application/x-javascript", "application/ecmascript"})
_BY_EXTENSION = {
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".xml": "xml",
    ".rss": "xml",
    ".atom": "xml",
    ".json": "json",
    ".txt": "text",
    ".csv": "text",
    ".js": "text",
    ".css": "text",
    ".md": "text",
}
_BINARY_EXTENSIONS = frozenset(
    {".gz", ".zip", ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp3", ".mp4", ".exe", ".tgz", ".bz2", ".xz"}
)
_FILENAME = re.compile(rb"filename\s*=\s*\"?([^\";]+)", re.IGNORECASE)


# Hot: once per page.
@lru_cache(maxsize=256)
def kind_of_type(content_type: bytes) -> str | None:
    """Return "html", "xml", "json", "text" or "binary" for a Content-Type, None if it says nothing."""
    mime = content_type.split(b";", 1)[0].strip().lower().decode("latin-1")
    if mime in _HTML_TYPES:
        return "html"
    if mime in _JSON_TYPES or mime.endswith("+json"):
        return "json"
    if mime in _XML_TYPES or mime.endswith("+xml"):
        return "xml"
    if mime.startswith("text/") or mime in _TEXT_TYPES:
        return "text"
    return (
        None if mime in ("", "application/octet-stream", "binary/octet-stream", "application/x-download") else "binary"
    )


def kind_of(get_header: Callable[[bytes], bytes | None], url: str, body: bytes) -> str:
    """Return what a response is, by its Content-Type, its file name, its URL, or the look of its first bytes."""
    content_type = get_header(b"Content-Type")
    if content_type and (kind := kind_of_type(content_type)):
        return kind
    return (
        kind_of_disposition(get_header(b"Content-Disposition"))
        or kind_of_name(url.partition("?")[0].partition("#")[0])
        or kind_of_body(body)
    )


def kind_of_disposition(disposition: bytes | None) -> str | None:
    """Return what the file is that a Content-Disposition names, None if it says nothing."""
    found = _FILENAME.search(disposition) if disposition else None
    return kind_of_name(found[1].decode("latin-1")) if found else None


def kind_of_name(name: str) -> str | None:
    """Return what a file is by the ending of its *name*, None if that says nothing."""
    suffix = PurePosixPath(name.rpartition("/")[2]).suffix.lower()
    return "binary" if suffix in _BINARY_EXTENSIONS else _BY_EXTENSION.get(suffix)


# How many bytes of a body tell what it looks like.
LOOKED_AT = 5000


def kind_of_body(body: bytes) -> str:
    """Return what the first bytes of a body look like."""
    head = body[:LOOKED_AT]
    if bom_encoding(head) is None and any(
        byte in head for byte in (b"\0", b"\x01", b"\x02", b"\x03", b"\x05", b"\x06")
    ):
        return "binary"
    start = head.lstrip()[:512].lower()
    if start.startswith(b"<?xml"):
        return "html" if b"<html" in start else "xml"
    if b"<html" in start or start.startswith((b"<!doctype html", b"<head", b"<body", b"<title")):
        return "html"
    return "text"
