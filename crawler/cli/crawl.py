"""``crawler crawl``: run a spider of the project."""

from __future__ import annotations

import click

from crawler.cli import completing
from crawler.cli.options import RunOptions, SettingOptions, run_options, setting_options


@click.command()
@click.argument("spider", shell_complete=completing.spider)
@run_options
@setting_options
def command(spider: str, run_options: RunOptions, setting_options: SettingOptions) -> None:
    """Run a spider of the project.

    SPIDER is its name; `crawler list` shows them all. Ctrl-C once finishes what is in flight and ends well, twice stops at
    once.

    \b
    Examples:
      crawler crawl books -o books.jsonl
      crawler crawl books -o books.csv -o books.json.gz   several outputs at once
      crawler crawl books -O - -q | head                  to standard output
      crawler crawl docs -a url=https://docs.python.org/  a spider's argument
      crawler crawl books -s crawl.max_pages=50 -s politeness.delay=2
      crawler crawl books -L DEBUG --logfile crawl.log
    """
    from crawler.cli import running  # brings Twisted and lxml, which --help does without

    running.crawl(spider, run_options, setting_options)
