"""From errors of the crawler to a message and an exit code: whoever made the mistake is told what to do, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from crawler.cli.exitcodes import ExitCode
from crawler.exceptions import ComponentError, SpiderError, UsageError


class CommandError(click.ClickException):
    """Ends the command with *message* on standard error and *code*."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click reads it from the instance


@contextmanager
def told() -> Iterator[None]:
    """Turn what the person at the terminal can act on into a message; let real bugs through as they are."""
    try:
        yield
    except (ComponentError, SpiderError) as error:
        raise CommandError(str(error), ExitCode.NOT_STARTED) from error
    except UsageError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    except KeyboardInterrupt:
        raise CommandError("interrupted", ExitCode.INTERRUPTED) from None
