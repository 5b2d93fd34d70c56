"""The contracts that there are: what they make of a request, and what they ask of outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from crawler import Field, Item, Request
from crawler.contracts.default import CONTRACTS
from crawler.exceptions import ContractFail


class Book(Item):
    title = Field()
    price = Field()


@dataclass
class Quote:
    text: str


def contract(line: str) -> Any:
    name, *words = line.split()
    return CONTRACTS[name](print, *words)


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("url http://x/", {"url": "http://x/"}),
        ("method POST", {"method": "POST"}),
        ("body a=1 b", {"body": "a=1 b"}),
        ("header X-Two words here", {"headers": {"X-Two": "words here"}}),
        ("cookie user ana", {"cookies": {"user": "ana"}}),
        ('meta {"a": {"b": 1}}', {"meta": {"a": {"b": 1}}}),
        ('cb_kwargs {"a": [1, 2]}', {"cb_kwargs": {"a": [1, 2]}}),
        ("returns items", {}),
    ],
)
def test_a_contract_changes_the_request(line: str, arguments: dict[str, Any]) -> None:
    assert contract(line).adjust_request_args({}) == arguments


def test_headers_and_cookies_are_one_a_line() -> None:
    arguments = contract("header B 2").adjust_request_args(contract("header A 1").adjust_request_args({}))
    assert arguments == {"headers": {"A": "1", "B": "2"}}


ITEMS, REQUESTS = [{"title": 1}, Book(title="x"), Quote("y")], [Request("http://x/"), Request("http://y/")]


@pytest.mark.parametrize(
    ("line", "output", "says"),
    [
        ("returns items", ITEMS, None),
        ("returns item 3 3", ITEMS, None),
        ("returns requests 2", [*ITEMS, *REQUESTS], None),
        ("returns requests 0 0", ITEMS, None),
        ("returns requests", ITEMS, "returned 0 requests, expected at least 1"),
        ("returns items 0 2", ITEMS, "returned 3 items, expected 0 to 2"),
        ("returns request 1 1", REQUESTS, "returned 2 request, expected 1"),
        ("scrapes title", [{"title": 1}, *REQUESTS], None),
        ("scrapes text", [Quote("y")], None),
        ("scrapes title price", [{"title": 1, "price": 2}, Book(title="x")], r"missing fields: price \(1 of 2 items\)"),
    ],
)
def test_outputs_are_held_against_a_contract(line: str, output: list[Any], says: str | None) -> None:
    if says is None:
        contract(line).post_process(output)
        return
    with pytest.raises(ContractFail, match=says):
        contract(line).post_process(output)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("url", "it is written @url URL"),
        ("url a b", "it is written @url URL"),
        ("method", "it is written @method METHOD"),
        ("header X", "it is written @header NAME VALUE"),
        ("cookie X", "it is written @cookie NAME VALUE"),
        ("meta {x", "'{x' is no JSON"),
        ("meta [1]", "is no JSON object"),
        ("cb_kwargs", "'' is no JSON"),
        ("returns", r"it is written @returns request\|requests\|item\|items \[LEAST \[MOST\]\]"),
        ("returns books", "'books' is nothing that is counted"),
        ("returns items many", "'many' is no whole number"),
        ("returns items -1", "'-1' is no whole number"),
        ("returns items 3 2", "at least 3 and at most 2 cannot be"),
        ("scrapes", "it is written @scrapes FIELD"),
    ],
)
def test_a_line_that_makes_no_sense_is_told_with_how_it_is_written(line: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        contract(line)
