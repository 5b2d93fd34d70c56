"""``crawler resume``: go on with a crawl that was interrupted."""

from __future__ import annotations

import click

from crawler.cli import completing
from crawler.cli.options import SettingOptions, setting_options


@click.command()
@click.argument("job", required=False, shell_complete=completing.job)
@click.option("--no-progress", is_flag=True, help="Plain log lines in place of the live view.")
@setting_options
def command(job: str | None, no_progress: bool, setting_options: SettingOptions) -> None:
    """Go on with a crawl that was interrupted, however it ended.

    JOB is a name that `crawler jobs` shows, or a folder; by default the job that was interrupted last. Spider, arguments, settings
    and outputs are those of the command that began it; -s counts before its settings.

    \b
    Examples:
      crawler resume
      crawler resume books-2026-11-23-0900 -s politeness.delay=2
    """
    from crawler.cli import running  # brings Twisted and lxml, which --help does without

    running.resume(job, setting_options, progress=not no_progress)
