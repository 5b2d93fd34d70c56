"""Looking at single pages from the command line: ``shell``, ``fetch`` and ``view``. What goes wrong is said in a line."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import click

from crawler import runtime as runtimes
from crawler.cli.errors import CommandError
from crawler.cli.exitcodes import ExitCode
from crawler.cli.project import Project, open_project, spider_named, spiders_for
from crawler.crawler import effective_settings
from crawler.exceptions import (
    CannotResolveHostError,
    CrawlerError,
    IgnoreRequest,
    SpiderArgumentError,
    UsageError,
    describe,
)
from crawler.http.browser import open_in_browser
from crawler.logs import configure_logging, silence_logging
from crawler.open_crawl import OpenCrawl, PageSpider, address
from crawler.prompt import told
from crawler.shell import Shell, Waiting
from crawler.spiders.arguments import parse_arguments

if TYPE_CHECKING:
    from crawler.cli.options import SettingOptions, SpiderOptions
    from crawler.http import Response
    from crawler.spiders import Spider


def shell(
    place: str | None,
    chosen: SpiderOptions,
    given: SettingOptions,
    *,
    code: str | None = None,
    redirect: bool = True,
    plain: bool = False,
) -> None:
    """Open a prompt on *place*, or run *code* there."""
    with _opened(place, chosen, given) as (crawl, wait):
        prompt = Shell(crawl, wait)
        if place is not None:
            prompt.show(_fetched(crawl, wait, place, redirect=redirect))
        if code is None:
            prompt.prompt(plain=plain)
            return
        try:
            value = prompt.run(code)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise CommandError(told(error), ExitCode.FAILURES) from error
        if value is not None:
            click.echo(value if isinstance(value, str) else repr(value))


def fetch(url: str, chosen: SpiderOptions, given: SettingOptions, *, headers: bool, redirect: bool) -> None:
    """Write the body of *url* to standard output, or its *headers*; end with 1 if its status tells of an error."""
    response = _page(url, chosen, given, redirect=redirect)
    if headers:
        click.echo("\n".join(_heads(response)))
    else:
        sys.stdout.buffer.write(response.body)
        sys.stdout.buffer.flush()
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise CommandError(f"{response.url}: {_status(response)}", ExitCode.FAILURES)


def view(url: str, chosen: SpiderOptions, given: SettingOptions, *, redirect: bool) -> None:
    """Open *url* in a web browser as a spider gets it."""
    response = _page(url, chosen, given, redirect=redirect)

    def opened(file: str) -> bool:
        click.echo(f"{_status(response)}, {len(response.body):,} bytes: {file}")
        return webbrowser.open(file)

    if not open_in_browser(response, opened):
        raise CommandError(
            "there is no browser that could be opened; name one in the environment variable BROWSER", ExitCode.FAILURES
        )


def _page(url: str, chosen: SpiderOptions, given: SettingOptions, *, redirect: bool) -> Response:
    with _opened(url, chosen, given) as (crawl, wait):
        return _fetched(crawl, wait, url, redirect=redirect)


def _fetched(crawl: OpenCrawl, wait: Waiting, place: str, *, redirect: bool) -> Response:
    try:
        response: Response = wait(crawl.fetch(place, redirect=redirect))
    except UsageError:
        raise
    except (CrawlerError, IgnoreRequest) as error:
        is_bare = "://" not in place and isinstance(error, CannotResolveHostError)
        told_of_file = f"; and there is no file {place!r}" if is_bare else ""
        raise CommandError(f"{address(place)}: {describe(error)}{told_of_file}", ExitCode.FAILURES) from error
    return response


@contextmanager
def _opened(place: str | None, chosen: SpiderOptions, given: SettingOptions) -> Iterator[tuple[OpenCrawl, Waiting]]:
    """Open a crawl with the spider that is chosen, or that fits *place*, and close it again."""
    project = open_project(given.assignments)
    url = address(place) if place is not None else None
    spidercls, arguments = _spider(project, url, chosen)
    # Who looks at a page wants to see the page; -L shows the rest.
    if not given.sets("log.level"):
        project.settings.set("log.level", "WARNING", "cmdline")
    if given.nolog:
        silence_logging()
    else:
        configure_logging(effective_settings(spidercls, project.settings).log)
    runtime = runtimes.own()
    crawl, wait = OpenCrawl(spidercls, project.settings, runtime=runtime, arguments=arguments), Waiting(runtime)
    try:
        wait(crawl.open())
    except CrawlerError:
        raise
    except Exception as error:
        raise CommandError(
            f"the spider {spidercls.name!r} could not be made: {told(error)}", ExitCode.NOT_STARTED
        ) from error
    try:
        yield crawl, wait
    finally:
        wait(crawl.close())


def _spider(project: Project, url: str | None, chosen: SpiderOptions) -> tuple[type[Spider], dict[str, Any]]:
    """Return the spider and its arguments: as chosen, else the only one of the project for *url*, else one without a site."""
    if chosen.name is not None:
        spidercls = spider_named(project, chosen.name)
        return spidercls, parse_arguments(spidercls, chosen.arguments)
    fitting = spiders_for(project, url) if url is not None and url.startswith("http") else []
    if chosen.arguments and len(fitting) != 1:
        raise UsageError("-a gives arguments to a spider: say which one with --spider NAME")
    if len(fitting) == 1:
        try:
            return fitting[0], parse_arguments(fitting[0], chosen.arguments)
        except SpiderArgumentError:
            if chosen.arguments:
                raise
    return PageSpider, {}


def _status(response: Response) -> str:
    known = {status.value: status.phrase for status in HTTPStatus}
    return f"{response.status} {known.get(response.status, '')}".rstrip()


def _heads(response: Response) -> Iterator[str]:
    """Yield what was sent before the body, and what came, as curl -v marks them."""
    if response.request is not None:
        yield f"> {response.request.method} {response.request.url}"
        yield from _lines(">", response.request.headers)
        yield ">"
    yield f"< {_status(response)}"
    yield from _lines("<", response.headers)


def _lines(mark: str, headers: Any) -> Iterator[str]:
    for name, values in headers.items():
        for value in values:
            yield f"{mark} {name.decode('latin-1')}: {value.decode('latin-1')}"
