"""``crawler genspider``: a new spider."""

from __future__ import annotations

from pathlib import Path

import click

from crawler.cli import completing
from crawler.cli.options import SettingOptions
from crawler.cli.templates import SPIDERS, spider_file, spider_template
from crawler.exceptions import UsageError


@click.command()
@click.argument("name", required=False)
@click.argument("site", required=False)
@click.option(
    "-t",
    "--template",
    default="basic",
    show_default=True,
    metavar="NAME|FILE",
    shell_complete=completing.template,
    help="One of the templates, or a file of your own.",
)
@click.option("-l", "--list", "lists", is_flag=True, help="List the templates.")
@click.option("-d", "--dump", is_flag=True, help="Print the spider, or without NAME the template; write nothing.")
@click.option("-e", "--edit", is_flag=True, help="Open the spider in an editor.")
@click.option("--force", is_flag=True, help="Overwrite the file if there is one.")
def command(
    name: str | None, site: str | None, template: str, lists: bool, dump: bool, edit: bool, force: bool
) -> None:
    """Write a new spider from a template.

    It goes into the first spiders folder of the project, outside of one into the current folder. SITE is a domain or a URL. A
    template of your own has $name, $class_name, $domain, $url, $root (the URL without its path) and $env (the name in capitals).

    \b
    Examples:
      crawler genspider books books.toscrape.com
      crawler genspider -t crawl docs https://docs.example.org/en/
      crawler genspider -t templates/ours.py.tmpl shop shop.example.org
      crawler genspider --list
    """
    if lists:
        width = max(map(len, SPIDERS))
        click.echo("\n".join(f"{one:<{width}}  {meaning}" for one, meaning in SPIDERS.items()))
        return
    if dump and name is None:
        click.echo(spider_template(template), nl=False)
        return
    if name is None or site is None:
        raise UsageError("name the spider and its site: crawler genspider NAME SITE")
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
    if edit:
        from crawler.cli.editing import open_editor  # brings lxml, which --help does without

        open_editor(path)


def _folder() -> Path:
    from crawler.cli.project import open_project  # brings lxml, which --help does without

    project = open_project(SettingOptions().assignments)
    if project.directory is None:
        return Path()
    first = project.settings.project.spiders[0] if project.settings.project.spiders else "spiders"
    return project.directory / (first if (project.directory / first).is_dir() else first.replace(".", "/"))
