"""The garbage collector at a pace that suits a crawl, and the modules that are loaded for one."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New containers, less those that are gone, before the collector looks at them: some megabytes.
_NEW_OBJECTS = 20_000


@contextmanager
def collector_at_ease() -> Iterator[None]:
    """Let the garbage collector come less often, and look only at what comes from now on.

    A crawl makes and drops objects by the thousand, nearly all of which go by their reference counts; modules stay. At its usual
    pace the collector takes a twentieth of the CPU to find that out, and looks at all modules again and again.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(max(before[0], _NEW_OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
