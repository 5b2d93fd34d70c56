"""What an item type asks of its items: which fields there are, which must be there, and of what type each is.

Pure. A dictionary becomes an item of the type or an ``InvalidItem`` that names each field that is wrong, with its value cut short.
pydantic's models do that themselves; of dataclasses, attrs classes and typed dictionaries the annotations are read once, and
msgspec compares values with them; an ``Item`` has names of fields only. An annotation that msgspec cannot read is not checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints, is_typeddict

import msgspec

from crawler.exceptions import InvalidItem
from crawler.item import Item

# A value as it is shown: enough to recognise it, never a page.
SHOWN = 80


@dataclasses.dataclass(frozen=True, slots=True)
class ItemShape:
    """What *item_type* asks of its items. *build* makes one of a dictionary."""

    item_type: type
    build: Callable[[Mapping[str, Any]], Any]
    #: The types of fields that can be checked.
    types: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of the type."""
        return self.item_type.__name__

    def verify(self, item: Any) -> None:
        """Raise InvalidItem unless the fields of *item*, which is of this type, are of their types."""
        problems = []
        for field, wanted in self.types.items():
            value = getattr(item, field, None)
            try:
                msgspec.convert(value, wanted)
            except msgspec.ValidationError as error:
                problems.append(_problem(field, value, error))
        if problems:
            raise InvalidItem(self.name, problems, item)

    def convert(self, given: Mapping[str, Any]) -> Any:
        """Return an item of this type made of *given*; raise InvalidItem if that is impossible."""
        try:
            return self.build(given)
        except InvalidItem:
            raise
        except Exception as error:
            invalid = invalid_item(error, given)
            if invalid is None:
                invalid = InvalidItem(self.name, [(self.name, cut(str(error), 2 * SHOWN))], given)
            raise invalid from error


def shape_of(item_type: type) -> ItemShape:
    """Return the shape of a kind of item."""
    if issubclass(item_type, Item):
        return ItemShape(item_type, _fitting(item_type, frozenset(item_type.fields), frozenset(), {}, item_type), {})
    validate = getattr(item_type, "model_validate", None) or getattr(item_type, "parse_obj", None)
    if validate is not None:  # pydantic's own types check themselves
        return ItemShape(item_type, validate, {})
    types = _checkable(item_type)
    if is_typeddict(item_type):
        required: frozenset[str] = item_type.__required_keys__  # type: ignore[attr-defined]  # a typed dictionary has them
        return ItemShape(
            item_type, _fitting(item_type, frozenset(item_type.__annotations__), required, types, dict), {}
        )
    known, required = _fields_of(item_type)
    return ItemShape(item_type, _fitting(item_type, known, required, types, item_type), types)


def _fields_of(item_type: type) -> tuple[frozenset[str], frozenset[str]]:
    """Return the arguments that a dataclass or attrs class is made with: all of them, and those that must be given."""
    if dataclasses.is_dataclass(item_type):
        fields = [field for field in dataclasses.fields(item_type) if field.init]
        missing = dataclasses.MISSING
        required = [field.name for field in fields if field.default is missing and field.default_factory is missing]
        return frozenset(field.name for field in fields), frozenset(required)
    attributes = [one for one in item_type.__attrs_attrs__ if one.init]  # type: ignore[attr-defined]  # an attrs class
    nothing = type(attributes[0].default) if attributes else None
    required = [one.alias for one in attributes if type(one.default) is nothing and repr(one.default) == "NOTHING"]
    return frozenset(one.alias for one in attributes), frozenset(required)


def _checkable(item_type: type) -> dict[str, Any]:
    """Return the annotated types of the fields of *item_type* that msgspec can compare values with."""
    try:
        hints = get_type_hints(item_type, include_extras=True)
    except NameError:  # a name that is imported for type checkers only
        return {}
    return {name: hint for name, hint in hints.items() if _is_checkable(hint)}


def _is_checkable(hint: Any) -> bool:
    try:
        msgspec.convert(None, hint)
    except msgspec.ValidationError:
        return True
    except TypeError:
        return False
    return True


def _fitting(
    item_type: type,
    known: frozenset[str],
    required: frozenset[str],
    types: Mapping[str, Any],
    make: Callable[..., Any],
) -> Callable[[Mapping[str, Any]], Any]:
    """Return a function that makes an item of a dictionary whose keys and values fit."""

    def build(given: Mapping[str, Any]) -> Any:
        problems = [
            (str(name), f"{name} = {cut(repr(value))}: {item_type.__name__} has no such field")
            for name, value in given.items()
            if name not in known
        ]
        problems += [(name, f"{name} is missing") for name in sorted(required - given.keys())]
        values = dict(given)
        for name, value in given.items():
            if name not in types:
                continue
            try:
                values[name] = msgspec.convert(value, types[name], strict=False)
            except msgspec.ValidationError as error:
                problems.append(_problem(name, value, error))
        if problems:
            raise InvalidItem(item_type.__name__, problems, given)
        return make(**values)

    return build


def _problem(field: str, value: Any, error: msgspec.ValidationError) -> tuple[str, str]:
    return field, f"{field} = {cut(repr(value))}: {error}"


def cut(text: str, length: int = SHOWN) -> str:
    """Return *text* on one line, and no more of it than can be shown."""
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 3]}..."


def invalid_item(error: BaseException, given: Any = None) -> InvalidItem | None:
    """Return the InvalidItem that pydantic's ValidationError *error* comes to, None if it is something else.

    Without *given*, what the item was made of is told as far as the error knows it.
    """
    if type(error).__name__ != "ValidationError" or not type(error).__module__.startswith("pydantic"):
        return None
    errors: list[dict[str, Any]] = error.errors()  # type: ignore[attr-defined]  # pydantic's, 1 or 2
    name = str(getattr(error, "title", None) or getattr(getattr(error, "model", None), "__name__", "item"))
    problems: list[tuple[str, str]] = []
    inputs = {}
    for one in errors:
        path = [str(part) for part in one["loc"]]
        field = path[0] if path else name
        if "missing" in one["type"]:
            problems.append((field, f"{'.'.join(path)} is missing"))
            continue
        value = one.get("input")
        shown = f" = {cut(repr(value))}" if path and "input" in one else ""
        problems.append((field, f"{'.'.join(path) or name}{shown}: {cut(one['msg'], 2 * SHOWN)}"))
        inputs[field] = value
    return InvalidItem(name, problems, inputs if given is None else given)
