"""Where log lines go and what they look like, from the settings in ``[log]``.

Lines go to standard error, or to ``log.file``. A live view takes the lines over for as long as it is up, with
:func:`lines_to`, so that they appear above it whole; it steps aside while somebody is asked something in the terminal, in
:func:`terminal_free`. Nothing here is done on import: programs that use the crawler as a
library keep their own logging unless they ask for this one.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from crawler.exceptions import SettingsError
from crawler.printable import printable

# Libraries that tell of every connection: their warnings are worth reading, the rest only when all is.
_NOISY = ("twisted", "asyncio", "urllib3")


class LogOptions(Protocol):
    """The settings in ``[log]`` that are used here."""

    @property
    def enabled(self) -> bool:
        """Whether there is a log at all."""

    @property
    def level(self) -> str:
        """The least level that is logged."""

    @property
    def file(self) -> str:
        """The file to append to, empty for standard error."""

    @property
    def format(self) -> str:
        """A format of :mod:`logging`."""

    @property
    def date_format(self) -> str:
        """A format of :func:`time.strftime`."""


class _LineHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic for type checkers only
    """Writes to what is standard error at the time, or where :func:`lines_to` says."""

    taken_by: Callable[[str], None] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.taken_by is None:
            self.stream = sys.stderr
            super().emit(record)
            return
        try:
            self.taken_by(self.format(record))
        except Exception:
            self.handleError(record)


class _Formatter(logging.Formatter):
    """Writes out what of a message a terminal would obey; escape sequences of the format itself stay."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = printable(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_text:  # another handler was first
            record.exc_text = printable(record.exc_text)
        return super().format(record)

    def formatException(self, ei: Any) -> str:
        return printable(super().formatException(ei))


_installed: logging.Handler | None = None


def configure_logging(log: LogOptions) -> None:
    """Send log lines where *log* says, in its format and from its level on. A later call takes the place of an earlier.

    Raises SettingsError if the file cannot be written or the format is none.
    """
    if not log.enabled:
        silence_logging()
        return
    level = logging.getLevelNamesMapping().get(log.level.upper())
    if level is None:
        raise SettingsError(f"log.level is {log.level!r}; it may be DEBUG, INFO, WARNING, ERROR or CRITICAL")
    try:
        formatter = _Formatter(log.format, log.date_format)
    except ValueError as error:
        raise SettingsError(f"log.format {log.format!r} is no format of Python's logging: {error}") from error
    handler = _handler(log.file)
    handler.setFormatter(formatter)
    _install(handler, level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING) if level > logging.DEBUG else logging.NOTSET)


def silence_logging() -> None:
    """Log nothing at all."""
    _install(logging.NullHandler(), logging.CRITICAL + 1)


@contextmanager
def lines_to(
    write: Callable[[str], None], aside: Callable[[], AbstractContextManager[object]] = nullcontext
) -> Iterator[None]:
    """Hand finished log lines that would go to standard error to *write* instead.

    *aside* returns a context in which whoever writes them leaves the terminal alone.
    """
    global _step_aside
    _LineHandler.taken_by, _step_aside = staticmethod(write), aside
    try:
        yield
    finally:
        _LineHandler.taken_by, _step_aside = None, nullcontext


@contextmanager
def terminal_free() -> Iterator[None]:
    """Have the terminal to oneself, to ask somebody something: a live view steps aside meanwhile."""
    with _step_aside():
        taken, _LineHandler.taken_by = _LineHandler.taken_by, None
        try:
            yield
        finally:
            _LineHandler.taken_by = taken


_step_aside: Callable[[], AbstractContextManager[object]] = nullcontext


def _handler(file: str) -> logging.Handler:
    if not file:
        return _LineHandler()
    try:
        return logging.FileHandler(Path(file), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"log.file {file!r} cannot be written: {error.strerror or error}") from error


def _install(handler: logging.Handler, level: int) -> None:
    global _installed
    if _installed is not None:
        logging.root.removeHandler(_installed)
        _installed.close()
    _installed = handler
    logging.root.addHandler(handler)
    logging.root.setLevel(level)
    logging.captureWarnings(True)
