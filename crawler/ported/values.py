"""Of Scrapy's ``utils``: text, lists, dictionaries and URLs."""

from __future__ import annotations

import functools
import inspect
import os
import re
from collections import OrderedDict, UserDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from weakref import WeakKeyDictionary

from crawler.item import outputs_of
from crawler.url import DEFAULT_PORTS, HostMatcher

# --- text ------------------------------------------------------------------------------------------------------------


def to_unicode(text: str | bytes, encoding: str | None = None, errors: str = "strict") -> str:
    """Return *text* as str. New code calls ``decode``."""
    _refuse_other(text)
    return text if isinstance(text, str) else text.decode(encoding or "utf-8", errors)


def to_bytes(text: str | bytes, encoding: str | None = None, errors: str = "strict") -> bytes:
    """Return *text* as bytes. New code calls ``encode``."""
    _refuse_other(text)
    return text if isinstance(text, bytes) else text.encode(encoding or "utf-8", errors)


def _refuse_other(text: Any) -> None:
    if not isinstance(text, str | bytes):
        raise TypeError(f"text is str or bytes, not {type(text).__name__}: {text!r}")


def binary_is_text(data: bytes) -> bool:
    """Tell whether *data* may be text: it has no control characters but those that text has."""
    if not isinstance(data, bytes):
        raise TypeError(f"data is bytes, not {type(data).__name__}: {data!r}")
    return not data.translate(None, bytes(range(32, 256))).translate(None, b"\0\t\n\r\x0b\x0c\x08\x1b")


# --- lists, dictionaries, functions ----------------------------------------------------------------------------------


def is_listlike(value: Any) -> bool:
    """Tell whether *value* can be iterated over and is no text."""
    return hasattr(value, "__iter__") and not isinstance(value, str | bytes)


def unique(values: Iterable[Any], key: Callable[[Any], Any] = lambda value: value) -> list[Any]:
    """Return *values*, of those with the same *key* the first. New code calls ``list(dict.fromkeys(values))``."""
    found: dict[Any, Any] = {}
    for value in values:
        found.setdefault(key(value), value)
    return list(found.values())


def without_none_values(values: Any) -> Any:
    """Return *values*, a mapping or a collection, without what is None."""
    if isinstance(values, Mapping):
        return {key: value for key, value in values.items() if value is not None}
    return type(values)(value for value in values if value is not None)


def global_object_name(value: Any) -> str:
    """Return the dotted name of a class or a function."""
    return f"{value.__module__}.{value.__qualname__}"


def get_func_args(function: Callable[..., Any], stripself: bool = False) -> list[str]:
    """Return the names of the arguments that *function* takes by name."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    names = [name for name, one in inspect.signature(function).parameters.items() if one.kind in kinds]
    return names[1:] if stripself and names[:1] == ["self"] else names


def memoizemethod_noargs(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return *method*, which is called once for each object. New code has :class:`functools.cached_property`."""
    known: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @functools.wraps(method)
    def remembered(self: Any) -> Any:
        if self not in known:
            known[self] = method(self)
        return known[self]

    return remembered


def iterate_spider_output(result: Any) -> Any:
    """Return what can be iterated over of what a callback returned; what is asynchronous as it is."""
    return result if hasattr(result, "__aiter__") or hasattr(result, "__await__") else outputs_of(result)


async def as_async_generator(values: Any) -> AsyncIterator[Any]:
    """Yield *values*, whether they come asynchronously or not."""
    if hasattr(values, "__aiter__"):
        async for value in values:
            yield value
    else:
        for value in values:
            yield value


async def collect_asyncgen(values: Any) -> list[Any]:
    """Return all that an asynchronous generator yields."""
    return [value async for value in values]


