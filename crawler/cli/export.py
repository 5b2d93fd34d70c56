"""``crawler export``: write the items of a job again."""

from __future__ import annotations

import click

from crawler.cli import completing
from crawler.cli.options import RunOptions, SettingOptions, setting_options
from crawler.exceptions import UsageError


@click.command()
@click.argument("job", required=False, shell_complete=completing.job)
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FILE[:FORMAT]", help="Where to; goes on after what is there."
)
@click.option(
    "-O", "--overwrite-output", "overwrites", multiple=True, metavar="FILE[:FORMAT]", help="As -o, beginning anew."
)
@setting_options
def command(
    job: str | None, outputs: tuple[str, ...], overwrites: tuple[str, ...], setting_options: SettingOptions
) -> None:
    """Write the items of a job again, in another format.

    JOB is a name that `crawler jobs` shows; by default the newest. The job must have been crawled with frontier.keep_items.

    \b
    Examples:
      crawler crawl books -s frontier.keep_items=true
      crawler export -O books.csv -O books.xml
    """
    from crawler.cli.project import open_project  # brings lxml, which --help does without
    from crawler.exporters import Feeds
    from crawler.frontier.jobs import items_of, jobs_in

    project = open_project(setting_options.assignments)
    if not outputs and not overwrites:
        raise UsageError("say where to: -o FILE")
    jobs = [one for one in jobs_in(project.state_directory) if job is None or one.name == job]
    if not jobs:
        raise UsageError(f"there is no job{f' {job!r}' if job else ''} in {project.state_directory}")
    feeds = Feeds.open_all(RunOptions({}, outputs, overwrites).feeds(project.settings.export.defaults()))
    count = 0
    for item in items_of(jobs[-1].path):
        feeds.append(feeds.serialize(item))
        count += 1
    feeds.close()
    if not count and jobs[-1].items:
        raise UsageError(f"the job {jobs[-1].name} has not kept its items: crawl with -s frontier.keep_items=true")
    click.echo(f"{count:,} items of {jobs[-1].name} written")
