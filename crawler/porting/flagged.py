"""Settings that do otherwise here, wherever code writes them: what the settings module would be told of, with what to do.

A setting is written in ``custom_settings``, in ``update_settings()``, in what a CrawlerProcess is built from, as ``-s NAME=VALUE``
in the words of a command, and in a settings module.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from crawler.exceptions import SettingsError
from crawler.porting.literals import NotLiteral, value_of
from crawler.porting.paths import missing_in
from crawler.scrapy_paths import built_in
from crawler.settings import Settings
from crawler.settings.scrapy_names import IGNORED, MAPPED

_TELNET = "nothing listens that would run code in the crawl's process; the live view and crawler why tell of a crawl"
_ON_COMMAND_LINE = re.compile(r"(?<!\S)(?:-s|--set)[ =]?([A-Z][A-Z0-9_]+)=(\S*)")
_TAKERS = frozenset(
    {"CrawlerProcess", "AsyncCrawlerProcess", "CrawlerRunner", "AsyncCrawlerRunner", "Settings", "get_crawler"}
)
_NOTHING: tuple[Any, ...] = (None, False, 0, "", [], {}, ())


def ignored(name: str) -> str | None:
    """Return why Scrapy's setting *name* has no effect here, None if it has one."""
    return _TELNET if name.startswith("TELNETCONSOLE_") and name in IGNORED else IGNORED.get(name)


def component_problem(path: Any, priority: Any) -> str | None:
    """Return what to do about the component at *path* in a dictionary of priorities; None if it takes part."""
    told = built_in(path) if isinstance(path, str) else None
    if told is None and isinstance(path, str) and path.startswith("scrapy.") and priority is not None:
        told = missing_in(path)
    return told if priority is not None or ".extensions." not in str(path) else None


def problems(name: str, node: ast.expr | None) -> Iterator[str]:
    """Yield what to do about the setting *name* where the value of *node* is written, None for one that is not known."""
    told = ignored(name)
    try:
        value = value_of(node, {}) if node is not None else None
    except NotLiteral:
        node = None
    if told is not None:
        if node is None or value not in _NOTHING or name.startswith("TELNETCONSOLE_"):
            yield f"{name} has no effect: {told}"
        return
    if node is None or value is None or not name.isupper():
        return
    target = MAPPED[name].target if name in MAPPED else ""
    if target.startswith("components.") and isinstance(value, Mapping):
        for path, priority in value.items():
            told = component_problem(path, priority)
            if told is not None:
                yield f"{name}: {path}: {told}"
        return
    try:
        Settings().set(name, value)
    except SettingsError as error:
        yield str(error) if name in str(error) else f"{name}: {error}"


def written(node: ast.AST) -> Iterator[tuple[int, str, ast.expr | None]]:
    """Yield line, name and value of the settings that *node* itself writes."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id == "custom_settings":
                yield from _entries(node.value)
            elif isinstance(target, ast.Subscript) and _is_settings(target.value):
                yield from _one(target.slice, node.value)
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "-s" in node.value:
        for found in _ON_COMMAND_LINE.finditer(node.value):
            yield node.lineno, found[1], ast.Constant(found[2])


def in_line(line: str) -> Iterator[str]:
    """Yield what to do about settings in a *line* of a script of the shell."""
    for found in _ON_COMMAND_LINE.finditer(line):
        yield from problems(found[1], ast.Constant(found[2].strip("'\"")))


def _call(node: ast.Call) -> Iterator[tuple[int, str, ast.expr | None]]:
    function = node.func
    named = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg and "settings" in keyword.arg)]
    if named in _TAKERS:
        for argument in given:
            yield from _entries(argument)
    elif isinstance(function, ast.Attribute) and _is_settings(function.value):
        if named in ("set", "setdefault") and len(node.args) > 1:
            yield from _one(node.args[0], node.args[1])
        elif named in ("update", "setdict") and node.args:
            yield from _entries(node.args[0])
    for words in (*node.args, *(keyword.value for keyword in node.keywords)):
        if isinstance(words, ast.List | ast.Tuple):
            yield from _words(words.elts)


def _words(words: list[ast.expr]) -> Iterator[tuple[int, str, ast.expr | None]]:
    """Yield the settings among the words of a command."""
    for option, setting in pairwise(words):
        if _text_of(option) in ("-s", "--set"):
            name, sign, value = _text_of(setting).partition("=")
            if sign:
                yield setting.lineno, name, ast.Constant(value)


def _entries(node: ast.expr | None) -> Iterator[tuple[int, str, ast.expr | None]]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield from _one(key, value)
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict":
        yield from ((keyword.value.lineno, keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg)


def _one(key: ast.expr | None, value: ast.expr | None) -> Iterator[tuple[int, str, ast.expr | None]]:
    name = _text_of(key)
    if key is not None and name:
        yield key.lineno, name, value


def _is_settings(node: ast.expr) -> bool:
    """Tell whether *node* is what people call their settings."""
    return "settings" in (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")).lower()


def _text_of(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
