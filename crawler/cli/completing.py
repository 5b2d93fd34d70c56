"""What Tab offers: spiders, jobs, settings and files, found without importing anything of the project's.

A completion is asked for at every Tab, so it must be quick, and nothing may be printed. Spiders are therefore read from the
source of the project's modules: a class with a ``name`` that looks like a spider. A module that does not parse offers none.
Projects' own commands are imported to be run, and so are not offered.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    import click

# The files of click's protocol: "file" lets the shell complete paths by itself.
_FILES = "file"


def spider(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer the spiders of the project."""
    return _offered(dict(spiders_in(_project())), incomplete)


def spider_or_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer the spiders of the project, files where none fits."""
    return spider(ctx, param, incomplete) or file(ctx, param, incomplete)


def file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Let the shell offer files."""
    return [CompletionItem(incomplete, type=_FILES)]


def job(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer the jobs of the project."""
    project = _project() or Path()
    folder = project / str(_settings_of(project).get("frontier", {}).get("directory", ".crawler")) / "jobs"
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return _offered(dict.fromkeys(names, ""), incomplete)


def setting(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer the names of settings; after ``NAME=`` the values, where they are few."""
    from crawler.settings.settings import FIELDS  # takes some milliseconds

    name, equals, begun = incomplete.partition("=")
    if not equals:
        return _offered({f"{one}=": field.metadata["doc"] for one, field in FIELDS.items()}, incomplete)
    if name not in FIELDS:
        return []
    field = FIELDS[name]
    values = field.metadata["choices"] or (("true", "false") if str(field.type) == "bool" else ())
    return [CompletionItem(f"{name}={value}") for value in values if value and value.startswith(begun)]


def setting_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer the names of settings."""
    from crawler.settings.settings import FIELDS  # takes some milliseconds

    return _offered({name: field.metadata["doc"] for name, field in FIELDS.items()}, incomplete)


def template(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Offer the templates of genspider, files where none fits."""
    from crawler.cli.templates import SPIDERS  # when Tab is pressed, as for everything here

    return _offered(SPIDERS, incomplete) or file(ctx, param, incomplete)


def _offered(names: dict[str, str], incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(name, help=doc or None) for name, doc in names.items() if name.startswith(incomplete)]


# --- the project, without its settings being checked -----------------------------------------------------------------


def _project() -> Path | None:
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "settings.toml").is_file()), None)


def project_settings() -> tuple[Path | None, dict[str, Any]]:
    """Return the folder of the project and what its settings.toml says, unchecked; nothing outside of one."""
    project = _project()
    return project, _settings_of(project) if project is not None else {}


def _settings_of(project: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads((project / "settings.toml").read_text("utf-8"))
    except (OSError, ValueError):  # not there, no TOML, no UTF-8
        return {}


def spiders_in(project: Path | None) -> list[tuple[str, str]]:
    """Return name and first line of documentation of each spider that the source of *project* shows, by name."""
    if project is None:
        return []
    entries = _settings_of(project).get("project", {}).get("spiders", ["spiders"])
    found = {}
    for entry in entries if isinstance(entries, list) else []:
        for path in _sources(project, str(entry)):
            found.update(_spiders_of(path))
    return sorted(found.items())


def _sources(project: Path, entry: str) -> Iterator[Path]:
    for path in (project / entry, project.joinpath(*entry.split("."))):
        if path.is_dir():
            yield from path.rglob("*.py")
            return
        for file in (path, path.with_suffix(".py")):
            if file.is_file():
                yield file
                return


def _spiders_of(path: Path) -> dict[str, str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError):
        return {}
    spiders = {}
    for node in tree.body:
        name = _name_of(node) if isinstance(node, ast.ClassDef) and _might_be_spider(node) else None
        if name and isinstance(node, ast.ClassDef):
            spiders[name] = (ast.get_docstring(node) or "").partition("\n")[0]
    return spiders


def _might_be_spider(node: ast.ClassDef) -> bool:
    """Tell whether *node* says that it is a spider: by its name, a base's, or what only spiders have."""
    names = [node.name, *map(ast.unparse, node.bases)]
    return bool(node.bases) and (
        any("spider" in name.lower() for name in names)
        or any(getattr(one, "name", "") in ("parse", "start", "start_requests") for one in node.body)
    )


def _name_of(node: ast.ClassDef) -> str | None:
    """Return the ``name`` that is set in the body of a class to a plain text."""
    for one in node.body:
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        value = getattr(one, "value", None)
        if any(isinstance(target, ast.Name) and target.id == "name" for target in targets) and isinstance(
            value, ast.Constant
        ):
            return value.value if isinstance(value.value, str) else None
    return None
