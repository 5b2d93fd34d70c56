"""What a feed is to be: parsed from ``-o PATH[:FORMAT]``, from settings.toml and from Scrapy's FEEDS.

Everything is checked here, before anything is opened: formats, options of a format, fields, classes named by a dotted
path.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import fspath
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from crawler.exceptions import FeedError, StorageError
from crawler.exporters import compression, postprocessing
from crawler.exporters.exporter_format import ExporterFormat, WholeItems
from crawler.exporters.fields import FieldSelection, as_mapping
from crawler.exporters.loading import load, unknown
from crawler.exporters.naming import has_batch
from crawler.exporters.postprocessing import post_processing
from crawler.exporters.storage import STANDARD_OUTPUT
from crawler.settings.convert import as_float, as_int
from crawler.storages import SCHEMES, check_storage, is_remote
from crawler.url import without_password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike

    from crawler.exporters.formats import Format
    from crawler.exporters.postprocessing import Plugin

#: Format -> the module and the class that make it, and the options of ``item_export_kwargs`` that it takes. A crawl
#: imports the formats that it uses.
_FORMATS: dict[str, tuple[str, str, frozenset[str]]] = {
    "jsonlines": ("json_format", "JsonLinesFormat", frozenset({"ensure_ascii", "sort_keys"})),
    "json": ("json_format", "JsonFormat", frozenset({"ensure_ascii", "sort_keys"})),
    "csv": (
        "csv_format",
        "CsvFormat",
        frozenset(
            [
                "include_headers_line",
                "join_multivalued",
                "errors",
                "delimiter",
                "quotechar",
                "quoting",
                "escapechar",
                "doublequote",
                "lineterminator",
                "skipinitialspace",
                "dialect",
            ]
        ),
    ),
    "xml": ("xml_format", "XmlFormat", frozenset({"item_element", "root_element"})),
}

#: Names and file extensions of formats.
FORMAT_NAMES = {"jsonlines": "jsonlines", "jsonl": "jsonlines", "jl": "jsonlines", "ndjson": "jsonlines"} | {
    name: name for name in ("json", "csv", "xml")
}

_OPTIONS = postprocessing.OPTIONS | frozenset(
    [
        "format",
        "encoding",
        "fields",
        "indent",
        "overwrite",
        "store_empty",
        "item_classes",
        "item_filter",
        "export_empty_fields",
        "item_export_kwargs",
        "uri_params",
        "batch_item_count",
        "batch_bytes",
        "batch_seconds",
    ]
)


class ItemFilter:
    """Decides which items go into a feed; to be subclassed as in Scrapy, and named by a feed's ``item_filter``."""

    def __init__(self, feed_options: Mapping[str, Any] | None = None) -> None:
        self.feed_options = feed_options
        classes = (feed_options or {}).get("item_classes") or ()
        self.item_classes: tuple[type, ...] = tuple(cast("type", load(one)) for one in classes)

    def accepts(self, item: Any) -> bool:
        """Tell whether *item* goes into the feed."""
        return isinstance(item, self.item_classes) if self.item_classes else True


class AcceptsItems(Protocol):
    """What an ``item_filter`` makes."""

    def accepts(self, item: Any) -> bool:
        """Tell whether *item* goes into the feed."""


