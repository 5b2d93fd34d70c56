"""Settings: what a crawl is told, from wherever it was told.

    settings.politeness.delay                  a typed, frozen section
    settings["DOWNLOAD_DELAY"]                 the same by Scrapy's name, for ported code
    settings.explain()                         every value with its source and its documentation

A value counts by where it comes from: command line > environment > the spider's ``custom_settings`` > settings.toml or code >
default. Every value is checked when it is set, so that a mistake is told before anything is fetched.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Self

from crawler.exceptions import SettingsError
from crawler.nearest import did_you_mean, within_two_edits
from crawler.settings.base import PRIORITIES, BaseSettings, SettingsAttribute, copied, get_settings_priority
from crawler.settings.convert import as_dict, as_list, converted, default_of
from crawler.settings.masking import MASK, masked, without_secrets
from crawler.settings.schema import SECTIONS
from crawler.settings.scrapy_names import IGNORED, KNOWN, MAPPED

if TYPE_CHECKING:
    from crawler.settings import schema
    from crawler.settings.politeness import Politeness
    from crawler.settings.storages import Storages

logger = logging.getLogger(__name__)

FIELDS: dict[str, dataclasses.Field[Any]] = {
    f"{section}.{field.name}": field for section, cls in SECTIONS.items() for field in dataclasses.fields(cls)
}

# Names of the project's own stand in this section, or alone in UPPER_CASE.
_USER = "user"
_FEEDS = "feeds"

_told: set[str] = set()


@dataclasses.dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting as ``crawler settings`` shows it. A secret *value* is masked."""

    name: str
    value: Any
    default: Any
    source: str
    doc: str
    scrapy_name: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Given:
    value: Any
    priority: int
    source: str


