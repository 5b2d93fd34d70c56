"""What an item's values become in a feed: one conversion for every format.

    str, int, float, bool, None           as they are; NaN and infinities are null (JSON) or empty (CSV, XML)
    bytes                                 text, decoded as UTF-8
    datetime, date, time                  ISO 8601, with the offset where there is one
    timedelta                             its seconds, a number
    Decimal, UUID, Path                   text
    Enum                                  its value
    list, tuple, set, any iterable        a list; a set is sorted where its members can be
    dict, any mapping                     an object; keys become text
    Item, dataclass, attrs, pydantic      an object, fields in the order of declaration

Anything else is an error that names the field, because it is a mistake more often than not (a Selector without
``.get()``). Half surrogate pairs, which some sites serve inside JSON, cannot be written as UTF-8: they become U+FFFD.
"""

from __future__ import annotations

import datetime
import enum
import math
import numbers
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from uuid import UUID

from crawler.exceptions import InvalidOutputError

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN = frozenset({str, int, float, bool, type(None)})
_PLAIN_OR_LIST = _PLAIN | {list}
_TEXT = frozenset({str})


class _UnwritableError(Exception):
    """A value that no format can hold; ``path`` grows while the error leaves the containers around it."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value
        self.path = ""


# Hot: once per item.
def plain_fields(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return *fields* with every value in JSON's types: *fields* itself if they are so already.

    Raise InvalidOutputError naming the field and the value that cannot be written.
    """
    kinds = set(map(type, fields.values()))
    if _TEXT.issuperset(map(type, fields)) and (
        kinds <= _PLAIN
        or (
            kinds <= _PLAIN_OR_LIST
            and all(_PLAIN.issuperset(map(type, value)) for value in fields.values() if type(value) is list)
        )
    ):
        return fields
    try:
        return {name if type(name) is str else _key(name): _plain_at(name, value) for name, value in fields.items()}
    except _UnwritableError as error:
        raise InvalidOutputError(_explain(error)) from None
    except RecursionError:
        raise InvalidOutputError("the item contains itself, or is nested too deeply to be written") from None


def plain(value: Any) -> Any:
    """Return *value* in JSON's types. Raise InvalidOutputError if it cannot be written."""
    return plain_fields({"value": value})["value"]


def scalar_text(value: Any) -> str:
    """Return a plain *value* that is no container as the text that CSV and XML write."""
    if type(value) is str:
        return value
    if value is None or (type(value) is float and not math.isfinite(value)):
        return ""
    return str(value)


def without_half_surrogates(value: Any) -> Any:
    """Return a plain *value* in which surrogate pairs are joined and halves of them are U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {without_half_surrogates(key): without_half_surrogates(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_half_surrogates(one) for one in value]
    return value


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list or kind is tuple:
        return value if _PLAIN.issuperset(map(type, value)) else _plain_list(value)
    if kind is dict:
        return _plain_mapping(value)
    for known, convert in _CONVERSIONS:
        if isinstance(value, known):
            return convert(value)
    from crawler.item_adapter import ItemAdapter  # heavy, see there

    if ItemAdapter.is_item(value):
        return _plain_mapping(dict(ItemAdapter(value)))
    if isinstance(value, Iterable) and not _is_class_or_selector(value):
        return _plain_list(value)
    raise _UnwritableError(value)


def _plain_list(values: Iterable[Any]) -> list[Any]:
    return [_plain_at(index, value) for index, value in enumerate(values)]


def _plain_mapping(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    return {key if type(key) is str else _key(key): _plain_at(key, value) for key, value in mapping.items()}


def _plain_at(key: Any, value: Any) -> Any:
    try:
        return _plain(value)
    except _UnwritableError as error:
        error.path = f"[{key!r}]{error.path}"
        raise


def _key(key: Any) -> str:
    """Return a key as JSON writes it."""
    value = _plain(key)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (list, dict)):
        raise _UnwritableError(key)
    return str(value)


def _sorted_if_possible(values: Iterable[Any]) -> list[Any]:
    plain_values = _plain_list(values)
    try:
        return sorted(plain_values)
    except TypeError:
        return plain_values


#: Checked in this order: an Enum may be a str as well, a datetime is a date.
_CONVERSIONS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (enum.Enum, lambda value: _plain(value.value)),
    (str, str),
    ((bytes, bytearray, memoryview), lambda value: bytes(value).decode("utf-8", "replace")),
    ((datetime.datetime, datetime.date, datetime.time), lambda value: value.isoformat()),
    (datetime.timedelta, lambda value: value.total_seconds()),
    ((Decimal, UUID, PurePath), str),
    ((set, frozenset), _sorted_if_possible),
    (Mapping, lambda value: _plain_mapping(dict(value))),
    (numbers.Integral, int),
    (numbers.Real, float),
)


def _is_class_or_selector(value: Any) -> bool:
    """Tell whether iterating *value* would only hide a mistake."""
    return isinstance(value, type) or hasattr(value, "xpath")


def _explain(error: _UnwritableError) -> str:
    kind = type(error.value)
    way_out = (
        "call .get() or .getall() on it"
        if hasattr(error.value, "getall") or hasattr(error.value, "xpath")
        else "convert it in the spider or in a pipeline, or give the field a serializer"
    )
    return f"item{error.path} is a {kind.__module__}.{kind.__qualname__}, which no feed can hold: {way_out}"
