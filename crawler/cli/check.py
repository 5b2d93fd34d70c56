"""``crawler check``: callbacks against the contracts in their docstrings."""

from __future__ import annotations

import click

from crawler.cli import completing
from crawler.cli.options import Assignment, SettingOptions, setting_options


@click.command()
@click.argument("spiders", metavar="[SPIDER]...", nargs=-1, shell_complete=completing.spider)
@click.option("-l", "--list", "lists", is_flag=True, help="List the contracts, check none.")
@click.option("-v", "--verbose", is_flag=True, help="Tell of every contract, the kept ones too.")
@click.option(
    "-a",
    "arguments",
    type=Assignment(),
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument of the spiders. May be repeated.",
)
@setting_options
def command(
    spiders: tuple[str, ...],
    lists: bool,
    verbose: bool,
    arguments: tuple[tuple[str, str], ...],
    setting_options: SettingOptions,
) -> None:
    """Check callbacks against the contracts in their docstrings.

    The page of each @url is fetched as in a crawl, its callback is run, and what it yields is held against @returns, @scrapes and
    the contracts of the project's own (components.contracts). Items go nowhere, requests are not followed. Meanwhile
    CRAWLER_CHECK and SCRAPY_CHECK are "true" in the environment. The exit code is 1 if a contract is broken or could not be tried.

    \b
    Examples:
      crawler check
      crawler check books -v
      crawler check -l

    \b
    Against saved pages, once they have been fetched without the last setting:
      crawler check -s cache.enabled=true -s cache.policy=everything \\
          -s cache.offline=true
    """
    from crawler.cli import checking  # brings Twisted and lxml, which --help does without

    if lists:
        checking.list_contracts(spiders, setting_options)
    else:
        checking.check(spiders, dict(arguments), setting_options, verbose=verbose)
