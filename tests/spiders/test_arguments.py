"""Spider arguments: text from the command line, typed by the spider's own signature."""

from __future__ import annotations

from typing import Any

import pytest

from crawler.exceptions import SpiderArgumentError
from crawler.spiders import Spider
from crawler.spiders.arguments import parse_arguments


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


class Untyped(Spider):
    name = "untyped"
    tag = "all"


def test_text_is_converted_to_what_the_annotation_says() -> None:
    given = {"url": "http://x.test/", "pages": "5", "deep": "yes", "rate": "0.5", "tags": "a,b"}
    wanted = {"url": "http://x.test/", "pages": 5, "deep": True, "rate": 0.5, "tags": ["a", "b"]}
    assert parse_arguments(Typed, given) == wanted


def test_a_spider_that_names_no_arguments_takes_any_as_text() -> None:
    assert parse_arguments(Untyped, {"tag": "humor", "whatever": "5"}) == {"tag": "humor", "whatever": "5"}


@pytest.mark.parametrize(
    ("cls", "given", "message"),
    [
        (Typed, {"url": "x", "page": "5"}, "has no argument 'page'; did you mean 'pages'?"),
        (Typed, {"url": "x", "zzz": "5"}, "has no argument 'zzz'; it takes: url: str, pages: int = 10"),
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
