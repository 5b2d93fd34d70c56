"""What a response is: encodings against the standard's labels and html5lib's pages, and kinds by header, name and body."""

from __future__ import annotations

import base64
import codecs
import time
from typing import Any

import pytest

from crawler.http import Headers
from crawler.http.prescan import WITHIN as PRESCAN
from crawler.http.sniff import (
    bom_encoding,
    codec_for,
    declared_encoding,
    encoding_of,
    header_encoding,
    kind_of,
    kind_of_body,
    kind_of_type,
)
from tests.vectors import vectors

LABELS = vectors("encodings", "labels.json")
ENCODINGS = [one for group in vectors("encodings", "encodings.json") for one in group["encodings"]]
PAGES = vectors("encodings", "html5lib_meta_sniff.json")

# Python's names of codecs where they are not the standard's, for reasons that are not spelling.
CODECS = {
    "Big5": "big5hkscs",
    "EUC-KR": "cp949",
    "GBK": "gb18030",  # the standard decodes one as the other
    "ISO-8859-8-I": "iso8859-8",
    "Shift_JIS": "cp932",
    "macintosh": "mac-roman",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac-cyrillic",
}

# --- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", LABELS, ids=lambda case: case["label"])
def test_a_label_means_what_the_standard_says(case: dict[str, str]) -> None:
    if case["encoding"] == "replacement":
        return  # see below
    name = case["encoding"]
    expected = codecs.lookup(CODECS.get(name, name)).name
    for label in (case["label"], case["label"].upper(), f" {case['label']}\n"):
        assert codecs.lookup(codec_for(label) or "nothing").name == expected


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding["name"])
def test_all_labels_of_an_encoding_mean_one_codec_that_makes_text_of_any_bytes(encoding: dict[str, Any]) -> None:
    found = {codec_for(label) for label in encoding["labels"]} - {None}
    if encoding["name"] != "replacement":
        assert len(found) == 1
    for codec in found:
        assert isinstance(bytes(range(256)).decode(codec, "replace"), str)


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        # The standard shows nothing of these, lest a script hide in them; a crawler runs none and reads what it can.
        ("hz-gb-2312", "hz"),
        ("iso-2022-kr", "iso2022_kr"),
        ("replacement", None),
        # Beyond the standard.
        ("latin-1", "cp1252"),
        ("latin_1", "cp1252"),
        ("cp437", "cp437"),
        ("utf_8", "utf-8"),
    ],
)
def test_what_the_standard_does_not_show_is_read_if_python_can(label: str, codec: str | None) -> None:
    assert codec_for(label) == codec


@pytest.mark.parametrize(
    "label", ["", "nonsense", "zlib", "base64", "hex", "bz2", "rot13", "idna", "punycode", "undefined", "a\0b", "é"]
)
def test_what_is_no_encoding_of_text_means_nothing(label: str) -> None:
    assert codec_for(label) is None


# --- declarations ---------------------------------------------------------------------------------

BEYOND = "the declaration comes after the 1024 bytes that the standard reads"
# Pages of which html5lib says something else, by file and number, and why.
SNIFFED_OTHERWISE = {
    **{("tests1.dat", number): BEYOND for number in range(47, 53)},
    ("tests1.dat", 53): "the declaration is written by a script",
}
COMPARABLE = [case for case in PAGES if (case["file"], case["n"]) not in SNIFFED_OTHERWISE]


def test_xml_means_its_declaration_and_not_what_looks_like_a_meta_element() -> None:
    feed = b"<?xml version='1.0' encoding='koi8-r'?><rss><meta charset=\"utf-8\"/></rss>"
    assert declared_encoding(feed) == "koi8-r"
    assert encoding_of(feed, b"application/xml") == encoding_of(feed, b"application/xhtml+xml") == "koi8-r"
    assert encoding_of(feed, b"text/html") == "utf-8"


def test_a_charset_in_a_header_is_a_parameter_and_no_part_of_another() -> None:
    assert header_encoding(b"text/html; xcharset=koi8-r") is None
    assert header_encoding(b"text/html; x=y;charset=koi8-r") == "koi8-r"


@pytest.mark.skipif(not PAGES, reason="the conformance set is not beside this checkout")
def test_nearly_all_pages_are_comparable() -> None:
    assert len(COMPARABLE) == len(PAGES) - len(SNIFFED_OTHERWISE)


@pytest.mark.parametrize("case", COMPARABLE, ids=lambda case: f"{case['file']} {case['n']}")
def test_a_page_declares_what_html5lib_reads(case: dict[str, Any]) -> None:
    body = base64.b64decode(case["html_b64"])
    mark = bom_encoding(body)
    found = mark[0] if mark else declared_encoding(body)
    # html5lib falls back to windows-1252, which is also what nothing means here once the bytes are not UTF-8.
    assert (found or "cp1252") == codec_for(case["expected_encoding"])


