"""Where the tests find conformance data that lies beside the checkout; absent from a user's clone, so tests that need it skip."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).resolve().parents[2] / "shared" / "vectors"


def vectors(*parts: str) -> Any:
    """Return the parsed JSON of ``vectors/<parts>``. Where it is absent, skip the calling test; for a module, return no cases."""
    path = VECTORS.joinpath(*parts)
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    if "PYTEST_CURRENT_TEST" not in os.environ:
        return []  # the module is being read: its tests of these cases are skipped one by one, and the others run
    pytest.skip(f"conformance data {'/'.join(parts)} is not beside this checkout")
