"""Running callbacks on single pages from the command line, and showing what they yield: ``parse``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pprint import pformat
from typing import TYPE_CHECKING, Any

import click

from crawler.cli.errors import CommandError
from crawler.cli.exitcodes import ExitCode, of_result
from crawler.cli.options import RunOptions, SettingOptions, SpiderOptions
from crawler.cli.project import Project, open_project, spider_named, spiders_for
from crawler.cli.running import begin_logging, crawl_of, debug_errors
from crawler.engine.scrape import qualified_name
from crawler.exceptions import UsageError
from crawler.http import Request
from crawler.item_adapter import ItemAdapter
from crawler.open_crawl import address
from crawler.rehearsal import Level, Rehearsal, method_named, parse_settings, rule_for
from crawler.spiders.arguments import parse_arguments

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.spiders import Spider


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """The options of ``crawler parse``."""

    url: str
    callback: str | None = None
    rules: bool = False
    depth: int = 1
    meta: dict[str, Any] | None = None
    cbkwargs: dict[str, Any] | None = None
    pipelines: bool = False
    noitems: bool = False
    nolinks: bool = False
    nocolour: bool = False
    verbose: bool = False
    outputs: tuple[str, ...] = ()
    overwrites: tuple[str, ...] = ()


def parse(chosen: SpiderOptions, given: SettingOptions, options: ParseOptions) -> None:
    """Rehearse a callback as *options* say, show what it yields, and end with the exit code of a crawl."""
    if options.callback and options.rules:
        raise UsageError("-c names the callback and -r looks for it: choose one of them")
    project, url = open_project(given.assignments), address(options.url)
    spidercls = spider_named(project, chosen.name) if chosen.name else _only_spider(project, url)
    arguments = parse_arguments(spidercls, chosen.arguments)
    settings = parse_settings(project.settings, pipelines=options.pipelines)
    if not given.sets("log.level"):
        settings.set("log.level", "WARNING", "cmdline")
    begin_logging(spidercls, settings, given)
    feeds = RunOptions({}, options.outputs, options.overwrites).feeds(settings.export.defaults())
    rehearsal = Rehearsal(
        Request(url, meta=options.meta, cb_kwargs=options.cbkwargs),
        rule_for(url) if options.rules else method_named(options.callback) if options.callback else lambda spider: None,
        depth=options.depth,
        through_pipelines=options.pipelines,
        keeps_items=bool(feeds),
    )

    def watch(crawler: Crawler) -> None:
        rehearsal.watch(crawler)
        debug_errors(crawler, given)

    result = crawl_of(spidercls, settings, arguments, feeds=feeds, on_start=watch, start=rehearsal.start)
    if rehearsal.refused is not None:
        raise rehearsal.refused
    _show(rehearsal, options)
    if rehearsal.failures:
        raise CommandError("\n".join(rehearsal.failures), ExitCode.FAILURES)
    if not rehearsal.levels and result.reason == "finished":
        raise CommandError(f"{url} was not visited: {_why_not(result.stats)}", ExitCode.FAILURES)
    click.get_current_context().exit(of_result(result))


def _only_spider(project: Project, url: str) -> type[Spider]:
    if project.directory is None:
        project.loader()  # says that there is no project
    fitting = spiders_for(project, url)
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(one.name for one in fitting)
    raise UsageError(
        f"the spiders {names} are all for the site of {url}: choose one with --spider NAME"
        if fitting
        else f"no spider of the project is for the site of {url}, by its allowed_domains or its name: choose one with --spider NAME"
    )


def _why_not(stats: Any) -> str:
    dropped = [name.removeprefix("dropped/") for name in stats if name.startswith("dropped/")]
    return f"dropped ({', '.join(dropped)})" if dropped else "nothing began"


# --- showing ---------------------------------------------------------------------------------------------------------


def _show(rehearsal: Rehearsal, options: ParseOptions) -> None:
    shown = rehearsal.levels if options.verbose else [_together(rehearsal.levels)] if rehearsal.levels else []
    page = _Coloured() if sys.stdout.isatty() and not options.nocolour else _Plain()
    for number, level in enumerate(shown, 1):
        page.heading(f"Level {number}" if options.verbose else "")
        for response, callback in level.pages if options.verbose else level.pages[:1]:
            page.line(f"{response.status} {response.url}  {callback}")
        if not options.noitems:
            page.part("Items", [_plain_item(item) for item in level.items])
            for item, reason in level.dropped:
                page.line(f"dropped ({reason}): {_plain_item(item)}")
        if not options.nolinks:
            page.requests(level.requests)


def _together(levels: list[Level]) -> Level:
    """Return all pages and items in one, with the requests that were not followed: those of the last level."""
    return Level(
        [page for level in levels for page in level.pages],
        [item for level in levels for item in level.items],
        [dropped for level in levels for dropped in level.dropped],
        levels[-1].requests,
    )


def _plain_item(item: Any) -> Any:
    return ItemAdapter(item).asdict() if ItemAdapter.is_item(item) else item


def _facts(request: Request) -> Iterator[str]:
    """Yield what a request has besides its URL."""
    if request.callback is not None:
        yield qualified_name(request.callback).rpartition(".")[2]
    if request.priority:
        yield f"priority={request.priority}"
    if request.cb_kwargs:
        yield f"cb_kwargs={request.cb_kwargs}"
    if request.meta:
        yield f"meta={request.meta}"


class _Plain:
    """Text that can be read by programs too: nothing is cut off."""

    def heading(self, text: str) -> None:
        if text:
            click.echo(f"\n# {text}")

    def line(self, text: str) -> None:
        click.echo(text)

    def part(self, title: str, items: list[Any]) -> None:
        click.echo(f"\n{title}: {len(items)}")
        for item in items:
            click.echo(pformat(item, width=120, sort_dicts=False))

    def requests(self, requests: list[Request]) -> None:
        click.echo(f"\nRequests: {len(requests)}")
        for request in requests:
            click.echo("  ".join([f"{request.method} {request.url}", *_facts(request)]))


class _Coloured:
    """The same, for a terminal."""

    def __init__(self) -> None:
        from rich.console import Console  # plain output does without

        self._console = Console(soft_wrap=True, highlight=False)

    def heading(self, text: str) -> None:
        if text:
            self._console.print(f"\n{text}", style="bold reverse")

    def line(self, text: str) -> None:
        self._console.print(text, style="dim", markup=False)

    def part(self, title: str, items: list[Any]) -> None:
        from rich.pretty import Pretty

        self._console.print(f"\n{title}: {len(items)}", style="bold green")
        for item in items:
            self._console.print(Pretty(item, expand_all=len(repr(item)) > self._console.width), soft_wrap=False)

    def requests(self, requests: list[Request]) -> None:
        from rich.text import Text

        self._console.print(f"\nRequests: {len(requests)}", style="bold cyan")
        for request in requests:
            line = Text.assemble((f"{request.method} ", "dim"), request.url)
            for fact in _facts(request):
                line.append(f"  {fact}", style="yellow")
            self._console.print(line)