class BatchLimits(NamedTuple):
    """When a batch is complete; 0 is never.

    ``bytes`` are those of the document before compression, and a batch has at most that many (unless one item alone has
    more); ``seconds`` count from its first item.
    """

    items: int = 0
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """One feed. ``uri`` may hold parameters (see ``naming``); ``-`` is standard output.

    ``fields`` maps field names to output names, in the order of the output; None takes every field. ``indent`` None
    puts a whole JSON document on one line. ``overwrite`` begins the file anew when it is opened, otherwise it is
    continued; what goes to a remote storage always takes the place of what is there.

    ``given`` are the options as they were written, for what a project brings: plug-ins, filters, storages, exporters.
    ``storage`` makes a storage of the project (a class of ``FEED_STORAGES``), ``exporter`` an item exporter of it.
    """

    uri: str
    format: str
    compression: str = ""
    overwrite: bool = False
    encoding: str = "utf-8"
    fields: Mapping[str, str] | None = None
    indent: int | None = 0
    store_empty: bool = True
    export_empty_fields: bool = False
    item_filter: AcceptsItems | None = None
    export_kwargs: Mapping[str, Any] = field(default_factory=dict)
    compression_level: int | None = None
    uri_params: Callable[[dict[str, Any], Any], dict[str, Any] | None] | None = None
    batch: BatchLimits = BatchLimits()
    plugins: Sequence[Plugin] = ()
    storage: Callable[..., Any] | None = None
    exporter: Callable[..., Any] | None = None
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if any(self.batch) and not has_batch(self.uri):
            raise FeedError(
                f"feed {self.shown_uri!r}: its batches would all have one name; write %(batch_id)d or %(batch_time)s "
                "into it"
            )
        self.build_format()

    @property
    def is_remote(self) -> bool:
        """Whether the feed goes elsewhere than to a local file or a stream."""
        return is_remote(self.uri)

    @property
    def is_spooled(self) -> bool:
        """Whether the feed is written into a spool, and delivered when a document is complete."""
        return self.is_remote or any(self.batch) or bool(self.plugins) or self.storage is not None

    @property
    def shown_uri(self) -> str:
        """The URI without the password in it."""
        return without_password(self.uri)

    @classmethod
    def parse(cls, text: str, *, overwrite: bool = False, defaults: Mapping[str, Any] | None = None) -> FeedOptions:
        """Return the feed of a command line's ``-o PATH[:FORMAT]``; *overwrite* is ``-O``."""
        uri, format_name = _split_format(text)
        given: dict[str, Any] = {"overwrite": True} if overwrite else {}
        if format_name:
            given["format"] = format_name
        return cls.from_mapping(uri, given, defaults)

    @classmethod
    def from_mapping(
        cls, uri: str | PathLike[str], options: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> FeedOptions:
        """Return the feed of an entry of the settings; *defaults* hold for what *options* leave out."""
        written = fspath(uri)
        where = without_password(written)
        given = {**{name: value for name, value in (defaults or {}).items() if value is not None}, **options}
        storage = _own_storage(written, given.get("storages") or {})
        bare, suffix = _split_compression(written)
        processing = post_processing(where, suffix, given)
        if not (processing.plugins or storage or options.get("item_filter")):  # those may have options of their own
            for name in options:
                if name not in _OPTIONS:
                    raise FeedError(f"feed {where!r}: {unknown('option', name, _OPTIONS)}")
        target = written if storage else _without_scheme(written)
        if options.get("overwrite") is False and is_remote(target):
            raise FeedError(
                f"feed {where!r}: what is at a remote storage cannot be continued, so overwrite must be true there; "
                "for a file of its own for each crawl write %(time)s into its name"
            )
        exporters = given.get("exporters") or {}
        named = str(given.get("format") or PurePath(bare).suffix[1:]).lower()
        return cls(
            uri=target,
            format=named if exporters.get(named) else _format(written, bare, given.get("format")),
            compression=processing.compression,
            overwrite=bool(given.get("overwrite", is_remote(target))),
            encoding=given.get("encoding") or "utf-8",
            fields=as_mapping(given.get("fields") or None),
            indent=given.get("indent", 0),
            store_empty=bool(given.get("store_empty", True)),
            export_empty_fields=bool(given.get("export_empty_fields", False)),
            item_filter=_item_filter(where, given),
            export_kwargs=dict(given.get("item_export_kwargs") or {}),
            compression_level=processing.level,
            uri_params=load(given["uri_params"]) if given.get("uri_params") else None,
            batch=_batch(where, options, given) if target != STANDARD_OUTPUT else BatchLimits(),
            plugins=processing.plugins,
            storage=storage,
            exporter=load(exporters[named]) if exporters.get(named) else None,
            given=given,
        )

    def build_format(self) -> Format:
        """Return a new format object. Raise FeedError if an option does not fit it."""
        if self.exporter is not None:
            return self._build_exporter(self.exporter)
        module, name, allowed = _FORMATS[self.format]
        make = getattr(importlib.import_module(f"crawler.exporters.{module}"), name)
        kwargs = dict(self.export_kwargs)
        for option in kwargs:
            if option not in allowed:
                what = f"item_export_kwargs of {self.format}"
                raise FeedError(f"feed {self.shown_uri!r}: {unknown(what, option, allowed)}")
        if self.format == "csv":
            kwargs["columns"] = None if self.fields is None else self.fields.values()
            if not kwargs.get("include_headers_line", True) and self.fields is None:
                raise FeedError(
                    f"feed {self.shown_uri!r}: CSV without a header needs its fields, or nobody knows the columns"
                )
        else:
            kwargs["indent"] = self.indent
        try:
            made: Format = make(encoding=self.encoding, **kwargs)
        except (FeedError, TypeError, ValueError) as error:
            raise FeedError(f"feed {self.shown_uri!r}: {error}") from error
        return made

    def _build_exporter(self, exporter: Callable[..., Any]) -> Format:
        kwargs = {
            "fields_to_export": None if self.fields is None else dict(self.fields),
            "encoding": self.encoding,
            "indent": self.indent,
            "export_empty_fields": self.export_empty_fields,
            **self.export_kwargs,
        }
        try:
            return ExporterFormat(lambda file: exporter(file, **kwargs))
        except (TypeError, ValueError) as error:
            raise FeedError(f"feed {self.shown_uri!r}: {error}") from error

    def build_selection(self) -> FieldSelection | WholeItems:
        """Return what picks the fields of items for this feed; an exporter of the project does that itself."""
        if self.exporter is not None:
            return WholeItems()
        # A row has its columns whether an item has them or not: the first item names all that its class declares.
        return FieldSelection(self.fields, include_empty=self.export_empty_fields or self.format == "csv")


def feeds_from_settings(
    feeds: Mapping[Any, Mapping[str, Any]] | Iterable[Mapping[str, Any]], defaults: Mapping[str, Any] | None = None
) -> list[FeedOptions]:
    """Return the feeds of the settings: Scrapy's mapping of URIs to options, or a list of options with ``uri``."""
    if isinstance(feeds, Mapping):
        return [FeedOptions.from_mapping(uri, options, defaults) for uri, options in feeds.items()]
    result = []
    for entry in feeds:
        options = dict(entry)
        uri = options.pop("uri", None)
        if not uri:
            raise FeedError(f"a feed of the settings has no uri: {dict(entry)!r}")
        result.append(FeedOptions.from_mapping(uri, options, defaults))
    return result


def _split_format(text: str) -> tuple[str, str]:
    """Split ``PATH:FORMAT``: a bare word after the last colon is a format, unless a drive letter stands before."""
    head, colon, tail = text.rpartition(":")
    if not colon or not re.fullmatch(r"\w+", tail) or (len(head) == 1 and head.isalpha()):
        return text, ""
    return head, tail


def _split_compression(uri: str) -> tuple[str, str]:
    """Return *uri* without the suffix of a compression, and that suffix."""
    suffix = PurePath(uri).suffix.lower()
    return (uri[: -len(suffix)], suffix) if suffix in compression.SUFFIXES else (uri, "")


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


def _without_scheme(uri: str) -> str:
    """Return the path of *uri*; ``-`` for standard output; a URL of a remote storage as it is."""
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return str(Path(uri).expanduser()) if uri.startswith("~") else uri
    name = scheme[1].lower()
    if name == "stdout":
        return STANDARD_OUTPUT
    if name == "file":
        return re.sub(r"^//(localhost)?(?=/)", "", uri[5:])
    if uri[scheme.end() :].startswith("//"):
        if name not in SCHEMES:
            raise FeedError(
                f"no storage for the feed {without_password(uri)!r}: there are a path, - (standard output), "
                f"{', '.join(f'{one}:' for one in SCHEMES)}"
            )
        try:
            check_storage(uri)
        except StorageError as error:
            raise FeedError(f"the feed {error}") from error
    return uri


def _format(written: str, bare: str, named: Any) -> str:
    """Return the format that was *named*, else that of the extension."""
    uri = without_password(written)
    if named:
        known = FORMAT_NAMES.get(str(named).lower())
        if known is None:
            raise FeedError(f"feed {uri!r}: {_unsafe(named) or unknown('format', str(named), FORMAT_NAMES)}")
        return known
    if bare == STANDARD_OUTPUT or bare.startswith("stdout:"):
        return "jsonlines"
    extension = PurePath(bare).suffix[1:].lower()
    known = FORMAT_NAMES.get(extension)
    if known is None:
        what = _unsafe(extension) or (
            unknown("extension", extension, FORMAT_NAMES) if extension else "no extension to tell its format"
        )
        raise FeedError(f"feed {uri!r}: {what}; or name the format: {uri}:jsonlines")
    return known


def _unsafe(name: Any) -> str:
    if str(name).lower() in {"pickle", "marshal"}:
        return f"{name} is not written, because reading it can run foreign code; use jsonlines, json, csv or xml"
    return ""


def _own_storage(uri: str, storages: Mapping[str, Any]) -> Callable[..., Any] | None:
    """Return what makes the project's storage for *uri*; None if it is one of ours."""
    found = _SCHEME.match(uri)
    scheme = found[1].lower() if found else ""
    if scheme in storages and storages[scheme] is None:
        raise FeedError(f"feed {without_password(uri)!r}: the settings have switched the storage {scheme!r} off")
    return cast("Callable[..., Any] | None", load(storages.get(scheme)))


def _batch(uri: str, own: Mapping[str, Any], given: Mapping[str, Any]) -> BatchLimits:
    """Return the limits of batches. Raise FeedError if one is no number."""
    values: dict[str, Any] = {}
    for name, read in (("batch_item_count", as_int), ("batch_bytes", as_int), ("batch_seconds", as_float)):
        value = given.get(name) or 0
        try:
            values[name] = read(value)
        except (ValueError, TypeError):
            values[name] = -1
        if values[name] < 0:
            raise FeedError(f"feed {uri!r}: {name} = {value!r}; it must be a number, 0 for no batches")
    return BatchLimits(*values.values())


def _item_filter(uri: str, given: Mapping[str, Any]) -> AcceptsItems | None:
    """Return the filter of the feed, None if it takes everything."""
    named = load(given.get("item_filter"))
    if named is None and not given.get("item_classes"):
        return None
    made = (named or ItemFilter)(dict(given))
    if not callable(getattr(made, "accepts", None)):
        raise FeedError(f"feed {uri!r}: its item_filter {named!r} has no method accepts(item)")
    return cast("AcceptsItems", made)
