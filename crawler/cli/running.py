"""Running a spider from the command line: settings, arguments and outputs checked, then the crawl, then how it went."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler import runtime as runtimes
from crawler import signals
from crawler.cli.errors import CommandError
from crawler.cli.exitcodes import ExitCode, of_result
from crawler.cli.options import RunOptions, SettingOptions
from crawler.cli.project import Project, open_project
from crawler.crawler import effective_settings
from crawler.exceptions import CrawlerError, JobError, UsageError, describe
from crawler.frontier.jobs import FINISHED, JobSummary, command_of, jobs_in, reading, summary_of
from crawler.logs import configure_logging, silence_logging
from crawler.running import run_crawl
from crawler.spiders.arguments import parse_arguments
from crawler.spiders.loader import load_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import FrameType

    from twisted.python.failure import Failure

    from crawler.crawler import Crawler
    from crawler.result import CrawlResult
    from crawler.settings import Settings
    from crawler.spiders import Spider

logger = logging.getLogger(__name__)


def crawl(name: str, run: RunOptions, given: SettingOptions) -> None:
    """Run the spider *name* of the project; end with the exit code that says how it went."""
    project = open_project(given.assignments)
    runtimes.own()  # the reactor is installed first: a module of the project may import it
    _run(project.loader().load(name), project, run, given, {"spider": name})


def run_file(path: str, name: str | None, run: RunOptions, given: SettingOptions) -> None:
    """Run the spider in the file *path*, the one called *name* if it holds several."""
    project = open_project(given.assignments)
    runtimes.own()  # see above
    spidercls = load_file(path, name)
    _run(spidercls, project, run, given, {"spider": spidercls.name, "file": str(Path(path).resolve())})


def resume(name: str | None, given: SettingOptions, *, progress: bool) -> None:
    """Go on with the job *name*, by default the one that was interrupted last, as the command that began it."""
    project = open_project(given.assignments)
    job = _to_resume(project, name)
    path = str(job.path.resolve())  # a relative one means another folder where the job was begun
    command = command_of(job.path, key_file=project.settings.frontier.key_path)
    run = RunOptions(
        command["arguments"],
        tuple(command["outputs"]),
        tuple(command["overwrites"]),
        progress=progress,
        job=path,
    )
    _go_to(command["directory"], job)
    # What is said now counts more than what was said when the job began.
    assignments = (*command["assignments"], *given.assignments)
    project = open_project(assignments)
    given = replace(given, assignments=assignments)
    runtimes.own()  # see above
    if "file" in command:
        spidercls = load_file(command["file"], command["spider"])
    else:
        spidercls = project.loader().load(command["spider"])
    again: dict[str, Any] = {name: command[name] for name in ("spider", "file") if name in command}
    _run(spidercls, project, run, given, again, job_name=path if name is not None and os.sep in name else job.name)


def _go_to(directory: str, job: JobSummary) -> None:
    """Go to where the *job* was begun: its project is found from there, and so are the files that its command names."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise UsageError(
            f"the job {job.name} was begun in {directory}, which cannot be entered: {error.strerror}. Its outputs are there: bring "
            "the folder back to resume the job"
        ) from error


def _to_resume(project: Project, name: str | None) -> JobSummary:
    """Return the job *name*, whatever its state: opening it tells what speaks against it. By default, the last unfinished one."""
    if name is not None and os.sep in name:
        return summary_of(Path(name))
    jobs = list(jobs_in(project.state_directory))
    unfinished = [job for job in jobs if job.state == "interrupted"]
    candidates = unfinished if name is None else [job for job in jobs if job.name == name]
    if candidates:
        return candidates[-1]
    there = f"unfinished are: {', '.join(job.name for job in unfinished)}" if unfinished else "none is unfinished"
    raise UsageError(
        f"{'no job is unfinished' if name is None else f'there is no job {name!r}; {there}'} (crawler jobs shows all)"
    )


def _run(
    spidercls: type[Spider],
    project: Project,
    run: RunOptions,
    given: SettingOptions,
    command: dict[str, Any],
    *,
    job_name: str = "",
) -> None:
    if run.job:
        project.settings.set("frontier.job", run.job, "cmdline")
    if run.dashboard:
        project.settings.set("dashboard.enabled", True, "cmdline")
    settings = begin_logging(spidercls, project.settings, given)
    if run.report and settings.frontier.store == "memory":
        raise UsageError(
            "a report is made from the job of a crawl, and frontier.store = 'memory' keeps none: use sqlite"
        )
    if run.job and settings.frontier.store == "memory":
        raise UsageError(
            f"the job {run.job} is kept on disk, and frontier.store = 'memory' keeps nothing: crawl without one of the two"
        )
    arguments = parse_arguments(spidercls, run.arguments)
    feeds = run.feeds(settings.export.defaults())
    if not run.job and settings.frontier.store != "memory":
        _tell_of_unfinished(project, spidercls.name)
    again = {
        **command,
        "arguments": run.arguments,
        "outputs": run.outputs,
        "overwrites": run.overwrites,
        "assignments": given.assignments,
        "directory": str(Path.cwd()),
    }
    with deaf_to_ctrl_c() as begun:
        with _view(run, given) as live:

            def watch(crawler: Crawler) -> None:
                begun()
                if live:
                    live.watch(crawler)
                debug_errors(crawler, given)

            result = crawl_of(spidercls, project.settings, arguments, feeds=feeds, on_start=watch, command=again)
        _tell(result, live, given, go_on=_to_go_on(result, job_name or settings.frontier.job))
    if run.report and result.job_folder is not None:
        _report(result.job_folder, run.report)
    click.get_current_context().exit(of_result(result))


