"""A Scrapy project, or a single file, read into a plan of changes; and the plan written.

Nothing is written before everything has been read. A file that cannot be read is named, and the others are ported.
"""

from __future__ import annotations

import configparser
import difflib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from crawler.exceptions import UsageError
from crawler.porting.findings import DEPLOY, Finding
from crawler.porting.flagged import in_line
from crawler.porting.imports import ported
from crawler.porting.settings import SettingsModule
from crawler.porting.source import Source
from crawler.settings import SETTINGS_FILE

_CFG = "scrapy.cfg"
_NOT_OURS = frozenset({"node_modules", "__pycache__", "build", "dist", "site-packages"})
# Files besides Python that say which packages are needed and which commands are run.
_ROUND_ABOUT = re.compile(
    r"requirements.*\.txt|pyproject\.toml|setup\.cfg|Pipfile|environment\.ya?ml|Dockerfile.*|Makefile|.*\.sh"
)
_SCRAPY = re.compile(r"\bscrapy\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Change:
    """A file to be written: what it holds *before*, nothing if it is new, and *after*."""

    path: Path
    before: bytes | None
    after: bytes
    encoding: str = "utf-8"


@dataclass(slots=True)
class Plan:
    """What is to be changed below *root*, and what needs a hand."""

    root: Path
    changes: list[Change] = field(default_factory=list)
    findings: list[tuple[Path, Finding]] = field(default_factory=list)
    #: Files that take no part any more.
    unread: list[Path] = field(default_factory=list)
    #: The packages and modules that *root* is or holds: whatever they are for others, here they are ported themselves.
    packages: frozenset[str] = frozenset()

    def name(self, path: Path) -> str:
        """Return *path* as it is shown."""
        return path.relative_to(self.root).as_posix()

    def diff(self) -> Iterator[str]:
        """Yield the lines of a unified diff."""
        for change in self.changes:
            name = self.name(change.path)
            before = (change.before or b"").decode(change.encoding).splitlines(keepends=True)
            after = change.after.decode(change.encoding).splitlines(keepends=True)
            yield from difflib.unified_diff(
                before, after, f"a/{name}" if change.before is not None else "/dev/null", f"b/{name}"
            )


def plan(path: str | os.PathLike[str], *, imports_only: bool = False) -> Plan:
    """Return what is to be changed in the project, folder or file at *path*. Raise UsageError if nothing is there."""
    start = Path(path)
    if start.is_file():
        found = Plan(start.resolve().parent)
        _python(found, start.resolve(), imports_only=imports_only)
        return found
    if not start.is_dir():
        raise UsageError(f"{path} does not exist: name the folder of a Scrapy project, or a Python file")
    root = start.resolve()
    found = Plan(root, packages=frozenset({root.name, *(one.stem for one in root.iterdir())}))
    settings = None if imports_only else _settings(found)
    for file in _files(found.root):
        if file.suffix == ".py":
            _python(found, file, imports_only=imports_only, is_settings=file == settings)
        else:
            _round_about(found, file)
    found.findings.sort()
    return found


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _NOT_OURS and not (Path(folder) / name / "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            file = Path(folder) / name
            if (name.endswith(".py") or _ROUND_ABOUT.fullmatch(name)) and not file.is_symlink():
                yield file


def _python(plan: Plan, path: Path, *, imports_only: bool, is_settings: bool = False) -> None:
    try:
        before = path.read_bytes()
        source = Source.read(before)
    except OSError as error:
        plan.findings.append((path, Finding(0, f"cannot be read: {error.strerror or error}")))
        return
    except (SyntaxError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 0
        plan.findings.append((path, Finding(line, f"is no Python that can be read, so it stays as it is: {error}")))
        return
    text, findings = ported(source, imports_only=imports_only, own=plan.packages)
    if is_settings and not re.search(r"^\s*(?:import|from)\s+scrapy\b", source.text, re.MULTILINE):
        return  # nobody reads the strings in it any more
    plan.findings.extend((path, finding) for finding in findings)
    after = source.encoded(text)
    if after != before:
        plan.changes.append(Change(path, before, after, source.encoding))


def _settings(plan: Plan) -> Path | None:
    """Plan the settings.toml of the project, if *plan* is about one; return the settings module that is there."""
    cfg = plan.root / _CFG
    if not cfg.is_file():
        return None
    module = _settings_module(plan, cfg)
    if module is None:
        return None
    path = next(
        (
            one
            for one in (
                plan.root / f"{module.replace('.', '/')}.py",
                plan.root / module.replace(".", "/") / "__init__.py",
            )
            if one.is_file()
        ),
        None,
    )
    target = plan.root / SETTINGS_FILE
    if path is None:
        plan.findings.append((cfg, Finding(0, f"there is no settings module {module}: write settings.toml by hand")))
        return None
    if target.exists():
        return path
    try:
        settings = SettingsModule(Source.read(path.read_bytes()), read=_words(plan.root, but=path))
    except (OSError, SyntaxError, RecursionError):
        return None  # the same is told when the file is read among the others
    plan.findings.extend((path, finding) for finding in settings.findings)
    plan.changes.append(Change(target, None, settings.toml(plan.name(path)).encode()))
    plan.unread = [cfg, path]
    return path


def _words(root: Path, *, but: Path) -> frozenset[str]:
    """Return the words in capitals of the Python files below *root*, *but* those of one."""
    words: set[str] = set()
    for file in _files(root):
        if file != but:
            with suppress(OSError):
                words.update(re.findall(r"\b[A-Z][A-Z0-9_]+\b", file.read_text(encoding="latin-1")))
    return frozenset(words)


def _settings_module(plan: Plan, cfg: Path) -> str | None:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(cfg.read_text("utf-8"))
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        plan.findings.append((cfg, Finding(0, f"cannot be read: {' '.join(str(error).split())}")))
        return None
    if (plan.root / SETTINGS_FILE).exists():
        return parser.get("settings", "default", fallback=None)
    for section in parser.sections():
        if section.startswith("deploy") and parser.has_option(section, "url"):
            plan.findings.append((cfg, Finding(0, f"[{section}]: {DEPLOY}")))
    for name in parser.options("settings") if parser.has_section("settings") else ():
        if name not in ("default", "shell"):
            told = "one settings.toml is read; what differs can be set in the environment, as CRAWLER_HTTP__TIMEOUT=10"
            plan.findings.append((cfg, Finding(0, f"settings {name}: {told}")))
    return parser.get("settings", "default", fallback=None)


def _round_about(plan: Plan, path: Path) -> None:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for number, line in enumerate(lines, 1):
        if _SCRAPY.search(line) and not line.lstrip().startswith("#"):
            plan.findings.append((path, Finding(number, f"names Scrapy: {line.strip()}")))
        plan.findings.extend((path, Finding(number, problem)) for problem in in_line(line))


def write(plan: Plan, *, force: bool = False) -> None:
    """Write the changes of *plan*, each file in one go, with its mode.

    Raises UsageError, before anything is written, if files to be changed have changes that git does not know yet; *force*
    writes all the same.
    """
    changed = [change.path for change in plan.changes if change.before is not None]
    if not force and changed:
        dirty = _uncommitted(plan.root, changed)
        if dirty:
            raise UsageError(
                f"git does not have these files as they are: {', '.join(dirty)}; commit them first, so that you can go back, "
                "or add --force"
            )
    for change in plan.changes:
        try:
            _replace(change)
        except OSError as error:
            raise UsageError(f"{plan.name(change.path)} cannot be written: {error.strerror or error}") from error


def _uncommitted(root: Path, paths: list[Path]) -> list[str]:
    """Return those of *paths* that git could not restore; none where there is no git."""
    command = ["git", "-C", str(root), "status", "--porcelain", "-z", "--ignored", "--", *map(str, paths)]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return sorted({entry[3:] for entry in told.split("\0") if len(entry) > 3})


def _replace(change: Change) -> None:
    """Put the new content in the place of the old in one go: whoever reads meanwhile gets either."""
    handle, name = tempfile.mkstemp(dir=change.path.parent, prefix=f".{change.path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(change.after)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(change.path.stat().st_mode & 0o7777 if change.before is not None else 0o666 & ~umask)
        temporary.replace(change.path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
