"""``crawler view``: a page in the browser, as the crawler gets it."""

from __future__ import annotations

import click

from crawler.cli.options import SettingOptions, SpiderOptions, setting_options, spider_options


@click.command()
@click.argument("url")
@click.option("--no-redirect", is_flag=True, help="Follow no redirect: show the first answer.")
@spider_options
@setting_options
def command(url: str, no_redirect: bool, spider_options: SpiderOptions, setting_options: SettingOptions) -> None:
    """Open a page in the browser, as the crawler gets it.

    What a spider sees is often not what a browser shows: nothing has run its scripts, nobody is logged in. The page is in a
    temporary file that only you can read, and its links and images work.

    \b
    Examples:
      crawler view https://books.toscrape.com/
      BROWSER=lynx crawler view https://books.toscrape.com/
    """
    from crawler.cli import looking  # brings Twisted and lxml, which --help does without

    looking.view(url, spider_options, setting_options, redirect=not no_redirect)
