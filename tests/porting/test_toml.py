"""Values written as TOML are read back as what they were."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from crawler.porting import toml

VALUES = [
    True,
    -5,
    1.5,
    float("inf"),
    1e300,
    "",
    'quote " and \\ and é \U0001f600 \n\t\x00\x7f',
    [],
    ["a", [1, 2], {"x": 1}],
    {"plain": 1, "with space": {"deep.er": "x"}, "": 2},
    ["long text of many letters"] * 20,
    {},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_read_back_as_it_was(value: Any) -> None:
    assert tomllib.loads(f"x = {toml.value(value)}\n") == {"x": value}


def test_a_table_has_its_inner_tables_behind_its_values() -> None:
    content = {"a": 1, "inner": {"x": {"deep": True}, "y": 2}, "b": "two", "empty": {}}
    text = toml.table(["sec", "with.dot"], content, comments={"a": "WAS_A", "inner": "WAS_INNER"})
    assert tomllib.loads(text) == {"sec": {"with.dot": content}}
    assert "a = 1  # WAS_A\n" in text
    assert "# WAS_INNER" in text


@pytest.mark.parametrize("value", [None, object(), {1: 2}, [None], b"x"])
def test_what_toml_does_not_have_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="TOML has no"):
        toml.value(value)
