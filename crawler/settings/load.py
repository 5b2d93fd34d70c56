"""Settings from where a project keeps them: settings.toml, the environment, the command line."""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crawler.exceptions import SettingsError
from crawler.settings.scrapy_names import KNOWN
from crawler.settings.settings import FIELDS, Settings

logger = logging.getLogger(__name__)

SETTINGS_FILE = "settings.toml"
PREFIX = "CRAWLER_"


def find_project(start: str | os.PathLike[str] = ".") -> Path | None:
    """Return the nearest of *start* and the folders above it that holds a settings.toml, None if there is none."""
    folder = Path(start).resolve()
    return next((one for one in (folder, *folder.parents) if (one / SETTINGS_FILE).is_file()), None)


def get_project_settings(start: str | os.PathLike[str] = ".") -> Settings:
    """Return the settings of the project that the working directory belongs to, and of the environment."""
    return load_settings(find_project(start), env=os.environ)


def load_settings(
    project_dir: str | os.PathLike[str] | None = None,
    *,
    env: Mapping[str, str] | None = None,
    cli: Iterable[str] = (),
) -> Settings:
    """Return the settings of *project_dir* (its settings.toml), of *env* (``CRAWLER_POLITENESS__DELAY=1``) and of *cli*
    (``"politeness.delay=1"``), which count in this order, the last most. Raise SettingsError for what is wrong in any."""
    settings = Settings()
    if project_dir is not None and (Path(project_dir) / SETTINGS_FILE).is_file():
        path = Path(project_dir) / SETTINGS_FILE
        _told_where(settings, _read_toml(path), "project", source=SETTINGS_FILE, place=str(path))
    for variable, value in sorted((env or {}).items()):
        name = _setting_of(variable)
        if name:
            _told_where(settings, {name: value}, "environment", source=f"environment {variable}", place=variable)
    for assignment in cli:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"{assignment!r} is not of the form NAME=VALUE")
        settings.set(name.strip(), value, "cmdline")
    return settings


def _told_where(settings: Settings, values: Mapping[str, Any], priority: str, *, source: str, place: str) -> None:
    try:
        settings.update(values, priority, source=source)
    except SettingsError as error:
        raise SettingsError(f"{place}: {error}") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _setting_of(variable: str) -> str | None:
    """Return the setting that an environment *variable* means, None if it is none of the crawler's."""
    if not variable.startswith(PREFIX):
        return None
    name = variable.removeprefix(PREFIX)
    if name in KNOWN:
        return name
    dotted = name.lower().replace("__", ".", 1)
    # A variable of another program may begin like ours; one with a section in it is meant for us, right or wrong.
    return dotted if dotted in FIELDS or "__" in name else None
