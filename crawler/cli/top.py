"""``crawler top``: watch a crawl that runs in another process."""

from __future__ import annotations

import click

from crawler.cli.options import SettingOptions, setting_options


@click.command()
@click.argument("job", required=False)
@click.option("--once", is_flag=True, help="Show it once and end; the default where there is no terminal.")
@setting_options
def command(job: str | None, once: bool, setting_options: SettingOptions) -> None:
    """Watch a crawl that runs in another terminal, by default the one that began last.

    It is read from its job, once a second, and not disturbed. Ctrl-C ends the watching, not the crawl.

    \b
    Examples:
      crawler top
      crawler top books-2026-11-23-0900 --once
    """
    from crawler.cli.project import found_jobs, open_project  # brings lxml, which --help does without
    from crawler.cli.watching import watch_job

    (found,) = found_jobs(open_project(setting_options.assignments), [job] if job else [])
    watch_job(found.path, once=once)
