"""``crawler runspider``: run the spider in a file."""

from __future__ import annotations

import click

from crawler.cli.options import RunOptions, SettingOptions, run_options, setting_options


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--spider", metavar="NAME", help="Which spider, if FILE holds several.")
@run_options
@setting_options
def command(file: str, spider: str | None, run_options: RunOptions, setting_options: SettingOptions) -> None:
    """Run the spider in a Python file; no project is needed.

    Inside a project its settings hold.

    \b
    Examples:
      crawler runspider quotes.py -o quotes.jsonl
      crawler runspider quotes.py -a tag=humor -s crawl.max_pages=10
      crawler runspider shops.py --spider books
    """
    from crawler.cli import running  # brings Twisted and lxml, which --help does without

    running.run_file(file, spider, run_options, setting_options)
