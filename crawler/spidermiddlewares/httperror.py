"""HttpError: a response whose status the spider does not handle, as its errback gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawler.exceptions import IgnoreRequest

if TYPE_CHECKING:
    from crawler.http import Response


class HttpError(IgnoreRequest):
    """A response was received but its status is not one that the spider handles. ``response`` is that response."""

    def __init__(self, response: Response, *args: Any) -> None:
        self.response = response
        super().__init__(*args)
