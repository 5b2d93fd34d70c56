"""Typed user code passes a strict type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

MISTAKES = """
import crawler
from crawler.testing import Site

class S(crawler.Spider):
    name = 5

crawler.run(S())
crawler.run(S).raeson
crawler.Request(5)
crawler.Settings().politeness.dealy
Site({"/": 5})
"""


def mypy(file: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("mypy", reason="mypy is not installed")
    command = [sys.executable, "-m", "mypy", "--strict", str(file)]
    return subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True)


def test_user_code_passes_mypy_strict() -> None:
    checked = mypy(HERE / "user_code.py")
    assert checked.returncode == 0, checked.stdout


def test_mistakes_in_user_code_are_found(tmp_path: Path) -> None:
    (tmp_path / "mistakes.py").write_text(MISTAKES)
    found = mypy(tmp_path / "mistakes.py").stdout
    lines = {int(line.split(":")[1]) for line in found.splitlines() if ": error:" in line}
    assert lines == {6, 8, 9, 10, 11, 12}, found
