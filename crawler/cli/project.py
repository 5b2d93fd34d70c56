"""The project that a command runs in: the nearest folder upwards that holds a settings.toml."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.exceptions import UsageError
from crawler.frontier.folder import is_job
from crawler.frontier.jobs import JobSummary, jobs_in, summary_of
from crawler.http import Request
from crawler.settings import SETTINGS_FILE, Settings, find_project, load_settings
from crawler.spiders.loader import SpiderLoader, load_file

if TYPE_CHECKING:
    from crawler.spiders import Spider


@dataclass(frozen=True, slots=True)
class Project:
    """Settings, and the folder they belong to: None outside any project."""

    directory: Path | None
    settings: Settings

    @property
    def state_directory(self) -> Path:
        """Where the jobs of the project are kept; below the working directory outside of one."""
        return (self.directory or Path()) / self.settings.frontier.directory

    def loader(self) -> SpiderLoader:
        """Import the spiders of the project. Raise UsageError outside one."""
        if self.directory is None:
            raise UsageError(no_project())
        return SpiderLoader(self.settings.project.spiders, self.directory)


def open_project(assignments: Sequence[str] = ()) -> Project:
    """Return the project of the working directory, with *assignments* (``name=value``) over its settings.

    Modules in the project's folder can be imported afterwards, as settings name them.
    """
    directory = find_project()
    if directory is not None:
        enter_project(directory)
    return Project(directory, load_settings(directory, env=os.environ, cli=list(assignments)))


def enter_project(directory: Path) -> None:
    """Let the modules of the project in *directory* be imported."""
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


def spider_named(project: Project, name: str) -> type[Spider]:
    """Return the spider of that name, or the one in the file of that name."""
    return load_file(name) if name.endswith(".py") else project.loader().load(name)


def spiders_for(project: Project, url: str) -> list[type[Spider]]:
    """Return the spiders of *project* for the site of *url*: those whose domains or name say so."""
    if project.directory is None:
        return []
    loader = project.loader()
    return [loader.load(name) for name in loader.find_by_request(Request(url))]


def found_jobs(project: Project, names: Sequence[str]) -> list[JobSummary]:
    """Return the jobs called *names*, or with a path as name; without any the newest one. Raise UsageError if one is not there."""
    known = list(jobs_in(project.state_directory))
    if not names:
        if not known:
            raise UsageError(
                f"there is no job in {project.state_directory}: no crawl has begun, or with frontier.store = 'memory', which "
                "keeps none"
            )
        return known[-1:]
    return [_job_named(name, known, project.state_directory) for name in names]


def _job_named(name: str, known: Sequence[JobSummary], directory: Path) -> JobSummary:
    path = Path(name)
    if os.sep in name:
        if not is_job(path):
            raise UsageError(f"there is no job in {path.absolute()}")
        return summary_of(path)
    for job in known:
        if job.name == name:
            return job
    there = ", ".join(one.name for one in known) or "none"
    beside = f". In this folder there is one: write ./{name}" if is_job(path) else ""
    raise UsageError(f"there is no job {name!r} in {directory}; there are: {there}{beside}")


def no_project() -> str:
    """Return what to say to somebody who is not in a project."""
    return (
        f"there is no project here: no {SETTINGS_FILE} in {Path.cwd()} or above it\n"
        "Make one:           crawler startproject NAME\n"
        "or run one file:    crawler runspider FILE.py"
    )
