"""Options that every command has: profile, process id."""

from __future__ import annotations

import pstats
import subprocess
import sys
from pathlib import Path

from tests.cli.test_commands import ENV, Run, run

__all__ = ["run"]


def test_a_profile_tells_where_the_time_went(run: Run, tmp_path: Path) -> None:
    assert run("list", "--profile", "where.prof").output == "books\n"
    functions = {name for _, _, name in pstats.Stats(str(tmp_path / "where.prof")).stats}  # type: ignore[attr-defined]
    assert "open_project" in functions


def test_the_process_id_is_in_a_file_for_as_long_as_the_command_runs(tmp_path: Path) -> None:
    code = "print(open('pid').read())"
    command = [sys.executable, "-m", "crawler", "shell", "--pidfile", "pid", "-c", code]
    with subprocess.Popen(command, cwd=tmp_path, env=ENV, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid
    assert not (tmp_path / "pid").exists()
