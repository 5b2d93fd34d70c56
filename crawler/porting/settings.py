"""A settings module of Scrapy's made into settings.toml: what it writes down. What it computes is listed for a hand."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from crawler.exceptions import SettingsError
from crawler.porting import toml
from crawler.porting.findings import Finding
from crawler.porting.flagged import component_problem, ignored
from crawler.porting.literals import NotLiteral, value_of
from crawler.scrapy_paths import built_in, our_path
from crawler.settings import Settings
from crawler.settings.schema import SECTIONS
from crawler.settings.scrapy_names import KEPT, MAPPED

if TYPE_CHECKING:
    from crawler.porting.source import Source

# In every project that Scrapy has made, and nobody's choice.
_BOILERPLATE = frozenset({"NEWSPIDER_MODULE", "TWISTED_REACTOR", "REQUEST_FINGERPRINTER_IMPLEMENTATION"})
_OWN = "user."
_NO_TEXT = "a class is no text: write its dotted path"
_FEEDS = ("FEEDS", "FEED_URI", "FEED_FORMAT")


class SettingsModule:
    """What the settings module in *source* says, as settings of ours; *findings* are what it does not say in so many words.

    *read* are the names that the rest of the project reads: one of them is no typing mistake, however near to one of Scrapy's.
    """

    def __init__(self, source: Source, *, read: Container[str] = ()) -> None:
        self._read_elsewhere = read
        self.findings: list[Finding] = []
        self._settings = Settings()
        self._lines: dict[str, int] = {}
        self._names: dict[str, list[str]] = {}
        self._known: dict[str, Any] = {}
        for statement in source.tree.body:
            self._read(statement)
        for name, line in self._lines.items():
            self._take(name, self._known[name], line)

    def toml(self, origin: str) -> str:
        """Return the text of settings.toml; *origin* is the file that it comes from."""
        given = {info.name: info.value for info in self._settings.explain() if info.source != "default"}
        given.update({name: self._settings.get(name) for name in given})  # explain() masks what is secret
        top = {name: value for name, value in given.items() if "." not in name and name not in ("feeds", *_FEEDS)}
        own = {name.removeprefix(_OWN): value for name, value in given.items() if name.startswith(_OWN)}
        blocks = [f"# Made of {origin}, which is not read any more. `crawler settings` shows all settings there are.\n"]
        blocks.extend(_lines(top))
        for section in SECTIONS:
            fields = {
                name.partition(".")[2]: value for name, value in given.items() if name.partition(".")[0] == section
            }
            if fields:
                comments = {name: ", ".join(self._names.get(f"{section}.{name}", ())) for name in fields}
                blocks.append(toml.table([section], fields, comments={k: v for k, v in comments.items() if v}))
        if own:
            blocks.append(toml.table(["user"], own))
        blocks.extend(f"[[feeds]]\n{''.join(_lines(feed))}" for feed in self._settings.feeds)
        return "\n".join(blocks)

    # --- reading -------------------------------------------------------------------------------------------------------

    def _read(self, statement: ast.stmt) -> None:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        if targets and all(isinstance(target, ast.Name) for target in targets):
            assert isinstance(statement, ast.Assign | ast.AnnAssign)  # for the type checker
            assert statement.value is not None
            self._assign([target.id for target in targets if isinstance(target, ast.Name)], statement.value)
            return
        changed = sorted({name for name in _stored(statement) if name.isupper()})
        for name in changed:
            self._need(statement.lineno, name, "is changed or set on a condition")
            self._known.pop(name, None)
            self._lines.pop(name, None)
        if isinstance(statement, ast.ImportFrom) and any(alias.name == "*" for alias in statement.names):
            self._note(statement.lineno, f"settings that come from {statement.module} belong into settings.toml too")
        elif not changed and not isinstance(
            statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Pass
        ):
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                return  # a docstring
            self._note(
                statement.lineno, "settings.toml runs no code: do this where the project is imported, or outside"
            )

    def _assign(self, names: list[str], node: ast.expr) -> None:
        try:
            value = value_of(node, self._known)
        except NotLiteral:
            for name in names:
                self._known.pop(name, None)
                self._lines.pop(name, None)
                if name.isupper():
                    self._need(node.lineno, name, "is computed")
            return
        for name in names:
            self._known[name] = value
            if name.isupper():
                self._lines[name] = node.lineno

    def _need(self, line: int, name: str, why: str) -> None:
        if name in _BOILERPLATE or ignored(name) is not None:
            return
        if name in MAPPED and "." in MAPPED[name].target:
            target = MAPPED[name].target
            variable = f"CRAWLER_{target.upper().replace('.', '__')}"
            self._note(
                line, f"{name} {why}: write it as {target} into settings.toml, or set the environment's {variable}"
            )
        else:
            self._note(line, f"{name} {why}: write its value into settings.toml, or read it where it is used")

    def _note(self, line: int, what_to_do: str) -> None:
        self.findings.append(Finding(line, what_to_do))

    # --- taking --------------------------------------------------------------------------------------------------------

    def _take(self, name: str, value: Any, line: int) -> None:
        told = ignored(name)
        if name in _BOILERPLATE or value is None:
            return
        if told is not None:
            if value not in (False, 0, "", [], {}, ()):
                self._note(line, f"{name} has no effect: {told}")
            return
        if name == "ADDONS" and not value:
            return
        target = MAPPED[name].target if name in MAPPED else ""
        if target.startswith("components.") and isinstance(value, Mapping):
            value = self._components(target, value, line)
        try:
            toml.value(_without_none(value))
            if not target and name not in KEPT:
                if name not in self._read_elsewhere:
                    Settings().set(name, value)  # one that is nearly Scrapy's is a mistake that nobody has noticed
                name = _OWN + name
            self._settings.set(name, _without_none(value))
        except (SettingsError, TypeError, UnicodeEncodeError) as error:
            self._note(line, str(error) if name in str(error) else f"{name}: {error}")
            return
        if target:
            self._names.setdefault(target, []).append(name)

    def _components(self, target: str, value: Mapping[Any, Any], line: int) -> Any:
        """Return components by our paths: a list in order where nothing stands between them that is not listed."""
        result: dict[str, Any] = {}
        for path, priority in value.items():
            told = component_problem(path, priority) if isinstance(path, str) else _NO_TEXT
            if told is not None:
                self._note(line, f"{path}: {told}")
            elif not built_in(path):
                result[our_path(path)] = False if priority is None else priority
        is_plain = target == "components.pipelines" and all(
            isinstance(one, int | float) and not isinstance(one, bool) for one in result.values()
        )
        return sorted(result, key=lambda path: result[path]) if is_plain else result


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield f"{toml.key(name)} = {toml.value(value)}\n"


def _stored(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that *statement* sets or changes, in whatever depth."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
        elif _is_changed(node) and isinstance(node.value, ast.Name):
            yield node.value.id


def _is_changed(node: ast.AST) -> TypeGuard[ast.Attribute | ast.Subscript]:
    """Tell whether *node* is the ``X.update`` of a call, or an ``X["a"]`` that is set."""
    return isinstance(node, ast.Attribute) or (
        isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del)
    )


def _without_none(value: Any) -> Any:
    """Return *value* without what is None in its tables: TOML has no None, and leaving out means the same in settings."""
    if isinstance(value, Mapping):
        return {name: _without_none(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_without_none(one) for one in value]
    return value
