"""``crawler jobs``: what crawls have come to, and which can be resumed."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

from crawler.cli import completing
from crawler.cli.options import SettingOptions, setting_options
from crawler.exceptions import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from crawler.frontier.jobs import JobSummary


@click.command()
@click.option(
    "--clean", is_flag=True, help="Remove the finished jobs: all, or those that -s frontier.keep_jobs=N does not keep."
)
@click.option("--drop", metavar="JOB", shell_complete=completing.job, help="Remove one job, finished or not.")
@setting_options
def command(clean: bool, drop: str | None, setting_options: SettingOptions) -> None:
    """List the jobs: what crawls have come to, and which can be resumed.

    A job is kept from the start of a crawl, in the folder frontier.directory of the project. When a crawl begins, the finished
    ones are removed but for the newest frontier.keep_jobs.

    \b
    Examples:
      crawler jobs
      crawler jobs --clean
      crawler jobs --clean -s frontier.keep_jobs=3
      crawler jobs --drop books-2026-11-23-0900
    """
    from crawler.cli.project import found_jobs, open_project  # brings lxml, which --help does without
    from crawler.frontier.jobs import RUNNING, finished_in, jobs_in

    project = open_project(setting_options.assignments)
    directory = project.state_directory
    if drop is not None:
        (job,) = found_jobs(project, [drop])
        if job.state == RUNNING:
            raise UsageError(f"the job {job.name} is running; stop it first")
        _remove(job.path)
    if clean:
        keep = project.settings.frontier.keep_jobs if setting_options.sets("frontier.keep_jobs") else 0
        for path in finished_in(directory, keep=keep):
            _remove(path)
    jobs = list(jobs_in(directory))
    if not jobs:
        click.echo(f"There are no jobs in {directory}.")
        return
    for line in _table(jobs, shutil.get_terminal_size().columns if sys.stdout.isatty() else None):
        click.echo(line)


def _remove(path: Path) -> None:
    from crawler.frontier.folder import remove_job  # see above

    try:
        remove_job(path)
    except OSError as error:
        raise UsageError(f"the job {path} cannot be removed: {error.strerror or error}") from error
    click.echo(f"removed {path.name}")


_WHAT = ("JOB", "SPIDER", "STARTED (UTC)", "STATE")
_COUNTS = ("DONE", "WAITING", "FAILED", "DROPPED", "ITEMS", "SIZE")


def _table(jobs: Sequence[JobSummary], width: int | None) -> Iterator[str]:
    """Yield the lines of the table: one for each job, two where *width* does not take that."""
    what = _columns([_WHAT, *((job.name, job.spider, job.started, job.state) for job in jobs)], str.ljust)
    counts = _columns([_COUNTS, *map(_counts, jobs)], str.rjust)
    is_wide = width is None or max(map(len, what)) + 2 + len(counts[0]) <= width
    longest = max(map(len, what))
    for one, other in zip(what, counts, strict=True):
        if is_wide:
            yield f"{one.ljust(longest)}  {other}"
        else:
            yield one
            yield f"  {other}"


def _columns(rows: Sequence[Sequence[str]], align: Callable[[str, int], str]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(align(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _counts(job: JobSummary) -> tuple[str, ...]:
    from crawler.cli.screen import size  # brings rich, see above

    counts = (job.ended.get("done", 0), job.waiting, job.ended.get("failed", 0), job.ended.get("dropped", 0), job.items)
    return (*(f"{count:,}" for count in counts), size(job.size))
