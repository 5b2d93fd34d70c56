"""Values that code writes down are found without running it."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from crawler.porting.literals import NotLiteral, value_of

KNOWN = {"NAME": "shop", "HOUR": 3600}


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("[1, 'a', None, True, -2.5]", [1, "a", None, True, -2.5]),
        ("{'a': {1, 2}}", {"a": {1, 2}}),
        ("60 * 60 * 24", 86400),
        ("2 * HOUR + 1", 7201),
        ("f'{NAME} (+https://shop.test)'", "shop (+https://shop.test)"),
        ("NAME + '.spiders'", "shop.spiders"),
        ("[NAME + '.spiders', (HOUR, 1)]", ["shop.spiders", (3600, 1)]),
        ("{NAME + '.X': HOUR}", {"shop.X": 3600}),
        ("'a' 'b'", "ab"),
    ],
)
def test_a_value_is_what_python_would_make_of_it(code: str, value: Any) -> None:
    assert value_of(ast.parse(code, mode="eval").body, KNOWN) == value


@pytest.mark.parametrize(
    "code",
    [
        "os.environ['X']",
        "f()",
        "OTHER",
        "1 / 0",
        "'a' * 10 ** 9",
        "2 ** 10 ** 9",
        "[1] * 5",
        "{**x}",
        "f'{NAME:>9}'",
        "f'{NAME!r}'",
        "1 + 'a'",
        "{NAME + 'x': f()}",
        "{[NAME]: 1}",
    ],
)
def test_what_would_have_to_be_run_is_not_literal(code: str) -> None:
    with pytest.raises(NotLiteral):
        value_of(ast.parse(code, mode="eval").body, KNOWN)
