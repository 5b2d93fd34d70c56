"""``crawler report``: what a crawl came to, as a page to look at."""

from __future__ import annotations

from pathlib import Path

import click

from crawler.cli.options import SettingOptions, setting_options


@click.command()
@click.argument("jobs", nargs=-1, metavar="[JOB [JOB]]")
@click.option(
    "-o", "--output", default="report.html", show_default=True, help="The file to write; - for standard output."
)
@setting_options
def command(jobs: tuple[str, ...], output: str, setting_options: SettingOptions) -> None:
    """Write a report of a job, by default the newest; of two, what changed between them.

    One HTML file that needs nothing else: summary, what went wrong, rate over time, latency, hosts and status codes, errors with
    an example each, the fields of the items, slowest and largest pages, settings.

    \b
    Examples:
      crawler report
      crawler report books-2026-11-23-0900 -o books.html
      crawler report books-monday books-tuesday
    """
    from crawler.cli.project import found_jobs, open_project  # brings lxml, which --help does without
    from crawler.printable import printable
    from crawler.report import compared, comparison_page, facts_of, findings_of, report_page, shortened

    if len(jobs) > 2:
        raise click.UsageError(f"a report is of one job, or compares two; there are {len(jobs)}: {' '.join(jobs)}")
    project = open_project(setting_options.assignments)
    facts = [facts_of(job.path) for job in found_jobs(project, jobs)]
    if len(facts) == 2:
        before, after = facts
        page = comparison_page(before, after, compared(before, after))
    else:
        page = report_page(facts[0])
    if output == "-":
        click.echo(page, nl=False)
        return
    Path(output).write_text(page, encoding="utf-8")
    for finding in findings_of(facts[-1]):
        click.echo(f"- {printable(shortened(finding.text))}")
    click.echo(f"Written: {output}")
