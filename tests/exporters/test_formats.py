"""Records of every format, read back with the parsers of others."""

from __future__ import annotations

import csv
import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from crawler.exceptions import FeedError, InvalidOutputError
from crawler.exporters.csv_format import CsvFormat
from crawler.exporters.json_format import JsonFormat, JsonLinesFormat
from crawler.exporters.xml_format import XmlFormat, element_name

if TYPE_CHECKING:
    from crawler.exporters.formats import Format


def document(shape: Format, *items: dict[str, object]) -> bytes:
    """Return a whole document, as a feed writes it."""
    records = [shape.encode(item) for item in items]
    body = b"".join(
        (shape.before_next if index else shape.before_first) + record for index, record in enumerate(records)
    )
    return shape.opening() + body + shape.closing


def test_json_lines_is_an_object_a_line_in_utf8() -> None:
    data = document(JsonLinesFormat(), {"t": "é\n\u2028"}, {"n": float("nan"), "big": 2**70})
    assert "é".encode() in data
    assert [json.loads(line) for line in data.decode().split("\n") if line] == [
        {"t": "é\n\u2028"},
        {"n": None, "big": 2**70},
    ]


def test_json_escapes_what_the_encoding_cannot_hold() -> None:
    data = document(JsonLinesFormat(encoding="latin-1"), {"t": "é😀"})
    assert b"\xe9" not in data
    assert json.loads(data.decode("latin-1")) == {"t": "é😀"}
    assert json.loads(document(JsonLinesFormat(ensure_ascii=True), {"t": "é😀"}).decode("ascii")) == {"t": "é😀"}


def test_half_a_surrogate_pair_is_written_as_the_replacement_character() -> None:
    assert json.loads(document(JsonLinesFormat(), {"t": "a\ud800"})) == {"t": "a�"}
    assert b"a\xef\xbf\xbd" in document(CsvFormat(), {"t": "a\ud800"})
    assert etree.fromstring(document(XmlFormat(), {"t": "a\ud800"})).findtext("item/t") == "a�"


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_json_is_an_array_at_any_indent(indent: int | None) -> None:
    items = [{"a": 1, "b": [1, {"c": 2}]}, {"a": "x"}]
    assert json.loads(document(JsonFormat(indent=indent), *items)) == items
    assert json.loads(document(JsonFormat(indent=indent))) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_a_document_has_one_byte_order_mark_at_most(encoding: str) -> None:
    items: list[dict[str, object]] = [{"a": "é"}, {"a": "b"}]
    assert json.loads(document(JsonFormat(encoding=encoding), *items).decode(encoding)) == items
    rows = list(
        csv.DictReader(io.StringIO(document(CsvFormat(encoding=encoding), *items).decode(encoding), newline=""))
    )
    assert rows == items
    assert [
        e.text
        for e in etree.fromstring(
            document(XmlFormat(encoding=encoding.removesuffix("-le").removesuffix("-sig")), *items)
        ).iter("a")
    ] == [
        "é",
        "b",
    ]


def test_csv_quotes_what_needs_quotes_and_joins_lists() -> None:
    data = document(CsvFormat(), {"a": 'x,"y"\n', "b": ["p", 1, None], "c": {"k": ["é"]}, "d": None, "e": True})
    (row,) = csv.DictReader(io.StringIO(data.decode(), newline=""))
    assert row == {"a": 'x,"y"\n', "b": "p,1,", "c": '{"k":["é"]}', "d": "", "e": "True"}


def test_csv_takes_the_options_of_csv_writer() -> None:
    shape = CsvFormat(delimiter=";", join_multivalued="|", lineterminator="\n")
    assert document(shape, {"a": ["x", "y"], "b": 1}) == b"a;b\nx|y;1\n"


def test_csv_leaves_out_fields_without_a_column_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    shape = CsvFormat()
    with caplog.at_level(logging.WARNING):
        data = document(shape, {"a": 1}, {"a": 2, "late": 3}, {"late": 4, "later": 5})
    assert data == b'a\r\n1\r\n2\r\n""\r\n'
    assert shape.ignored == {"late": 2, "later": 1}
    assert len(caplog.records) == 1
    assert "late" in caplog.text


def test_csv_says_which_character_its_encoding_cannot_write() -> None:
    with pytest.raises(InvalidOutputError, match=r"'😀'.*latin-1.*utf-8"):
        document(CsvFormat(encoding="latin-1"), {"a": "😀"})
    assert document(CsvFormat(encoding="latin-1", errors="replace"), {"a": "😀"}) == b"a\r\n?\r\n"


def test_an_item_without_fields_does_not_decide_the_columns() -> None:
    shape = CsvFormat()
    assert shape.encode({}) == b""
    assert document(shape, {"a": 1}) == b"a\r\n1\r\n"


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_xml_holds_nested_values(indent: int | None) -> None:
    item: dict[str, object] = {"t": "a<b>&\r\n\"'", "l": ["x", {"k": 1}], "n": None, "bad name": "\x00\x1b"}
    root = etree.fromstring(document(XmlFormat(indent=indent), item, {"t": "2"}))
    first, second = root
    assert first.findtext("t") == "a<b>&\r\n\"'"
    assert first.findtext("l/value") == "x"
    assert first.findtext("l/value/k") == "1"
    assert first.findtext("n") == ""
    assert first.findtext("bad_name") == "��"
    assert second.findtext("t") == "2"


def test_xml_elements_are_named_as_wanted() -> None:
    data = document(XmlFormat(item_element="book", root_element="books"), {"a": 1})
    assert etree.fromstring(data).findtext("book/a") == "1"


@pytest.mark.parametrize(
    ("name", "expected"), [("a", "a"), ("1a", "_1a"), ("a b:c", "a_b_c"), ("", "_"), ("é", "é"), ("²", "_")]
)
def test_any_key_becomes_an_xml_name(name: str, expected: str) -> None:
    assert element_name(name).startswith(expected)
    etree.fromstring(f"<{element_name(name)}/>")


def test_a_name_that_the_encoding_cannot_hold_is_replaced() -> None:
    root = etree.fromstring(document(XmlFormat(encoding="ascii"), {"é": "é"}))
    assert root.findtext("item/_") == "é"


def test_an_unknown_encoding_is_an_error() -> None:
    with pytest.raises(FeedError, match="utf8-typo"):
        JsonLinesFormat(encoding="utf8-typo")
