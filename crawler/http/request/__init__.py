"""Requests: plain ones, forms, JSON and XML-RPC, each kind imported when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from crawler.http.request.request import NO_CALLBACK, Request, request_from_dict

if TYPE_CHECKING:
    from crawler.http.request.form import FormRequest
    from crawler.http.request.json_request import JsonRequest
    from crawler.http.request.rpc import XmlRpcRequest

__all__ = ["NO_CALLBACK", "FormRequest", "JsonRequest", "Request", "XmlRpcRequest", "request_from_dict"]

#: Kind -> its module here.
KINDS = {"FormRequest": "form", "JsonRequest": "json_request", "XmlRpcRequest": "rpc"}


def _kind(name: str) -> Any:
    """Import a kind of request when it is first asked for."""
    module = KINDS.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    return value


if not TYPE_CHECKING:  # type checkers know the names from above, and tell one that is misspelled
    __getattr__ = _kind


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
