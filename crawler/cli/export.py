"""``crawler export``: write the items of a job again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import click

from crawler.cli import completing
from crawler.cli.options import RunOptions, SettingOptions, setting_options
from crawler.exceptions import UsageError

if TYPE_CHECKING:
    from crawler.exporters import Feeds
    from crawler.frontier.jobs import JobSummary
    from crawler.settings import Settings


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

    JOB is a name that `crawler jobs` shows, or a folder; by default the newest. The job must have been crawled with
    frontier.keep_items.

    \b
    Examples:
      crawler crawl books -s frontier.keep_items=true
      crawler export -O books.csv -O books.xml
    """
    from crawler.cli.project import found_jobs, open_project  # brings lxml, which --help does without
    from crawler.exporters import Feeds
    from crawler.frontier.jobs import count_kept_items, items_of

    project = open_project(setting_options.assignments)
    if not outputs and not overwrites:
        raise UsageError("say where to: -o FILE")
    (found,) = found_jobs(project, [job] if job else [])
    kept = _kept_of(found, count_kept_items(found.path))  # before a file is emptied for them
    options = RunOptions({}, outputs, overwrites).feeds(project.settings.export.defaults())
    feeds = Feeds.open_all(options, spider=SimpleNamespace(name=found.spider), alone=True)
    for item in items_of(found.path):
        feeds.append(feeds.serialize(item))
    _finish(feeds, project.settings)
    if not setting_options.quiet:
        click.echo(kept, err=any(one.uri == "-" for one in options))


def _kept_of(job: JobSummary, count: int) -> str:
    """Return how many items are written. Raise UsageError if the job has items, and has kept none."""
    if not count and job.items:
        raise UsageError(f"the job {job.name} has not kept its items: crawl with -s frontier.keep_items=true")
    told = f"{count:,} item{'s' * (count != 1)} of {job.name} written"
    if count < job.items:
        return f"{told}; the other {job.items - count:,} were not kept, as frontier.keep_items was off meanwhile"
    return told


def _finish(feeds: Feeds, settings: Settings) -> None:
    """Make whole documents of *feeds*, and deliver those that are to be delivered."""
    from crawler.exporters.delivery import Delivery  # see above

    feeds.close()
    delivery = Delivery(settings.storages, None)
    for feed in feeds.spooled:
        for batch in feed.undelivered:
            delivery.deliver(feed, batch)
            feed.delivered(batch)
    feeds.committed()
    feeds.remove_spool()
