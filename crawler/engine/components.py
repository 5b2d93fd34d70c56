"""Components: the classes of middlewares, pipelines and extensions, found, built, ordered and checked once.

All that can be wrong is found here, when a crawl is assembled, and named: a path that does not import, a class that cannot be
built, a misspelled hook, a hook with the wrong arguments, an order that contradicts itself. What the engine gets are plain
callables. Scrapy's conventions (``from_crawler``, ``NotConfigured``, priority dictionaries, trailing ``spider`` arguments, dotted
paths that begin with ``scrapy.``) are honoured in this module and used nowhere else.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import logging
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crawler import scrapy_paths
from crawler.exceptions import ComponentError, NotConfigured, describe

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Declared:
    """A component as a setting names it: a class or its dotted path, its options, and its place relative to others."""

    target: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    before: str = ""
    after: str = ""

    @property
    def name(self) -> str:
        """The dotted path, for messages and for ``before`` and ``after``."""
        if isinstance(self.target, str):
            return self.target
        named = self.target if isinstance(self.target, type) else type(self.target)
        return f"{named.__module__}.{named.__qualname__}"


def declared(setting: Any, defaults: Sequence[Any] = ()) -> list[Declared]:
    """Return what *setting* declares, in order, around the *defaults*.

    *setting* is a list in reading order, or Scrapy's dictionary of priorities; None as priority (false in TOML, which has no
    None) removes a default.
    """
    if isinstance(setting, Mapping):
        return _by_priority(setting, defaults)
    entries = [_entry(one) for one in setting or ()]
    return _in_order([*(Declared(default) for default in defaults), *(one for one in entries if not _is_built_in(one))])


def _is_built_in(one: Declared, *, switched_off: bool = False) -> bool:
    """Tell whether *one* is a component of Scrapy's whose work the engine does; say so in the log."""
    told = scrapy_paths.built_in(one.name)
    if told is None:
        return False
    if switched_off and scrapy_paths.switched_off_by(one.name):
        return True
    if not switched_off:
        logger.info("%s is no component here: %s", one.name, told)
    elif ".extensions." not in one.name:  # nobody misses an extension that is not there
        logger.warning("%s is no component here that could be switched off: %s", one.name, told)
    return True


def switched_off(settings: Settings) -> Settings:
    """Return *settings* as the engine is to have them where they switch off components of Scrapy's whose work it does.

    A project's own class in the place of such a component still reads what was set.
    """
    switches = {}
    for name in ("downloader_middlewares", "spider_middlewares", "extensions"):
        setting = getattr(settings.components, name)
        for target, priority in setting.items() if isinstance(setting, Mapping) else ():
            if priority is None or priority is False:
                switches.update(scrapy_paths.switched_off_by(Declared(target).name))
    if not switches:
        return settings
    ruled = settings.copy()
    # As strong as there is: with Scrapy no setting brings back what a middleware does that is not there.
    ruled.update(switches, "cmdline", source="a component that is switched off")
    return ruled


def _entry(entry: Any) -> Declared:
    if not isinstance(entry, Mapping):
        return Declared(entry)
    known = {"class", "options", "before", "after"}
    if "class" not in entry or set(entry) - known:
        raise ComponentError(
            f"a component is written {{class = 'dotted.path', options = {{}}, before = '', after = ''}}, not {entry!r}"
        )
    return Declared(entry["class"], entry.get("options", {}), entry.get("before", ""), entry.get("after", ""))


def _by_priority(setting: Mapping[Any, Any], defaults: Sequence[Any]) -> list[Declared]:
    """Order by number, smaller first; the defaults stand at the numbers that Scrapy gives them, or in the middle."""
    ranked: list[tuple[float, Declared]] = [
        (_SCRAPY_PRIORITIES.get(Declared(default).name.rpartition(".")[2], 500), Declared(default))
        for default in defaults
    ]
    for target, priority in setting.items():
        chosen = Declared(target)
        is_off = priority is None or priority is False
        if _is_built_in(chosen, switched_off=is_off):
            continue
        ranked = [(rank, one) for rank, one in ranked if not _is_same(one, chosen)]
        if is_off:
            continue
        if isinstance(priority, bool) or not isinstance(priority, int | float):
            raise ComponentError(
                f"the priority of {chosen.name} is {priority!r}: write a number, or None (false in TOML) to switch it off"
            )
        ranked.append((priority, chosen))
    return [one for _, one in sorted(ranked, key=lambda pair: pair[0])]


# Where Scrapy's own middlewares stand, for priority dictionaries that are written around them.
_SCRAPY_PRIORITIES = {
    "HttpAuthMiddleware": 300,
    "DownloadTimeoutMiddleware": 350,
    "DefaultHeadersMiddleware": 400,
    "UserAgentMiddleware": 500,
    "RetryMiddleware": 550,
    "MetaRefreshMiddleware": 580,
    "RedirectMiddleware": 600,
    "SessionsMiddleware": 690,  # ours: it chooses whose cookies they are
    "CookiesMiddleware": 700,
    "HttpProxyMiddleware": 750,
    "HttpCacheMiddleware": 900,
    # Extensions: whoever reads the statistics at the end finds them complete.
    "CoreStats": 0,
    "LogCount": 0,
    "MemoryUsage": 0,
    "CloseSpider": 0,
    "LogStats": 0,
}


def _is_same(default: Declared, chosen: Declared) -> bool:
    """Tell whether *chosen* is *default*, by any of the paths that it had in Scrapy; a project's own of that name is not."""
    if default.name == chosen.name:
        return True
    ours = chosen.name.startswith(("crawler.", "scrapy."))
    return ours and default.name.rpartition(".")[2] == chosen.name.rpartition(".")[2]


