"""What a contract is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from crawler.http import Request


class Contract:
    """One line ``@name args`` in the docstring of *method*; *args* are its words.

    A contract may change the request for the page (:meth:`adjust_request_args`), look at the response before the callback
    (``pre_process(response)``) and at the list of what the callback yielded (``post_process(output)``). The last two are defined
    by who needs them, may be coroutine functions, and raise ContractFail where the promise is broken. ``__init__`` may raise
    ValueError where the words make no sense.
    """

    name: ClassVar[str]
    #: The class of the request; the last contract that names one decides.
    request_cls: type[Request] | None = None

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        self.method = method
        self.args = args

    def __str__(self) -> str:
        return " ".join([f"@{self.name}", *self.args])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments that the request is made with, changed as the contract asks."""
        return args
