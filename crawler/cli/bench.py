"""``crawler bench``: how fast this machine crawls."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Measure how fast this machine crawls.

    Crawls the bundled demo shop, which a second process serves on this machine: no network is needed. The numbers tell what
    the crawler itself costs; on the web, the sites and politeness decide.
    """
    from crawler.demo.bench import run_bench  # brings Twisted, which --help does without

    run_bench()
