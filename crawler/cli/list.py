"""``crawler list``: the spiders of the project."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from crawler.cli.options import SettingOptions, setting_options

if TYPE_CHECKING:
    from crawler.spiders import Spider


@click.command()
@click.option("-v", "--verbose", is_flag=True, help="Also what each is for, its arguments and its file.")
@setting_options
def command(verbose: bool, setting_options: SettingOptions) -> None:
    """List the spiders of the project, a name a line.

    Modules that do not import are told on standard error; the spiders of the others are listed.

    \b
    Examples:
      crawler list
      crawler list -v
    """
    from crawler.cli.project import open_project  # brings lxml, which --help does without

    loader = open_project(setting_options.assignments).loader()
    for name in loader.list():
        click.echo(_described(loader.load(name)) if verbose else name)
    for module in loader.broken:
        click.echo(f"does not import: {module}", err=True)


def _described(spidercls: type[Spider]) -> str:
    from crawler.spiders.arguments import spider_arguments  # as above

    lines = [spidercls.name]
    lines.extend((inspect.cleandoc(spidercls.__doc__ or "")).splitlines()[:1])
    named, takes_others = spider_arguments(spidercls)
    lines.extend(f"-a {argument}" for argument in named)
    if takes_others:
        lines.append("-a and any other argument")
    lines.append(inspect.getfile(spidercls))
    return "\n    ".join(lines)
