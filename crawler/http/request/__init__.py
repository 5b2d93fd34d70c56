"""Requests: plain ones, forms, JSON and XML-RPC, each kind imported when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.first_use import at_first_use
from crawler.http.request.request import NO_CALLBACK, Request, request_from_dict

if TYPE_CHECKING:
    from crawler.http.request.form import FormRequest
    from crawler.http.request.json_request import JsonRequest
    from crawler.http.request.rpc import XmlRpcRequest

__all__ = ["NO_CALLBACK", "FormRequest", "JsonRequest", "Request", "XmlRpcRequest", "request_from_dict"]

#: Kind -> its module.
KINDS = {
    "FormRequest": "crawler.http.request.form",
    "JsonRequest": "crawler.http.request.json_request",
    "XmlRpcRequest": "crawler.http.request.rpc",
}

if not TYPE_CHECKING:  # type checkers know the names from above, and tell one that is misspelled
    __getattr__ = at_first_use(globals(), KINDS)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
