"""Spider arguments: text from the command line, typed by the spider's own signature."""

from __future__ import annotations

import enum
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional

import pytest

from crawler.exceptions import SpiderArgumentError
from crawler.spiders import CrawlSpider, Spider
from crawler.spiders.arguments import annotation_text, convert, parse_arguments, spider_arguments


class Typed(Spider):
    name = "typed"

    def __init__(
        self,
        url: str,
        pages: int = 10,
        deep: bool = False,
        rate: float | None = None,
        tags: list[str] = [],  # noqa: B006  # as users write it
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)


class Strict(Spider):
    name = "strict"

    def __init__(self, url: str, pages: int = 10) -> None:
        super().__init__()


class Untyped(Spider):
    name = "untyped"
    tag = "all"


def test_text_is_converted_to_what_the_annotation_says() -> None:
    given = {"url": "http://x.test/", "pages": "5", "deep": "yes", "rate": "0.5", "tags": "a,b"}
    wanted = {"url": "http://x.test/", "pages": 5, "deep": True, "rate": 0.5, "tags": ["a", "b"]}
    assert parse_arguments(Typed, given) == wanted


def test_a_spider_that_names_no_arguments_takes_any_as_text() -> None:
    assert parse_arguments(Untyped, {"tag": "humor", "whatever": "5"}) == {"tag": "humor", "whatever": "5"}


def test_a_spider_that_passes_keyword_arguments_on_takes_other_names_too(caplog: pytest.LogCaptureFixture) -> None:
    assert parse_arguments(Typed, {"url": "x", "category": "poetry"}) == {"url": "x", "category": "poetry"}
    assert not caplog.records
    assert parse_arguments(Typed, {"url": "x", "page": "5"}) == {"url": "x", "page": "5"}
    assert "takes the argument 'page', but does not name it; did you mean 'pages'?" in caplog.text


@pytest.mark.parametrize(
    ("cls", "given", "message"),
    [
        (Strict, {"url": "x", "page": "5"}, "has no argument 'page'; did you mean 'pages'?"),
        (Strict, {"url": "x", "zzz": "5"}, "has no argument 'zzz'; it takes: url: str, pages: int = 10"),
        (Typed, {"url": "x", "pages": "many"}, "argument pages='many'"),
        (Typed, {"url": "x", "deep": "perhaps"}, "argument deep='perhaps'"),
        (Typed, {"pages": "5"}, "needs -a url=..."),
        (Untyped, {"parse": "x"}, "would overwrite 'parse'"),
        (Untyped, {"custom_settings": "x"}, "would overwrite"),
        (Untyped, {"not-a-name": "x"}, "is no Python name"),
    ],
)
def test_what_is_wrong_is_told_with_the_argument_and_the_way_out(cls: type[Spider], given: dict, message: str) -> None:
    with pytest.raises(SpiderArgumentError) as wrong:
        parse_arguments(cls, given)
    assert message in str(wrong.value)


class Colour(enum.Enum):
    RED = "#f00"
    BLUE = 2


Pence = NewType("Pence", int)


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("5", str, "5"),
        ("5", None, "5"),
        ("5", Any, "5"),
        ("-5", int, -5),
        ("1e3", float, 1000.0),
        ("1.10", Decimal, Decimal("1.10")),
        ("off", bool, False),
        ("a/b", Path, Path("a/b")),
        ("2026-03-01", date, date(2026, 3, 1)),
        ("2026-03-01T12:30", datetime, datetime(2026, 3, 1, 12, 30)),
        ("12:30", time, time(12, 30)),
        ("new", Literal["new", "old"], "new"),
        ("5", Literal[1, 5], 5),
        ("red", Colour, Colour.RED),
        ("2", Colour, Colour.BLUE),
        ("1,2", list[int], [1, 2]),
        ("[1, 2]", list[int], [1, 2]),
        ("", list[int], []),
        ("a,b,a", set[str], {"a", "b"}),
        ("a,5", tuple[str, int], ("a", 5)),
        ("1,2,3", tuple[int, ...], (1, 2, 3)),
        ('{"a": 1}', dict[str, int], {"a": 1}),
        ("none", int | None, None),
        ("none", str | None, "none"),
        ("5", int | str, 5),
        ("x", int | str, "x"),
        ("5", Optional[int], 5),  # noqa: UP045  # as users write it
        ("5", Annotated[int, "pages"], 5),
        ("5", Annotated[int, {"more": "than 0"}], 5),
        ("500", Pence, 500),
        ("x", bytes, b"x"),
    ],
)
def test_text_becomes_what_is_asked_for(text: str, annotation: Any, value: Any) -> None:
    got = convert(text, annotation)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "annotation", "message"),
    [
        ("x", int, "expected an integer"),
        ("x", Decimal, "expected a number"),
        ("x", bool, "expected true or false"),
        ("tomorrow", date, "expected a date such as 2026-03-01"),
        ("gren", Literal["green", "blue"], "expected one of green, blue; did you mean 'green'?"),
        ("pink", Colour, "expected one of RED, BLUE"),
        ("a", tuple[str, int], "expected 2 values, separated by commas"),
        ("1,x", list[int], "expected an integer"),
        ("[1", list[int], "expected a JSON array"),
        ("[1]", dict, "expected a JSON object"),
        ("x", int | bool, "expected an integer or expected true or false"),
        ("x", Spider, "a Spider cannot be given as text"),
    ],
)
def test_text_that_does_not_fit_is_told_with_what_is_expected(text: str, annotation: Any, message: str) -> None:
    with pytest.raises(ValueError) as wrong:  # the message is looked at below
        convert(text, annotation)
    assert message in str(wrong.value)


def test_arguments_of_the_classes_above_count_too() -> None:
    class More(Typed):
        def __init__(self, more: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    named, takes_others = spider_arguments(More)
    assert [str(argument) for argument in named[:3]] == ["more: int", "url: str", "pages: int = 10"]
    assert takes_others
    assert parse_arguments(More, {"more": "1", "url": "x"}) == {"more": 1, "url": "x"}


def test_arguments_of_a_ready_made_spider_are_taken_as_they_are() -> None:
    class Rules(CrawlSpider):
        name = "rules"

    assert spider_arguments(Rules) == ([], True)
    assert parse_arguments(Rules, {"tag": "x"}) == {"tag": "x"}


def test_an_attribute_that_the_class_annotates_gives_its_type() -> None:
    class Attributed(Spider):
        name = "attributed"
        pages: int = 5
        since: date

    assert parse_arguments(Attributed, {"pages": "7", "since": "2026-03-01"}) == {"pages": 7, "since": date(2026, 3, 1)}
    with pytest.raises(SpiderArgumentError, match="argument pages='x': expected an integer"):
        parse_arguments(Attributed, {"pages": "x"})


def test_what_is_imported_for_type_checkers_only_stays_text() -> None:
    class Checked(Spider):
        name = "checked"

        def __init__(self, what: NotImportedHere) -> None:  # type: ignore[name-defined]  # noqa: F821
            super().__init__()

    assert parse_arguments(Checked, {"what": "5"}) == {"what": "5"}


def test_annotations_are_shown_as_one_writes_them() -> None:
    shown = [annotation_text(one) for one in (int, list[str], Literal["a", "b"], Path | None)]
    assert shown == ["int", "list[str]", "Literal['a', 'b']", "Path | None"]
