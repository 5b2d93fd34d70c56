"""Text of others made fit for a terminal, which obeys what it is sent.

A page, a URL or an error that quotes them may hold escape sequences: they would set the title of the window, clear it, write to the
clipboard. What is no character to print is shown as ``\\x1b`` is written.
"""

from __future__ import annotations

# C0 but for tab and newline, DEL, C1, and what turns the direction of text.
_NOT_PRINTED = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in (*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


def printable(text: str) -> str:
    """Return *text* with every control character but tab and newline written out."""
    return text if text.isprintable() else text.translate(_NOT_PRINTED)
