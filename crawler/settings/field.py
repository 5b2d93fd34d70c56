"""A field of the settings, with what is told about it everywhere; and the sections that are made of fields."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

Class = TypeVar("Class")


def setting(
    default: Any,
    doc: str,
    scrapy: str = "",
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """Declare a field: its default, what it means, Scrapy's name, and what it may be."""
    metadata = {
        "doc": doc,
        "scrapy": scrapy,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "secret": secret,
    }
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


class Section:
    """What sections have in common: they are made by name, compared by value, and frozen."""

    __dataclass_fields__: dict[str, dataclasses.Field[Any]]

    def __init__(self, **values: Any) -> None:
        for name, field in self.__dataclass_fields__.items():
            if name in values:
                self.__dict__[name] = values.pop(name)
            elif field.default_factory is not dataclasses.MISSING:
                self.__dict__[name] = field.default_factory()
            else:
                self.__dict__[name] = field.default
        if values:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(values)}")
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check what only fits together or not; raise SettingsError."""

    def _values(self) -> list[Any]:
        return [self.__dict__[name] for name in self.__dataclass_fields__]

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, type(self)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # lists and tables are among the values

    def __repr__(self) -> str:
        return f"<settings {type(self).__name__}>"  # not the values: some are secrets

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def section(cls: type[Class]) -> type[Class]:
    """Make *cls*, a :class:`Section`, a dataclass.

    It inherits what dataclasses would generate: to compile that for each of two dozen sections took every command 10 ms.
    """
    return dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
