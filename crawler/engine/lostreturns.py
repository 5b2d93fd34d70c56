"""What a generator returns is lost: ``return [item]`` in a callback that also yields brings nothing home, and says nothing.

Only the compiled code is looked at, once for each callback, so that the outputs themselves cost no more.
"""

from __future__ import annotations

import dis
from types import CodeType

# What a compiler puts between a value and its return, and what stands for None.
_BETWEEN = frozenset({"NOP", "EXTENDED_ARG", "CACHE"})
_NONE = frozenset({"LOAD_CONST", "RETURN_CONST"})


def returns_value(code: CodeType) -> bool:
    """Tell whether a generator with *code* says ``return value`` anywhere, of any other value than None."""
    before = None
    for step in dis.get_instructions(code):
        if step.opname in _BETWEEN:
            continue
        value = before if step.opname == "RETURN_VALUE" else step if step.opname == "RETURN_CONST" else None
        if value is not None and not (value.opname in _NONE and value.argval is None):
            return True
        before = step
    return False