def _in_order(components: list[Declared]) -> list[Declared]:
    """Move each component that asks for a place ``before`` or ``after`` another one there."""
    ordered = [one for one in components if not (one.before or one.after)]
    for one in components:
        if not (one.before or one.after):
            continue
        wanted = one.before or one.after
        place = next(
            (index for index, other in enumerate(ordered) if wanted in (other.name, other.name.rpartition(".")[2])),
            None,
        )
        if place is None:
            names = ", ".join(other.name for other in ordered) or "none"
            raise ComponentError(
                f"{one.name} should stand {'before' if one.before else 'after'} {wanted!r}, which is not there: {names}"
            )
        ordered.insert(place if one.before else place + 1, one)
    return ordered


def load(target: Any) -> Any:
    """Return the class (or function) that *target* is or names."""
    if not isinstance(target, str):
        return target
    target = scrapy_paths.our_path(target)
    module_name, _, name = target.rpartition(".")
    if not module_name:
        raise ComponentError(f"{target!r} is no dotted path: write package.module.ClassName")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        told = scrapy_paths.advice(target)
        if told is not None and not isinstance(error, ModuleNotFoundError):
            raise ComponentError(told) from error
        raise ComponentError(f"{target} cannot be imported: {describe(error)}") from error
    try:
        return getattr(module, name)
    except AttributeError:
        near = difflib.get_close_matches(name, dir(module), 1)
        hint = f"; did you mean {module_name}.{near[0]}?" if near else ""
        raise ComponentError(scrapy_paths.advice(target) or f"{module_name} has no {name}{hint}") from None


def build(
    components: Iterable[Declared],
    crawler: Crawler,
    *,
    hooks: Mapping[str, int],
    required: bool = True,
    idle: Container[str] = (),
) -> list[Any]:
    """Return the instances of *components*, in order, without those that are not configured.

    *hooks* are the names that the engine calls, with the number of arguments that it passes before ``spider``; a component
    must have at least one of them if *required*. Paths of components that are *idle*, as they would find out themselves, are
    not imported.
    """
    instances = []
    for one in components:
        if isinstance(one.target, str) and one.target in idle:
            continue
        try:
            made = instance(one, crawler)
        except NotConfigured as reason:
            if str(reason):
                logger.info("%s is not used: %s", one.name, reason)
            continue
        _check_hooks(made, one.name, hooks, required=required)
        instances.append(made)
    return instances


def instance(one: Declared, crawler: Crawler) -> Any:
    """Return the component that *one* names, built as it wants to be. Raise NotConfigured as it does."""
    target = load(one.target)
    options = dict(one.options)
    if not isinstance(target, type):
        return target
    try:
        if hasattr(target, "from_crawler"):
            return target.from_crawler(crawler, **options)
        if hasattr(target, "from_settings"):
            return target.from_settings(crawler.settings, **options)
        return target(**options)
    except NotConfigured:
        raise
    except TypeError as error:
        raise ComponentError(f"{one.name} cannot be built with options {sorted(options)}: {error}") from error


def _check_hooks(instance: Any, name: str, hooks: Mapping[str, int], *, required: bool) -> None:
    """Refuse names that are almost a hook, hooks that do not take their arguments, and components without any hook."""
    names = [
        attribute
        for attribute in dir(instance)
        if not attribute.startswith("_") and callable(getattr(instance, attribute, None))
    ]
    for attribute in names:
        if attribute in hooks:
            continue
        near = difflib.get_close_matches(attribute, hooks, 1, cutoff=0.85)
        if near and near[0] not in names:
            raise ComponentError(f"{name} has a method {attribute}, which is never called; did you mean {near[0]}?")
    for hook, count in hooks.items():
        method = getattr(instance, hook, None)
        if method is not None:
            _check_arguments(method, f"{name}.{hook}", count)
    # What is built from the crawler may do all its work in handlers of signals.
    works_by_signals = hasattr(type(instance), "from_crawler")
    if required and not works_by_signals and not any(hook in names for hook in hooks):
        raise ComponentError(f"{name} has none of the methods that are called here: {', '.join(hooks)}")


def _check_arguments(method: Callable[..., Any], name: str, count: int) -> None:
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):  # a C function
        return
    placeholders: list[Any] = [None] * count
    for arguments in ({}, {"spider": None}):
        try:
            signature.bind(*placeholders, **arguments)
        except TypeError:
            continue
        return
    raise ComponentError(f"{name}{signature} cannot be called with {count} argument{'s' * (count != 1)} (and spider)")


def hook(instance: Any, name: str, spider: Any) -> Callable[..., Any] | None:
    """Return the hook *name* of *instance* as a callable without ``spider`` argument, or None if it has none."""
    method = getattr(instance, name, None)
    if method is None:
        return None
    try:
        parameters = inspect.signature(method).parameters
    except (TypeError, ValueError):  # a C function
        return method  # type: ignore[no-any-return]  # found by name
    if "spider" in parameters and not _is_ours(method):
        return functools.partial(method, spider=spider)
    return method  # type: ignore[no-any-return]  # found by name


def _is_ours(method: Any) -> bool:
    """Tell whether *method* is one of the package's own downloader middlewares: these take a spider for subclasses to pass one."""
    return str(getattr(method, "__module__", "")).startswith("crawler.downloadermiddlewares.")


def hooks(instances: Iterable[Any], name: str, spider: Any) -> list[Callable[..., Any]]:
    """Return the hooks *name* of all *instances* that have it, in order."""
    return [found for found in (hook(instance, name, spider) for instance in instances) if found is not None]


def of_class(cls: type, instances: Iterable[Any]) -> Any:
    """Return the first of *instances* that is a *cls*, None if none is."""
    return next((instance for instance in instances if isinstance(instance, cls)), None)
