"""BaseSettings: values by name, each with a priority. The part of settings that knows nothing of a crawl.

    settings = BaseSettings({"answer": 42}, priority="project")
    settings.set("answer", 41, priority="default")     # counts less: nothing changes

Ported code makes them for tests and tables of its own. Nothing is checked; :class:`crawler.settings.Settings`, which is one too,
checks names and values.
"""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pprint import pformat
from types import ModuleType
from typing import Any, Self

from crawler.settings.convert import as_bool, as_dict, as_float, as_int, as_list

#: Where values come from, and how much they count. The names are Scrapy's, the environment is ours.
PRIORITIES = {"default": 0, "command": 10, "addon": 15, "project": 20, "spider": 30, "environment": 35, "cmdline": 40}

_MISSING: Any = object()


def get_settings_priority(priority: int | str) -> int:
    """Return the number of a *priority* that may be given by its name."""
    return PRIORITIES[priority] if isinstance(priority, str) else priority


class SettingsAttribute:
    """A value and how much it counts."""

    __slots__ = ("__weakref__", "priority", "value")

    def __init__(self, value: Any, priority: int) -> None:
        self.value = value
        self.priority = max(value.maxpriority(), priority) if isinstance(value, BaseSettings) else priority

    def set(self, value: Any, priority: int) -> None:
        """Take *value*, unless the one that is there counts more."""
        if priority < self.priority:
            return
        if isinstance(self.value, BaseSettings):
            value = BaseSettings(value, priority=priority)
        self.value, self.priority = value, priority

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SettingsAttribute):
            return NotImplemented
        return (self.value, self.priority) == (other.value, other.priority)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"<SettingsAttribute value={self.value!r} priority={self.priority}>"


