"""How a visit learns that the crawl was stopped at once, and when a crawl is: for want of memory."""

from __future__ import annotations

import asyncio
from traceback import clear_frames

from twisted.internet.defer import CancelledError


class Halted(Exception):
    """Raised into the output loop of a callback: its visit goes back to waiting."""


#: What a coroutine sees when it is cancelled: under Twisted's driver, or in an asyncio task.
CANCELLED = (CancelledError, asyncio.CancelledError)

#: The reason of a crawl that stops because the process has no memory left.
OUT_OF_MEMORY = "out_of_memory"

# Bytes that a page takes at least, with its tree and a commit.
_FOR_A_PAGE = 64 * 2**20


def is_short_of_memory(error: BaseException) -> bool:
    """Tell whether *error* says that there is no memory left, even without what the code that raised it had held.

    Else the code has asked for more than there ever is, as it will in any process.
    """
    if not isinstance(error, MemoryError):
        return False
    clear_frames(error.__traceback__)
    try:
        bytearray(_FOR_A_PAGE)
    except MemoryError:
        return True
    return False


#: What no code of the user's means to say. Anything else that it raises is an error of its own, SystemExit and the panics of native
#: libraries too: let through, they would end the visit as if all were well.
NOT_OF_USER = (KeyboardInterrupt, GeneratorExit)