class Settings(BaseSettings):
    """The settings of a crawl, made of *values*: dotted names, sections as tables, or Scrapy's names."""

    project: schema.Project
    crawl: schema.Crawl
    politeness: Politeness
    http: schema.Http
    retry: schema.Retry
    redirect: schema.Redirect
    cookies: schema.Cookies
    sessions: schema.Sessions
    auth: schema.Auth
    media: schema.Media
    files: schema.Files
    images: schema.Images
    cache: schema.Cache
    frontier: schema.FrontierSection
    export: schema.Export
    storages: Storages
    log: schema.Log
    memory: schema.Memory
    dashboard: schema.DashboardSection
    monitors: schema.MonitorsSection
    telemetry: schema.Telemetry
    mail: schema.Mail
    components: schema.Components

    def __init__(self, values: Mapping[str, Any] | Settings | None = None, priority: int | str = "project") -> None:
        self._given: dict[str, _Given] = {}
        self.frozen = False
        self.update(values or {}, priority)

    def __repr__(self) -> str:
        return f"<Settings {', '.join(sorted(self._given)) or 'defaults'}>"  # names only: values may be secrets

    if not TYPE_CHECKING:  # type checkers know the sections from above, and tell a misspelled one

        def __getattr__(self, name: str) -> Any:
            """Build a section when it is first asked for; setting a value forgets it."""
            cls = SECTIONS.get(name)
            if cls is None:
                raise AttributeError(f"there is no section {name!r} in the settings{did_you_mean(name, SECTIONS)}")
            section = cls(**{field.name: self._value(f"{name}.{field.name}") for field in dataclasses.fields(cls)})
            self.__dict__[name] = section
            return section

    @property
    def feeds(self) -> list[Mapping[str, Any]]:
        """The feeds, each a table with its ``uri`` and its options."""
        given = self._given.get(_FEEDS)
        feeds = list(given.value) if given else []
        uri, format_name = self._own("FEED_URI"), self._own("FEED_FORMAT")
        if uri:
            feeds.append({"uri": uri, **({"format": format_name} if format_name else {})})
        return feeds

    def _own(self, name: str) -> Any:
        given = self._given.get(name)
        return given.value if given else None

    def _value(self, name: str) -> Any:
        given = self._given.get(name)
        return given.value if given is not None else default_of(FIELDS[name])

    # --- changing ----------------------------------------------------------------------------------------------------

    def set(self, name: str, value: Any, priority: int | str = "project", *, source: str = "") -> None:
        """Set *name* to *value*, unless it was set with a higher *priority*. Raise SettingsError if either is wrong."""
        self._refuse_if_frozen()
        level = get_settings_priority(priority)
        if isinstance(value, SettingsAttribute):
            value, level = value.value, value.priority
        if isinstance(value, BaseSettings):
            value = value.copy_to_dict()
        key, checked = _checked(name, value)
        known = self._given.get(key)
        if known is not None and known.priority > level:
            return
        self._given[key] = _Given(checked, level, source or _source_of(priority))
        self.__dict__.pop(key.partition(".")[0], None)

    def update(  # type: ignore[override]  # a mapping's, with Scrapy's arguments
        self,
        values: Any,
        priority: int | str = "project",
        *,
        source: str = "",
    ) -> None:
        """Set all of *values*; a table under the name of a section sets what it holds. Settings give what was set in them."""
        self._refuse_if_frozen()
        if isinstance(values, str):
            values = json.loads(values)
        if isinstance(values, Settings):
            for name, given in values._given.items():
                self.set(name, given.value, given.priority, source=given.source)
            return
        if isinstance(values, BaseSettings):
            super().update(values)
            return
        for name, value in dict(values).items():
            if name in SECTIONS and isinstance(value, Mapping):
                for field, one in value.items():
                    self.set(f"{name}.{field}", one, priority, source=source)
            elif name == _USER and isinstance(value, Mapping):
                for own, one in value.items():
                    self.set(f"{_USER}.{own}", one, priority, source=source)
            else:
                self.set(name, value, priority, source=source)
        for section in SECTIONS:
            getattr(self, section)  # what only fits together or not is told now, and not in the middle of a crawl

    def delete(self, name: str, priority: int | str = "project") -> None:
        """Forget what *name* was set to."""
        self._refuse_if_frozen()
        key = _key(name)
        level = get_settings_priority(priority)
        if key in self._given and self._given[key].priority <= level:
            del self._given[key]
            self.__dict__.pop(key.partition(".")[0], None)

    def __delitem__(self, name: str) -> None:
        self.delete(name, max(PRIORITIES.values()))

    def _as_strong(self, name: str) -> int:
        return max(self.getpriority(name) or 0, PRIORITIES["addon"])

    def copy(self) -> Self:
        """Return settings that may be changed, with the same values."""
        new = type(self).__new__(type(self))
        new._given = {
            name: dataclasses.replace(given, value=copied(given.value)) for name, given in self._given.items()
        }
        new.frozen = False
        return new

    __copy__ = copy

    # --- reading, with Scrapy's words --------------------------------------------------------------------------------

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of *name*, dotted, Scrapy's or the project's own; *default* if there is no such setting."""
        key = _key(name)
        if key in FIELDS:
            return self._value(key)
        if key == _FEEDS:
            return self.feeds
        given = self._given.get(key) or self._given.get(f"{_USER}.{key}")
        return default if given is None or given.value is None else given.value

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (
            _key(name) in FIELDS or _key(name) in self._given or f"{_USER}.{name}" in self._given
        )

    def __iter__(self) -> Iterator[str]:
        return iter([*FIELDS, *(name for name in self._given if name not in FIELDS)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def getwithbase(self, name: str) -> MutableMapping[Any, Any]:
        """Return a dictionary of components by priority; there is no base besides it."""
        value = self.get(name, {})
        return dict(value) if isinstance(value, Mapping) else dict.fromkeys(value)

    def getpriority(self, name: str) -> int | None:
        """Return how much the value of *name* counts (see :data:`PRIORITIES`), None if there is no such setting."""
        key = _key(name)
        if key in self._given:
            return self._given[key].priority
        return PRIORITIES["default"] if key in FIELDS else None

    @property
    def attributes(self) -> dict[str, SettingsAttribute]:  # type: ignore[override]  # made of what is kept here
        """What was set, with its priority: by our names, and by Scrapy's for what has one."""
        given = {name: SettingsAttribute(one.value, one.priority) for name, one in self._given.items()}
        return {**given, **{name: given[mapped.target] for name, mapped in MAPPED.items() if mapped.target in given}}

    def maxpriority(self) -> int:
        """Return the highest priority of all values."""
        return max((given.priority for given in self._given.values()), default=PRIORITIES["default"])

    def copy_to_dict(self) -> dict[str, Any]:
        """Return names and values as a plain dictionary: our names, and Scrapy's for what has one."""
        scrapys = {name: self.get(name) for name, mapped in MAPPED.items() if mapped.target in FIELDS}
        return {**{name: self.get(name) for name in self}, **scrapys}

    def explain(self) -> list[SettingInfo]:
        """Return every setting with its value, source and documentation, then the feeds and the project's own."""
        return [
            *(self._info(name, field) for name, field in FIELDS.items()),
            *(
                SettingInfo(name, masked(name, given.value), None, given.source, "A setting of the project's own.", "")
                for name, given in self._given.items()
                if name not in FIELDS
            ),
        ]

    def in_force(self) -> list[tuple[str, str, str]]:
        """Return (name, value, source) of what is not a default; secrets are masked."""
        return [(info.name, str(info.value), info.source) for info in self.explain() if info.source != "default"]

    def _info(self, name: str, field: dataclasses.Field[Any]) -> SettingInfo:
        given, value, meta = self._given.get(name), self._value(name), field.metadata
        value = MASK if meta["secret"] and value else without_secrets(value)
        source = given.source if given else "default"
        return SettingInfo(name, value, default_of(field), source, meta["doc"], meta["scrapy"])


