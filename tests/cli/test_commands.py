"""Commands that do not crawl, and what is said of every kind of mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from crawler import __version__
from crawler.cli import COMMANDS, main
from crawler.cli.exitcodes import ExitCode
from crawler.settings.scrapy_names import IGNORED, KNOWN

ENV = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
SPIDER = "from crawler import Spider\nclass S(Spider):\n    name = '{name}'\n    start_urls = ['http://127.0.0.1:1/']\n"

# These make a reactor of their own, so they get a process of their own.
CRAWLING = ("crawl", "runspider")


@dataclass(frozen=True)
class Told:
    """How a command ended and what it printed."""

    exit_code: int
    output: str


Run = Callable[..., Told]


def run_command(*arguments: str) -> Told:
    if arguments[0] in CRAWLING:
        command = [sys.executable, "-m", "crawler", *arguments]
        done = subprocess.run(command, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return Told(done.returncode, done.stdout)
    result = CliRunner().invoke(main, list(arguments))
    return Told(result.exit_code, result.output)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a new project with one spider, "books"."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings.toml").write_text("[politeness]\ndelay = 3.0\n")
    (tmp_path / "spiders").mkdir()
    (tmp_path / "spiders" / "books.py").write_text(SPIDER.format(name="books"))
    return run_command


def test_help_tells_of_every_command_and_exit_code(run: Run) -> None:
    told = run("--help").output
    assert all(name in told for name in COMMANDS)
    assert all(str(code.value) in told and code.meaning in told for code in ExitCode)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    told = run(command, "--help")
    assert told.exit_code == 0
    assert "Usage:" in told.output


def test_version_says_which(run: Run) -> None:
    assert run("version").output == f"crawler {__version__}\n"
    told = run("version", "-v").output
    assert all(name in told for name in ("Twisted", "treq", "lxml", "Python", "OpenSSL", "libxml2"))


def test_list_names_the_spiders_a_line_each(run: Run) -> None:
    assert run("list").output == "books\n"
    assert "spiders/books.py" in run("list", "-v").output


TYPED = """
class Typed(Spider):
    \"\"\"Pages of a site.

    Only the first line is shown.
    \"\"\"

    name = "typed"

    def __init__(self, url: str, pages: int = 10):
        super().__init__()
