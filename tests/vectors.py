"""Where the tests find conformance data that lies beside the checkout; absent from a user's clone, so tests that need it skip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).resolve().parents[2] / "shared" / "vectors"


def vectors(*parts: str) -> Any:
    """Return the parsed JSON of ``vectors/<parts>``, or skip the calling test (or module) where it is absent."""
    path = VECTORS.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"conformance data {'/'.join(parts)} is not beside this checkout", allow_module_level=True)
    return json.loads(path.read_text(encoding="utf-8"))