class CaseInsensitiveDict(UserDict[Any, Any]):
    """A dictionary whose keys, str or bytes, are the same in upper and lower case, and stay as they are written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._written: dict[Any, Any] = {}
        super().__init__(*args, **kwargs)

    def __setitem__(self, key: Any, value: Any) -> None:
        normal = key.lower()
        old = self._written.get(normal)
        if old is not None:
            del self.data[old]
        self._written[normal] = key
        self.data[key] = value

    def __getitem__(self, key: Any) -> Any:
        return self.data[self._written[key.lower()]]

    def __delitem__(self, key: Any) -> None:
        del self.data[self._written.pop(key.lower())]

    def __ior__(self, other: Any) -> CaseInsensitiveDict:  # type: ignore[misc]  # a mapping's would go around us
        self.update(other)
        return self

    def copy(self) -> CaseInsensitiveDict:
        """Return a copy."""
        return type(self)(self)

    def __contains__(self, key: Any) -> bool:
        return hasattr(key, "lower") and key.lower() in self._written

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return {key.lower(): value for key, value in self.items()} == {
            key.lower(): value for key, value in other.items()
        }

    __hash__ = None  # type: ignore[assignment]  # it changes


class LocalCache(OrderedDict[Any, Any]):
    """A dictionary that forgets the oldest keys above *limit*."""

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self.limit = limit

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        while self.limit is not None and len(self) > self.limit:
            self.popitem(last=False)


class SequenceExclude:
    """What *seq* does not contain."""

    def __init__(self, seq: Any) -> None:
        self.seq = seq

    def __contains__(self, item: Any) -> bool:
        return item not in self.seq


# --- URLs ------------------------------------------------------------------------------------------------------------


def _text(url: Any) -> str:
    return url if isinstance(url, str) else url.geturl() if hasattr(url, "geturl") else to_unicode(url)


def url_is_from_any_domain(url: Any, domains: Iterable[str]) -> bool:
    """Tell whether the host of *url* is one of *domains* or below one. New code has :class:`crawler.url.HostMatcher`."""
    return HostMatcher(domains).matches(_text(url))


def url_is_from_spider(url: Any, spider: Any) -> bool:
    """Tell whether *url* belongs to the spider's name or its ``allowed_domains``."""
    return url_is_from_any_domain(url, [spider.name, *(getattr(spider, "allowed_domains", None) or ())])


def url_has_any_extension(url: Any, extensions: Iterable[str]) -> bool:
    """Tell whether the path of *url* ends with one of *extensions*, such as ``.pdf``."""
    path = urlsplit(_text(url)).path.lower()
    return any(path.endswith(extension) for extension in extensions)


def add_http_if_no_scheme(url: str) -> str:
    """Return *url* with ``http:`` in front, unless it has a scheme."""
    if re.match(r"\w+://", url):
        return url
    return f"http:{url}" if url.startswith("//") else f"http://{url}"


def guess_scheme(url: str) -> str:
    """Return *url* with ``file://`` in front if it is a path, else with ``http://`` if it has no scheme."""
    if re.match(r"(?:/(?!/)|\.{1,2}/|~)|\.{1,2}$", url):
        return f"file://{quote(os.path.abspath(os.path.expanduser(url)))}"  # noqa: PTH100, PTH111  # a text, which stays one
    if re.match(r"[A-Za-z]:\\|\\\\", url):
        return f"file:///{quote(url.lstrip(chr(92)).replace(chr(92), '/'), safe='/:')}"
    return add_http_if_no_scheme(url)


def strip_url(
    url: str,
    strip_credentials: bool = True,
    strip_default_port: bool = True,
    origin_only: bool = False,
    strip_fragment: bool = True,
) -> str:
    """Return *url* without what it need not say, or without all but its origin."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if strip_credentials or origin_only:
        netloc = netloc.rpartition("@")[2]
    if strip_default_port and parts.port and DEFAULT_PORTS.get(parts.scheme) == parts.port:
        netloc = netloc.removesuffix(f":{parts.port}")
    return urlunsplit(
        (
            parts.scheme,
            netloc,
            "/" if origin_only else parts.path,
            "" if origin_only else parts.query,
            "" if strip_fragment or origin_only else parts.fragment,
        )
    )


def string_camelcase(text: str) -> str:
    """Return *text* in CamelCase, without what is neither letter nor digit."""
    return re.sub(r"[^a-zA-Z\d]", "", text.title())