def _source_of(priority: int | str) -> str:
    names = {"project": "code", "spider": "custom_settings", "cmdline": "command line"}
    return names.get(priority, priority) if isinstance(priority, str) else f"priority {priority}"


def _key(name: str) -> str:
    """Return the name under which the value of *name* is kept."""
    mapped = MAPPED.get(name)
    return mapped.target if mapped else name


def _checked(name: str, value: Any) -> tuple[str, Any]:
    """Return the name under which a value is kept, and the value in its type."""
    mapped = MAPPED.get(name)
    if mapped is not None:
        if value is not None and mapped.read is not None:
            try:
                value = mapped.read(value)
            except (ValueError, TypeError, AttributeError):
                raise SettingsError(f"{name} = {value!r} cannot be read; see {mapped.target}") from None
        name = mapped.target
    if name in FIELDS:
        return name, converted(name, value, FIELDS[name])
    if name == _FEEDS:
        return name, _feeds(value)
    if name in IGNORED:
        if name not in _told:
            _told.add(name)
            logger.warning("The setting %s has no effect: %s", name, IGNORED[name])
        return name, value
    if name not in KNOWN and not name.startswith(f"{_USER}."):
        _check_own(name)
    return name, value


def _check_own(name: str) -> None:
    """Raise SettingsError if *name* cannot be a setting of the project's own, or is near one of ours."""
    if not name.isupper() or not name.isidentifier():
        raise SettingsError(
            f"unknown setting {name}{did_you_mean(name, [*FIELDS, _FEEDS])} "
            "(`crawler settings` shows all; settings of your own are in UPPER_CASE or in [user])"
        )
    near = within_two_edits(name, KNOWN)
    if near:
        raise SettingsError(f"unknown setting {name}; did you mean {near}? If it is your own, put it into [user]")


def _feeds(value: Any) -> list[Mapping[str, Any]]:
    """Return feeds as a list of tables, from that or from Scrapy's table of URIs."""
    if value is None:
        return []
    try:
        if isinstance(value, str):
            value = as_dict(value) if value.lstrip().startswith("{") else as_list(value)
        if isinstance(value, Mapping):
            value = [{"uri": uri, **(options or {})} for uri, options in value.items()]
        feeds = list(value)
    except (ValueError, TypeError):
        feeds = [None]
    if not all(isinstance(one, Mapping) for one in feeds):
        raise SettingsError('feeds must be a list of tables: [[feeds]] with uri = "items.jsonl" and options')
    return feeds
