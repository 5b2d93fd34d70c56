"""``crawler completion``: the script that lets a shell complete."""

from __future__ import annotations

import os
from pathlib import PurePath

import click

from crawler.exceptions import UsageError

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
@click.pass_context
def command(ctx: click.Context, shell: str | None) -> None:
    """Print the script that lets a shell complete commands, spiders and options with Tab.

    SHELL is by default the one that the environment variable SHELL names.

    \b
    Once for all, put a line into the shell's own file:
      bash   ~/.bashrc                    eval "$(crawler completion bash)"
      zsh    ~/.zshrc, after compinit     eval "$(crawler completion zsh)"
      fish   ~/.config/fish/config.fish   crawler completion fish | source
    """
    from crawler.cli.shells import SHELLS  # only for who asks

    name = shell or PurePath(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise UsageError(f"for which shell? crawler completion {'|'.join(_SHELLS)}")
    click.echo(SHELLS[name](ctx.find_root().command, {}, "crawler", "_CRAWLER_COMPLETE").source(), nl=False)
