"""What is not needed is not imported: help and ``import crawler`` stay quick."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"twisted", "lxml", "rich", "treq", "parsel", "msgspec", "pydantic", "itemadapter"}


def loaded_by(program: str) -> set[str]:
    code = f"import sys\n{program}\nprint(' '.join(sorted({{name.split('.')[0] for name in sys.modules}})), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_nothing_heavy() -> None:
    assert not HEAVY & loaded_by("from crawler.cli import main\nmain(['--help'], standalone_mode=False)")


def test_the_package_imports_nothing_heavy() -> None:
    assert not HEAVY & loaded_by("import crawler")


def test_a_crawl_of_dictionaries_does_without_itemadapter_and_rich() -> None:
    program = "import crawler.running, crawler.exporters, crawler.spiders, crawler.settings"
    assert not {"itemadapter", "pydantic", "rich", "click"} & loaded_by(program)


def test_a_spider_is_imported_without_a_reactor() -> None:
    assert "twisted.internet.reactor" not in loaded_by(
        "from crawler import Spider, Request, Item; import crawler.loader"
    )


def test_help_of_the_installed_command_imports_nothing_heavy() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "crawler", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert {"crawler", "click"} <= imported
    assert not HEAVY & imported
