"""Typed user code passes a strict type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_user_code_passes_mypy_strict() -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(HERE / "user_code.py")],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout
