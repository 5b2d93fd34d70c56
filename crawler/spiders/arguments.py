"""Spider arguments as text (``-a pages=3``), made into what the spider's ``__init__`` asks for.

The parameters of ``__init__`` say which arguments there are, and their annotations what becomes of the text:

    str, no annotation      the text as it is
    int, float, Decimal     a number
    bool                    true/false, yes/no, on/off, 1/0
    Path, date, datetime, time (ISO 8601)
    Literal, Enum           one of the values; an Enum also by member name
    list, set, tuple[...]   a,b,c or a JSON array
    dict                    a JSON object
    X | None                X; "" and "none" are None where X is no text

Where ``__init__`` takes ``**kwargs`` the parameters of the next class up count too. If they lead up to ``Spider`` itself any
name is accepted, as Scrapy does (typed if the class annotates an attribute of that name), but for names that would overwrite
a method or what the crawler keeps on a spider. Anywhere else an unknown argument is an error that names the known ones.
"""

from __future__ import annotations

import collections.abc
import enum
import inspect
import json
import logging
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePath
from typing import Any, Literal, Union

from crawler.exceptions import SpiderArgumentError
from crawler.nearest import did_you_mean
from crawler.spiders.spider import Spider

logger = logging.getLogger(__name__)

# Set by the crawler on every spider; a text in their place would break it far from here.
_RESERVED = frozenset({"crawler", "settings", "state", "custom_settings"})

# The names of modules before those of types; from Python 3.13 on Path is shown as pathlib._local.Path.
_MODULES = re.compile(r"\b(?:typing|datetime|pathlib)\.(?:_local\.)?")

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_NONE = frozenset({"", "none", "null"})

_SEQUENCES: dict[Any, type] = {
    list: list,
    set: set,
    frozenset: frozenset,
    tuple: tuple,
    collections.abc.Sequence: list,
    collections.abc.Iterable: list,
    collections.abc.Collection: list,
    collections.abc.Set: set,
}
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


@dataclass(frozen=True, slots=True)
class SpiderArgument:
    """An argument that a spider's ``__init__`` names. *annotation* is None where it has none."""

    name: str
    annotation: Any
    required: bool
    default: Any

    def __str__(self) -> str:
        kind = f": {annotation_text(self.annotation)}" if self.annotation is not None else ""
        return f"{self.name}{kind}" if self.required else f"{self.name}{kind} = {self.default!r}"


def spider_arguments(spidercls: type[Spider]) -> tuple[list[SpiderArgument], bool]:
    """Return the arguments that *spidercls* names, and whether it takes others too."""
    named: dict[str, SpiderArgument] = {}
    for cls in spidercls.__mro__:
        if cls is Spider:
            break
        init = cls.__dict__.get("__init__")
        if init is None:
            continue
        parameters = list(inspect.signature(init).parameters.values())[1:]
        for parameter in parameters:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                named.setdefault(parameter.name, _argument(parameter, _namespace(cls)))
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            return list(named.values()), False
    return list(named.values()), True


def parse_arguments(spidercls: type[Spider], given: Mapping[str, str]) -> dict[str, Any]:
    """Return the keyword arguments for *spidercls* that the texts in *given* stand for.

    Raises SpiderArgumentError for an unknown name, for a text that does not fit its annotation and for a missing argument.
    """
    named, takes_others = spider_arguments(spidercls)
    known = {argument.name: argument for argument in named}
    result = {}
    for name, text in given.items():
        if name in known:
            annotation = known[name].annotation
        elif takes_others or _is_declared(spidercls, name):
            annotation = _annotation_of_other(spidercls, name)
            meant = did_you_mean(name, known)
            if meant and not _is_declared(spidercls, name):
                logger.warning("spider %s takes the argument %r, but does not name it%s", _name(spidercls), name, meant)
        else:
            raise SpiderArgumentError(_unknown(spidercls, name, known))
        result[name] = _converted(spidercls, name, text, annotation)
    missing = [argument for argument in named if argument.required and argument.name not in given]
    if missing:
        wanted = " ".join(f"-a {argument.name}=..." for argument in missing)
        raise SpiderArgumentError(f"spider {_name(spidercls)} needs {wanted} ({', '.join(map(str, missing))})")
    return result


def _argument(parameter: inspect.Parameter, namespace: dict[str, Any]) -> SpiderArgument:
    required = parameter.default is parameter.empty
    annotation = None if parameter.annotation is parameter.empty else _resolved(parameter.annotation, namespace)
    return SpiderArgument(parameter.name, annotation, required, None if required else parameter.default)


