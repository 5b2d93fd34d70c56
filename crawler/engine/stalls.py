"""Stalls: what blocks the reactor, named with a sample of the stack that is taken while it blocks.

A timer on the reactor gives a sign of life some times a second. A thread of its own looks for it; when it stays away, the thread
takes down where the reactor's thread is. When the sign comes again the stall is over, its length is known, and it is told: whatever
it was, a callback, a pipeline, a middleware or an extension, and at no cost for those that do not block.

Code that keeps the interpreter's lock (some regular expressions, some C extensions) stalls the looking thread too: the length is
right then, but where it was may be unknown.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crawler.interfaces import Clock, Timer

logger = logging.getLogger(__name__)

# Signs of life in the time that a stall may take; looked for as often.
_SIGNS = 4

# Code of these folders is not what the user wrote.
_PACKAGE = str(Path(__file__).resolve().parents[1])
# Who calls all that runs in a reactor: asyncio's loop, Twisted's own reactors, and the module that starts a loop without frames.
_TURNS = frozenset({"_run_once", "mainLoop"})
_STARTS = str(Path(_PACKAGE) / "runtime.py")
#: The name of what nobody saw: native code held the interpreter, or the process was not let run.
UNKNOWN = "something"

#: What stands before the name of a function that is not the user's.
OURS = "crawler's own "

# What can be done about the user's, and about those.
_ADVICE = "Blocking work can be moved to a thread: see crawler.threads"
_ADVICE_ON_OURS = "A slow disk does that, a busy machine, or a page with very many links"

_MOST = 50
_STACK = 25


@dataclass(slots=True)
class Stall:
    """What blocked: the function *name* of the user's, *where* it was, and the stack as text; *count* times, so many seconds."""

    name: str
    where: str
    stack: str
    count: int = 0
    seconds: float = 0.0
    most: float = 0.0


def _nothing() -> None:
    """Do nothing."""


class Stalls:
    """Stalls by name."""

    def __init__(self) -> None:
        self._known: dict[str, Stall] = {}
        #: Called before they are looked at: a stall may have ended just now.
        self.catch_up: Callable[[], None] = _nothing

    def __repr__(self) -> str:
        return f"<Stalls of {len(self._known)} functions>"

    def add(self, name: str, where: str, stack: str, seconds: float) -> None:
        """Count a stall."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _MOST:
                return
            known = self._known[name] = Stall(name, where, stack)
        known.count += 1
        known.seconds += seconds
        known.most = max(known.most, seconds)

    def most(self) -> list[Stall]:
        """Return them, those that took most time first."""
        self.catch_up()
        return sorted(self._known.values(), key=lambda stall: -stall.seconds)

    def plain(self) -> list[dict[str, Any]]:
        """Return what :meth:`restore` takes."""
        return [asdict(stall) for stall in self.most()]

    def restore(self, kept: Iterable[dict[str, Any]]) -> None:
        """Go on from what :meth:`plain` returned."""
        self._known = {one["name"]: Stall(**one) for one in kept}


class StallWatch:
    """Tells *stalls* and the log what blocks the thread that it is made in for longer than *patience* seconds."""

    def __init__(
        self, clock: Clock, stalls: Stalls, *, patience: float, time_now: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._stalls = stalls
        self._patience = patience
        self._time = time_now
        self._watched = threading.get_ident()
        self._sign_at = time_now()
        self._sample: tuple[str, str, str] | None = None
        self._over = threading.Event()
        self._timer: Timer | None = None
        self._thread = threading.Thread(target=self._look, name="crawler-stalls", daemon=True)

    def __repr__(self) -> str:
        return f"<StallWatch for more than {self._patience:g} s>"

    def begin(self) -> None:
        """Watch from now on."""
        self._give_sign()
        self._stalls.catch_up = self._note
        self._thread.start()

    def end(self) -> None:
        """Watch no longer."""
        self._over.set()
        self._note()  # the crawl may have ended with a stall
        self._stalls.catch_up = _nothing
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _give_sign(self) -> None:
        self._note()
        self._timer = self._clock.callLater(self._patience / _SIGNS, self._give_sign)

    def _note(self) -> None:
        now = self._time()
        held, sample = now - self._sign_at, self._sample
        self._sign_at, self._sample = now, None
        if held > self._patience + self._patience / _SIGNS:
            self._tell(held, *(sample or (UNKNOWN, "?", "")))

    def _tell(self, held: float, name: str, where: str, stack: str) -> None:
        self._stalls.add(name, where, stack, held)
        if name == UNKNOWN:
            logger.warning(
                "Nothing could run for %.2f s (limit: crawl.max_callback_seconds = %g), and nobody saw why: the process or the "
                "machine was suspended, or native code did not let go of the interpreter",
                held,
                self._patience,
            )
            return
        logger.warning(
            "%s held the reactor for %.2f s, and nothing else could run meanwhile (limit: crawl.max_callback_seconds = %g). It was "
            "at %s. %s",
            name,
            held,
            self._patience,
            where,
            _ADVICE_ON_OURS if name.startswith(OURS) else _ADVICE,
        )

    def _look(self) -> None:
        while not self._over.wait(self._patience / _SIGNS):
            if self._sample is None and self._time() - self._sign_at > self._patience:
                frame = sys._current_frames().get(self._watched)
                if frame is not None:
                    self._sample = sample_of(frame)
                del frame  # or all that its functions had would live until the next stall


def sample_of(frame: FrameType) -> tuple[str, str, str]:
    """Return (name of the user's function, file:line, stack as text) of a running *frame*.

    Where it is no function of the user's that runs, but something else in the reactor's turn, that is named.
    """
    stack = "".join(traceback.format_stack(frame, limit=_STACK))
    place, ours = frame, None
    while not _is_users(place):
        if ours is None and place.f_code.co_filename.startswith(_PACKAGE):
            ours = place
        if place.f_back is None or _calls_all(place):  # beyond is who started the reactor
            place = ours or frame
            break
        place = place.f_back
    code = place.f_code
    own = OURS if code.co_filename.startswith(_PACKAGE) else ""
    return f"{own}{code.co_qualname}", f"{code.co_filename}:{place.f_lineno} in {code.co_name}", stack


@cache
def _libraries() -> tuple[str, ...]:
    """Return the folders of the standard library and of what is installed."""
    import sysconfig  # takes a millisecond, and most crawls never stall

    return (*{sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}, "<frozen")


def _calls_all(frame: FrameType) -> bool:
    return frame.f_code.co_name in _TURNS or frame.f_code.co_filename == _STARTS


def _is_users(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    if name.startswith(_PACKAGE):
        return False
    return not name.startswith(_libraries())
