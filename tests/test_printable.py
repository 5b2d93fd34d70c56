"""Text of others, fit for a terminal."""

from __future__ import annotations

import pytest

from crawler.printable import printable


@pytest.mark.parametrize("text", ["", "a page", "Zürich 東京 🐍", "a\tb\nc"])
def test_what_can_be_printed_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x1b[2J", "\\x1b[2J"), ("a\rb", "a\\x0db"), ("\x9b2J", "\\x9b2J"), ("\x7f", "\\x7f"), ("a\u202eb", "a\\u202eb")],
)
def test_what_commands_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown
