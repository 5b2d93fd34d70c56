"""Items: what a crawl brings home.

An item is a dictionary, an ``Item`` with declared fields, a dataclass, an attrs or a pydantic object. Nobody has to import
attrs or pydantic for that: ``itemadapter`` recognises what is there.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterable, Iterator, MutableMapping
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pprint import pformat
from typing import Any, ClassVar, NoReturn


@dataclass(frozen=True, slots=True)
class ItemIdentity:
    """Which item this is, the same each time that its page is visited: what a pipeline needs to write it only once.

    ``job`` is the name of the job, ``fingerprint`` that of the request, ``index`` counts the items of its page from 1.
    """

    job: str
    fingerprint: bytes
    index: int

    def __str__(self) -> str:
        return f"{self.job}/{self.fingerprint.hex()}/{self.index}"


_identity: ContextVar[ItemIdentity] = ContextVar("crawler_item_identity")


def item_identity() -> ItemIdentity:
    """Return the identity of the item that is in the pipelines now. Raise LookupError outside of ``process_item``.

    After a crash a page may be visited again. The feeds hold its items once all the same; a pipeline that writes elsewhere does
    so at least once, and can tell a repetition by this.
    """
    return _identity.get()


def identify(identity: ItemIdentity) -> None:
    """Say which item goes into the pipelines now; for the engine."""
    _identity.set(identity)


class Field(dict[str, Any]):
    """What is known about a field of an :class:`Item`: its serializer, processors and whatever else is wanted."""


class ItemMeta(ABCMeta):
    """Collects the fields of an item class, its bases' first, in the order in which they are declared."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> ItemMeta:
        declared = {key: value for key, value in namespace.items() if isinstance(value, Field)}
        for key in declared:
            del namespace[key]
        declared = {**namespace.pop("fields", {}), **declared}
        cls = super().__new__(mcs, name, bases, namespace)
        fields: dict[str, Field] = {}
        for base in reversed(cls.__mro__[1:]):
            fields.update(base.__dict__.get("_declared", {}))
        fields.update(declared)
        cls._declared = declared  # type: ignore[attr-defined]  # made here, read above
        cls.fields = fields  # type: ignore[attr-defined]  # declared on Item
        if any(isinstance(base, ItemMeta) for base in bases):
            # Whoever has an Item may use itemadapter on it, which must know Item by then.
            import crawler.item_adapter  # noqa: F401  # heavy, see there
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


# Hot: once per output of a callback that is no request.
def is_item(value: Any) -> bool:
    """Tell whether *value* is an item of any kind."""
    kind = type(value)
    return kind is dict or is_item_class(kind)  # type: ignore[arg-type]  # a class is hashable, whatever its __hash__


@lru_cache(maxsize=256)
def is_item_class(kind: type) -> bool:
    """Tell whether instances of *kind* are items."""
    if issubclass(kind, dict | Item):
        return True
    from crawler.item_adapter import ItemAdapter  # heavy, see there

    return ItemAdapter.is_item_class(kind)


def outputs_of(result: Any) -> Iterable[Any]:
    """Return what the *result* of a callback holds: what it iterates over, or itself if it is a single request or item."""
    if result is None:
        return ()
    if isinstance(result, list | tuple | Iterator):  # nearly always; no item is one of these
        return result
    if isinstance(result, str | bytes) or not hasattr(result, "__iter__") or is_item(result):
        return [result]
    return result  # type: ignore[no-any-return]  # it has __iter__
