"""``crawler genspider``: a new spider."""

from __future__ import annotations

from pathlib import Path

import click

from crawler.cli.options import SettingOptions
from crawler.cli.templates import SPIDERS, spider_file
from crawler.exceptions import UsageError


@click.command()
@click.argument("name")
@click.argument("site")
@click.option("-t", "--template", type=click.Choice(sorted(SPIDERS)), default="basic", show_default=True)
@click.option("--dump", is_flag=True, help="Print the spider, write nothing.")
@click.option("--force", is_flag=True, help="Overwrite the file if there is one.")
def command(name: str, site: str, template: str, dump: bool, force: bool) -> None:
    """Write a new spider from a template.

    It goes into the first spiders folder of the project, outside of one into the current folder. SITE is a domain or a URL.

    \b
    Examples:
      crawler genspider books books.toscrape.com
      crawler genspider -t crawl docs https://docs.example.org/en/
    """
    text = spider_file(template, name, site)
    if dump:
        click.echo(text, nl=False)
        return
    path = _folder() / f"{name.replace('-', '_')}.py"
    if path.exists() and not force:
        raise UsageError(f"{path} exists; --force overwrites it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
    click.echo(f"Wrote {path}")


def _folder() -> Path:
    from crawler.cli.project import open_project  # brings lxml, which --help does without

    project = open_project(SettingOptions().assignments)
    if project.directory is None:
        return Path()
    first = project.settings.project.spiders[0] if project.settings.project.spiders else "spiders"
    return project.directory / (first if (project.directory / first).is_dir() else first.replace(".", "/"))
