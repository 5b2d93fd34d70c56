"""``crawler fetch``: a page as the crawler gets it."""

from __future__ import annotations

import click

from crawler.cli.options import SettingOptions, SpiderOptions, setting_options, spider_options


@click.command()
@click.argument("url")
@click.option("--headers", is_flag=True, help="Show the headers that were sent and that came, not the body.")
@click.option("--no-redirect", is_flag=True, help="Follow no redirect: show the first answer.")
@spider_options
@setting_options
def command(
    url: str, headers: bool, no_redirect: bool, spider_options: SpiderOptions, setting_options: SettingOptions
) -> None:
    """Write a page to standard output, as the crawler gets it.

    It is fetched through the engine, with the settings and middlewares of the spider for its site if the project has one, else with
    the project's. robots.txt is not asked and nothing is tried again, unless -s politeness.obey_robots=true and
    -s retry.enabled=true say so. The exit code is 1 if no page comes, or one whose status is 400 or more.

    \b
    Examples:
      crawler fetch https://books.toscrape.com/ > page.html
      crawler fetch --headers --no-redirect http://toscrape.com/
      crawler fetch --spider books https://books.toscrape.com/
    """
    from crawler.cli import looking  # brings Twisted and lxml, which --help does without

    looking.fetch(url, spider_options, setting_options, headers=headers, redirect=not no_redirect)
