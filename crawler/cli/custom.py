"""Commands that are not the crawler's own: of the project, and of packages that are installed.

A command is a click command called ``command``. A project names packages in the setting ``project.commands`` (Scrapy:
COMMANDS_MODULE), each of whose modules is a command of the module's name; an installed package names single commands by entry
points of the group ``crawler.commands``. Looked for only where no command of the crawler's own has the name, and by ``--help``.
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib import metadata

import click

from crawler.exceptions import ComponentError, describe

GROUP = "crawler.commands"


def custom_commands() -> dict[str, click.Command | str]:
    """Return the commands by name; in the place of one that does not import, what is wrong with it."""
    commands: dict[str, click.Command | str] = {}
    for point in metadata.entry_points(group=GROUP):
        try:
            commands[point.name] = _checked(point.load(), point.value)
        except Exception as error:
            commands[point.name] = f"the command {point.name} ({point.value}) cannot be loaded: {describe(error)}"
    for package in _packages():
        try:
            modules = _modules(package)
        except Exception as error:
            commands[package] = f"project.commands names {package}, which cannot be imported: {describe(error)}"
            continue
        for name, dotted in modules:
            try:
                commands[name] = _checked(
                    getattr(importlib.import_module(dotted), "command", None), f"{dotted}.command"
                )
            except Exception as error:
                commands[name] = f"the command {name} ({dotted}) cannot be loaded: {describe(error)}"
    return commands


def _checked(command: object, where: str) -> click.Command:
    if not isinstance(command, click.Command):
        raise ComponentError(f"{where} is no click command: write  @click.command() def command(): ...")
    return command


def _packages() -> list[str]:
    """Return the packages that the project names; none if its settings cannot be read, which every other command tells."""
    from crawler.cli.completing import project_settings  # does not check the settings, and is quick

    directory, settings = project_settings()
    named = settings.get("project", {}).get("commands", [])
    if directory is not None and named:
        from crawler.cli.project import enter_project  # brings lxml

        enter_project(directory)
    return [str(one) for one in ([named] if isinstance(named, str) else named)]


def _modules(package: str) -> list[tuple[str, str]]:
    module = importlib.import_module(package)
    names = [name for _, name, _ in pkgutil.iter_modules(getattr(module, "__path__", ())) if not name.startswith("_")]
    return [(name, f"{package}.{name}") for name in names]
