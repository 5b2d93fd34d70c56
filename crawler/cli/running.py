"""Running a spider from the command line: settings, arguments and outputs checked, then the crawl, then how it went."""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from crawler.cli.errors import CommandError
from crawler.cli.exitcodes import ExitCode, of_result
from crawler.cli.project import open_project
from crawler.crawler import effective_settings
from crawler.exceptions import CrawlerError, describe
from crawler.logs import configure_logging, silence_logging
from crawler.running import run_crawl
from crawler.spiders.arguments import parse_arguments
from crawler.spiders.loader import load_file

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from crawler.cli.options import RunOptions, SettingOptions
    from crawler.crawler import CrawlResult
    from crawler.settings import Settings
    from crawler.spiders import Spider

logger = logging.getLogger(__name__)


def crawl(name: str, run: RunOptions, given: SettingOptions) -> None:
    """Run the spider *name* of the project; end with the exit code that says how it went."""
    project = open_project(given.assignments)
    _run(project.loader().load(name), project.settings, run, given)


def run_file(path: str, name: str | None, run: RunOptions, given: SettingOptions) -> None:
    """Run the spider in the file *path*, the one called *name* if it holds several."""
    project = open_project(given.assignments)
    _run(load_file(path, name), project.settings, run, given)


def _run(spidercls: type[Spider], settings: Settings, run: RunOptions, given: SettingOptions) -> None:
    settings = effective_settings(spidercls, settings)
    if given.nolog:
        silence_logging()
    else:
        configure_logging(settings.log)
    arguments = parse_arguments(spidercls, run.arguments)
    feeds = run.feeds(settings.export.defaults())
    view = _view(run, given)
    with view as live:
        try:
            result = run_crawl(spidercls, settings, arguments, feeds=feeds, on_start=live.watch if live else None)
        except (CrawlerError, KeyboardInterrupt):
            raise
        except Exception as error:
            raise CommandError(_could_not_start(spidercls, error), ExitCode.NOT_STARTED) from error
    _tell(result, live, given)
    click.get_current_context().exit(of_result(result))


def _view(run: RunOptions, given: SettingOptions) -> AbstractContextManager[Any]:
    """Return the live view, or nothing where nobody watches."""
    if not run.progress or given.quiet or not sys.stderr.isatty():
        return nullcontext()
    from crawler.cli.progress import LiveView  # brings rich, which plain logs do without

    return LiveView()


def _tell(result: CrawlResult, live: Any, given: SettingOptions) -> None:
    """Say how the crawl went: a table in a terminal, else a line in the log."""
    if live is not None:
        live.summary(result)
        return
    now = result.snapshot
    if now is not None and not given.quiet:
        logger.info(
            "Crawl of %s ended (%s): %d pages, %d items, %d errors in %.1f s",
            now.spider,
            result.reason,
            now.pages,
            now.items,
            now.errors,
            now.elapsed,
        )


def _could_not_start(spidercls: type[Spider], error: Exception) -> str:
    """Return what to say about code of the user's that raised while the crawl was put together."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    logger.debug("The crawl of %s could not start", spidercls.__name__, exc_info=error)
    return f"the crawl of {spidercls.name!r} could not start: {describe(error)}\n  at {where} (more with -L DEBUG)"
