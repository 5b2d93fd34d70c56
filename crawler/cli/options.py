"""Options that commands share, and the values that they come to.

Options stand after the command: ``crawler crawl books -s politeness.delay=1 -L DEBUG``. Those for logging are settings by
another name, so that ``crawler settings -L DEBUG`` shows what they do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from crawler.cli import completing
from crawler.exceptions import UsageError

if TYPE_CHECKING:
    from crawler.exporters import FeedOptions

Command = TypeVar("Command", bound=Callable[..., Any])

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Assignment(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE``, as a pair."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return name and value; fail if there is no equals sign."""
        if isinstance(value, tuple):
            return value
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            self.fail(f"{value!r} is not of the form NAME=VALUE", param, ctx)
        return name.strip(), text


@dataclass(frozen=True, slots=True)
class SettingOptions:
    """Settings from the command line. *assignments* are ``name=value`` in the order in which they hold."""

    assignments: tuple[str, ...] = ()
    nolog: bool = False
    quiet: bool = False
    #: Stop in the debugger where a callback or a pipeline raises.
    pdb: bool = False

    def sets(self, name: str) -> bool:
        """Tell whether one of the options sets *name*."""
        return any(assignment.partition("=")[0] == name for assignment in self.assignments)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run a spider: its arguments as text, its outputs, and what is shown meanwhile."""

    arguments: dict[str, str]
    outputs: tuple[str, ...] = ()
    overwrites: tuple[str, ...] = ()
    progress: bool = True
    job: str = ""
    dashboard: bool = False
    report: str = ""

    def feeds(self, defaults: Mapping[str, Any]) -> list[FeedOptions]:
        """Return the outputs as feeds; *defaults* are those of the settings. Raise FeedError if a format is unknown."""
        from crawler.exporters import FeedOptions  # imported by commands that run, not by --help

        return [
            *(FeedOptions.parse(text, defaults=defaults) for text in self.outputs),
            *(FeedOptions.parse(text, overwrite=True, defaults=defaults) for text in self.overwrites),
        ]


@dataclass(frozen=True, slots=True)
class SpiderOptions:
    """Which spider, by name or by file, and its arguments as text; no name where one is to be found for the URL."""

    name: str | None = None
    arguments: dict[str, str] = field(default_factory=dict)


def setting_options(command: Command) -> Command:
    """Give *command* ``-s`` and the options for logging, as one argument *setting_options*."""
    decorators = [
        click.option(
            "-s",
            "--set",
            "settings",
            type=Assignment(),
            multiple=True,
            metavar="NAME=VALUE",
            shell_complete=completing.setting,
            help="A setting, as politeness.delay=1 or DOWNLOAD_DELAY=1. May be repeated.",
        ),
        click.option(
            "-L", "--loglevel", type=click.Choice(_LEVELS, case_sensitive=False), help="The least level that is logged."
        ),
        click.option(
            "--logfile", type=click.Path(dir_okay=False), metavar="FILE", help="Log to FILE, not to the terminal."
        ),
        click.option("--nolog", is_flag=True, help="Log nothing at all."),
        click.option("-q", "--quiet", is_flag=True, help="Warnings and errors only: no progress, no summary."),
        click.option(
            "--profile",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Write to FILE where the time went, for pstats and the tools that read its files.",
        ),
        click.option(
            "--pidfile",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Hold the process id in FILE for as long as the command runs.",
        ),
        click.option("--pdb", is_flag=True, help="Stop in the debugger where a callback or a pipeline raises."),
    ]
    return _with(command, decorators, "setting_options", _settings_of, around=_process_options)


def spider_options(command: Command) -> Command:
    """Give *command* ``--spider`` and ``-a``, as one argument *spider_options*."""
    decorators = [
        click.option(
            "--spider",
            metavar="NAME|FILE",
            shell_complete=completing.spider_or_file,
            help="The spider, or the Python file that holds it. By default the spider of the project for the URL's site.",
        ),
        _ARGUMENTS,
    ]
    return _with(
        command,
        decorators,
        "spider_options",
        lambda values: SpiderOptions(values.pop("spider"), dict(values.pop("arguments"))),
    )


_ARGUMENTS = click.option(
    "-a",
    "arguments",
    type=Assignment(),
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument of the spider. May be repeated.",
)


def run_options(command: Command) -> Command:
    """Give *command* the options for running a spider, as one argument *run_options*."""
    decorators = [
        _ARGUMENTS,
        click.option(
            "-o",
            "--output",
            "outputs",
            multiple=True,
            metavar="FILE[:FORMAT]",
            shell_complete=completing.file,
            help="Write the items to FILE, after what it holds; - is standard output. The format is that of the extension "
            "(.jsonl, .json, .csv, .xml, also with .gz) or the one given. A URL (s3:, gs:, ftp:, ftps:, sftp:) is written whole "
            "when the crawl ends. May be repeated.",
        ),
        click.option(
            "-O",
            "--overwrite-output",
            "overwrites",
            multiple=True,
            metavar="FILE[:FORMAT]",
            shell_complete=completing.file,
            help="As -o, but begin FILE anew.",
        ),
        click.option(
            "--job",
            metavar="NAME|PATH",
            shell_complete=completing.job,
            help="Name of the job, or its folder; an unfinished one is resumed. By default every crawl is a new job.",
        ),
        click.option("--dashboard", is_flag=True, help="Serve a view of the crawl for the browser, on loopback."),
        click.option(
            "--report", metavar="FILE", help="Write a report of the crawl to FILE, as HTML, when it has ended."
        ),
        click.option("--no-progress", is_flag=True, help="Plain log lines in place of the live view."),
    ]
    return _with(command, decorators, "run_options", _run_of)


def _settings_of(values: dict[str, Any]) -> SettingOptions:
    quiet, level, file = values.pop("quiet"), values.pop("loglevel"), values.pop("logfile")
    assignments = [f"{name}={value}" for name, value in values.pop("settings")]
    if quiet:
        assignments.insert(0, "log.level=WARNING")
    if level:
        assignments.append(f"log.level={level}")
    if file:
        assignments.append(f"log.file={file}")
    return SettingOptions(tuple(assignments), nolog=values.pop("nolog"), quiet=quiet, pdb=values.pop("pdb"))


@contextmanager
def _process_options(values: dict[str, Any]) -> Iterator[None]:
    """Profile the process and tell its id, where *values* ask for it."""
    with _profile_in(values.pop("profile")), _process_id_in(values.pop("pidfile")):
        yield


@contextmanager
def _profile_in(file: str | None) -> Iterator[None]:
    if file is None:
        yield
        return
    import cProfile  # only for who profiles

    _writable(file, "--profile")
    profile = cProfile.Profile()
    try:
        profile.enable()
        yield
    finally:
        profile.disable()
        profile.dump_stats(file)


@contextmanager
def _process_id_in(file: str | None) -> Iterator[None]:
    if file is None:
        yield
        return
    _writable(file, "--pidfile")
    Path(file).write_text(f"{os.getpid()}\n", encoding="ascii")
    try:
        yield
    finally:
        Path(file).unlink(missing_ok=True)


def _writable(file: str, option: str) -> None:
    """Raise UsageError if *file* cannot be written, before anything is done."""
    try:
        with Path(file).open("a"):
            pass
    except OSError as error:
        raise UsageError(f"{option} {file!r} cannot be written: {error.strerror or error}") from error


def _run_of(values: dict[str, Any]) -> RunOptions:
    report = values.pop("report") or ""
    if report:
        _writable(report, "--report")
    return RunOptions(
        dict(values.pop("arguments")),
        outputs=values.pop("outputs"),
        overwrites=values.pop("overwrites"),
        progress=not values.pop("no_progress"),
        job=values.pop("job") or "",
        dashboard=values.pop("dashboard"),
        report=report,
    )


def _with(
    command: Command,
    decorators: list[Callable[[Any], Any]],
    argument: str,
    gather: Callable[[dict[str, Any]], Any],
    around: Callable[[dict[str, Any]], AbstractContextManager[Any]] = lambda values: nullcontext(),
) -> Command:
    """Decorate *command*, which gets what *gather* makes of the options' values as *argument*, and runs in *around*."""

    def wrapper(**values: Any) -> Any:
        with around(values):
            values[argument] = gather(values)
            return command(**values)

    wrapper.__doc__ = command.__doc__
    wrapper.__name__ = command.__name__
    decorated: Any = wrapper
    # click keeps the options that were declared so far on the function.
    decorated.__click_params__ = list(getattr(command, "__click_params__", ()))
    for decorator in reversed(decorators):
        decorated = decorator(decorated)
    return decorated  # type: ignore[no-any-return]  # a function in the place of a function
