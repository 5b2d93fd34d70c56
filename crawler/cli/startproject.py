"""``crawler startproject``: a new project."""

from __future__ import annotations

from pathlib import Path

import click

from crawler.cli.templates import project_files
from crawler.exceptions import UsageError


@click.command()
@click.argument("name")
@click.argument("directory", required=False, type=click.Path(file_okay=False))
def command(name: str, directory: str | None) -> None:
    """Make a new project: settings, items, pipelines, a first spider, its tests.

    DIRECTORY is by default a new folder called NAME. Nothing that exists is overwritten.

    \b
    Examples:
      crawler startproject shop
      crawler startproject shop .
    """
    folder = Path(directory or name)
    files = project_files(name)
    taken = [str(folder / path) for path in files if (folder / path).exists()]
    if taken:
        raise UsageError(f"there are files already: {', '.join(taken)}; choose another folder")
    try:
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}") from error
    click.echo(f"A new project is in {folder.resolve()}\n\nTry it:")
    click.echo(f"  cd {folder}" if directory != "." else "", nl=directory != ".")
    click.echo("  crawler list\n  crawler crawl quotes -o quotes.jsonl\n  crawler genspider NAME SITE\n  pytest")
