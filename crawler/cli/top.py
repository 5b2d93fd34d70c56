"""``crawler top``: watch a crawl that runs in another process."""

from __future__ import annotations

import click

from crawler.cli.options import SettingOptions, setting_options


@click.command()
@click.argument("job", required=False)
@click.option("--once", is_flag=True, help="Show it once and end; the default where there is no terminal.")
@setting_options
def command(job: str | None, once: bool, setting_options: SettingOptions) -> None:
    """Watch a crawl that runs in another terminal, by default the one that began last; if none runs, see how the last one ended.

    It is read from its job, once a second, and not disturbed. Ctrl-C ends the watching, not the crawl.

    \b
    Examples:
      crawler top
      crawler top books-2026-11-23-0900 --once
    """
    from crawler.cli.project import found_jobs, open_project  # brings lxml, which --help does without
    from crawler.cli.watching import is_running, watch_job
    from crawler.frontier.jobs import RUNNING, jobs_in

    project = open_project(setting_options.assignments)
    running = sorted(
        (one for one in jobs_in(project.state_directory) if one.state == RUNNING), key=lambda one: one.started
    )
    (found,) = running[-1:] if running and not job else found_jobs(project, [job] if job else [])
    if not is_running(found.path):
        click.echo(f"{found.name} does not run; this is how it ended:", err=True)
    watch_job(found.path, also=[one.name for one in running if one.path != found.path], once=once)
