"""What Tab offers: by the protocol, and in the shells that are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.terminal import TAB, terminal
from tests.cli.test_commands import ENV, SPIDER

NEWS = """
class News(Base):
    '''All news.

    More.
    '''

    name: str = "news"

    def parse(self): ...
"""
PROGRAM = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
from crawler.cli import main
main(prog_name="crawler")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with two spiders and one module that must not be imported, two jobs, and `crawler` in bin/."""
    spiders = tmp_path / "project" / "spiders"
    spiders.mkdir(parents=True)
    (spiders.parent / "settings.toml").write_text("")
    (spiders / "shop.py").write_text(SPIDER.format(name="shop") + "raise SystemExit('imported')\n")
    (spiders / "news.py").write_text(NEWS)
    (spiders / "broken.py").write_text("def (\n")
    (spiders / "items.py").write_text("class Thing(Item):\n    name = 'thing'\nclass Plain:\n    name = 'plain'\n")
    for job in ("news-1", "shop-1"):
        (spiders.parent / ".crawler" / "jobs" / job).mkdir(parents=True)
    program = tmp_path / "bin" / "crawler"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return spiders.parent


def offered(folder: Path, *words: str, shell: str = "bash") -> list[str]:
    env = {
        **ENV,
        "_CRAWLER_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run([sys.executable, "-m", "crawler"], cwd=folder, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        (("cra",), ["plain,crawl"]),
        (("crawl", ""), ["plain,news", "plain,shop"]),
        (("crawl", "s"), ["plain,shop"]),
        (("crawl", "shop", "--logf"), ["plain,--logfile"]),
        (("check", "news", "s"), ["plain,shop"]),
        (("edit", "n"), ["plain,news"]),
        (("shell", "--spider", "n"), ["plain,news"]),
        (("shell", "--spider", "x"), ["file,x"]),
        (("resume", ""), ["plain,news-1", "plain,shop-1"]),
        (("why", "--job", "s"), ["plain,shop-1"]),
        (("crawl", "shop", "--job", "n"), ["plain,news-1"]),
        (("crawl", "-o", "it"), ["file,it"]),
        (("genspider", "-t", "c"), ["plain,crawl", "plain,csvfeed"]),
        (("completion", "z"), ["plain,zsh"]),
        (("crawl", "-s", "politeness.del"), ["plain,politeness.delay="]),
        (("settings", "--get", "politeness.del"), ["plain,politeness.delay"]),
        (("crawl", "-s", "log.level", "=", "D"), ["plain,DEBUG"]),
        (("crawl", "-s", "retry.enabled", "="), ["plain,true", "plain,false"]),
        (("crawl", "-s", "politeness.delay", "=", "1", "s"), ["plain,shop"]),
        (("crawl", "-s", "no.such", "="), []),
    ],
)
def test_what_fits_is_offered(folder: Path, words: tuple[str, ...], completions: list[str]) -> None:
    assert offered(folder, "crawler", *words) == completions


def test_zsh_gets_what_each_is_for(folder: Path) -> None:
    assert offered(folder, "crawler", "crawl", "n", shell="zsh") == ["plain", "news", "All news."]


def test_outside_a_project_there_is_nothing_to_offer(folder: Path) -> None:
    assert offered(folder.parent, "crawler", "crawl", "") == []


def test_settings_that_are_broken_keep_nobody_from_completing(folder: Path) -> None:
    (folder / "settings.toml").write_text("[broken")
    assert offered(folder, "crawler", "crawl", "n") == ["plain,news"]


def test_nothing_heavy_is_imported_for_it(folder: Path) -> None:
    env = {**ENV, "_CRAWLER_COMPLETE": "bash_complete", "COMP_WORDS": "crawler\ncrawl\n", "COMP_CWORD": "2"}
    command = [sys.executable, "-X", "importtime", "-m", "crawler"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "click" in imported
    assert not {"twisted", "lxml", "msgspec", "parsel", "rich"} & imported


def test_it_takes_no_longer_than_help(folder: Path) -> None:
    def seconds(**env: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "crawler", "--help"], cwd=folder, env={**ENV, **env}, capture_output=True)
        return time.perf_counter() - began

    asked = {"_CRAWLER_COMPLETE": "bash_complete", "COMP_WORDS": "crawler\ncrawl\n", "COMP_CWORD": "2"}
    assert min(seconds(**asked) for _ in range(5)) < 2 * min(seconds() for _ in range(5))


# --- in the shells ----------------------------------------------------------------------------------------------------


def installed(shell: str) -> str:
    return shutil.which(shell) or pytest.skip(f"{shell} is not installed")


def with_program(folder: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{folder.parent / 'bin'}:{os.environ['PATH']}", "HOME": str(folder.parent)}


@pytest.mark.parametrize(
    ("words", "replies"),
    [
        ("crawler crawl ''", ["news", "shop"]),
        ("crawler crawl -s log.level = D", ["DEBUG"]),
        ("crawler crawl -s politeness.del", ["politeness.delay="]),
    ],
)
def test_bash_completes(folder: Path, words: str, replies: list[str]) -> None:
    script = (
        f'eval "$(crawler completion bash)"; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); '
        '_crawler_completion crawler; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    command = [installed("bash"), "--norc", "-c", script]
    done = subprocess.run(command, cwd=folder, env=with_program(folder), capture_output=True, text=True)
    assert done.stdout.splitlines() == replies, done.stderr


def test_fish_completes(folder: Path) -> None:
    for words, lines in (
        ("crawler crawl ", ["news\tAll news.", "shop"]),
        ("crawler crawl -s log.level=D", ["log.level=DEBUG"]),
        ("crawler cra", ["crawl\tRun a spider of the project."]),
    ):
        script = f"crawler completion fish | source; complete -C '{words}'"
        command = [installed("fish"), "--no-config", "-c", script]
        done = subprocess.run(command, cwd=folder, env=with_program(folder), capture_output=True, text=True)
        assert done.stdout.splitlines() == lines, done.stderr


def test_zsh_completes_at_a_terminal_and_adds_no_space_after_an_equals_sign(folder: Path) -> None:
    with terminal([installed("zsh"), "-f", "-i"], cwd=folder, env=with_program(folder)) as opened:
        opened.type(
            "PS1='ready> '; autoload -U compinit; compinit -u -D; eval \"$(crawler completion zsh)\"; echo set up\n"
        )
        opened.expect(r"\nset up\n")
        opened.expect("ready> ")
        opened.type(f"crawler cra{TAB}n{TAB}-s log.l{TAB}D{TAB}")
        opened.expect(r"log\.level=DEBUG")  # with a space it would be no value
