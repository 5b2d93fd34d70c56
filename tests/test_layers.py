"""Imports go down: the layers of the package, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "crawler"

# The first prefix that fits a module gives its layer; more specific ones stand first.
LAYERS = [
    ("crawler.ported", 9),  # Scrapy's functions that belong to no one part, on top of all of them
    ("crawler.cli", 8),
    ("crawler.__main__", 8),
    ("crawler.porting", 7),
    ("crawler.testing", 7),
    ("crawler.shell", 7),
    ("crawler.prompt", 7),
    ("crawler.open_crawl", 7),
    ("crawler.rehearsal", 7),
    ("crawler.contracts", 7),
    ("crawler.demo", 7),
    ("crawler.report", 7),
    ("crawler.crawler", 6),
    ("crawler.assembly", 6),
    ("crawler.builtin", 6),
    ("crawler.refusals", 6),
    ("crawler.running", 6),
    ("crawler.watching", 6),
    ("crawler.runtime", 6),
    ("crawler.result", 6),
    ("crawler.engine", 5),
    ("crawler.downloadermiddlewares", 5),
    ("crawler.spidermiddlewares", 5),
    ("crawler.pipelines", 5),
    ("crawler.exporters", 5),
    ("crawler.extensions", 5),
    ("crawler.frontier", 4),
    ("crawler.download", 4),
    ("crawler.spiders", 3),
    ("crawler.interfaces", 2),
    ("crawler.linkextractors", 2),
    ("crawler.responsetypes", 2),
    ("crawler.dupefilters", 2),
    ("crawler.logformatter", 2),
    ("crawler.loader", 2),
    ("crawler.http", 1),
    ("crawler.settings", 1),
    ("crawler.signals", 1),
    ("crawler.storages", 1),
    ("crawler.stats", 1),
    ("crawler.robots", 1),
    ("crawler.sitemap", 1),
    ("crawler.logs", 1),
    ("crawler.mail", 1),
    ("crawler.collector", 0),
    ("crawler.disk", 0),
    ("crawler.exceptions", 0),
    ("crawler.url", 0),
    ("crawler.item", 0),
    ("crawler.item_adapter", 0),
    ("crawler.nearest", 0),
    ("crawler.printable", 0),
    ("crawler.remembering", 0),
    ("crawler.link", 0),
    ("crawler.first_use", 0),
    ("crawler.environment", 0),
    ("crawler.selector", 0),
    ("crawler.concurrency", 0),
    ("crawler.threads", 0),
    ("crawler.scrapy_paths", -1),  # the package itself installs it, so it may know no other module
    ("crawler", 0),
]

# Layer 5 is made of siblings that do not know each other, but for what is said here: the engine assembles components
# and hands HttpError to errbacks; extensions and middlewares never import the engine.
SIBLINGS_ALLOWED = {("crawler.engine", "crawler.spidermiddlewares"), ("crawler.engine", "crawler.exporters")}


def layer(module: str) -> int:
    return next(number for prefix, number in LAYERS if module == prefix or module.startswith(prefix + "."))


def package_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if "templates" in path.parts:
            continue
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(tree: ast.AST, *, with_types: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield (module, is inside a function) of every import that is run."""

    def visit(node: ast.AST, inside: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING" and not with_types:
                continue
            if isinstance(child, ast.Import):
                yield from ((alias.name, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                yield child.module, inside
                yield from ((f"{child.module}.{alias.name}", inside) for alias in child.names)
            else:
                deeper = inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                yield from visit(child, deeper)

    yield from visit(tree, False)


MODULES = modules()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_lower_layers_and_its_own_package(module: str) -> None:
    wrong = []
    for imported, _ in imports(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if imported not in MODULES or imported == "crawler" or package_of(imported) == package_of(module):
            continue
        if layer(imported) < layer(module) or (layer(imported) == layer(module) and layer(module) not in (3, 4, 5)):
            continue
        if (package_of(module), package_of(imported)) in SIBLINGS_ALLOWED:
            continue
        wrong.append(imported)
    assert not wrong, f"{module} (layer {layer(module)}) imports {wrong}"


@pytest.mark.parametrize("module", [name for name in MODULES if layer(name) <= 3 and name != "crawler.concurrency"])
def test_layers_0_to_3_know_no_twisted(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    assert not [name for name, _ in imports(tree) if name.split(".")[0] in ("twisted", "treq")]


@pytest.mark.parametrize("module", MODULES)
def test_the_global_reactor_is_never_imported_by_a_module(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    assert not [name for name, inside in imports(tree) if name == "twisted.internet.reactor" and not inside]


def test_only_the_transport_and_the_testing_kit_know_treq() -> None:
    knowing = {
        module
        for module, path in MODULES.items()
        if any(name.split(".")[0] == "treq" for name, _ in imports(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert knowing <= {"crawler.download.transport", "crawler.testing"}


def test_there_is_no_import_cycle() -> None:
    graph = {
        module: {
            name
            for name, inside in imports(ast.parse(path.read_text(encoding="utf-8")))
            if name in MODULES and name != module and not inside and not module.startswith(name + ".")
        }
        for module, path in MODULES.items()
    }
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        for name in sorted(graph[module]):
            walk(name, (*path, module))
        done.add(module)

    for module in sorted(graph):
        walk(module, ())


def test_a_module_over_400_lines_gives_its_reason() -> None:
    long = {
        module: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        for module, path in MODULES.items()
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
    }
    assert not [
        module for module, docstring in long.items() if "one module because" not in docstring.replace("\n", " ")
    ]


@pytest.mark.parametrize("word", ["utils", "misc", "helpers", "common"])
def test_no_module_is_named_for_nothing(word: str) -> None:
    # crawler.utils can be imported, for ported code, but is no place to put anything: crawler.scrapy_paths makes it up.
    assert not [name for name in MODULES if name.split(".")[-1] == word]
