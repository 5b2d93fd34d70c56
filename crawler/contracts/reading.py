"""From the docstrings of a spider to contracts, and to the requests that they ask for.

A callback is checked if its docstring has a line that begins with ``@`` and the name of a contract. What else is written with
``@``, such as ``@param``, is passed over there; a name that is almost that of a contract is an error, and so is a line that a
contract cannot make sense of. Each ``@url`` is a sample of its own.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.contracts.contract import Contract
from crawler.contracts.default import CONTRACTS
from crawler.engine import components
from crawler.exceptions import ComponentError, ContractError
from crawler.http import Request
from crawler.nearest import did_you_mean

if TYPE_CHECKING:
    from crawler.spiders import Spider

_LINE = re.compile(r"@(\w+)(?:\s+(.*))?")


@dataclass(frozen=True, slots=True)
class Sample:
    """A callback, one page to try it on, and what it promises. *where* is the file and line of the page."""

    method: str
    where: str
    contracts: tuple[Contract, ...]
    request: Request


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    name: str
    words: tuple[str, ...]


def known_contracts(setting: Any) -> dict[str, type[Contract]]:
    """Return the contracts by name: the built-in ones, and those that the setting ``components.contracts`` adds or replaces."""
    known = dict(CONTRACTS)
    for one in components.declared(setting):
        cls = components.load(one.target)
        if not (isinstance(cls, type) and issubclass(cls, Contract) and getattr(cls, "name", None)):
            raise ComponentError(f"{one.name} is no contract: inherit from crawler.contracts.Contract and set a name")
        known[cls.name] = cls
    return known


def checked_methods(spidercls: type[Spider], known: Mapping[str, type[Contract]]) -> list[str]:
    """Return the names of the callbacks of *spidercls* that have contracts, in the order in which they stand in its file."""
    methods = {}
    for name, function in inspect.getmembers(spidercls, inspect.isroutine):
        if any(line.name in known for line in _lines(function)):
            methods[name] = inspect.unwrap(function).__code__.co_firstlineno
    return sorted(methods, key=lambda name: methods[name])


def samples_of(spider: Spider, name: str, known: Mapping[str, type[Contract]]) -> Iterator[Sample]:
    """Yield the samples of the callback *name* of *spider*. Raise ContractError for what cannot be read, with file and line."""
    method = getattr(spider, name)
    pages: list[tuple[_Line, Contract]] = []
    others: list[tuple[_Line, Contract]] = []
    for line in _lines(method):
        if not _is_meant(line.name, known):
            continue
        (pages if line.name == "url" else others).append((line, _contract(method, line, known)))
    if not pages:  # one of the project's own may say which page
        yield _sample(method, others[0][0], [contract for _, contract in others])
    for page in pages:
        ordered = sorted([page, *others], key=lambda one: one[0].number)
        yield _sample(method, page[0], [contract for _, contract in ordered])


def _lines(function: Any) -> Iterator[_Line]:
    """Yield the lines of a docstring that may be contracts."""
    for text in (getattr(function, "__doc__", None) or "").splitlines():
        found = _LINE.fullmatch(text.strip())
        if found is not None and hasattr(inspect.unwrap(function), "__code__"):
            yield _Line(_number_of(text.strip(), function), text.strip(), found[1], tuple((found[2] or "").split()))


def _is_meant(name: str, known: Iterable[str]) -> bool:
    return name in known or bool(did_you_mean(name, known))


def _number_of(text: str, function: Any) -> int:
    """Return the number of the line *text* in the file of *function*, that of the function if it is not found."""
    code = inspect.unwrap(function).__code__
    try:
        source, first = inspect.getsourcelines(code)
    except (OSError, TypeError):  # a file that is gone, or code that never was in one
        return int(code.co_firstlineno)
    return next((first + index for index, line in enumerate(source) if text in line), first)


def _where(function: Callable[..., Any], line: _Line) -> str:
    file = Path(inspect.unwrap(function).__code__.co_filename)
    here = Path.cwd()
    return f"{file.relative_to(here) if file.is_relative_to(here) else file}:{line.number}"


def _contract(method: Callable[..., Any], line: _Line, known: Mapping[str, type[Contract]]) -> Contract:
    cls = known.get(line.name)
    if cls is None:
        raise ContractError(
            f"{_where(method, line)}: there is no contract @{line.name}{did_you_mean(line.name, known)}"
        )
    try:
        return cls(method, *line.words)
    except Exception as error:  # of the project's own contracts too
        raise ContractError(f"{_where(method, line)}: {line.text}: {error}") from error


def _sample(method: Callable[..., Any], line: _Line, contracts: list[Contract]) -> Sample:
    where = _where(method, line)
    cls: type[Request] = Request
    arguments: dict[str, Any] = {"dont_filter": True, "callback": method}
    for contract in contracts:
        arguments = contract.adjust_request_args(arguments)
        cls = contract.request_cls or cls
    if "url" not in arguments:
        raise ContractError(f"{where}: {method.__name__} has contracts but no page to try them on: add @url URL")
    try:
        return Sample(method.__name__, where, tuple(contracts), cls(**arguments))
    except (TypeError, ValueError) as error:
        raise ContractError(f"{where}: {line.text}: {error}") from error
