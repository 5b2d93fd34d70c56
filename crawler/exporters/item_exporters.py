"""Scrapy's exporter classes, for pipelines that write files themselves; made of the formats that the feeds use.

    exporter = JsonLinesItemExporter(file)      # a file opened for bytes
    exporter.start_exporting()
    exporter.export_item(item)                  # as often as wanted
    exporter.finish_exporting()                 # the file stays open

Different from Scrapy: text in JSON is not escaped unless ``ensure_ascii=True`` asks for it, NaN is null, and
containers in CSV cells are JSON. Pickle and marshal are not written, because reading them can run foreign code.
"""

from __future__ import annotations

import pprint
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from crawler.exporters.csv_format import CsvFormat
from crawler.exporters.fields import FieldSelection, apply_serializer
from crawler.exporters.json_format import JsonFormat, JsonLinesFormat
from crawler.exporters.xml_format import XmlFormat
from crawler.item import is_item
from crawler.item_adapter import ItemAdapter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crawler.exporters.fields import FieldChoice
    from crawler.exporters.formats import Format


class BytesFile(Protocol):
    """What an exporter writes to."""

    def write(self, data: bytes, /) -> Any:
        """Write *data*."""


class BaseItemExporter(ABC):
    """Chooses and serialises the fields of items. Subclasses override ``export_item`` and may ``serialize_field``."""

    def __init__(
        self,
        *,
        dont_fail: bool = False,
        encoding: str | None = None,
        fields_to_export: FieldChoice | None = None,
        export_empty_fields: bool = False,
        indent: int | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs and not dont_fail:
            raise TypeError(f"Unexpected options: {', '.join(kwargs)}")
        self.encoding = encoding
        self.fields_to_export = fields_to_export
        self.export_empty_fields = export_empty_fields
        self.indent = indent
        self._kwargs = kwargs

    def start_exporting(self) -> None:  # noqa: B027  # a hook that a subclass need not have
        """Begin the document. Formats without a beginning need no call."""

    @abstractmethod
    def export_item(self, item: Any) -> Any:
        """Write *item*."""

    def finish_exporting(self) -> None:  # noqa: B027  # a hook that a subclass need not have
        """End the document. The file stays open."""

    def serialize_field(self, field: Mapping[str, Any], name: str, value: Any) -> Any:
        """Return what is exported for *value*: what the ``serializer`` in the field's metadata makes of it."""
        return apply_serializer(field, name, value)

    def get_serialized_fields(
        self, item: Any, default_value: Any = None, include_empty: bool | None = None
    ) -> Iterable[tuple[str, Any]]:
        """Return (name, serialised value) for the fields of *item* to export; missing ones have *default_value*."""
        wanted = self.export_empty_fields if include_empty is None else include_empty
        selection = FieldSelection(self.fields_to_export, include_empty=wanted)
        return selection.serialized(ItemAdapter(item), self.serialize_field, default_value)


class _DocumentExporter(BaseItemExporter):
    """Writes a document of some format to a file."""

    def __init__(self, file: BytesFile, **kwargs: Any) -> None:
        super().__init__(dont_fail=True, **kwargs)
        self.file = file
        self._shape = self._format(encoding=self.encoding or "utf-8", **self._kwargs)
        self._is_opened = False
        self._has_item = False

    @abstractmethod
    def _format(self, *, encoding: str, **options: Any) -> Format:
        """Return the format with the options of this exporter."""

    def start_exporting(self) -> None:
        """Write what the document begins with."""
        if not self._is_opened:
            self._is_opened = True
            self.file.write(self._shape.opening())

    def export_item(self, item: Any) -> None:
        """Write *item* after the ones before it."""
        record = self._shape.encode(dict(self.get_serialized_fields(item)))
        self.file.write((self._shape.before_next if self._has_item else self._shape.before_first) + record)
        self._has_item = True

    def finish_exporting(self) -> None:
        """Write what the document ends with."""
        self.file.write(self._shape.closing)


class JsonLinesItemExporter(_DocumentExporter):
    """One JSON object a line. Takes ``ensure_ascii`` and ``sort_keys``."""

    def _format(self, *, encoding: str, **options: Any) -> Format:
        return JsonLinesFormat(encoding=encoding, **options)


class JsonItemExporter(_DocumentExporter):
    """One JSON array. Takes ``ensure_ascii`` and ``sort_keys``."""

    def _format(self, *, encoding: str, **options: Any) -> Format:
        return JsonFormat(encoding=encoding, indent=self.indent, **options)


class XmlItemExporter(_DocumentExporter):
    """XML. Takes ``item_element`` and ``root_element``."""

    def _format(self, *, encoding: str, **options: Any) -> Format:
        return XmlFormat(encoding=encoding, indent=self.indent, **options)


class CsvItemExporter(_DocumentExporter):
    """CSV with a header, written with the first item. Takes the options of ``csv.writer`` too."""

    def __init__(
        self,
        file: BytesFile,
        include_headers_line: bool = True,
        join_multivalued: str = ",",
        errors: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.include_headers_line = include_headers_line
        super().__init__(
            file,
            include_headers_line=include_headers_line,
            join_multivalued=join_multivalued,
            errors=errors or "strict",
            **kwargs,
        )

    def _format(self, *, encoding: str, **options: Any) -> Format:
        chosen = FieldSelection(self.fields_to_export).choice
        return CsvFormat(encoding=encoding, columns=None if chosen is None else chosen.values(), **options)

    def start_exporting(self) -> None:
        """Do nothing: the header needs the fields of the first item."""

    def export_item(self, item: Any) -> None:
        """Write *item*, the first one after the header."""
        record = self._shape.encode(dict(self.get_serialized_fields(item, default_value="", include_empty=True)))
        super().start_exporting()
        self.file.write(record)


class PprintItemExporter(BaseItemExporter):
    """Python's own rendering of items, for people."""

    def __init__(self, file: BytesFile, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file

    def export_item(self, item: Any) -> None:
        """Write *item* as ``pprint`` shows it."""
        self.file.write((pprint.pformat(dict(self.get_serialized_fields(item))) + "\n").encode())


class PythonItemExporter(BaseItemExporter):
    """Turns items into plain Python values, for any serialisation library."""

    def export_item(self, item: Any) -> Mapping[str, Any]:
        """Return *item* as a dict, items within it too; dates and whatever else is in it stay what they are."""
        return {name: _nested(value) for name, value in self.get_serialized_fields(item)}


def _nested(value: Any) -> Any:
    """Return *value* with dictionaries in the place of items, and lists in that of other collections."""
    if is_item(value):
        return {name: _nested(one) for name, one in ItemAdapter(value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_nested(one) for one in value]
    return value


class _Refused:
    """An exporter that is not offered; using it says why and what to take instead."""

    def __init__(self, file: Any = None, **kwargs: Any) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not offered, because reading such files can run foreign code; "
            "use JsonLinesItemExporter, JsonItemExporter, CsvItemExporter or XmlItemExporter"
        )


class PickleItemExporter(_Refused):
    """Refused: pickle."""


class MarshalItemExporter(_Refused):
    """Refused: marshal."""