@pytest.mark.parametrize(
    ("body", "codec"),
    [
        (b"<META CharSet = 'KOI8-R'>", "koi8-r"),
        (b"<meta content='text/html; charset=koi8-r' http-equiv=CONTENT-TYPE>", "koi8-r"),
        (b"<meta/charset=koi8-r />", "koi8-r"),
        (b"<meta charset=koi8-r/>", None),  # whose label is "koi8-r/"
        (b"<?xml version='1.0' encoding='koi8-r'?><html><meta charset=windows-1251>", "cp1251"),
        (b"<!--><meta charset=koi8-r>-->", "koi8-r"),
        (b"<script>'<meta charset=koi8-r>'</script>", "koi8-r"),
        (b"<? > <!x> </ ><meta charset=koi8-r>", "koi8-r"),
        (b'<p "<script>"<meta charset=koi8-r>', "koi8-r"),
        (b"<p a='><meta charset=koi8-r>", None),
        (b"<meta http-equiv=content-type content='text/html; charset=\"koi8-r'>", None),
        (b"<meta http-equiv=content-type content='charset; charset = koi8-r;'>", "koi8-r"),
        (b"<meta charset=koi8-r charset=utf-8>", "koi8-r"),
        (b"<\0?\0x\0m\0l\0", "utf-16-le"),
        (b"\0<\0?\0x\0m\0l", "utf-16-be"),
        (b"<meta charset=nonsense><meta charset=koi8-r>", "koi8-r"),
        (b"<?xml version='1.0' encoding='koi8-r'?><a/>", "koi8-r"),
        (b"\n <?XML version='1.0' encoding=\"koi8-r\"?>", "koi8-r"),
        (b"<meta charset=utf-16>", "utf-8"),
        (b"<?xml version='1.0' encoding='utf-16be'?>", "utf-8"),
        (b"<!-- <meta charset=koi8-r> -->", None),
        (b"<p title='<meta charset=koi8-r>'>", None),
        (b'<p title="<meta charset=koi8-r>">', None),
        (b"<meta name=x content='text/html; charset=koi8-r'>", None),
        (b"<meta charset=koi8-r", None),
        (b"<metacharset=koi8-r>", None),
        (b" " * PRESCAN + b"<meta charset=koi8-r>", None),
        (b"text <?xml encoding='koi8-r'?>", None),
        (b"", None),
    ],
)
def test_a_document_declares_itself_in_its_first_kilobyte(body: bytes, codec: str | None) -> None:
    assert declared_encoding(body) == codec


@pytest.mark.parametrize(
    ("content_type", "codec"),
    [
        (b"text/html; charset=koi8-r", "koi8-r"),
        (b'text/html;CHARSET = "koi8-r"; x=y', "koi8-r"),
        (b"text/html; charset='koi8-r'", "koi8-r"),
        (b"text/html; charset=iso-8859-1", "cp1252"),
        (b"text/html; charset=", None),
        (b"text/html; charset=\xe9", None),
        (b"text/html", None),
        (b"", None),
        (None, None),
    ],
)
def test_a_header_names_an_encoding(content_type: bytes | None, codec: str | None) -> None:
    assert header_encoding(content_type) == codec


@pytest.mark.parametrize(
    ("body", "mark"),
    [
        (b"\xef\xbb\xbfx", ("utf-8", 3)),
        (b"\xff\xfex\0", ("utf-16-le", 2)),
        (b"\xfe\xff\0x", ("utf-16-be", 2)),
        (b"\xef\xbb", None),
        (b"", None),
    ],
)
def test_a_byte_order_mark_names_an_encoding(body: bytes, mark: tuple[str, int] | None) -> None:
    assert bom_encoding(body) == mark


def test_the_order_is_mark_header_declaration_and_the_look_of_the_bytes() -> None:
    declaration = b"<meta charset=koi8-r>"
    header = b"text/html; charset=cp1251"
    assert encoding_of(codecs.BOM_UTF8 + declaration, header) == "utf-8"
    assert encoding_of(declaration, header) == "cp1251"
    assert encoding_of(declaration, b"text/html; charset=nonsense") == "koi8-r"
    assert encoding_of("é".encode()) == "utf-8"
    assert (encoding_of(b"\xe9"), encoding_of(b"\xe9", default="cp1250")) == ("cp1252", "cp1250")


