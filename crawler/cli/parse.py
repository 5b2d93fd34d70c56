"""``crawler parse``: what a callback makes of a page."""

from __future__ import annotations

import json
from typing import Any

import click

from crawler.cli import completing
from crawler.cli.options import SettingOptions, SpiderOptions, setting_options, spider_options


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object, as a dictionary."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """Return the dictionary; fail, saying where, if it is no JSON or no object."""
        if isinstance(value, dict):
            return value
        try:
            loaded = json.loads(value)
        except ValueError as error:
            self.fail(f"{value!r} is no JSON: {error}", param, ctx)
        if not isinstance(loaded, dict):
            self.fail(f'{value!r} is no JSON object; write {{"name": "value"}}', param, ctx)
        return loaded


@click.command()
@click.argument("url")
@click.option("-c", "--callback", metavar="METHOD", help="The spider's method to run; by default parse.")
@click.option("-r", "--rules", is_flag=True, help="Run the callback of the rule that fits URL (CrawlSpider).")
@click.option(
    "-d", "--depth", type=click.IntRange(min=1), default=1, show_default=True, help="How many levels of pages to visit."
)
@click.option("-m", "--meta", type=JsonObject(), metavar="JSON", help="Meta of the request, as a JSON object.")
@click.option("--cbkwargs", type=JsonObject(), metavar="JSON", help="Arguments of the callback, as a JSON object.")
@click.option("--pipelines", is_flag=True, help="Pass the items through the pipelines.")
@click.option("--noitems", is_flag=True, help="Show no items.")
@click.option("--nolinks", is_flag=True, help="Show no requests.")
@click.option("--nocolour", "--nocolor", is_flag=True, help="Plain text, in a terminal too.")
@click.option("-v", "--verbose", is_flag=True, help="Show every level by itself.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FILE[:FORMAT]",
    shell_complete=completing.file,
    help="Also write the items to FILE.",
)
@click.option(
    "-O",
    "--overwrite-output",
    "overwrites",
    multiple=True,
    metavar="FILE[:FORMAT]",
    shell_complete=completing.file,
    help="As -o, but begin FILE anew.",
)
@spider_options
@setting_options
def command(spider_options: SpiderOptions, setting_options: SettingOptions, **options: Any) -> None:
    """Run a callback on a page and show the items and requests that it yields.

    The spider is the one of the project whose allowed_domains or name fit URL, or the one that --spider names. With --depth the
    requests that come out are visited too, with their own callbacks. The spider's settings hold, but for its feeds.

    \b
    Examples:
      crawler parse https://books.toscrape.com/
      crawler parse -c parse_page https://quotes.toscrape.com/page/2/
      crawler parse --spider docs -r --nolinks https://docs.example.org/intro
      crawler parse --spider quotes.py -d 2 -v https://quotes.toscrape.com/
    """
    from crawler.cli import rehearsing  # brings Twisted and lxml, which --help does without

    rehearsing.parse(spider_options, setting_options, rehearsing.ParseOptions(**options))
