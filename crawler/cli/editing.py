"""The editor of whoever sits at the terminal."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from crawler.cli.project import open_project
from crawler.exceptions import UsageError


def open_editor(path: Path) -> None:
    """Open *path* in the editor that project.editor, VISUAL or EDITOR names, and wait until it is left."""
    named = open_project().settings.project.editor or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        done = subprocess.run([*shlex.split(named), str(path)])
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the editor {named!r} does not start: {error}; name another in the environment variable EDITOR"
        ) from error
    if done.returncode:
        raise UsageError(f"the editor {named!r} ended with {done.returncode}")
