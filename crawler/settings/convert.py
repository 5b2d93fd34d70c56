"""From what was written (TOML, Python, a command line, an environment variable) to the type that a field has.

Text is converted, as command lines and environments have nothing else; a value of another wrong type is an error that names
the setting, the value and what it may be.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from crawler.exceptions import SettingsError

_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0", ""})
_SIZE = re.compile(r"([0-9][0-9_]*)\s*([KMG])(?:i?B)?", re.IGNORECASE)
_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}


def converted(name: str, value: Any, field: dataclasses.Field[Any]) -> Any:
    """Return *value* as *field* needs it; None stands for the default. Raise SettingsError that says what is allowed."""
    if value is None:
        return default_of(field)
    kind = str(field.type)
    try:
        result = _CONVERTERS[kind](value)
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise _wrong(name, value, field) from None
    if not _is_allowed(result, field):
        raise _wrong(name, value, field)
    return result


def _wrong(name: str, value: Any, field: dataclasses.Field[Any]) -> SettingsError:
    shown = "***" if field.metadata["secret"] else repr(value)
    return SettingsError(f"{name} = {shown}: it must be {_allowed(field)}")


def default_of(field: dataclasses.Field[Any]) -> Any:
    """Return the default of *field*, a new one each time if it is mutable."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _is_allowed(value: Any, field: dataclasses.Field[Any]) -> bool:
    limits = field.metadata
    low, high = limits["minimum"], limits["maximum"]
    if limits["choices"]:
        return value in limits["choices"]
    return (low is None or value >= low) and (high is None or value <= high)


def _allowed(field: dataclasses.Field[Any]) -> str:
    """Return in words what a value of *field* may be."""
    limits = field.metadata
    if limits["choices"]:
        return "one of " + ", ".join(repr(one) for one in limits["choices"])
    words = _WORDS[str(field.type)]
    if limits["minimum"] is not None and limits["maximum"] is not None:
        return f"{words} from {limits['minimum']:g} to {limits['maximum']:g}"
    return f"{words}, at least {limits['minimum']:g}" if limits["minimum"] is not None else words


def as_bool(value: Any) -> bool:
    """Return a truth value of True, 1, "yes", "on", "false" ...; raise ValueError for anything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(value)


def as_int(value: Any) -> int:
    """Return a whole number; text may have a unit as in ``64MiB``."""
    if isinstance(value, bool):
        raise ValueError(value)
    if isinstance(value, str):
        sized = _SIZE.fullmatch(value.strip())
        return int(sized[1]) * _UNITS[sized[2].upper()] if sized else int(value)
    if value != int(value):
        raise ValueError(value)
    return int(value)


def as_float(value: Any) -> float:
    """Return a number that is none of the infinities."""
    if isinstance(value, bool):
        raise ValueError(value)
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError(value)
    return number


def as_list(value: Any) -> list[Any]:
    """Return a list; of text, its parts between commas, or the JSON array that it is."""
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            return list(json.loads(text))
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(value, Mapping) or not hasattr(value, "__iter__"):
        raise ValueError(value)
    return list(value)


def as_dict(value: Any) -> dict[Any, Any]:
    """Return a dictionary; of text, the JSON object that it is."""
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, Mapping):
        raise ValueError(value)
    return dict(value)


def _as_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | PurePath):
        raise ValueError(value)
    return str(value)


def _as_texts(value: Any) -> list[str]:
    return [_as_text(one) for one in as_list(value)]


def _as_ints(value: Any) -> list[int]:
    return [as_int(one) for one in as_list(value)]


def _as_text_dict(value: Any) -> dict[str, str]:
    return {_as_text(key): _as_text(one) for key, one in as_dict(value).items() if one is not None}


def _as_components(value: Any) -> Any:
    if isinstance(value, str):
        return as_dict(value) if value.strip().startswith("{") else as_list(value)
    return as_dict(value) if isinstance(value, Mapping) else as_list(value)


#: What a field's annotation stands for.
_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "bool": as_bool,
    "int": as_int,
    "float": as_float,
    "str": _as_text,
    "list[str]": _as_texts,
    "list[int]": _as_ints,
    "dict[str, str]": _as_text_dict,
    "dict[str, Any]": as_dict,
    "Any": _as_components,
}

_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "list[str]": "a list of texts",
    "list[int]": "a list of whole numbers",
    "dict[str, str]": "a table of texts",
    "dict[str, Any]": "a table",
    "Any": "a list of dotted paths or tables, or a table of dotted paths and priorities",
}
