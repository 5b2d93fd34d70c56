"""Who has the terminal: log lines, a live view, or somebody who is asked something."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crawler.logs import configure_logging, lines_to, silence_logging, terminal_free
from crawler.settings import Settings


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    level = logging.root.level
    configure_logging(Settings({"log.format": "%(message)s"}).log)
    yield logging.getLogger("test")
    silence_logging()
    logging.root.setLevel(level)
    logging.captureWarnings(False)


def test_a_live_view_steps_aside_while_somebody_is_asked_something(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    happened: list[str] = []

    @contextmanager
    def aside() -> Iterator[None]:
        happened.append("aside")
        yield
        happened.append("back")

    with lines_to(happened.append, aside):
        log.warning("above the view")
        with terminal_free():
            log.warning("to the terminal")
        log.warning("above again")
    assert happened == ["above the view", "aside", "back", "above again"]
    assert capsys.readouterr().err == "to the terminal\n"


def test_without_a_live_view_the_terminal_is_free() -> None:
    with terminal_free():
        pass


def test_what_a_page_says_cannot_command_the_terminal(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    log.error("title \x1b]0;owned\x07 %s", "\x9b2J")
    try:
        raise ValueError("\x1b[2Jgone")
    except ValueError:
        log.exception("fails")
    said = capsys.readouterr().err
    assert "title \\x1b]0;owned\\x07 \\x9b2J\n" in said
    assert "ValueError: \\x1b[2Jgone\n" in said
    assert not {"\x1b", "\x07", "\x9b"} & set(said)
