"""Bytes to text as browsers decode them, where Python's codec of that name gives something else.

    text(b"\\xad\\xa1", "euc_jp")        # the circled 1 of NEC, which Python's EUC-JP does not have
    text(b"it\\x92s \\x81", "cp1252")    # a control character where windows-1252 has a hole

The encoding standard's tables are those of the vendors whose names Python has for other codecs: its EUC-JP and ISO-2022-JP have
the characters of windows-31j (cp932), its GBK is read as GB 18030, the holes of the windows code pages are C1 controls. Pure;
what decodes anyway costs nothing more.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import webencodings

if TYPE_CHECKING:
    from collections.abc import Callable

_REPLACEMENT = "\ufffd"


def text(body: bytes, codec: str) -> str:
    """Return *body* decoded by *codec*; bytes that do not decode become U+FFFD."""
    rule = _RULES.get(codec)
    if rule is None:
        return body.decode(codec, "replace")
    name, errors, instead = rule
    decoded = body.decode(name, errors)
    return decoded if instead is None or decoded.isascii() else decoded.translate(instead)


def _hole(error: UnicodeError) -> tuple[str, int]:
    """Decode a byte that a windows code page has nothing for: C1 has; above it, nothing has."""
    assert isinstance(error, UnicodeDecodeError)
    byte = error.object[error.start]
    return chr(byte) if byte < 0xA0 else _REPLACEMENT, error.start + 1


def _hebrew_hole(error: UnicodeError) -> tuple[str, int]:
    """Do so for windows-1255; one vowel point is in the table of Windows and not in Python's."""
    assert isinstance(error, UnicodeDecodeError)
    return ("\u05ba", error.start + 1) if error.object[error.start] == 0xCA else _hole(error)


def _jis(error: UnicodeError) -> tuple[str, int]:
    """Decode a pair of JIS X 0208 that is only in windows-31j: the rows of NEC and IBM."""
    assert isinstance(error, UnicodeDecodeError)
    pair = error.object[error.start : error.start + 2]
    if (
        len(pair) == 2
        and 0x21 <= pair[0] & 0x7F <= 0x7E
        and 0x21 <= pair[1] & 0x7F <= 0x7E
        and (pair[0] ^ pair[1]) < 0x80
    ):
        row, cell = (pair[0] & 0x7F) - 0x21, (pair[1] & 0x7F) - 0x21
        lead, trail = divmod(row * 94 + cell, 188)
        shifted = bytes([lead + (0x81 if lead < 0x1F else 0xC1), trail + (0x40 if trail < 0x3F else 0x41)])
        found = shifted.decode("cp932", "replace")
        if len(found) == 1 and found != _REPLACEMENT and not "\ue000" <= found <= "\uf8ff":
            return found, error.start + 2
    return _REPLACEMENT, max(error.end, error.start + 1)


def _euro(error: UnicodeError) -> tuple[str, int]:
    """Decode the euro sign that windows-936 has at 0x80."""
    assert isinstance(error, UnicodeDecodeError)
    return "\u20ac" if error.object[error.start] == 0x80 else _REPLACEMENT, error.end


# Where the tables of JIS and of windows-31j map a character differently: wave dash, double line, minus, cent, pound, not.
_WINDOWS_31J = str.maketrans("\u301c\u2016\u2212\xa2\xa3\xac", "\uff5e\u2225\uff0d\uffe0\uffe1\uffe2")

# What has had its own place in Unicode since Python's edition of GB 18030, and a space that pages write as 0xA3A0.
_GB18030_2022 = str.maketrans(
    "\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796"
    "\ue7c7\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864",
    "\u3000\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19"
    "\u1e3f\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb",
)

# Python gives these bytes, which mean nothing, characters of private use.
_NOTHING = dict.fromkeys(range(0xF8F0, 0xF8F4), _REPLACEMENT)

# The standard's KOI8-U has the Belarusian letter.
_KOI8_RU = str.maketrans("\u255d\u256c", "\u045e\u040e")

#: Python's codec -> the codec to use, the handler of its errors, and what is put in the place of some characters.
_RULES: dict[str, tuple[str, str, dict[int, int] | dict[int, str] | None]] = {
    "euc_jp": ("euc_jp", "crawler-jis", _WINDOWS_31J),
    "iso2022_jp": ("iso2022_jp", "crawler-jis", _WINDOWS_31J),
    "cp932": ("cp932", "replace", _NOTHING),
    "gbk": ("gb18030", "crawler-euro", _GB18030_2022),
    "gb18030": ("gb18030", "crawler-euro", _GB18030_2022),
    "koi8-u": ("koi8-u", "replace", _KOI8_RU),
    **{f"cp{page}": (f"cp{page}", "crawler-hole", None) for page in (874, *range(1250, 1259))},
    "cp1255": ("cp1255", "crawler-hebrew-hole", None),
}

_HANDLERS: dict[str, Callable[[UnicodeError], tuple[str, int]]] = {
    "crawler-hole": _hole,
    "crawler-hebrew-hole": _hebrew_hole,
    "crawler-jis": _jis,
    "crawler-euro": _euro,
}
for _name, _handler in _HANDLERS.items():
    codecs.register_error(_name, _handler)


def _x_user_defined(name: str) -> codecs.CodecInfo | None:
    """Return the codec in which bytes above 127 are U+F780 to U+F7FF: servers say it in headers, Python does not know it."""
    if name not in ("x-user-defined", "x_user_defined"):
        return None
    known = webencodings.lookup("x-user-defined")
    return known.codec_info if known is not None else None


codecs.register(_x_user_defined)
