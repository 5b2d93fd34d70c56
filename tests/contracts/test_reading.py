"""From docstrings to contracts: which methods have some, what they ask for, and where a wrong one stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from crawler import FormRequest, Spider
from crawler.contracts import Contract
from crawler.contracts.default import CONTRACTS
from crawler.contracts.reading import checked_methods, known_contracts, samples_of
from crawler.exceptions import ComponentError, ContractError


class Promising(Spider):
    name = "promising"

    def later(self, response: Any) -> None:
        """@url http://site/later"""

    def parse(self, response: Any) -> None:
        """A page.

        @url http://site/a
        @param response is no contract
        @cb_kwargs {"n": 1}
        @url http://site/b
        @returns items 1
        """

    async def coroutine(self, response: Any) -> None:
        """
        @url http://site/c
        """

    def documented(self, response: Any) -> None:
        """Documents with @ only.

        @param response a page
        @return nothing
        """


def samples(spider: Spider, name: str, known: Any = CONTRACTS) -> list[Any]:
    return list(samples_of(spider, name, known))


def test_the_methods_with_contracts_come_in_the_order_of_the_file() -> None:
    assert checked_methods(Promising, CONTRACTS) == ["later", "parse", "coroutine"]


def test_each_url_is_a_sample_of_its_own_with_all_other_contracts() -> None:
    found = samples(Promising(), "parse")
    assert [sample.request.url for sample in found] == ["http://site/a", "http://site/b"]
    assert [sample.request.cb_kwargs for sample in found] == [{"n": 1}, {"n": 1}]
    assert [str(one) for one in found[1].contracts] == ['@cb_kwargs {"n": 1}', "@url http://site/b", "@returns items 1"]


def test_a_sample_knows_its_line() -> None:
    here = Path(__file__)
    lines = here.read_text().splitlines()
    name, _, number = samples(Promising(), "parse")[1].where.rpartition(":")
    assert Path(name).resolve() == here
    assert lines[int(number) - 1].strip() == "@url http://site/b"


class Typos(Spider):
    name = "typos"

    def word(self, response: Any) -> None:
        """
        @url http://site/
        @retruns items
        """

    def bound(self, response: Any) -> None:
        """
        @url http://site/
        @returns items many
        """

    def nowhere(self, response: Any) -> None:
        """
        @returns items
        """

    def bad_url(self, response: Any) -> None:
        """
        @url nowhere
        """


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("word", "@retruns items", "there is no contract @retruns; did you mean 'returns'?"),
        ("bound", "@returns items many", "@returns items many: 'many' is no whole number"),
        ("nowhere", "@returns items", "nowhere has contracts but no page to try them on: add @url URL"),
        ("bad_url", "@url nowhere", "@url nowhere: "),
    ],
)
def test_a_wrong_contract_is_told_with_file_and_line(name: str, line: str, says: str) -> None:
    with pytest.raises(ContractError) as wrong:
        samples(Typos(), name)
    where, _, text = str(wrong.value).partition(": ")
    assert text.startswith(says)
    file, _, number = where.rpartition(":")
    assert file.endswith("test_reading.py")
    assert line in [one.strip() for one in Path(__file__).read_text().splitlines()[int(number) - 1 : int(number)]]


class Posts(Contract):
    name: ClassVar[str] = "posts"
    request_cls = FormRequest

    def adjust_request_args(self, args: dict[str, Any]) -> dict[str, Any]:
        return {**args, "url": "http://site/form", "formdata": dict([self.args])}


def test_contracts_of_a_projects_own_are_known_and_may_make_the_whole_request() -> None:
    class Own(Spider):
        name = "own"

        def parse(self, response: Any) -> None:
            """
            @posts user ana
            """

    known = known_contracts([Posts])
    [sample] = samples(Own(), "parse", known)
    assert isinstance(sample.request, FormRequest)
    assert (sample.request.url, sample.request.method, sample.request.body) == ("http://site/form", "POST", b"user=ana")
    assert known_contracts({Posts: 10}) == known


@pytest.mark.parametrize("wrong", [print, dict, Contract])
def test_what_is_no_contract_is_told(wrong: Any) -> None:
    with pytest.raises(ComponentError, match=r"inherit from crawler\.contracts\.Contract and set a name"):
        known_contracts([wrong])
