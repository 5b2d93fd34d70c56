"""The command line: ``crawler COMMAND``.

Each command is a file here with a ``command`` in it, and a thin call into the library. The table below is all that
``crawler --help`` reads of them: a command's file is imported when the command is run, and what is heavy (Twisted, lxml, rich)
when the command needs it. Projects and installed packages add commands of their own, see ``custom``.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import click
from click.shell_completion import CompletionItem

from crawler.cli.errors import told
from crawler.cli.exitcodes import ExitCode
from crawler.collector import collector_at_ease
from crawler.exceptions import ComponentError

if "_CRAWLER_COMPLETE" in os.environ:
    from crawler.cli import shells as shells  # how the shells ask

#: Command -> what its help says in a line, in the order in which one meets them.
COMMANDS = {
    "startproject": "Make a new project: settings, a first spider, its test.",
    "genspider": "Write a new spider from a template.",
    "list": "List the spiders of the project.",
    "crawl": "Run a spider of the project.",
    "runspider": "Run the spider in a Python file; no project is needed.",
    "resume": "Go on with a crawl that was interrupted.",
    "jobs": "List the jobs: what crawls have come to, and which can be resumed.",
    "top": "Watch a crawl that runs in another terminal.",
    "why": "Tell what became of a URL in a crawl, and why.",
    "report": "Write a page about what a crawl came to, or what changed between two.",
    "export": "Write the items of a job again, in another format.",
    "shell": "Try out selectors, requests and spiders at a prompt.",
    "fetch": "Write a page to standard output, as the crawler gets it.",
    "view": "Open a page in the browser, as the crawler gets it.",
    "parse": "Run a callback on a page and show what it yields.",
    "check": "Check callbacks against the contracts in their docstrings.",
    "edit": "Open the file of a spider in an editor.",
    "port": "Make a Scrapy project one of ours: imports and settings.",
    "settings": "Show settings: their values, where those come from, what they mean.",
    "bench": "Measure how fast this machine crawls.",
    "completion": "Print the script that lets a shell complete commands, spiders and options.",
    "version": "Show the version, with -v of all libraries too.",
}

_EPILOG = """\b
Try it:
  crawler startproject shop && cd shop      make a project
  crawler genspider books books.toscrape.com
  crawler crawl books -o books.jsonl        run the spider into a file
  crawler crawl books -s politeness.delay=1 be gentler than usual
  crawler crawl --help                      every command explains itself

\b
Exit codes:
""" + "\n".join(f"  {code.value:<4} {code.meaning}" for code in ExitCode)


class CommandGroup(click.Group):
    """The commands of :data:`COMMANDS`, each imported when it is run, and those that projects and packages add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return [*COMMANDS, *_custom()]  # `list` is a module here, once that command has been run

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            custom = _custom().get(cmd_name)
            if not isinstance(custom, str):
                return custom
            if ctx.resilient_parsing:  # somebody pressed Tab
                return None
            raise ComponentError(custom)
        command: click.Command = importlib.import_module(f"crawler.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])
        custom = {
            name: command if isinstance(command, str) else command.get_short_help_str(80)
            for name, command in _custom().items()
        }
        if custom:
            with formatter.section("Commands of this project and of installed packages"):
                formatter.write_dl([*custom.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Offer commands, without importing them, and options."""
        items = [
            CompletionItem(name, help=meaning) for name, meaning in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that *args* name; fail with the nearest names."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            custom = _custom()
            if name not in custom:
                ctx.fail(
                    _no_command(name, [*COMMANDS, *custom], [one for one in custom.values() if isinstance(one, str)])
                )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; say what is wrong in a sentence where a person can mend it."""
        with told(), collector_at_ease():
            return super().invoke(ctx)


def _no_command(name: str, known: list[str], broken: list[str]) -> str:
    import difflib  # not needed when all goes well

    near = difflib.get_close_matches(name, known, cutoff=0.5)
    meant = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(known)}."
    return "\n".join([f"There is no command {name!r}. {meant}", *broken])


def _custom() -> dict[str, click.Command | str]:
    from crawler.cli.custom import custom_commands  # only where a name is not one of ours, or all are asked for

    return {name: command for name, command in custom_commands().items() if name not in COMMANDS}


def _show_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        from crawler import __version__

        click.echo(f"crawler {__version__}")
        ctx.exit()


@click.group(
    cls=CommandGroup,
    epilog=_EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Crawl web sites with spiders: small Python classes that say where to start and what to make of each page."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
