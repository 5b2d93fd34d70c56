"""Prompts that await: IPython's, and Python's own with history and completion; and code that was given at once.

Each gets the names that are at hand, a banner, and a *wait* that runs the reactor until a coroutine is done. A mistake that the
crawler can name (an unknown host, a wrong URL) is told in a line; anything else with its traceback, from the user's line on.
"""

from __future__ import annotations

import ast
import builtins
import code as interpreters
import inspect
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import CodeType, FunctionType, TracebackType
from typing import Any, Protocol

from crawler.exceptions import CrawlerError, IgnoreRequest, UsageError, describe

_AWAITING = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

# Errors whose message says it all.
_NAMED = (CrawlerError, IgnoreRequest)

# Lines of history that are kept: more than anybody looks back.
_HISTORY_LENGTH = 2000


class Wait(Protocol):
    """Runs the reactor until something is done."""

    @property
    def is_running(self) -> bool:
        """Whether the reactor runs now."""

    def later(self, awaitable: Any) -> Any:
        """Begin *awaitable* while the reactor runs."""

    def __call__(self, awaitable: Any) -> Any:
        """Return or raise what *awaitable* comes to."""


def run_source(source: str, names: dict[str, Any], wait: Wait, name: str) -> Any:
    """Run *source* with *names*; return the value of its last statement if that is an expression, else None."""
    tree = ast.parse(source, name)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return _executed(compile(tree, name, "exec", flags=_AWAITING), names, wait)
    tree.body.pop()
    _executed(compile(tree, name, "exec", flags=_AWAITING), names, wait)
    return _executed(compile(ast.Expression(last.value), name, "eval", flags=_AWAITING), names, wait)


def _executed(code: CodeType, names: dict[str, Any], wait: Wait) -> Any:
    names.setdefault("__builtins__", builtins)
    result = FunctionType(code, names)()
    return wait(result) if code.co_flags & inspect.CO_COROUTINE else result


def told(error: BaseException) -> str:
    """Return what to say of an *error* of code that was typed in: a line, or a traceback that begins with that code."""
    if isinstance(error, _NAMED):
        return str(error) if isinstance(error, UsageError) else describe(error)
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(
        "<"
    ):  # it was never run: no frame is of interest
        return "".join(traceback.format_exception_only(error)).rstrip("\n")
    return "".join(traceback.format_exception(type(error), error, _from_user(error.__traceback__))).rstrip("\n")


def _from_user(frame: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins in what was typed in, the whole if nothing does."""
    first = frame
    while first is not None and not first.tb_frame.f_code.co_filename.startswith("<"):
        first = first.tb_next
    return first or frame


# --- Python's own prompt ---------------------------------------------------------------------------------------------


class _Console(interpreters.InteractiveConsole):
    """Python's prompt, with await."""

    def __init__(self, names: dict[str, Any], wait: Wait) -> None:
        super().__init__(names)
        self.compile.compiler.flags |= _AWAITING
        self._names = names
        self._wait = wait

    def runcode(self, code: CodeType) -> None:
        """Run one statement and show what it raises."""
        try:
            _executed(code, self._names, self._wait)
        except SystemExit:
            raise
        except KeyboardInterrupt:
            self.write("\nKeyboardInterrupt\n")
        except BaseException as error:
            self.write(f"{told(error)}\n")


def ask_python(names: dict[str, Any], banner: str, wait: Wait) -> None:
    """Ask in Python's own prompt until it is left with Ctrl-D or exit()."""
    with _line_editing(names), suppress(SystemExit):
        _Console(names, wait).interact(banner=banner, exitmsg="")


@contextmanager
def _line_editing(names: dict[str, Any]) -> Iterator[None]:
    """Let Tab complete *names*, and keep what is typed for the next time, where there is a terminal to edit lines in."""
    try:
        import readline  # not part of every Python
        import rlcompleter
    except ImportError:
        yield
        return
    if not sys.stdin.isatty():
        yield
        return
    before = readline.get_completer()
    readline.set_completer(rlcompleter.Completer(names).complete)
    readline.parse_and_bind("bind ^I rl_complete" if "libedit" in (readline.__doc__ or "") else "tab: complete")
    history = history_file()
    with suppress(OSError):
        readline.read_history_file(history)
    try:
        yield
    finally:
        readline.set_completer(before)
        readline.set_history_length(_HISTORY_LENGTH)
        with suppress(OSError):
            history.parent.mkdir(parents=True, exist_ok=True)
            # What is typed may hold passwords.
            os.close(os.open(history, os.O_CREAT | os.O_RDWR, 0o600))
            readline.write_history_file(history)


def history_file() -> Path:
    """Return where the lines of earlier prompts are."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "crawler" / "shell_history"


# --- IPython ---------------------------------------------------------------------------------------------------------


def ask_ipython(names: dict[str, Any], banner: str, wait: Wait) -> None:
    """Ask in IPython's prompt, with the user's own configuration of it."""
    from IPython.terminal.interactiveshell import TerminalInteractiveShell  # takes half a second
    from IPython.terminal.ipapp import load_default_config

    TerminalInteractiveShell.clear_instance()
    shell: Any = TerminalInteractiveShell.instance(
        user_ns=names,
        banner1=f"{banner}\n",
        confirm_exit=False,
        config=load_default_config(),  # type: ignore[no-untyped-call]  # IPython's
    )
    shell.autoawait = True
    shell.loop_runner = wait
    shell.set_custom_exc(_NAMED, _tell_in_ipython)
    shell.show_banner()
    shell.mainloop()
    TerminalInteractiveShell.clear_instance()


def _tell_in_ipython(shell: Any, kind: type, error: BaseException, frames: Any, tb_offset: int | None = None) -> None:
    print(told(error), file=sys.stderr)
