"""How a visit learns that the crawl was stopped at once."""

from __future__ import annotations

import asyncio

from twisted.internet.defer import CancelledError


class Halted(Exception):
    """Raised into the output loop of a callback: its visit goes back to waiting."""


#: What a coroutine sees when it is cancelled: under Twisted's driver, or in an asyncio task.
CANCELLED = (CancelledError, asyncio.CancelledError)

#: What no code of the user's means to say. Anything else that it raises is an error of its own, SystemExit and the panics of native
#: libraries too: let through, they would end the visit as if all were well.
NOT_OF_USER = (KeyboardInterrupt, GeneratorExit)
