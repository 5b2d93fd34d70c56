"""What a feed is to be: parsed from ``-o PATH[:FORMAT]``, from settings.toml and from Scrapy's FEEDS.

Everything is checked here, before anything is opened: formats, options of a format, fields, classes named by a dotted
path.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import fspath
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Protocol, cast

from crawler.exceptions import FeedError
from crawler.exporters import compression
from crawler.exporters.fields import FieldSelection, as_mapping
from crawler.exporters.storage import STANDARD_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike

    from crawler.exporters.formats import Format

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

# Scrapy's plug-ins that compress, by the last part of their dotted path, and their options for the level.
_POSTPROCESSING = {
    "GzipPlugin": ("gzip", "gzip_compresslevel"),
    "Bz2Plugin": ("bz2", "bz2_compresslevel"),
    "LZMAPlugin": ("xz", "lzma_preset"),
}

_OPTIONS = frozenset(
    [
        "format",
        "compression",
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
        "postprocessing",
        "gzip_compresslevel",
        "bz2_compresslevel",
        "lzma_preset",
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


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """One feed. ``uri`` may hold ``%(time)s``, ``%(name)s`` and attributes of the spider; ``-`` is standard output.

    ``fields`` maps field names to output names, in the order of the output; None takes every field. ``indent`` None
    puts a whole JSON document on one line. ``overwrite`` begins the file anew when it is opened, otherwise it is
    continued.
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

    def __post_init__(self) -> None:
        self.build_format()

    @classmethod
    def parse(cls, text: str, *, overwrite: bool = False, defaults: Mapping[str, Any] | None = None) -> FeedOptions:
        """Return the feed of a command line's ``-o PATH[:FORMAT]``; *overwrite* is ``-O``."""
        uri, format_name = _split_format(text)
        given: dict[str, Any] = {"overwrite": overwrite}
        if format_name:
            given["format"] = format_name
        return cls.from_mapping(uri, given, defaults)

    @classmethod
    def from_mapping(
        cls, uri: str | PathLike[str], options: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> FeedOptions:
        """Return the feed of an entry of the settings; *defaults* hold for what *options* leave out."""
        where = fspath(uri)
        for name in options:
            if name not in _OPTIONS:
                raise FeedError(f"feed {where!r}: {_unknown('option', name, _OPTIONS)}")
        given = {**{name: value for name, value in (defaults or {}).items() if value is not None}, **options}
        bare, suffix = _split_compression(where)
        method, level = _compression(where, suffix, given)
        return cls(
            uri=_without_scheme(where),
            format=_format(where, bare, given.get("format")),
            compression=method,
            overwrite=bool(given.get("overwrite", False)),
            encoding=given.get("encoding") or "utf-8",
            fields=as_mapping(given.get("fields") or None),
            indent=given.get("indent", 0),
            store_empty=bool(given.get("store_empty", True)),
            export_empty_fields=bool(given.get("export_empty_fields", False)),
            item_filter=_item_filter(where, given),
            export_kwargs=dict(given.get("item_export_kwargs") or {}),
            compression_level=level,
            uri_params=load(given["uri_params"]) if given.get("uri_params") else None,
        )

    def build_format(self) -> Format:
        """Return a new format object. Raise FeedError if an option does not fit it."""
        module, name, allowed = _FORMATS[self.format]
        make = getattr(importlib.import_module(f"crawler.exporters.{module}"), name)
        kwargs = dict(self.export_kwargs)
        for option in kwargs:
            if option not in allowed:
                what = f"item_export_kwargs of {self.format}"
                raise FeedError(f"feed {self.uri!r}: {_unknown(what, option, allowed)}")
        if self.format == "csv":
            kwargs["columns"] = None if self.fields is None else self.fields.values()
            if not kwargs.get("include_headers_line", True) and self.fields is None:
                raise FeedError(
                    f"feed {self.uri!r}: CSV without a header needs its fields, or nobody knows the columns"
                )
        else:
            kwargs["indent"] = self.indent
        try:
            made: Format = make(encoding=self.encoding, **kwargs)
        except (FeedError, TypeError, ValueError) as error:
            raise FeedError(f"feed {self.uri!r}: {error}") from error
        return made

    def build_selection(self) -> FieldSelection:
        """Return what picks the fields of items for this feed."""
        return FieldSelection(self.fields, include_empty=self.export_empty_fields)


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


def load(path: Any) -> Any:
    """Return the object at the dotted *path*; anything but text is the object itself."""
    if not isinstance(path, str):
        return path
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise FeedError(f"cannot load {path!r}, which a feed names: {error}") from error


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


def _without_scheme(uri: str) -> str:
    """Return the path of *uri*; ``-`` for standard output."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", uri)
    if scheme is None:
        return str(Path(uri).expanduser()) if uri.startswith("~") else uri
    name = scheme[1].lower()
    if name == "stdout":
        return STANDARD_OUTPUT
    if name == "file":
        return re.sub(r"^//(localhost)?(?=/)", "", uri[5:])
    if uri[scheme.end() :].startswith("//"):
        raise FeedError(
            f"no storage for the feed {uri!r}: allowed are a path, file: and - (standard output), not {name}:"
        )
    return uri


def _format(uri: str, bare: str, named: Any) -> str:
    """Return the format that was *named*, else that of the extension."""
    if named:
        known = FORMAT_NAMES.get(str(named).lower())
        if known is None:
            raise FeedError(f"feed {uri!r}: {_unsafe(named) or _unknown('format', str(named), FORMAT_NAMES)}")
        return known
    if bare == STANDARD_OUTPUT or bare.startswith("stdout:"):
        return "jsonlines"
    extension = PurePath(bare).suffix[1:].lower()
    known = FORMAT_NAMES.get(extension)
    if known is None:
        what = _unsafe(extension) or (
            _unknown("extension", extension, FORMAT_NAMES) if extension else "no extension to tell its format"
        )
        raise FeedError(f"feed {uri!r}: {what}; or name the format: {uri}:jsonlines")
    return known


def _unsafe(name: Any) -> str:
    if str(name).lower() in {"pickle", "marshal"}:
        return f"{name} is not written, because reading it can run foreign code; use jsonlines, json, csv or xml"
    return ""


def _unknown(what: str, name: str, allowed: Iterable[str]) -> str:
    names = sorted(allowed)
    near = difflib.get_close_matches(name.lower(), names, n=1)
    return f"unknown {what} {name!r}{f'; did you mean {near[0]!r}?' if near else ''} (allowed: {', '.join(names)})"


def _compression(uri: str, suffix: str, given: Mapping[str, Any]) -> tuple[str, int | None]:
    """Return the compression and its level, by name, by Scrapy's post-processing or by the suffix."""
    plugins: Sequence[Any] = given.get("postprocessing") or ()
    if len(plugins) > 1:
        raise FeedError(f"feed {uri!r}: one compression at a time, not {list(plugins)!r}")
    for plugin in plugins:
        name = plugin.rpartition(".")[2] if isinstance(plugin, str) else getattr(plugin, "__name__", str(plugin))
        if name not in _POSTPROCESSING:
            raise FeedError(f"feed {uri!r}: {_unknown('postprocessing', name, _POSTPROCESSING)}")
        method, level = _POSTPROCESSING[name]
        return method, given.get(level)
    method = given.get("compression", compression.SUFFIXES.get(suffix, ""))
    if method and method not in compression.NAMES:
        raise FeedError(f"feed {uri!r}: {_unknown('compression', str(method), compression.NAMES)}")
    levels = {"gzip": "gzip_compresslevel", "bz2": "bz2_compresslevel", "xz": "lzma_preset"}
    return method or "", given.get(levels.get(method, ""))


def _item_filter(uri: str, given: Mapping[str, Any]) -> AcceptsItems | None:
    """Return the filter of the feed, None if it takes everything."""
    named = load(given.get("item_filter"))
    if named is None and not given.get("item_classes"):
        return None
    made = (named or ItemFilter)(dict(given))
    if not callable(getattr(made, "accepts", None)):
        raise FeedError(f"feed {uri!r}: its item_filter {named!r} has no method accepts(item)")
    return cast("AcceptsItems", made)
