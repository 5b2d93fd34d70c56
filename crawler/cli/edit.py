"""``crawler edit``: the file of a spider."""

from __future__ import annotations

import inspect
from pathlib import Path

import click

from crawler.cli import completing
from crawler.cli.options import SettingOptions, setting_options


@click.command()
@click.argument("spider", shell_complete=completing.spider)
@setting_options
def command(spider: str, setting_options: SettingOptions) -> None:
    """Open the file of a spider in an editor.

    The editor is the one that the setting project.editor names, else VISUAL or EDITOR of the environment.

    \b
    Examples:
      crawler edit books
      EDITOR="code --wait" crawler edit books
    """
    from crawler.cli.editing import open_editor  # brings lxml, which --help does without
    from crawler.cli.project import open_project

    spidercls = open_project(setting_options.assignments).loader().load(spider)
    open_editor(Path(inspect.getfile(spidercls)))