"""


def test_list_tells_what_a_spider_is_for_and_what_it_takes(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "spiders" / "books.py"
    file.write_text(f"from crawler import Spider\n{TYPED}")
    lines = ["typed", "Pages of a site.", "-a url: str", "-a pages: int = 10", str(file)]
    assert [line.strip() for line in run("list", "-v").output.splitlines()] == lines


def test_arguments_that_do_not_fit_the_spider_are_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "spiders" / "books.py").write_text(f"from crawler import Spider\n{TYPED}")
    for argument, says in (
        ("page=5", "has no argument 'page'; did you mean 'pages'? it takes: url: str, pages: int = 10"),
        ("pages=many", "argument pages='many': expected an integer"),
        ("pages=5", "spider 'typed' needs -a url=... (url: str)"),
    ):
        told = run("crawl", "typed", "-a", argument)
        assert (told.exit_code, says in told.output) == (2, True), told.output


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_fits_into_80_columns(run: Run, command: tuple[str, ...]) -> None:
    told = CliRunner(env={"COLUMNS": "80"}).invoke(main, [*command, "--help"]).output
    assert [line for line in told.splitlines() if len(line) > 80] == []


def test_without_a_command_there_is_help(run: Run) -> None:
    result = CliRunner().invoke(main, [])
    assert (result.exit_code, result.output) == (0, run("--help").output)
    assert run("--version").output == f"crawler {__version__}\n"


def test_commands_do_not_get_into_each_others_way_in_one_process(run: Run) -> None:
    before = run("--help")
    assert run("list").exit_code == 0
    assert (before.exit_code, run("--help")) == (0, before)


def test_settings_show_value_source_and_meaning(run: Run) -> None:
    told = run("settings", "delay", "seconds between").output
    assert "politeness.delay = 3.0  (settings.toml)" in told
    assert "Least seconds between two requests to a host. Scrapy: DOWNLOAD_DELAY. Default: 0.25." in told
    assert "retry" not in told


def test_settings_show_what_was_changed_or_one_value(run: Run) -> None:
    told = run("settings", "--changed", "-s", "retry.times=5").output
    assert "politeness.delay = 3.0" in told
    assert "retry.times = 5  (command line)" in told
    assert "http.timeout" not in told
    assert run("settings", "--get", "politeness.delay").output == "3.0\n"
    assert run("settings", "--get", "DOWNLOAD_DELAY").output == "3.0\n"
    assert run("settings", "--get", "log.level", "-L", "debug").output == "DEBUG\n"
    assert run("settings", "--get", "retry.statuses").output == "[500, 502, 503, 504, 522, 524, 408, 429]\n"


def test_settings_show_what_the_environment_says_but_no_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAWLER_AUTH__PASSWORD", "hunter2")
    told = run("settings", "--changed").output
    assert 'auth.password = "***"  (environment CRAWLER_AUTH__PASSWORD)' in told
    assert "hunter2" not in told


def test_settings_show_the_feeds_and_the_projects_own(run: Run, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('[[feeds]]\nuri = "a.jsonl"\n[user]\nshop = "x"\n')
    told = run("settings", "--changed").output
    assert 'feeds = [{"uri": "a.jsonl"}]  (settings.toml)' in told
    assert 'user.shop = "x"  (settings.toml)' in told


def test_genspider_overwrites_if_it_is_told_to(run: Run, tmp_path: Path) -> None:
    assert run("genspider", "books", "example.com", "--force").exit_code == 0
    assert "https://example.com/" in (tmp_path / "spiders" / "books.py").read_text()


def test_genspider_writes_into_the_current_folder_outside_a_project(run: Run, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").unlink()
    assert run("genspider", "shop", "example.com").output == "Wrote shop.py\n"


def test_startproject_fills_a_folder_that_is_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    assert run("startproject", "shop", "here").exit_code == 0
    assert (tmp_path / "here" / "spiders" / "quotes.py").is_file()
    (tmp_path / "here" / "settings.toml").write_text("mine")
    assert run("startproject", "shop", "here").exit_code == 2
    assert (tmp_path / "here" / "settings.toml").read_text() == "mine"


def test_genspider_prints_where_it_is_asked_to(run: Run) -> None:
    told = run("genspider", "--dump", "shop", "https://example.com/list").output
    assert 'start_urls = ["https://example.com/list"]' in told
    assert not (Path.cwd() / "spiders" / "shop.py").exists()


PIPELINE = "class P:\n    def proces_item(self, item):\n        return item\n"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("crwal", "books"), 2, "There is no command 'crwal'. Did you mean crawl?"),
        (("crawl", "boks"), 2, "no spider is named 'boks'; did you mean 'books'?"),
        (("crawl", "boks"), 2, "`crawler list` shows them"),
        (("crawl", "books", "-s", "politeness.dealy=1"), 2, "did you mean 'politeness.delay'"),
        (("crawl", "books", "-s", "politeness.delay=soon"), 2, "it must be a number, at least 0"),
        (("crawl", "books", "-s", "politeness.delay"), 2, "is not of the form NAME=VALUE"),
        (("crawl", "books", "-a", "parse=1"), 2, "would overwrite 'parse'"),
        (("crawl", "books", "-o", "items.foo"), 2, "unknown extension 'foo'"),
        (("crawl", "books", "-o", "/proc/nowhere/items.jsonl"), 2, "cannot write the feed"),
        (("crawl", "books", "-o", "a.jsonl", "-o", "a.jsonl"), 2, "two feeds go to"),
        (("crawl", "books", "-L", "LOUD"), 2, "'LOUD'"),
        (("crawl", "books", "--logfile", "/proc/nowhere/log"), 2, "log.file"),
        (("crawl", "books", "-s", 'components.pipelines=["pipes.P"]'), 3, "did you mean process_item?"),
        (("crawl", "books", "-s", 'components.pipelines=["pipes.Q"]'), 3, "pipes"),
        (("genspider", "a b", "example.com"), 2, "cannot name a spider"),
        (("genspider", "class", "example.com"), 2, "cannot name a spider"),
        (("genspider", "ok", "exa mple"), 2, "is no domain and no URL"),
        (("genspider", "ok", "https://[bad"), 2, "is no domain and no URL"),
        (("genspider", "ok", "example.com:port"), 2, "is no domain and no URL"),
        (("genspider", "ok", "example.com", "-t", "crwl"), 2, "did you mean 'crawl'?"),
        (("genspider", "ok", "example.com", "-t", "shop.txt"), 2, "There are: basic, crawl, sitemap"),
        (("genspider", "ok"), 2, "crawler genspider NAME SITE"),
        (("crawl", "books", "-s", "log.format=%(nope"), 2, "is no format of Python's logging"),
        (("crawl", "books", "-s", "FEEDS={a"), 2, "feeds must be a list of tables"),
        (("crawl",), 2, "Missing argument 'SPIDER'"),
        (("zzz",), 2, "There are: startproject, genspider, list, crawl"),
        (("startproject", "9lives"), 2, "cannot name a project"),
        (("startproject", "json"), 2, "would stand in the way of a Python module of that name"),
        (("edit", "boks"), 2, "did you mean 'books'?"),
        (("check", "boks"), 2, "did you mean 'books'?"),
        (("completion", "tcsh"), 2, "'tcsh'"),
        (("parse", "http://nowhere.test/"), 2, "no spider of the project is for the site of http://nowhere.test/"),
        (("parse", "--spider", "boks", "http://nowhere.test/"), 2, "did you mean 'books'?"),
        (("parse", "--spider", "books", "-c", "x", "-r", "http://nowhere.test/"), 2, "choose one of them"),
        (("parse", "http://nowhere.test/", "-m", "{x"), 2, "'{x' is no JSON"),
        (("parse", "http://nowhere.test/", "--cbkwargs", "[1]"), 2, "'[1]' is no JSON object"),
        (("parse", "http://[bad/"), 2, "is no host name"),
        (("parse", "-d", "0", "http://nowhere.test/"), 2, "0 is not in the range"),
        (("list", "--profile", "/proc/nowhere/x"), 2, "--profile '/proc/nowhere/x' cannot be written"),
        (("list", "--pidfile", "/proc/nowhere/x"), 2, "--pidfile '/proc/nowhere/x' cannot be written"),
        (("runspider", "nowhere.py"), 2, "does not exist"),
        (("settings", "--get", "politeness.dealy"), 2, "did you mean 'politeness.delay'"),
        (("settings", "dealy"), 2, "no setting has 'dealy' in its name or text; did you mean 'delay'"),
        (("settings", "--changed", "cache"), 2, "no setting that has another value than its default has 'cache'"),
        (("settings", "--scrapy", "DOWNLOAD_DELY"), 2, "did you mean 'DOWNLOAD_DELAY'"),
        (("why", "books"), 2, "invalid URL 'books'"),
        (("genspider", "class", "a.test"), 2, "'class' cannot name a spider: it is a word of Python's own"),
        (("crawl", "books", "--report", "/proc/nowhere/x"), 2, "--report '/proc/nowhere/x' cannot be written"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(run: Run, arguments: tuple[str, ...], code: int, says: str) -> None:
    (Path.cwd() / "pipes.py").write_text(PIPELINE)
    told = run(*arguments)
    assert told.exit_code == code, told.output
    assert says in told.output
    assert "Traceback" not in told.output


def test_outside_a_project_it_is_said_how_to_make_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").unlink()
    told = run("crawl", "books")
    assert told.exit_code == 2
    assert "crawler startproject NAME" in told.output
    assert "crawler runspider FILE.py" in told.output


def test_a_broken_module_hides_no_others(run: Run) -> None:
    (Path.cwd() / "spiders" / "bad.py").write_text("import no_such_module_anywhere\n")
    told = run("list")
    assert told.exit_code == 0
    assert "books\n" in told.output
    assert "bad.py:1: ModuleNotFoundError: No module named 'no_such_module_anywhere'" in told.output


def test_a_spider_that_raises_when_it_is_built_could_not_start(run: Run) -> None:
    (Path.cwd() / "bad.py").write_text(
        SPIDER.format(name="bad") + "    def __init__(self):\n        raise KeyError('boo')\n"
    )
    told = run("runspider", "bad.py")
    assert told.exit_code == 3
    assert "the crawl of 'bad' could not start: KeyError: 'boo'" in told.output
    assert "bad.py:6" in told.output


def test_two_spiders_of_one_name_are_told_with_both_places(run: Run, tmp_path: Path) -> None:
    (tmp_path / "spiders" / "other.py").write_text(SPIDER.format(name="books"))
    told = run("list")
    assert told.exit_code == 2
    assert "two spiders are named 'books'" in told.output
    assert all(name in told.output for name in ("spiders/books.py", "spiders/other.py"))


def test_a_broken_file_is_told_with_line_and_code(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("x = 1\nprint(y)\n")
    told = run("runspider", "bad.py")
    assert told.exit_code == 3
    assert "bad.py:2: NameError: name 'y' is not defined" in told.output
    assert "print(y)" in told.output


def test_settings_tell_what_each_of_scrapys_is_here(run: Run) -> None:
    lines = run("settings", "--scrapy").output.splitlines()
    assert [line.split(" ")[0] for line in lines] == sorted(KNOWN)
    assert "DOWNLOAD_DELAY is politeness.delay" in lines
    without = run("settings", "--scrapy", "no", "effect").output.splitlines()
    assert [line.split(" ")[0] for line in without if " has no effect: " in line] == sorted(IGNORED)
