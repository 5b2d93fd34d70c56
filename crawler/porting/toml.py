"""Values written as TOML."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
# A list that would make a longer line has a line for each of its values.
_LINE = 100


def key(name: str) -> str:
    """Return *name* as a key, in quotes if it needs them."""
    return name if _BARE.fullmatch(name) else _text(name)


def value(given: Any) -> str:
    """Return *given* as a value on one line, or a list on several. Raise TypeError for what TOML does not have."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int):
        return str(given)
    if isinstance(given, float):
        return repr(given) if math.isfinite(given) else str(given)
    if isinstance(given, str):
        return _text(given)
    if isinstance(given, list | tuple):
        parts = [value(one) for one in given]
        line = f"[{', '.join(parts)}]"
        return line if len(line) <= _LINE else "[\n" + "".join(f"    {part},\n" for part in parts) + "]"
    if isinstance(given, Mapping):
        return (
            "{ " + ", ".join(f"{key(_name(name))} = {value(one)}" for name, one in given.items()) + " }"
            if given
            else "{}"
        )
    raise TypeError(f"TOML has no {given!r}")


def table(path: list[str], content: Mapping[str, Any], *, comments: Mapping[str, str] | None = None) -> str:
    """Return *content* under a heading, tables within it under headings of their own; *comments* stand behind the values."""
    notes = comments or {}
    inner = {name: one for name, one in content.items() if isinstance(one, Mapping) and one}
    lines = [
        f"{key(_name(name))} = {value(one)}{f'  # {notes[name]}' if name in notes else ''}\n"
        for name, one in content.items()
        if name not in inner
    ]
    heading = f"[{'.'.join(key(part) for part in path)}]"
    parts = ["".join([heading, "\n", *lines])] if lines or not inner else []
    for name, one in inner.items():
        below = table([*path, _name(name)], one)
        note = f"  # {notes[name]}" if name in notes else ""
        parts.append(below.replace("]\n", f"]{note}\n", 1))
    return "\n".join(parts)


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"TOML has no key {name!r}")
    return name


def _text(text: str) -> str:
    text.encode()  # half of a surrogate pair is no text
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
