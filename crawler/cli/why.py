"""``crawler why``: what became of a URL, and why."""

from __future__ import annotations

import click

from crawler.cli import completing
from crawler.cli.options import SettingOptions, setting_options
from crawler.exceptions import InvalidURLError, UsageError


@click.command()
@click.argument("url")
@click.option(
    "--job", metavar="JOB", shell_complete=completing.job, help="Name of the job, or its folder; by default the newest."
)
@setting_options
def command(url: str, job: str | None, setting_options: SettingOptions) -> None:
    """Tell what became of a URL in a crawl, and why.

    How it was found, from the start; how often it was tried and what came of it; or which rule kept it out.

    \b
    Examples:
      crawler why https://books.toscrape.com/
      crawler why https://books.toscrape.com/ --job books-2026-11-23-0900
    """
    from crawler.cli.project import found_jobs, open_project  # brings lxml, which --help does without
    from crawler.frontier.story import story_of
    from crawler.url import ensure_absolute

    try:
        url = ensure_absolute(url)
    except InvalidURLError as error:
        raise UsageError(str(error)) from error
    (found,) = found_jobs(open_project(setting_options.assignments), [job] if job else [])
    story = story_of(url, found.path)
    first = next(story)  # what is wrong with the job is told alone
    click.echo(f"In the job {found.name}, which is {found.state}:")
    for line in (first, *story):
        click.echo(line)
