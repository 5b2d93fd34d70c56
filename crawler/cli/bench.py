"""``crawler bench``: how fast this machine crawls."""

from __future__ import annotations

import click


@click.command()
@click.argument("what", type=click.Choice(["crawl", "models"]), default="crawl")
@click.option("-o", "--output", metavar="FILE", help="models: write the timeline to FILE, as SVG.")
def command(what: str, output: str | None) -> None:
    """Measure how fast this machine crawls, or what event-driven means.

    crawl: the bundled demo shop, which a second process serves on this machine; no network is needed. The numbers tell what the
    crawler itself costs; on the web, the sites and politeness decide.

    models: the same pages fetched one after the other, with a thread each, and by events on one reactor; with 10, 100 and 1,000
    tasks, where waiting decides and where the CPU does. Time, CPU, memory, context switches, and a timeline.

    \b
    Examples:
      crawler bench
      crawler bench models -o models.svg
    """
    # Either brings Twisted or the server, which --help does without.
    if what == "models":
        from crawler.demo.models_drawn import run_models

        run_models(svg=output or "")
    else:
        from crawler.demo.bench import run_bench

        run_bench()
