"""Commands of the project's own, and of packages that are installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_commands import ENV

GREET = """
import click
from crawler.cli.options import setting_options

@click.command()
@click.argument("name")
@setting_options
def command(name, setting_options):
    '''Greet somebody.'''
    click.echo(f"hello {name} {setting_options.assignments}")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text('[project]\ncommands = ["shop.commands"]\n')
    commands = tmp_path / "shop" / "commands"
    commands.mkdir(parents=True)
    (commands / "__init__.py").touch()
    (commands / "greet.py").write_text(GREET)
    return tmp_path


def crawler(folder: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    env = {**ENV, "PYTHONPATH": f"{ENV['PYTHONPATH']}:{path}"}
    return subprocess.run(
        [sys.executable, "-m", "crawler", *arguments], cwd=folder, env=env, capture_output=True, text=True
    )


def test_a_command_of_the_project_is_run_and_listed(folder: Path) -> None:
    assert crawler(folder, "greet", "ana", "-s", "a=1").stdout == "hello ana ('a=1',)\n"
    shown = crawler(folder, "--help").stdout
    assert "greet  Greet somebody." in shown.replace("  greet", "greet")
    assert "Usage: crawler greet" in crawler(folder, "greet", "--help").stdout


def test_a_command_that_is_mistyped_is_told_with_the_nearest(folder: Path) -> None:
    done = crawler(folder, "greeet")
    assert (done.returncode, "Did you mean greet" in done.stderr) == (2, True), done.stderr


def test_an_installed_package_adds_commands_by_entry_points(folder: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = site / "greeter-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crawler.commands]\nwelcome = greeter:command\nlist = greeter:command\n")
    (site / "greeter.py").write_text(GREET.replace("hello", "welcome"))
    assert crawler(folder, "welcome", "ben", path=str(site)).stdout == "welcome ben ()\n"
    assert "welcome" not in crawler(folder, "list", path=str(site)).stdout  # the crawler's own stay what they are


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def command(): pass\n", "shop.commands.greet.command is no click command"),
    ],
)
def test_a_command_that_cannot_be_loaded_is_told_and_the_others_work(folder: Path, source: str, says: str) -> None:
    (folder / "shop" / "commands" / "greet.py").write_text(source)
    done = crawler(folder, "greet", "ana")
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert crawler(folder, "--help").returncode == 0


def test_a_package_that_cannot_be_imported_is_told(folder: Path) -> None:
    (folder / "settings.toml").write_text('[project]\ncommands = "nowhere.commands"\n')
    done = crawler(folder, "greet")
    assert (done.returncode, "project.commands names nowhere.commands" in done.stderr) == (2, True), done.stderr
    assert crawler(folder, "list").returncode == 0
