"""``crawler settings``: what is set, where, and what it means."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click

from crawler.cli import completing
from crawler.cli.options import SettingOptions, setting_options
from crawler.exceptions import UsageError
from crawler.nearest import did_you_mean

if TYPE_CHECKING:
    from crawler.settings import SettingInfo


@click.command()
@click.argument("words", metavar="[WORD]...", nargs=-1)
@click.option("--changed", is_flag=True, help="Only what is not at its default.")
@click.option("--scrapy", "scrapys", is_flag=True, help="Scrapy's settings instead: what each of them is here.")
@click.option(
    "--get",
    "name",
    metavar="NAME",
    shell_complete=completing.setting_name,
    help="Print the value of one setting, and nothing else.",
)
@setting_options
def command(
    words: tuple[str, ...], changed: bool, scrapys: bool, name: str | None, setting_options: SettingOptions
) -> None:
    """Show settings: value, source, meaning.

    With WORDs only settings that contain all of them, in their name, Scrapy's name or their text.

    \b
    Examples:
      crawler settings delay
      crawler settings --changed
      crawler settings --get politeness.delay
      crawler settings --scrapy no effect
      CRAWLER_HTTP__TIMEOUT=10 crawler settings timeout -s politeness.delay=2
    """
    if scrapys:
        _show_scrapys(words)
        return
    from crawler.cli.project import open_project  # brings lxml, which --help does without

    settings = open_project(setting_options.assignments).settings
    if name is not None:
        if name not in settings:
            settings.set(name, None)  # says what is wrong with the name
        value = settings.get(name)
        click.echo(value if isinstance(value, str) else json.dumps(value, default=str))
        return
    section = ""
    known = settings.explain()
    shown = [info for info in known if not (changed and info.source == "default") and _fits(info, words)]
    if not shown:
        raise UsageError(
            _none_fits(words, [info.name for info in known], "has another value than its default" if changed else "")
        )
    for info in shown:
        if info.name.partition(".")[0] != section:
            section = info.name.partition(".")[0]
            click.secho(f"\n[{section}]" if "." in info.name else "", bold=True)
        _show(info)


def _show_scrapys(words: tuple[str, ...]) -> None:
    from crawler.settings.scrapy_names import KNOWN, meaning  # brings every section, which --help does without

    lines = [f"{name} {meaning(name)}" for name in sorted(KNOWN)]
    shown = [line for line in lines if all(word.lower() in line.lower() for word in words)]
    if not shown:
        raise UsageError(_none_fits(words, list(KNOWN)))
    click.echo("\n".join(shown))


def _none_fits(words: tuple[str, ...], names: list[str], which: str = "") -> str:
    if not words:
        return f"no setting {which}"
    said = f"no setting {f'that {which} ' if which else ''}has {' and '.join(map(repr, words))} in its name or text"
    parts = {part for name in names for part in (name, *re.split(r"[._]", name))}
    return said + (did_you_mean(words[0], parts) if len(words) == 1 else "")


def _fits(info: SettingInfo, words: tuple[str, ...]) -> bool:
    text = f"{info.name} {info.scrapy_name} {info.doc}".lower()
    return all(word.lower() in text for word in words)


def _show(info: SettingInfo) -> None:
    value = json.dumps(info.value, default=str, ensure_ascii=False)
    click.echo(f"{click.style(info.name, bold=True)} = {value}  {click.style(f'({info.source})', dim=True)}")
    scrapy = f" Scrapy: {info.scrapy_name}." if info.scrapy_name else ""
    default = "" if info.source == "default" else f" Default: {json.dumps(info.default, default=str)}."
    click.echo(f"    {info.doc}{scrapy}{default}")