@pytest.mark.parametrize("piece", [b"<meta ", b'<meta "', b"<p a='", b"<!--", b"<", b"charset=", b"<?xml "])
def test_a_hostile_page_is_read_in_bounded_time(piece: bytes) -> None:
    start = time.process_time()
    declared_encoding(piece * 100_000)
    header_encoding(piece * 10_000)
    assert time.process_time() - start < 1.0


# --- kinds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        (b"text/html", "html"),
        (b" TEXT/HTML ; charset=utf-8", "html"),
        (b"application/xhtml+xml", "html"),
        (b"application/json; charset=utf-8", "json"),
        (b"application/vnd.api+json", "json"),
        (b"text/json", "json"),
        (b"text/xml", "xml"),
        (b"application/rss+xml", "xml"),
        (b"image/svg+xml", "xml"),
        (b"text/plain", "text"),
        (b"text/csv", "text"),
        (b"application/javascript", "text"),
        (b"image/png", "binary"),
        (b"application/pdf", "binary"),
        (b"application/octet-stream", None),
        (b"", None),
        (b"; charset=utf-8", None),
    ],
)
def test_a_content_type_says_the_kind(content_type: bytes, kind: str | None) -> None:
    assert kind_of_type(content_type) == kind


HTML, BINARY = b"<html>", b"\0\1"


@pytest.mark.parametrize(
    ("headers", "url", "body", "kind"),
    [
        ({"Content-Type": "application/json"}, "https://example.com/a.html", HTML, "json"),
        ({"Content-Type": "application/octet-stream"}, "https://example.com/a.xml", HTML, "xml"),
        ({"Content-Disposition": 'attachment; filename="a.json"'}, "https://example.com/a.html", HTML, "json"),
        ({"Content-Disposition": "attachment; FileName=A.CSV"}, "https://example.com/", HTML, "text"),
        ({"Content-Disposition": "inline"}, "https://example.com/a.rss", HTML, "xml"),
        ({}, "https://example.com/A.HTM?x=a.json#b.xml", BINARY, "html"),
        ({}, "https://example.com/a.pdf", HTML, "binary"),
        ({}, "https://example.com/a.tar.gz", HTML, "binary"),
        ({}, "https://example.com/a.php", HTML, "html"),
        ({}, "https://example.com", BINARY, "binary"),
        ({}, "https://example.com/a.json/", HTML, "html"),
        ({}, "https://example.com/", b"", "text"),
    ],
)
def test_the_kind_goes_by_type_then_file_name_then_url_then_body(
    headers: dict[str, str], url: str, body: bytes, kind: str
) -> None:
    assert kind_of(Headers(headers).get, url, body) == kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\n <!DOCTYPE HTML><p>", "html"),
        (b"<HTML lang=en>", "html"),
        (b"<!-- x --><html>", "html"),
        (b"<title>x", "html"),
        (b"<?xml version='1.0'?><rss>", "xml"),
        (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>", "html"),
        (b'{"a": 1}', "text"),
        (b"plain \t\r\n\x1b[0m", "text"),
        (b"\x89PNG\r\n\x1a\n\0", "binary"),
        (b"text\0", "binary"),
        ("text".encode("utf-16"), "text"),
        (b"x" * 5000 + b"\0", "text"),
        (b"", "text"),
    ],
)
def test_the_first_bytes_tell_the_kind(body: bytes, kind: str) -> None:
    assert kind_of_body(body) == kind


# --- texts that declare nothing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("国際疾病分類第10版2013年版 病名マスター", "cp932"),
        ("国際疾病分類第10版2013年版 病名マスター", "euc_jp"),
        ("这是一个没有声明编码的中文网页，看看能否识别。", "gb18030"),
        ("이것은 인코딩을 선언하지 않은 한국어 페이지입니다.", "cp949"),
        ("Привет, как дела? Это страница на русском языке.", "cp1251"),
        ("Привет, как дела? Это страница на русском языке.", "koi8-r"),
    ],
)
def test_a_text_that_declares_nothing_is_told_by_its_bytes(text: str, codec: str) -> None:
    body = ("<p>" + f"{text}</p><p>" * 20).encode(codec)
    assert encoding_of(body) == codec
    assert encoding_of(body * 100) == codec
    assert encoding_of(body, default="utf-8") == "utf-8"


@pytest.mark.parametrize(
    "text", ["Price: £100", "Die Straße führt über Müller und Söhne. " * 20, "Příliš žluťoučký. " * 20]
)
def test_latin_letters_cannot_be_told_apart(text: str) -> None:
    assert encoding_of(text.encode("cp1252" if "ř" not in text else "cp1250")) == "cp1252"
