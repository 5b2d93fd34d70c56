"""Scrapy's imports rewritten into ours, with the names that come of them; everything else stays as it is.

    import scrapy                                       import crawler
    class Books(scrapy.Spider)                          class Books(crawler.Spider)
    from scrapy.http import Request as R                from crawler.http import Request as R
    from scrapy.utils.project import get_project_settings
                                                        from crawler.settings import get_project_settings
    {"scrapy.pipelines.files.FilesPipeline": 1}         {"crawler.pipelines.files.FilesPipeline": 1}

Where ``crawler`` already means something in the file (most often an argument of ``from_crawler``), or only imports are to
change, ``import scrapy`` becomes ``import crawler as scrapy``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from crawler.porting.findings import Finding, findings_of
from crawler.porting.paths import missing_in
from crawler.porting.source import Edit, Source
from crawler.scrapy_paths import built_in, our_path

_FROM = re.compile(r"from\s+(scrapy(?:\.\w+)*)(?=\s+import\b)")
_DOTTED = re.compile(r"scrapy(?:\.[A-Za-z_]\w*)+")


def ported(source: Source, *, imports_only: bool = False, own: Collection[str] = ()) -> tuple[str, list[Finding]]:
    """Return the text of *source* for the crawler, and what needs a hand in it, by line; *own* packages are ported with it."""
    rewriter = _Rewriter(source, imports_only=imports_only)
    edits = rewriter.edits()
    findings = [*rewriter.findings, *findings_of(source.tree, own)]
    return source.edited(edits), sorted(set(findings))


class _Rewriter:
    def __init__(self, source: Source, *, imports_only: bool) -> None:
        self._source = source
        self._nodes = list(ast.walk(source.tree))
        self._imports_only = imports_only
        self._packages = {
            alias.asname or "scrapy"
            for node in self._nodes
            if isinstance(node, ast.Import)
            for alias in node.names
            if _root(alias.name) == "scrapy" and (alias.asname is None or alias.name == "scrapy")
        }
        self._uses = [node for node in self._nodes if isinstance(node, ast.Name) and node.id in self._packages]
        self._keeps_name = imports_only or not self._may_rename()
        self.findings: list[Finding] = []

    def _may_rename(self) -> bool:
        """Tell whether ``scrapy`` can be called ``crawler`` all over the file."""
        if any("crawler" in _bound(node) for node in self._nodes):
            return False
        if any("scrapy" in _bound(node) for node in self._nodes if not isinstance(node, ast.Import)):
            return False  # an argument of that name, say: which is meant where would have to be found out
        return all(
            isinstance(use.ctx, ast.Load) and self._text(use) == use.id
            for use in self._uses  # the text is another within f-strings, whose places older Pythons do not tell
        )

    def _text(self, node: ast.expr) -> str:
        return self._source.text[self._source.start(node) : self._source.end(node)]

    def edits(self) -> list[Edit]:
        """Return what changes; note on the way what is not here."""
        found: list[Edit] = []
        for node in self._nodes:
            if isinstance(node, ast.Import):
                found.extend(self._import(node))
            elif isinstance(node, ast.ImportFrom):
                found.extend(self._from(node))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.extend(self._string(node, node.value))
        if not self._keeps_name:
            found.extend(
                Edit(self._source.start(use), self._source.end(use), "crawler")
                for use in self._uses
                if use.id == "scrapy"
            )
        self._check_uses()
        return found

    def _import(self, node: ast.Import) -> Iterator[Edit]:
        for alias in node.names:
            if _root(alias.name) != "scrapy":
                continue
            self._note(alias.name, node.lineno)
            start = self._source.start(alias)
            if not self._source.text.startswith(alias.name, start):  # spaces or a line's end within the dotted name
                self.findings.append(Finding(node.lineno, "write crawler for scrapy in this import"))
                continue
            ours = "crawler" + alias.name.removeprefix("scrapy")
            if alias.asname is None and self._keeps_name:
                ours = "crawler as scrapy" if ours == "crawler" else f"{ours}, crawler as scrapy"
            yield Edit(start, start + len(alias.name), ours)

    def _from(self, node: ast.ImportFrom) -> Iterator[Edit]:
        if node.level or node.module is None or _root(node.module) != "scrapy":
            return
        for alias in node.names:
            path = node.module if alias.name == "*" else f"{node.module}.{alias.name}"
            self._note(path, alias.lineno)
        written = _FROM.match(self._source.text, self._source.start(node))
        if written is None:
            self.findings.append(Finding(node.lineno, "write crawler for scrapy in this import"))
            return
        yield Edit(written.start(1), written.end(1), _module_for(node.module, [alias.name for alias in node.names]))

    def _string(self, node: ast.Constant, path: str) -> Iterator[Edit]:
        """Rewrite a text that is a dotted path of Scrapy's and nothing else."""
        if not _DOTTED.fullmatch(path) or path in ("scrapy.cfg", "scrapy.org"):
            return
        told = built_in(path) or missing_in(path)
        if told is not None:
            self.findings.append(Finding(node.lineno, f"{path}: {told}"))
            return
        written = self._text(node)
        if not self._imports_only and written[1:-1] == path:  # else it is pieced together, or part of an f-string
            start = self._source.start(node) + 1
            yield Edit(start, start + len(path), our_path(path))

    def _note(self, path: str, line: int) -> None:
        told = missing_in(path)
        if told is not None:
            self.findings.append(Finding(line, f"{path}: {told}"))

    def _check_uses(self) -> None:
        uses = {id(use) for use in self._uses}
        inner = {id(node.value) for node in self._nodes if isinstance(node, ast.Attribute)}
        for node in self._nodes:
            if isinstance(node, ast.Attribute) and id(node) not in inner:
                names, base = _chain(node)
                if id(base) in uses:
                    self._note(".".join(["scrapy", *names]), node.lineno)


def _root(path: str) -> str:
    return path.partition(".")[0]


def _module_for(module: str, names: list[str]) -> str:
    """Return the module of ours to import *names* of Scrapy's *module* from: their own where they share one."""
    places = [our_path(f"{module}.{name}").rpartition(".") for name in names]
    modules = {place for place, _, _ in places}
    if len(modules) == 1 and [name for _, _, name in places] == names:
        return modules.pop()
    return "crawler" + module.removeprefix("scrapy")


def _chain(node: ast.expr) -> tuple[list[str], ast.expr]:
    """Return the names behind the dots, in order, and what stands before them."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return names, node


def _bound(node: ast.AST) -> set[str]:
    """Return the names that *node* by itself gives a meaning to."""
    if isinstance(node, ast.Name):
        return {node.id} if not isinstance(node.ctx, ast.Load) else set()
    if isinstance(node, ast.arg):
        return {node.arg}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or _root(alias.name) for alias in node.names}
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        return {node.name}
    return set()