class BaseSettings(MutableMapping[str, Any]):
    """A dictionary whose values count by their priority. A name that is not there is None."""

    def __init__(self, values: Any = None, priority: int | str = "project") -> None:
        self.frozen = False
        self.attributes: dict[str, SettingsAttribute] = {}
        if values:
            self.update(values, priority)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(sorted(map(str, self.attributes)))}>"  # names only: values may be secrets

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show names and values in IPython."""
        printer.text(repr(self) if cycle else pformat(self.copy_to_dict()))

    # --- changing ----------------------------------------------------------------------------------------------------

    def _refuse_if_frozen(self) -> None:
        if self.frozen:
            raise TypeError("these settings are frozen: the crawl has been assembled from them")

    def set(self, name: str, value: Any, priority: int | str = "project") -> None:
        """Set *name* to *value*, unless it was set with a higher *priority*."""
        self._refuse_if_frozen()
        level = get_settings_priority(priority)
        known = self.attributes.get(name)
        if known is not None:
            known.set(value, level)
        else:
            self.attributes[name] = value if isinstance(value, SettingsAttribute) else SettingsAttribute(value, level)

    def setdefault(self, name: str, default: Any = None, priority: int | str = "project") -> Any:
        """Return the value of *name*, which is set to *default* if it is not there."""
        if name not in self:
            self.set(name, default, priority)
        return self[name]

    def setmodule(self, module: ModuleType | str, priority: int | str = "project") -> None:
        """Set what *module* has in UPPER_CASE."""
        self._refuse_if_frozen()
        if isinstance(module, str):
            module = importlib.import_module(module)
        for name in dir(module):
            if name.isupper():
                self.set(name, getattr(module, name), priority)

    def update(  # type: ignore[override]  # a mapping's, with Scrapy's arguments
        self, values: Any, priority: int | str = "project"
    ) -> None:
        """Set all of *values*: a table, pairs, or a JSON object. Those of settings keep their priorities."""
        self._refuse_if_frozen()
        if isinstance(values, str):
            values = json.loads(values)
        if isinstance(values, BaseSettings):
            for name in values:
                self.set(name, values[name], values.getpriority(name) or 0)
        else:
            for name, value in dict(values or {}).items():
                self.set(name, value, priority)

    def setdict(self, values: Any, priority: int | str = "project") -> None:
        """Set all of *values*, as :meth:`update` does."""
        self.update(values, priority)

    def __setitem__(self, name: str, value: Any) -> None:
        self.set(name, value)

    def delete(self, name: str, priority: int | str = "project") -> None:
        """Forget what *name* was set to, unless that counts more than *priority*. Raise KeyError for an unknown name."""
        self._refuse_if_frozen()
        if name not in self:
            raise KeyError(name)
        if get_settings_priority(priority) >= (self.getpriority(name) or 0):
            del self.attributes[name]

    def __delitem__(self, name: str) -> None:
        self._refuse_if_frozen()
        del self.attributes[name]

    def pop(self, name: str, default: Any = _MISSING) -> Any:
        """Forget *name*; return its value, or *default*, or raise KeyError."""
        self._refuse_if_frozen()
        if name not in self:
            if default is _MISSING:
                raise KeyError(name)
            return default
        value = self[name]
        del self[name]
        return value

    # --- changing lists and tables of components: as strong as the value that is there ------------------------------------

    def add_to_list(self, name: str, item: Any) -> None:
        """Add *item* to the list *name*, unless it is there."""
        values = self.getlist(name)
        if item not in values:
            self.set(name, [*values, item], self._as_strong(name))

    def remove_from_list(self, name: str, item: Any) -> None:
        """Take *item* out of the list *name*; raise ValueError if it is not there."""
        values = self.getlist(name)
        if item not in values:
            raise ValueError(f"{item!r} is not in {name}: {values}")
        self.set(name, [one for one in values if one != item], self._as_strong(name))

    def set_in_component_priority_dict(self, name: str, cls: type | str, priority: int | None) -> None:
        """Give the component *cls* a *priority* in the table *name*, None to switch it off; by whatever path it is there."""
        kept = {one: at for one, at in self.getwithbase(name).items() if dotted(one) != dotted(cls)}
        self.set(name, {**kept, cls: priority}, self._as_strong(name))

    def setdefault_in_component_priority_dict(self, name: str, cls: type | str, priority: int | None) -> None:
        """Give the component *cls* a *priority* in the table *name*, unless it has one."""
        if all(dotted(one) != dotted(cls) for one in self.getwithbase(name)):
            self.set_in_component_priority_dict(name, cls, priority)

    def replace_in_component_priority_dict(
        self, name: str, old_cls: type | str, new_cls: type | str, priority: int | None = None
    ) -> None:
        """Put the component *new_cls* in the place of *old_cls* in the table *name*; raise KeyError if that is not there."""
        table = dict(self.getwithbase(name))
        found = next((one for one in table if dotted(one) == dotted(old_cls)), None)
        if found is None:
            raise KeyError(f"{dotted(old_cls)} is not in {name}")
        at = table.pop(found)
        self.set(name, {**table, new_cls: at if priority is None else priority}, self._as_strong(name))

    def _as_strong(self, name: str) -> int:
        """Return the priority with which a change of *name* counts: that of its value."""
        return self.getpriority(name) or PRIORITIES["default"]

    # --- copies ----------------------------------------------------------------------------------------------------

    def copy(self) -> Self:
        """Return settings that may be changed, down to their values, without changing these."""
        new = copy.copy(self)
        new.attributes = {
            name: SettingsAttribute(copied(known.value), known.priority) for name, known in self.attributes.items()
        }
        new.frozen = False
        return new

    def freeze(self) -> None:
        """Refuse changes from now on."""
        self.frozen = True

    def frozencopy(self) -> Self:
        """Return a frozen copy."""
        frozen = self.copy()
        frozen.freeze()
        return frozen

    def copy_to_dict(self) -> dict[str, Any]:
        """Return names and values as a plain dictionary, settings within settings too."""
        return {name: _plain(self[name]) for name in self}

    # --- reading -----------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        known = self.attributes.get(name)
        return None if known is None else known.value

    def __contains__(self, name: object) -> bool:
        return name in self.attributes

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of *name*, *default* if there is none or it is None."""
        value = self[name]
        return default if value is None else value

    def getbool(self, name: str, default: bool = False) -> bool:
        """Return a truth value; raise ValueError if it is none."""
        return as_bool(self.get(name, default))

    def getint(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        return as_int(self.get(name, default))

    def getfloat(self, name: str, default: float = 0.0) -> float:
        """Return a number."""
        return as_float(self.get(name, default))

    def getlist(self, name: str, default: Iterable[Any] | None = None) -> list[Any]:
        """Return a list; of text, its parts between commas."""
        return as_list(self.get(name, default or []))

    def getdict(self, name: str, default: Mapping[Any, Any] | None = None) -> dict[Any, Any]:
        """Return a dictionary; of text, the JSON object that it is."""
        return as_dict(self.get(name, default or {}))

    def getdictorlist(self, name: str, default: Any = None) -> dict[Any, Any] | list[Any]:
        """Return a dictionary or a list; of text, the JSON that it is, or its parts between commas."""
        value = self.get(name, default if default is not None else {})
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            value = json.loads(value)
        return as_dict(value) if isinstance(value, Mapping) else as_list(value)

    def getwithbase(self, name: str) -> MutableMapping[Any, Any]:
        """Return the table *name* on top of that of the same name with ``_BASE``."""
        together = BaseSettings()
        together.update(self[f"{name}_BASE"])
        together.update(self[name])
        return together

    def get_component_priority_dict_with_base(self, name: str) -> MutableMapping[Any, Any]:
        """Return the table *name* of components on top of its base; Scrapy's newer word for :meth:`getwithbase`."""
        return self.getwithbase(name)

    def getpriority(self, name: str) -> int | None:
        """Return how much the value of *name* counts (see :data:`PRIORITIES`), None if there is none."""
        known = self.attributes.get(name)
        return None if known is None else known.priority

    def maxpriority(self) -> int:
        """Return the highest priority of all values."""
        return max((self.getpriority(name) or 0 for name in self), default=PRIORITIES["default"])


def dotted(component: Any) -> str:
    """Return the dotted path of a component that is a class or a path."""
    return component if isinstance(component, str) else f"{component.__module__}.{component.__qualname__}"


def copied(value: Any) -> Any:
    """Return a copy of the tables and lists in *value*; what else is in there, such as classes and open files, is shared."""
    if isinstance(value, BaseSettings):
        return value.copy()
    if type(value) is dict:
        return {name: copied(one) for name, one in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(copied, value))
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, BaseSettings):
        return value.copy_to_dict()
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else copied(value)
