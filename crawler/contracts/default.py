"""The contracts that there are without a project's own, under Scrapy's names."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from crawler.contracts.contract import Contract
from crawler.exceptions import ContractFail
from crawler.http import Request
from crawler.item import is_item
from crawler.item_adapter import ItemAdapter


def _words(contract: Contract, least: int, most: int | None, form: str) -> None:
    """Raise ValueError unless *contract* has as many words as *form* asks for."""
    if len(contract.args) < least or (most is not None and len(contract.args) > most):
        raise ValueError(f"it is written @{contract.name} {form}")


def _json_object(contract: Contract) -> dict[str, Any]:
    text = " ".join(contract.args)
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f'{text!r} is no JSON object; write {{"name": "value"}}')
    return value


class UrlContract(Contract):
    """``@url URL``: the page. Each one makes a check of its own, to which all other contracts of the callback apply."""

    name = "url"

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        super().__init__(method, *args)
        _words(self, 1, 1, "URL")

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Set ``url``."""
        return {**args, "url": self.args[0]}


class MethodContract(Contract):
    """``@method METHOD``: how the page is asked for."""

    name = "method"

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        super().__init__(method, *args)
        _words(self, 1, 1, "METHOD")

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Set ``method``."""
        return {**args, "method": self.args[0]}


class BodyContract(Contract):
    """``@body TEXT``: the body of the request."""

    name = "body"

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Set ``body``."""
        return {**args, "body": " ".join(self.args)}


class HeaderContract(Contract):
    """``@header NAME VALUE``: a header of the request; one a line."""

    name = "header"

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        super().__init__(method, *args)
        _words(self, 2, None, "NAME VALUE")

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Add to ``headers``."""
        return {**args, "headers": {**(args.get("headers") or {}), self.args[0]: " ".join(self.args[1:])}}


class CookieContract(Contract):
    """``@cookie NAME VALUE``: a cookie of the request; one a line."""

    name = "cookie"

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        super().__init__(method, *args)
        _words(self, 2, None, "NAME VALUE")

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Add to ``cookies``."""
        return {**args, "cookies": {**(args.get("cookies") or {}), self.args[0]: " ".join(self.args[1:])}}


class MetadataContract(Contract):
    """``@meta JSON``: meta of the request, as a JSON object."""

    name = "meta"

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        super().__init__(method, *args)
        self.meta = _json_object(self)

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Set ``meta``."""
        return {**args, "meta": self.meta}


class CallbackKeywordArgumentsContract(Contract):
    """``@cb_kwargs JSON``: arguments of the callback, as a JSON object."""

    name = "cb_kwargs"

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        super().__init__(method, *args)
        self.cb_kwargs = _json_object(self)

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        """Set ``cb_kwargs``."""
        return {**args, "cb_kwargs": self.cb_kwargs}


class ReturnsContract(Contract):
    """``@returns items|requests [LEAST [MOST]]``: how many the callback yields; at least one by default."""

    name = "returns"
    object_type_verifiers: dict[str, Callable[[Any], bool]] = {
        "request": lambda output: isinstance(output, Request),
        "requests": lambda output: isinstance(output, Request),
        "item": is_item,
        "items": is_item,
    }

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        super().__init__(method, *args)
        form = f"{'|'.join(self.object_type_verifiers)} [LEAST [MOST]]"
        _words(self, 1, 3, form)
        if args[0] not in self.object_type_verifiers:
            raise ValueError(f"{args[0]!r} is nothing that is counted; it is written @returns {form}")
        self.obj_name = args[0]
        bounds = [_bound(text) for text in args[1:]]
        self.min_bound: float = bounds[0] if bounds else 1
        self.max_bound: float = bounds[1] if len(bounds) > 1 else float("inf")
        if self.min_bound > self.max_bound:
            raise ValueError(f"at least {self.min_bound} and at most {self.max_bound} cannot be")

    def post_process(self, output: Sequence[Any]) -> None:
        """Count."""
        count = sum(1 for one in output if self.object_type_verifiers[self.obj_name](one))
        if not self.min_bound <= count <= self.max_bound:
            raise ContractFail(f"returned {count} {self.obj_name}, expected {self._expected()}")

    def _expected(self) -> str:
        if self.max_bound == float("inf"):
            return f"at least {self.min_bound}"
        if self.min_bound == self.max_bound:
            return str(self.min_bound)
        return f"{self.min_bound} to {self.max_bound}"


def _bound(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


class ScrapesContract(Contract):
    """``@scrapes FIELD ...``: every item that the callback yields has these fields."""

    name = "scrapes"

    def __init__(self, method: Callable[..., Any], *args: str) -> None:
        super().__init__(method, *args)
        _words(self, 1, None, "FIELD ...")

    def post_process(self, output: Sequence[Any]) -> None:
        """Look for the fields in each item."""
        items = [ItemAdapter(one) for one in output if is_item(one)]
        missing = {name: sum(name not in item for item in items) for name in self.args}
        told = [f"{name} ({count} of {len(items)} items)" for name, count in missing.items() if count]
        if told:
            raise ContractFail(f"missing fields: {', '.join(told)}")


#: The contracts by name, in the order in which one writes them.
CONTRACTS: dict[str, type[Contract]] = {
    cls.name: cls
    for cls in (
        UrlContract,
        MethodContract,
        BodyContract,
        HeaderContract,
        CookieContract,
        MetadataContract,
        CallbackKeywordArgumentsContract,
        ReturnsContract,
        ScrapesContract,
    )
}
