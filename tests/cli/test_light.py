"""What is not needed is not imported: help and ``import crawler`` stay quick."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


# What a crawl has only if a setting, an output or the spider asks for it.
OPTIONAL = {
    "crawler.cli.templates",
    "crawler.download.cachestore",
    "crawler.downloadermiddlewares.httpcache",
    "crawler.downloadermiddlewares.sessions",
    "crawler.extensions.dashboard",
    "crawler.extensions.monitors",
    "crawler.extensions.telemetry",
    "crawler.report",
    "crawler.shell",
    "crawler.spiders.feed",
    "crawler.spiders.sitemap",
    "curl_cffi",
    "pydantic",
    "rich",
    "xmlrpc.client",
}


def test_a_plain_crawl_loads_nothing_that_was_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        "import atexit, sys\n"
        "from crawler import Spider\n"
        "atexit.register(lambda: print(*sys.modules))\n"
        "class One(Spider):\n"
        "    name = 'one'\n"
        "    start_urls = ['data:,one']\n"
        "    def parse(self, response):\n"
        "        yield {'text': response.text}\n"
    )
    command = [sys.executable, "-m", "crawler", "runspider", "one.py", "-s", 'http.schemes=["data"]', "-o", "one.jsonl"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    assert (tmp_path / "one.jsonl").read_text() == '{"text":"one"}\n'
    assert "crawler.engine.engine" in done.stdout.split()
    assert not OPTIONAL & set(done.stdout.split())
