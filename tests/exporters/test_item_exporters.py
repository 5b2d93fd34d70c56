"""Scrapy's exporter classes as ported pipelines use them."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from crawler.exporters import (
    CsvItemExporter,
    JsonItemExporter,
    JsonLinesItemExporter,
    PickleItemExporter,
    PprintItemExporter,
    PythonItemExporter,
    XmlItemExporter,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclasses.dataclass
class Book:
    title: str
    price: float = dataclasses.field(default=1.0, metadata={"serializer": lambda value: f"£{value}"})


def exported(make: Any, *items: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    exporter = make(file, **options)
    exporter.start_exporting()
    for item in items:
        exporter.export_item(item)
    exporter.finish_exporting()
    assert not file.closed
    return file.getvalue()


def test_the_exporters_write_whole_documents() -> None:
    items = [Book("a"), {"title": "é", "price": 2}]
    expected = [{"title": "a", "price": "£1.0"}, {"title": "é", "price": 2}]
    lines = exported(JsonLinesItemExporter, *items).decode().splitlines()
    assert [json.loads(line) for line in lines] == expected
    assert json.loads(exported(JsonItemExporter, *items, indent=2)) == expected
    assert exported(CsvItemExporter, *items).decode() == "title,price\r\na,£1.0\r\né,2\r\n"
    root = etree.fromstring(exported(XmlItemExporter, *items, item_element="book"))
    assert [book.findtext("price") for book in root.findall("book")] == ["£1.0", "2"]
    assert exported(PprintItemExporter, {"a": 1}) == b"{'a': 1}\n"


def test_documents_without_items_are_whole() -> None:
    assert json.loads(exported(JsonItemExporter)) == []
    assert exported(CsvItemExporter) == b""
    assert len(etree.fromstring(exported(XmlItemExporter))) == 0


def test_a_subclass_serializes_fields_its_own_way() -> None:
    class Prices(JsonLinesItemExporter):
        def serialize_field(self, field: Mapping[str, Any], name: str, value: Any) -> Any:
            return f"$ {value}" if name == "price" else super().serialize_field(field, name, value)

    assert json.loads(exported(Prices, {"title": "a", "price": 1})) == {"title": "a", "price": "$ 1"}


def test_json_lines_need_no_start() -> None:
    file = io.BytesIO()
    JsonLinesItemExporter(file, ensure_ascii=True).export_item({"a": "é"})
    assert file.getvalue() == b'{"a":"\\u00e9"}\n'


def test_fields_to_export_choose_and_rename() -> None:
    assert json.loads(exported(JsonLinesItemExporter, Book("a"), fields_to_export={"title": "t"})) == {"t": "a"}
    assert exported(CsvItemExporter, {"b": 1, "c": 2}, fields_to_export=["a", "b"]) == b"a,b\r\n,1\r\n"
    assert exported(CsvItemExporter, {"b": 1}, include_headers_line=False) == b"1\r\n"


def test_python_items_are_plain() -> None:
    exporter = PythonItemExporter()
    assert exporter.export_item({"book": Book("a"), "tags": {"x"}}) == {
        "book": {"title": "a", "price": 1.0},
        "tags": ["x"],
    }


def test_unknown_options_and_refused_formats_are_errors() -> None:
    with pytest.raises(TypeError, match="Unexpected options: colour"):
        PprintItemExporter(io.BytesIO(), colour="red")
    with pytest.raises(TypeError, match="JsonLinesItemExporter"):
        PickleItemExporter(io.BytesIO())


def test_python_values_stay_what_they_are() -> None:
    when = datetime.datetime(2015, 1, 1, tzinfo=datetime.UTC)
    item = {"when": when, "books": (Book("a"), {"b": Book("b")}), "n": 1}
    assert PythonItemExporter().export_item(item) == {
        "when": when,
        "books": [{"title": "a", "price": 1.0}, {"b": {"title": "b", "price": 1.0}}],
        "n": 1,
    }
