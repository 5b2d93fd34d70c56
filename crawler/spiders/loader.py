"""SpiderLoader: finds the spiders of a project by name.

    loader = SpiderLoader(["spiders"], project_dir)
    loader.list()                     ["books", "docs"]
    loader.load("books")              the class; SpiderNotFoundError with the nearest names otherwise
    loader.broken                     the modules that do not import: file, line and error

An entry is a folder or a file of the project (``spiders/``), or a dotted module (``shop.spiders``) as Scrapy has it. Files of
a folder need no package: they are imported below a name made from the folder's path, so that two projects in one process do
not get into each other's way, and ``from .base import BaseSpider`` works among them.

A module that does not import hides its own spiders and no others. Two spiders of one name are an error that says where both
are, as nobody could tell which of them would run.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from crawler.exceptions import SpiderError, SpiderNotFoundError, UsageError, describe
from crawler.nearest import did_you_mean
from crawler.settings import find_project
from crawler.spiders.spider import Spider

if TYPE_CHECKING:
    from crawler.http import Request
    from crawler.settings import Settings

#: For annotations where ``list`` is the method.
Names = list[str]


@dataclass(frozen=True, slots=True)
class BrokenModule:
    """A module that did not import. *line* is the last one of its own file that was reached, 0 if none was."""

    path: Path
    line: int
    error: str
    traceback: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{where}: {self.error}"


class SpiderLoader:
    """The spiders that *names_or_paths*, relative to *project_dir*, hold. All modules are imported at once.

    Raises UsageError for an entry that does not exist and for two spiders of one name.
    """

    def __init__(
        self, names_or_paths: Iterable[str | os.PathLike[str]], project_dir: str | os.PathLike[str] = "."
    ) -> None:
        self.broken: list[BrokenModule] = []
        self._directory = Path(project_dir).resolve()
        self._spiders: dict[str, type[Spider]] = {}
        self._entries = [os.fspath(entry) for entry in names_or_paths]
        for entry in self._entries:
            for module in self._modules(entry):
                self._add(module)

    @classmethod
    def from_settings(cls, settings: Settings) -> SpiderLoader:
        """Return the spiders that *settings* name, of the project that the working directory belongs to."""
        directory = find_project() or Path()
        if str(directory) not in sys.path:  # its modules can be imported, as settings name them
            sys.path.insert(0, str(directory))
        return cls(settings.project.spiders, directory)

    def __repr__(self) -> str:
        return f"<SpiderLoader of {', '.join(self._entries)}: {len(self._spiders)} spiders, {len(self.broken)} broken modules>"

    def list(self) -> Names:
        """Return the names of all spiders, sorted."""
        return sorted(self._spiders)

    def load(self, name: str) -> type[Spider]:
        """Return the spider class of that name. Raise SpiderNotFoundError with the nearest names if there is none."""
        try:
            return self._spiders[name]
        except KeyError:
            raise SpiderNotFoundError(self._not_found(name)) from None

    def find_by_request(self, request: Request) -> Names:
        """Return the names of the spiders whose site *request* goes to, sorted."""
        return [name for name in self.list() if self._spiders[name].handles_request(request)]

    def _not_found(self, name: str) -> str:
        lines = [f"no spider is named {name!r}{did_you_mean(name, self._spiders)}"]
        if self._spiders:
            lines.append(f"There are: {', '.join(self.list())}. `crawler list` shows them.")
        else:
            lines.append(
                f"There are no spiders in {', '.join(self._entries)} of {self._directory}. `crawler genspider` writes one."
            )
        if self.broken:
            lines.append("It may be in a module that does not import:")
            lines.extend(f"  {module}" for module in self.broken)
        return "\n".join(lines)

    def _add(self, module: ModuleType) -> None:
        for spidercls in spider_classes(module):
            name = spidercls.name
            other = self._spiders.setdefault(name, spidercls)
            if other is not spidercls:
                raise UsageError(
                    f"two spiders are named {name!r}: {_where(other)} and {_where(spidercls)}; give one of them another name"
                )

    def _modules(self, entry: str) -> Iterator[ModuleType]:
        path = self._directory / entry
        if path.is_dir():
            return self._folder(path)
        if path.is_file() and path.suffix == ".py":
            return self._imported(_name_of(path), path)
        if all(part.isidentifier() for part in entry.split(".")) and _exists(entry):
            return self._dotted(entry)
        raise UsageError(
            f"project.spiders names {entry!r}, which is neither a folder of {self._directory} nor a module that can be imported"
        )

    def _folder(self, folder: Path) -> Iterator[ModuleType]:
        package = _name_of(folder)
        init = folder / "__init__.py"
        if init.is_file():
            yield from self._imported(package, init)
        sys.modules.setdefault(
            package, _package(package, folder)
        )  # also if its __init__.py is broken: the others still work
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if any(part.startswith((".", "__")) for part in parts):
                continue
            yield from self._imported(".".join([package, *parts]), path)

    def _imported(self, name: str, path: Path) -> Iterator[ModuleType]:
        """Yield the module of *path*, imported as *name*; nothing if it is broken."""
        try:
            yield _import(name, path)
        except (Exception, SystemExit) as error:
            self.broken.append(_broken(error, path))

    def _dotted(self, name: str) -> Iterator[ModuleType]:
        """Yield the module *name* and, if it is a package, all modules below it."""
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as error:
            self.broken.append(_broken(error, _file_of(name)))
            return
        yield module
        for _, below, _ in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."):
            yield from self._dotted(below)


def load_file(path: str | os.PathLike[str], name: str | None = None) -> type[Spider]:
    """Return the spider class that the Python file *path* defines; with *name*, the one of that name.

    Raises UsageError if the file is no Python file, holds no spider or holds several and *name* does not choose, and
    SpiderError, with file and line, if it does not import.
    """
    file = Path(path).resolve()
    if file.suffix != ".py" or not file.is_file():
        raise UsageError(f"{path} is not a Python file")
    try:
        module = _import(_name_of(file), file)
    except (Exception, SystemExit) as error:
        broken = _broken(error, file)
        raise SpiderError(f"{broken}\n\n{broken.traceback}".rstrip()) from error
    spiders = {spidercls.name: spidercls for spidercls in spider_classes(module)}
    if name is not None:
        if name not in spiders:
            raise SpiderNotFoundError(
                f"no spider in {path} is named {name!r}{did_you_mean(name, spiders)}; there are: {', '.join(spiders) or 'none'}"
            )
        return spiders[name]
    if len(spiders) == 1:
        return next(iter(spiders.values()))
    raise UsageError(_no_choice(path, module, spiders))


def _no_choice(path: str | os.PathLike[str], module: ModuleType, spiders: dict[str, type[Spider]]) -> str:
    if spiders:
        return f"{path} holds several spiders ({', '.join(sorted(spiders))}); say which one with --spider NAME"
    nameless = [spidercls.__name__ for spidercls in _own_spiders(module)]
    if nameless:
        return f"{path}: {nameless[-1]} has no name: set the class attribute name = '...'"
    classes = filter(inspect.isclass, vars(module).values())
    if any(base.__module__.partition(".")[0] == "scrapy" for one in classes for base in one.__mro__):
        return f"{path} holds a spider of Scrapy's: {_PORTING}"
    return f"{path} holds no spider: define a class that inherits from crawler.Spider"


# What to do with code that is Scrapy's.
_PORTING = "`crawler port` makes its imports ours"


def spider_classes(module: ModuleType) -> list[type[Spider]]:
    """Return the spiders that *module* itself defines and that have a name, in the order in which they stand there."""
    return [spidercls for spidercls in _own_spiders(module) if getattr(spidercls, "name", None)]


def _own_spiders(module: ModuleType) -> list[type[Spider]]:
    return [
        value
        for value in dict.fromkeys(filter(inspect.isclass, vars(module).values()))
        if issubclass(value, Spider) and value.__module__ == module.__name__
    ]


def _where(spidercls: type[Spider]) -> str:
    file = getattr(sys.modules.get(spidercls.__module__), "__file__", spidercls.__module__)
    return f"{spidercls.__name__} in {file}"


def _name_of(path: Path) -> str:
    """Return the module name that stands for a folder or a single file: the same for the same path, another for any other."""
    digest = hashlib.blake2s(os.fsencode(path.resolve()), digest_size=6).hexdigest()
    return f"_spiders_{digest}"


def _package(name: str, folder: Path) -> ModuleType:
    """Return a package without code that finds its modules in *folder*."""
    package = ModuleType(name, f"The modules of {folder}.")
    package.__path__ = [str(folder)]
    return package


def _import(name: str, path: Path) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    if "." in name:
        return importlib.import_module(
            name
        )  # a module of a folder, found through the package that stands for the folder
    search = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=search)
    assert spec is not None  # the suffix is .py
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _file_of(dotted: str) -> Path:
    """Return the file of a module that does not import; its name if a package above it does not import either."""
    try:
        spec = importlib.util.find_spec(dotted)
    except (Exception, SystemExit):
        spec = None
    return Path(spec.origin if spec and spec.origin else dotted)


def _exists(dotted: str) -> bool:
    """Tell whether there is a module *dotted*, whether or not it imports."""
    try:
        return importlib.util.find_spec(dotted) is not None
    except ModuleNotFoundError:
        return False
    except Exception:
        return True  # a package above it does not import, which is told when it is loaded


def _broken(error: BaseException, path: Path) -> BrokenModule:
    """Say where in *path* an import failed, without the frames of the import machinery."""
    if isinstance(error, SyntaxError) and error.filename:
        return BrokenModule(
            Path(error.filename), error.lineno or 0, f"{type(error).__name__}: {error.msg}", _text(error, [])
        )
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen importlib") and frame.filename not in (__file__, importlib.__file__)
    ]
    own = [frame.lineno or 0 for frame in frames if _same_file(frame.filename, path)]
    is_scrapys = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "scrapy"
    told = f"{describe(error)}: {_PORTING}" if is_scrapys else describe(error)
    return BrokenModule(path, own[-1] if own else 0, told, _text(error, frames))


def _same_file(filename: str, path: Path) -> bool:
    return Path(filename).name == path.name and Path(filename).resolve() == path.resolve()


def _text(error: BaseException, frames: list[traceback.FrameSummary]) -> str:
    return "".join([*traceback.format_list(frames), *traceback.format_exception_only(error)])
