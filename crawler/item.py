"""Items: what a crawl brings home.

An item is a dictionary, an ``Item`` with declared fields, a dataclass, an attrs or a pydantic object. Nobody has to import
attrs or pydantic for that: ``itemadapter`` recognises what is there.
"""

from __future__ import annotations

from abc import ABCMeta
from collections import deque
from collections.abc import Iterator, MutableMapping
from copy import deepcopy
from functools import lru_cache
from pprint import pformat
from typing import Any, ClassVar, NoReturn

from itemadapter import ItemAdapter
from itemadapter.adapter import AdapterInterface


class Field(dict[str, Any]):
    """What is known about a field of an :class:`Item`: its serializer, processors and whatever else is wanted."""


class ItemMeta(ABCMeta):
    """Collects the fields of an item class, its bases' first, in the order in which they are declared."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> ItemMeta:
        declared = {key: value for key, value in namespace.items() if isinstance(value, Field)}
        for key in declared:
            del namespace[key]
        cls = super().__new__(mcs, name, bases, namespace)
        fields: dict[str, Field] = {}
        for base in reversed(cls.__mro__[1:]):
            fields.update(base.__dict__.get("_declared", {}))
        fields.update(declared)
        cls._declared = declared  # type: ignore[attr-defined]  # made here, read above
        cls.fields = fields  # type: ignore[attr-defined]  # declared on Item
        return cls


class Item(MutableMapping[str, Any], metaclass=ItemMeta):
    """A dictionary that takes only the fields that its class declares."""

    fields: ClassVar[dict[str, Field]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._values: dict[str, Any] = {}
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in self.fields:
            known = ", ".join(self.fields) or "none"
            raise KeyError(f"{type(self).__name__} does not support field: {key} (its fields: {known})")
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    def __getattr__(self, name: str) -> NoReturn:
        if name in type(self).fields:
            raise AttributeError(f"use item[{name!r}] to get the field {name!r}")
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"use item[{name!r}] = {value!r} to set the field {name!r}")
        super().__setattr__(name, value)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the fields that are set, in the order of declaration."""
        return iter([key for key in self.fields if key in self._values])

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return pformat(dict(self), sort_dicts=False)

    def copy(self) -> Item:
        """Return a copy that shares the values."""
        return type(self)(self)

    def deepcopy(self) -> Item:
        """Return a copy down to the values."""
        return deepcopy(self)


class ItemClassAdapter(AdapterInterface):
    """How itemadapter sees an :class:`Item`."""

    @classmethod
    def is_item(cls, item: Any) -> bool:
        """Tell whether *item* is an Item."""
        return isinstance(item, Item)

    @classmethod
    def is_item_class(cls, item_class: type) -> bool:
        """Tell whether *item_class* is a subclass of Item."""
        return issubclass(item_class, Item)

    @classmethod
    def get_field_meta_from_class(cls, item_class: type, field_name: str) -> Any:
        """Return what is known about a field."""
        return item_class.fields[field_name]  # type: ignore[attr-defined]  # an Item, see is_item_class

    @classmethod
    def get_field_names_from_class(cls, item_class: type) -> list[str]:
        """Return the declared fields, in order."""
        return list(item_class.fields)  # type: ignore[attr-defined]  # an Item, see is_item_class

    def field_names(self) -> Any:
        """Return the declared fields, in order."""
        return self.item.fields.keys()

    def get_field_meta(self, field_name: str) -> Any:
        """Return what is known about a field."""
        return self.item.fields[field_name]

    def __getitem__(self, field_name: str) -> Any:
        return self.item[field_name]

    def __setitem__(self, field_name: str, value: Any) -> None:
        self.item[field_name] = value

    def __delitem__(self, field_name: str) -> None:
        del self.item[field_name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.item)

    def __len__(self) -> int:
        return len(self.item)


ItemAdapter.ADAPTER_CLASSES = deque([ItemClassAdapter, *ItemAdapter.ADAPTER_CLASSES])


# Hot: once per output of a callback that is no request.
def is_item(value: Any) -> bool:
    """Tell whether *value* is an item of any kind."""
    kind = type(value)
    return kind is dict or _is_item_class(kind)  # type: ignore[arg-type]  # a class is hashable, whatever its __hash__


@lru_cache(maxsize=256)
def _is_item_class(kind: type) -> bool:
    return ItemAdapter.is_item_class(kind)
