"""``crawler jobs``: what crawls have come to, and which can be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crawler.cli import completing
from crawler.cli.options import SettingOptions, setting_options
from crawler.exceptions import UsageError

if TYPE_CHECKING:
    from crawler.frontier.jobs import JobSummary


@click.command()
@click.option("--clean", is_flag=True, help="Remove the finished jobs.")
@click.option("--drop", metavar="JOB", shell_complete=completing.job, help="Remove one job, finished or not.")
@setting_options
def command(clean: bool, drop: str | None, setting_options: SettingOptions) -> None:
    """List the jobs: what crawls have come to, and which can be resumed.

    A job is kept from the start of a crawl, in the folder frontier.directory of the project. Of the finished ones, the newest
    frontier.keep_jobs are kept.

    \b
    Examples:
      crawler jobs
      crawler jobs --clean
      crawler jobs --drop books-2026-11-23-0900
    """
    from crawler.cli.project import open_project  # brings lxml, which --help does without
    from crawler.frontier.jobs import jobs_in, remove_finished, remove_job

    directory = open_project(setting_options.assignments).state_directory
    if drop is not None:
        job = next((one for one in jobs_in(directory) if one.name == drop), None)
        if job is None:
            raise UsageError(f"there is no job {drop!r} in {directory}")
        if job.state == "running":
            raise UsageError(f"the job {drop} is running; stop it first")
        remove_job(job.path)
        click.echo(f"removed {drop}")
    if clean:
        for name in remove_finished(directory, 0):
            click.echo(f"removed {name}")
    rows = [_HEADER, *map(_row, jobs_in(directory))]
    if len(rows) == 1:
        click.echo(f"There are no jobs in {directory}.")
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


_HEADER = ("JOB", "SPIDER", "STARTED", "STATE", "DONE", "WAITING", "FAILED", "DROPPED", "ITEMS", "SIZE")


def _row(job: JobSummary) -> tuple[str, ...]:
    counts = (job.ended.get("done", 0), job.waiting, job.ended.get("failed", 0), job.ended.get("dropped", 0), job.items)
    size = f"{job.size / 1024 / 1024:.1f} MiB"
    return (job.name, job.spider, job.started, job.state, *(f"{count:,}" for count in counts), size)
