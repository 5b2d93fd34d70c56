"""A section of the settings, and a field of one with what is told about it everywhere."""

from __future__ import annotations

import dataclasses
from typing import Any, NoReturn


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
    """A section of the settings: frozen values, in the order and with the defaults of its fields.

    A subclass is a dataclass, as ``dataclasses.fields`` sees it. Its methods stand here, once for all sections: those that a
    dataclass writes, and compiles at every start of the program, take longer than all that is done with the settings.
    """

    def __init_subclass__(cls) -> None:
        dataclasses.dataclass(init=False, repr=False, eq=False)(cls)

    def __init__(self, **values: Any) -> None:
        for field in self._fields():
            if field.name in values:
                value = values.pop(field.name)
            elif field.default is not dataclasses.MISSING:
                value = field.default
            else:
                assert field.default_factory is not dataclasses.MISSING  # setting() gives one of the two
                value = field.default_factory()
            object.__setattr__(self, field.name, value)
        if values:
            raise TypeError(f"{type(self).__name__} has no {', '.join(values)}")
        self._check()

    def _check(self) -> None:
        """Raise SettingsError for what no field can say of itself."""

    def _fields(self) -> tuple[dataclasses.Field[Any], ...]:
        return dataclasses.fields(self)  # type: ignore[arg-type]  # see __init_subclass__

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in self._fields())

    __hash__ = None  # type: ignore[assignment]  # fields may be lists

    def __repr__(self) -> str:
        shown = (
            f"{field.name}={'...' if field.metadata.get('secret') else repr(getattr(self, field.name))}"
            for field in self._fields()
        )
        return f"{type(self).__name__}({', '.join(shown)})"
