"""The crawl that tries the contracts of a spider: one request for each sample, through the engine, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from crawler.contracts.reading import Sample, checked_methods, samples_of
from crawler.engine.account import spider_line
from crawler.exceptions import ContractError, describe
from crawler.rehearsal import outputs_later

if TYPE_CHECKING:
    from crawler.contracts.contract import Contract
    from crawler.http import Request, Response
    from crawler.spiders import Spider

#: How a check came out.
OK, FAILED, ERROR = "ok", "failed", "error"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a callback came to on one page. *messages* say what it broke, or why it could not be tried."""

    method: str
    url: str = ""
    where: str = ""
    outcome: str = OK
    messages: tuple[str, ...] = ()
    #: The contracts that were tried, each with what it says of the page: empty if it is kept.
    contracts: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class SpiderCheck:
    """The checks of one spider, with the contracts that are *known*; ``results`` are in the order of its file."""

    known: Mapping[str, type[Contract]]
    results: list[Checked] = field(default_factory=list)

    async def start(self, spider: Spider) -> AsyncIterator[Request]:
        """Yield the requests of all samples; what a crawl is given as *start*."""
        for name in checked_methods(type(spider), self.known):
            try:
                samples = list(samples_of(spider, name, self.known))
            except ContractError as error:
                self.results.append(Checked(name, outcome=ERROR, messages=(str(error),)))
                continue
            for sample in samples:
                number = len(self.results)
                self.results.append(Checked(name, sample.request.url, sample.where, ERROR, ("it was not visited",)))
                yield sample.request.replace(
                    callback=partial(self._try, number, sample), errback=partial(self._not_fetched, number)
                )

    async def _try(self, number: int, sample: Sample, response: Response, **cb_kwargs: Any) -> None:
        """Run the callback of *sample* on its page, and see whether the contracts are kept."""
        callback = sample.request.callback
        assert callback is not None  # every sample has one
        said = [await _said(contract, "pre_process", response) for contract in sample.contracts]
        try:
            outputs = [one async for one in outputs_later(callback(response, **cb_kwargs)) if one is not None]
        except Exception as error:
            self._note(number, ERROR, f"{describe(error)}, at {spider_line(error, callback.__self__)}")  # type: ignore[attr-defined]  # a method
            return
        for index, contract in enumerate(sample.contracts):
            said[index] = said[index] or await _said(contract, "post_process", outputs)
        broken = [(str(contract), one) for contract, one in zip(sample.contracts, said, strict=True) if one]
        outcomes = {one[0] for _, one in broken}
        self._note(
            number,
            ERROR if ERROR in outcomes else FAILED if outcomes else OK,
            *(f"{contract}: {one[1]}" for contract, one in broken),
            contracts=tuple(
                (str(contract), one[1] if one else "") for contract, one in zip(sample.contracts, said, strict=True)
            ),
        )

    def _not_fetched(self, number: int, failure: Any) -> None:
        self._note(number, ERROR, f"the page did not come: {describe(failure.value)}")

    def _note(self, number: int, outcome: str, *messages: str, **changes: Any) -> None:
        self.results[number] = replace(self.results[number], outcome=outcome, messages=messages, **changes)


async def _said(contract: Contract, hook: str, value: Any) -> tuple[str, str] | None:
    """Return what *hook* of *contract* has against *value*: an outcome and a message, None if nothing."""
    try:
        result: Any = getattr(contract, hook, lambda _: None)(value)
        if hasattr(result, "__await__"):
            await result
    except AssertionError as error:  # ContractFail is one
        return FAILED, str(error) or "failed"
    except Exception as error:
        return ERROR, describe(error)
    return None
