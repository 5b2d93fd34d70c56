"""Checking contracts from the command line, and listing them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from crawler.cli.exitcodes import ExitCode
from crawler.cli.project import Project, open_project
from crawler.cli.running import begin_logging, crawl_of, debug_errors
from crawler.contracts.checking import ERROR, FAILED, OK, Checked, SpiderCheck
from crawler.contracts.reading import checked_methods, known_contracts
from crawler.crawler import effective_settings
from crawler.environment import set_environ
from crawler.exceptions import CrawlerError
from crawler.rehearsal import parse_settings
from crawler.spiders.arguments import parse_arguments

if TYPE_CHECKING:
    from crawler.cli.options import SettingOptions
    from crawler.spiders import Spider

# How spiders know that they are only checked: by our name, and by the one that ported spiders look for.
_TOLD = {"CRAWLER_CHECK": "true", "SCRAPY_CHECK": "true"}

_COLOURS = {OK: "green", FAILED: "red", ERROR: "red"}


def list_contracts(names: tuple[str, ...], given: SettingOptions) -> None:
    """Print the callbacks that have contracts, by spider."""
    with set_environ(**_TOLD):
        project = open_project(given.assignments)
        for spidercls in _spiders(project, names):
            known = known_contracts(effective_settings(spidercls, project.settings).components.contracts)
            methods = checked_methods(spidercls, known)
            if methods:
                click.echo(spidercls.name)
            for method in methods:
                click.echo(f"  {method}")


def check(names: tuple[str, ...], arguments: Mapping[str, str], given: SettingOptions, *, verbose: bool) -> None:
    """Check the spiders of those *names*, by default all, and tell; end with 1 if one breaks a contract."""
    counts: Counter[str] = Counter()
    code = ExitCode.FINISHED
    with set_environ(**_TOLD):
        project = open_project(given.assignments)
        spiders = _spiders(project, names)
        for spidercls in spiders:
            results, interrupted = _check(project, spidercls, arguments, given)
            _tell(spidercls.name, results, verbose=verbose)
            counts.update(one.outcome for one in results)
            if interrupted:
                code = ExitCode.INTERRUPTED
                break
    if not counts:
        click.echo("There are no contracts. One is written in the docstring of a callback: @url URL, @returns items 1")
    else:
        click.echo(f"{counts.total()} checked: " + ", ".join(f"{counts[one]} {one}" for one in _COLOURS if counts[one]))
    if code is ExitCode.FINISHED and (counts[FAILED] or counts[ERROR]):
        code = ExitCode.FAILURES
    click.get_current_context().exit(code)


def _check(
    project: Project, spidercls: type[Spider], arguments: Mapping[str, str], given: SettingOptions
) -> tuple[list[Checked], bool]:
    """Return what the contracts of *spidercls* came to, and whether the check was interrupted."""
    settings = parse_settings(project.settings, pipelines=False)
    if not given.sets("log.level"):
        settings.set("log.level", "CRITICAL", "cmdline")  # what goes wrong is told in the table
    effective = begin_logging(spidercls, settings, given)
    check = SpiderCheck(known_contracts(effective.components.contracts))
    if not checked_methods(spidercls, check.known):
        return [], False
    try:
        result = crawl_of(
            spidercls,
            settings,
            parse_arguments(spidercls, arguments),
            on_start=lambda crawler: debug_errors(crawler, given),
            start=check.start,
        )
    except (CrawlerError, click.ClickException) as error:
        message = error.message if isinstance(error, click.ClickException) else str(error)
        return [Checked("", outcome=ERROR, messages=(message,))], False
    return check.results, result.interrupted


def _spiders(project: Project, names: tuple[str, ...]) -> list[type[Spider]]:
    """Return the spiders of those names, all if there are none; say which modules do not import."""
    loader = project.loader()
    chosen = [loader.load(name) for name in dict.fromkeys(names or loader.list())]
    for module in loader.broken:
        click.echo(f"does not import: {module}", err=True)
    return chosen


def _tell(spider: str, results: list[Checked], *, verbose: bool) -> None:
    if not results:
        return
    click.secho(spider, bold=True)
    width = max(len(one.method) for one in results)
    for one in results:
        outcome = click.style(f"{one.outcome:<7}", fg=_COLOURS[one.outcome], bold=one.outcome != OK)
        where = one.where if one.outcome != OK else ""
        click.echo(f"  {outcome} {one.method:<{width}}  {one.url}  {where}".rstrip())
        if verbose and one.contracts:
            for contract, says in one.contracts:
                click.echo(f"          {'-' if says else '+'} {contract}" + (f": {says}" if says else ""))
        else:
            for message in one.messages:
                click.echo("\n".join(f"          {line}" for line in message.splitlines()))
