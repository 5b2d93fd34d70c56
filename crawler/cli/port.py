"""``crawler port``: a Scrapy project made into one of ours."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from crawler.cli.exitcodes import ExitCode

if TYPE_CHECKING:
    from crawler.porting import Plan


@click.command()
@click.argument("path", type=click.Path())
@click.option("--write", is_flag=True, help="Make the changes; without it they are only shown.")
@click.option("--force", is_flag=True, help="Write also where git does not have the files as they are.")
@click.option(
    "--imports-only", is_flag=True, help="Change imports and nothing else: import crawler as scrapy. No settings.toml."
)
@click.option("-q", "--quiet", is_flag=True, help="No diff, only what needs a hand.")
def command(path: str, *, write: bool, force: bool, imports_only: bool, quiet: bool) -> None:
    """Port a Scrapy project, or one Python file, and list what needs a hand.

    Imports of Scrapy become ours, the settings module becomes settings.toml; everything else stays byte for byte. The diff
    is shown first, and nothing is changed without --write. What is ported already stays as it is.

    \b
    Examples:
      crawler port .                  show what would change
      crawler port shop --write       change it
      crawler port quotes.py --write --imports-only

    \b
    Exit codes: 0 all is ported, 1 something needs a hand, 2 nothing was done.
    """
    from crawler import porting  # asks modules of the whole package, which --help does without

    plan = porting.plan(path, imports_only=imports_only)
    if not quiet:
        for line in plan.diff():
            text = line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(text[:1])
            click.echo(click.style(text, fg=colour) if colour and sys.stdout.isatty() else text, nl=False)
    if write:
        porting.write(plan, force=force)
    _tell(plan, written=write)
    click.get_current_context().exit(ExitCode.FAILURES if plan.findings else ExitCode.FINISHED)


def _tell(plan: Plan, *, written: bool) -> None:
    """Say what was or would be done, and what is left to do, on standard error: standard output is the diff."""
    if plan.findings:
        click.echo(f"\n{len(plan.findings)} to look at:", err=True)
    for path, finding in plan.findings:
        where = f"{plan.name(path)}:{finding.line}" if finding.line else plan.name(path)
        click.echo(f"  {where}: {finding.what_to_do}", err=True)
    count = f"{len(plan.changes)} file{'s' * (len(plan.changes) != 1)}"
    if not plan.changes:
        click.echo("Nothing to change.", err=True)
    elif not written:
        click.echo(f"{count} would be changed; --write changes them.", err=True)
    else:
        click.echo(f"{count} changed.", err=True)
        if plan.unread:
            unread = " and ".join(plan.name(path) for path in plan.unread)
            click.echo(f"{unread} are not read any more; remove them when all is well.", err=True)
