"""Bytes to text, where browsers have other tables than Python. Compared with Chromium's TextDecoder for every byte and pair."""

from __future__ import annotations

import pytest

from crawler.http import HtmlResponse
from crawler.http.charsets import text
from crawler.http.sniff import codec_for


@pytest.mark.parametrize(
    ("label", "body", "expected"),
    [
        ("windows-1252", b"it\x92s \x81\x9d", "it\u2019s \x81\x9d"),
        ("windows-1253", b"\x81\xd2", "\x81\ufffd"),
        ("windows-1255", b"\xca\xd9", "\u05ba\ufffd"),
        ("windows-874", b"\x85\x86", "\u2026\x86"),
        ("euc-jp", b"\xad\xa1\xad\xb5 \xa1\xc1\xa1\xdd", "\u2460\u2160 \uff5e\uff0d"),
        ("euc-jp", b"\xb4\xc1\xbb\xfa\xff", "\u6f22\u5b57\ufffd"),
        ("euc-jp", b"\xf9\xa1\xa4", "\u7e8a\ufffd"),
        ("iso-2022-jp", b"\x1b$B-!F|\x1b(B1", "\u2460\u65e51"),
        ("shift_jis", b"\x87\x40\xa0", "\u2460\ufffd"),
        ("gbk", b"\x80\xa3\xa0\xd6\xd0\x81\x30\x84\x36", "\u20ac\u3000\u4e2d\xa5"),
        ("gb18030", b"\xa6\xd9\xff", "\ufe10\ufffd"),
        ("koi8-u", b"\xae\xbe", "\u045e\u040e"),
        ("x-user-defined", b"a\x80\xff", "a\uf780\uf7ff"),
        ("utf-8", b"\xf0\x9f\x98 \xc3\xa9", "\ufffd \xe9"),
    ],
)
def test_text_is_what_browsers_make_of_it(label: str, body: bytes, expected: str) -> None:
    assert text(body, codec_for(label) or "") == expected
    response = HtmlResponse("http://a.test/", headers={"Content-Type": f"text/html; charset={label}"}, body=body)
    assert response.text == expected


@pytest.mark.parametrize("label", ["x-user-defined", "X-User-Defined "])
def test_a_page_that_declares_x_user_defined_is_in_windows_1252(label: str) -> None:
    response = HtmlResponse("http://a.test/", body=f"<meta charset='{label}'>".encode() + b"\x93")
    assert (response.encoding, response.text[-1]) == ("cp1252", "\u201c")


@pytest.mark.parametrize("codec", "euc_jp iso2022_jp cp932 gbk gb18030 cp1252 cp1255 koi8-u x-user-defined".split())
def test_any_bytes_make_text(codec: str) -> None:
    for first in range(256):
        for second in (0, 0x1B, 0x24, 0x41, 0x80, 0x8E, 0x8F, 0xA1, 0xFE, 0xFF):
            assert isinstance(text(bytes([first, second, 0x41, first, 0xA1, second, first]), codec), str)