def _resolved(annotation: Any, namespace: dict[str, Any]) -> Any:
    """Return the type that *annotation* names; None where it names what is imported for type checkers only."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, namespace)  # the spider's own code, as typing.get_type_hints evaluates it
    except Exception:
        return None


def _namespace(cls: type) -> dict[str, Any]:
    return dict(vars(sys.modules[cls.__module__])) if cls.__module__ in sys.modules else {}


def _is_declared(spidercls: type[Spider], name: str) -> bool:
    """Tell whether *name* is an attribute of the class, or annotated as one."""
    return hasattr(spidercls, name) or any(name in inspect.get_annotations(cls) for cls in spidercls.__mro__)


def _annotation_of_other(spidercls: type[Spider], name: str) -> Any:
    """Return the annotation of the attribute *name*, None if it has none. Raise if it must not be set."""
    value = inspect.getattr_static(spidercls, name, None)
    callable_ = callable(value) or isinstance(value, property | classmethod | staticmethod)
    if callable_ or name in _RESERVED or name.startswith("__"):
        what = f"overwrite {name!r} of {spidercls.__name__}"
        raise SpiderArgumentError(f"the spider argument {name!r} would {what}: choose another name")
    if not name.isidentifier():
        raise SpiderArgumentError(f"the spider argument {name!r} is no Python name")
    for cls in spidercls.__mro__:
        annotations = inspect.get_annotations(cls)
        if name in annotations:
            return _resolved(annotations[name], _namespace(cls))
    return None


def _unknown(spidercls: type[Spider], name: str, known: Mapping[str, SpiderArgument]) -> str:
    takes = f"it takes: {', '.join(map(str, known.values()))}" if known else "it takes none"
    return f"spider {_name(spidercls)} has no argument {name!r}{did_you_mean(name, known)}; {takes}".replace("?;", "?")


def _converted(spidercls: type[Spider], name: str, text: str, annotation: Any) -> Any:
    try:
        return convert(text, annotation)
    except ValueError as error:
        raise SpiderArgumentError(f"spider {_name(spidercls)}, argument {name}={text!r}: {error}") from error


def _name(spidercls: type[Spider]) -> str:
    return repr(getattr(spidercls, "name", None) or spidercls.__name__)


def annotation_text(annotation: Any) -> str:
    """Return *annotation* as one writes it, without the names of modules."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation.__name__
    return _MODULES.sub("", str(annotation))


def convert(text: str, annotation: Any) -> Any:
    """Return the value that *text* stands for where *annotation* is asked for. Raise ValueError saying what is expected."""
    if annotation in (None, Any, str, object, inspect.Parameter.empty):
        return text
    if isinstance(annotation, type) and annotation in _SCALARS:  # other annotations may have no hash
        return _SCALARS[annotation](text)
    origin, parts = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if origin is typing.Annotated:
        return convert(text, parts[0])
    if origin in (Union, types.UnionType):
        return _union(text, parts)
    if origin is Literal:
        return _one_of(text, {str(value): value for value in parts})
    if origin in _SEQUENCES:
        return _SEQUENCES[origin](_elements(text, origin, parts))
    if origin in _MAPPINGS:
        return _json(text, dict, "a JSON object")
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        by_name: dict[str, Any] = {member.name: member for member in annotation}
        return _one_of(text, {**by_name, **{str(member.value): member for member in annotation}})
    if isinstance(annotation, type) and issubclass(annotation, PurePath):
        return annotation(text)
    if isinstance(annotation, typing.NewType):
        return convert(text, annotation.__supertype__)
    raise ValueError(f"a {annotation_text(annotation)} cannot be given as text")


def _number(kind: Callable[[str], Any], expected: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return kind(text)
        except (ValueError, InvalidOperation):
            raise ValueError(f"expected {expected}") from None

    return parse


def _bool(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("expected true or false")


_SCALARS: dict[Any, Callable[[str], Any]] = {
    bool: _bool,
    int: _number(int, "an integer"),
    float: _number(float, "a number"),
    Decimal: _number(Decimal, "a number"),
    date: _number(date.fromisoformat, "a date such as 2026-03-01"),
    datetime: _number(datetime.fromisoformat, "a date and time such as 2026-03-01T12:00"),
    time: _number(time.fromisoformat, "a time such as 12:00"),
    bytes: str.encode,
    Path: Path,
}


def _one_of(text: str, values: Mapping[str, Any]) -> Any:
    if text in values:
        return values[text]
    folded = {name.lower(): value for name, value in values.items()}
    if text.lower() in folded:
        return folded[text.lower()]
    raise ValueError(f"expected one of {', '.join(values)}{did_you_mean(text, values)}")


def _union(text: str, members: Iterable[Any]) -> Any:
    """Return what the first member makes of *text* that can; text itself comes last, as it takes everything."""
    wanted = [member for member in members if member is not types.NoneType]
    if len(wanted) < len(tuple(members)) and str not in wanted and text.strip().lower() in _NONE:
        return None
    errors = []
    for member in sorted(wanted, key=lambda member: member is str):
        try:
            return convert(text, member)
        except ValueError as error:
            errors.append(str(error))
    raise ValueError(" or ".join(dict.fromkeys(errors)))


def _elements(text: str, origin: Any, parts: tuple[Any, ...]) -> list[Any]:
    if text.lstrip().startswith("["):
        texts = [one if isinstance(one, str) else json.dumps(one) for one in _json(text, list, "a JSON array")]
    else:
        texts = [one.strip() for one in text.split(",")] if text.strip() else []
    if origin is tuple and parts and parts[-1] is not Ellipsis:
        if len(texts) != len(parts):
            raise ValueError(f"expected {len(parts)} values, separated by commas")
        return [convert(one, part) for one, part in zip(texts, parts, strict=True)]
    return [convert(one, parts[0] if parts else None) for one in texts]


def _json(text: str, kind: type, expected: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise ValueError(f"expected {expected}")
    return value
