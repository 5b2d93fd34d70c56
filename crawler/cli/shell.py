"""``crawler shell``: a prompt with a page at hand."""

from __future__ import annotations

import sys

import click

from crawler.cli import completing
from crawler.cli.options import SettingOptions, SpiderOptions, setting_options, spider_options


@click.command()
@click.argument("place", metavar="[URL|FILE]", required=False, shell_complete=completing.file)
@click.option("-c", "code", metavar="CODE", help="Run CODE instead of asking, and print the value that it ends with.")
@click.option("--no-redirect", is_flag=True, help="Follow no redirect: the first answer is the response.")
@click.option("--plain", is_flag=True, help="Python's own prompt, even if IPython is installed.")
@spider_options
@setting_options
def command(
    place: str | None,
    code: str | None,
    no_redirect: bool,
    plain: bool,
    spider_options: SpiderOptions,
    setting_options: SettingOptions,
) -> None:
    """Try out selectors, requests and spiders at a prompt.

    At hand are response, request, spider, crawler and settings; fetch(URL or Request) gets another page and keeps the cookies,
    view() opens the response in a browser, and await works. The spider is the one for the site of URL, if the project has one: its
    settings and middlewares take part. robots.txt is not asked and nothing is tried again, unless -s politeness.obey_robots=true
    and -s retry.enabled=true say so.

    Code from standard input is run as a script, if that is no terminal.

    \b
    Examples:
      crawler shell https://books.toscrape.com/
      crawler shell page.html
      crawler shell https://books.toscrape.com/ -c 'response.css("h3 a")'
      crawler shell --spider books -s http.timeout=5 https://books.toscrape.com/
    """
    from crawler.cli import looking  # brings Twisted and lxml, which --help does without

    if code is None and not sys.stdin.isatty():
        code = sys.stdin.read()
    looking.shell(place, spider_options, setting_options, code=code, redirect=not no_redirect, plain=plain)
