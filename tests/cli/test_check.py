"""crawler check: the table, the exit code, and what spiders and components see of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.demo.server import serving
from tests.cli.test_commands import ENV

SPIDERS = """
import os
from crawler import Spider

class Keeps(Spider):
    name = "keeps"
    custom_settings = {{
        "ITEM_PIPELINES": {{"own.Fails": 1}},
        "FEEDS": {{"kept.jsonl": {{}}}},
        "SPIDER_CONTRACTS": {{"own.Named": 1}},
    }}

    def parse(self, response):
        '''
        @url {shop}
        @returns items 1 1
        @named The Early Daughter
        '''
        assert os.environ["CRAWLER_CHECK"] == os.environ["SCRAPY_CHECK"] == "true"
        yield {{"title": response.css("h3 a::text").get()}}

class Breaks(Spider):
    name = "breaks"

    def __init__(self, least: int = 5):
        super().__init__()
        self.least = least

    def parse(self, response):
        '''
        @url {shop}
        @returns items 5
        '''
        return [{{}}] * (self.least - 1)

class Bare(Spider):
    name = "bare"
"""
OWN = """
from crawler.contracts import Contract
from crawler.exceptions import ContractFail

class Named(Contract):
    name = "named"
    def post_process(self, output):
        if output[0]["title"] != " ".join(self.args):
            raise ContractFail("another title")

class Fails:
    def process_item(self, item):
        raise SystemExit("items go to no pipeline")
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(20) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path, shop: str) -> Path:
    (tmp_path / "settings.toml").write_text("")
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "spiders").mkdir()
    (tmp_path / "spiders" / "all.py").write_text(SPIDERS.format(shop=shop))
    return tmp_path


def check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crawler", "check", *arguments]
    return subprocess.run(command, cwd=folder, env=ENV, capture_output=True, text=True, timeout=60)


def test_a_broken_contract_is_shown_with_its_line_and_ends_with_one(folder: Path, shop: str) -> None:
    done = check(folder)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "breaks",
        f"  failed  parse  {shop}  spiders/all.py:31",
        "          @returns items 5: returned 4 items, expected at least 5",
        "keeps",
        f"  ok      parse  {shop}",
        "2 checked: 1 ok, 1 failed",
    ]
    assert not (folder / "kept.jsonl").exists()
    assert not (folder / ".crawler").exists()


def test_one_spider_may_be_named_and_every_contract_shown(folder: Path, shop: str) -> None:
    done = check(folder, "keeps", "-v")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.strip() for line in done.stdout.splitlines()[2:5]] == [
        f"+ @url {shop}",
        "+ @returns items 1 1",
        "+ @named The Early Daughter",
    ]


def test_spiders_get_their_arguments(folder: Path) -> None:
    assert check(folder, "breaks", "-a", "least=6").returncode == 0
    told = check(folder, "breaks", "-a", "most=6")
    assert (told.returncode, "has no argument 'most'" in told.stdout) == (1, True)


def test_the_callbacks_with_contracts_are_listed_without_a_request(folder: Path) -> None:
    assert check(folder, "-l").stdout == "breaks\n  parse\nkeeps\n  parse\n"


def test_without_contracts_it_is_said_how_one_is_written(folder: Path) -> None:
    done = check(folder, "bare")
    assert (done.returncode, "@url URL" in done.stdout) == (0, True)


def test_a_contract_setting_that_is_wrong_is_told(folder: Path) -> None:
    done = check(folder, "bare", "-s", 'components.contracts=["own.Fails"]')
    assert done.returncode == 3
    assert "own.Fails is no contract" in done.stderr
    assert "Traceback" not in done.stderr


def test_saved_pages_will_do(folder: Path) -> None:
    saved = ["-s", "cache.enabled=true", "-s", "cache.policy=everything"]
    with serving(20) as url:
        (folder / "spiders" / "all.py").write_text(SPIDERS.format(shop=url))
        assert check(folder, "keeps", *saved).returncode == 0
    again = check(folder, "keeps", *saved, "-s", "cache.offline=true")
    assert (again.returncode, "1 checked: 1 ok" in again.stdout) == (0, True), again.stdout


def test_modules_that_do_not_import_are_told(folder: Path) -> None:
    (folder / "spiders" / "bad.py").write_text("import no_such_module\n")
    assert "bad.py:1: ModuleNotFoundError" in check(folder, "keeps").stderr