@contextmanager
def deaf_to_ctrl_c() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C have no effect, other than that which a crawl gives it, once what is yielded was called.

    Who pressed it twice, and once too late, still wants to be told how the crawl went.
    """
    has_begun = False

    def begun() -> None:
        nonlocal has_begun
        has_begun = True

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not has_begun:
            signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield begun
    finally:
        signal.signal(signal.SIGINT, before)


def _report(job: Path, file: str) -> None:
    from crawler.report import facts_of, report_page  # after the crawl, and only where it was asked for

    Path(file).write_text(report_page(facts_of(job)), encoding="utf-8")
    click.echo(f"Report: {file}", err=True)


def begin_logging(spidercls: type[Spider], settings: Settings, given: SettingOptions) -> Settings:
    """Log as a crawl of *spidercls* with *settings* does; return its settings, the spider's own among them."""
    effective = effective_settings(spidercls, settings)
    if given.nolog:
        silence_logging()
    else:
        configure_logging(effective.log)
    return effective


def crawl_of(spidercls: type[Spider], settings: Settings, arguments: Mapping[str, Any], **options: Any) -> CrawlResult:
    """Crawl, with the *options* of :func:`run_crawl`; say in a sentence what of the user's raised while it was put together."""
    try:
        return run_crawl(spidercls, settings, arguments, **options)
    except (CrawlerError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise CommandError(_could_not_start(spidercls, error), ExitCode.NOT_STARTED) from error


def debug_errors(crawler: Crawler, given: SettingOptions) -> None:
    """Stop in the debugger where a callback or a pipeline of *crawler* raises, if that is asked for."""
    if not given.pdb:
        return
    from crawler.shell import debug  # only for who debugs

    def stop(failure: Failure) -> None:
        assert failure.value is not None  # an exception was raised
        debug(failure.value)

    crawler.signals.connect(stop, signals.spider_error, weak=False)
    crawler.signals.connect(stop, signals.item_error, weak=False)


def _tell_of_unfinished(project: Project, spider: str) -> None:
    """Say that an earlier crawl of *spider* can be resumed; this one is another job."""
    jobs = list(jobs_in(project.state_directory, unfinished_of=spider))
    for job in jobs[-1:]:
        logger.info(
            "There is an unfinished job of %s: %s (%d ended, %d waiting). Resume it with  crawler resume %s  or drop it with  "
            "crawler jobs --drop %s%s. This is a new one",
            spider,
            job.name,
            sum(job.ended.values()),
            job.waiting,
            job.name,
            job.name,
            f"; {len(jobs) - 1} more are told by  crawler jobs" if len(jobs) > 1 else "",
        )


def _view(run: RunOptions, given: SettingOptions) -> AbstractContextManager[Any]:
    """Return the live view, or nothing where nobody watches."""
    if not run.progress or given.quiet or not sys.stderr.isatty():
        return nullcontext()
    from crawler.cli.progress import LiveView  # brings rich, which plain logs do without

    return LiveView()


def _to_go_on(result: CrawlResult, job_name: str) -> str:
    """Return the command that goes on with the crawl, whose job was asked for as *job_name*; empty if nothing is left of it."""
    folder = result.job_folder
    if folder is None:
        return ""
    try:
        with reading(folder) as (_, kept):
            if kept.get("state") == FINISHED:
                return ""
    except JobError:
        return ""  # it was told when it could not be written
    return f"crawler resume {job_name or folder.name}"


def _tell(result: CrawlResult, live: Any, given: SettingOptions, *, go_on: str) -> None:
    """Say how the crawl went, and how to *go_on* with it: a table in a terminal, else lines in the log."""
    if _brought_nothing(result.stats) and result.reason == "finished":
        logger.warning(
            "No callback yielded anything, neither an item nor a request: is a  yield  missing, or does a selector find nothing? "
            "`crawler parse` and `crawler shell` show what comes of a page"
        )
    if live is not None:
        live.summary(result, go_on)
        return
    now = result.snapshot
    if now is not None and not given.quiet:
        logger.info(
            "Crawl of %s ended (%s): %d pages, %d items, %d errors in %.1f s",
            now.spider,
            result.reason,
            now.pages,
            now.items,
            now.errors,
            now.elapsed,
        )
        if go_on:
            logger.info("It has not finished. Go on with  %s", go_on)


def _brought_nothing(stats: Mapping[str, Any]) -> bool:
    """Tell whether callbacks had pages and made nothing of them, without an error that would say why."""
    read = stats.get("response_received_count", 0) - stats.get("httperror/response_ignored_count", 0)
    brought = (
        "item_scraped_count",
        "item_dropped_count",
        "item_error_count",
        "spider_exceptions/count",
        "request_depth_max",
    )
    return read > 0 and not any(
        stats.get(name) for name in (*brought, *(one for one in stats if one.startswith("dropped/")))
    )


def _could_not_start(spidercls: type[Spider], error: Exception) -> str:
    """Return what to say about code of the user's that raised while the crawl was put together."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    logger.debug("The crawl of %s could not start", spidercls.__name__, exc_info=error)
    return f"the crawl of {spidercls.name!r} could not start: {describe(error)}\n  at {where} (more with -L DEBUG)"
