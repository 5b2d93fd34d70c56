"""From text, TOML and Python to the type of a setting, and the bounds that it has."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from crawler.exceptions import SettingsError
from crawler.settings import Settings
from crawler.settings.convert import as_bool, as_dict, as_float, as_int, as_list, converted, default_of
from crawler.settings.settings import FIELDS


@pytest.mark.parametrize("value", [True, 1, 1.0, "true", "Yes", " on ", "1"])
def test_what_says_yes_is_true(value: Any) -> None:
    assert as_bool(value) is True


@pytest.mark.parametrize("value", [False, 0, 0.0, "false", "No", "OFF", "0", ""])
def test_what_says_no_is_false(value: Any) -> None:
    assert as_bool(value) is False


@pytest.mark.parametrize(
    ("text", "count"),
    [("5", 5), ("-1", -1), ("64MiB", 64 * 1024**2), ("64 mb", 64 * 1024**2), ("2k", 2048), ("1_000K", 1000 * 1024)],
)
def test_whole_numbers_may_have_a_unit(text: str, count: int) -> None:
    assert as_int(text) == count


@pytest.mark.parametrize("value", [True, "", "x", "5.5", "5TB", 5.5, math.nan])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        as_int(value)


@pytest.mark.parametrize("value", [True, "soon", "inf", "nan", math.inf, -math.inf, math.nan])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        as_float(value)


def test_lists_come_from_commas_json_and_anything_that_iterates() -> None:
    assert as_list("a, b,,c ") == ["a", "b", "c"]
    assert as_list('["a", 5]') == ["a", 5]
    assert as_list(("a", "b")) == ["a", "b"]
    assert as_list("") == []
    with pytest.raises(ValueError, match="5"):
        as_list(5)


def test_tables_come_from_json_and_mappings() -> None:
    assert as_dict('{"a": 1}') == {"a": 1}
    assert as_dict({"a": 1}) == {"a": 1}
    with pytest.raises(ValueError, match=r"\[1\]"):
        as_dict("[1]")


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("retry.statuses", "500, 503", [500, 503]),
        ("http.max_body", "1MiB", 1024**2),
        ("http.headers", '{"A": "b", "C": null}', {"A": "b"}),
        ("http.tls_min", "1.3", "1.3"),
        ("log.file", Path("crawl.log"), "crawl.log"),
        ("export.fields", "title,price", ["title", "price"]),
        ("export.fields", {"title": "Title"}, {"title": "Title"}),
        ("components.pipelines", '{"a.B": 1}', {"a.B": 1}),
        ("crawl.max_seconds", 5, 5.0),
    ],
)
def test_a_setting_gets_its_type(name: str, value: Any, meant: Any) -> None:
    got = Settings({name: value}).get(name)
    assert (got, type(got)) == (meant, type(meant))


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("crawl.concurrency", 0, "a whole number, at least 1"),
        ("crawl.concurrency", math.inf, "a whole number, at least 1"),
        ("http.timeout", 0, "a number, at least 0.001"),
        ("http.timeout", math.nan, "a number, at least 0.001"),
        ("politeness.jitter", 1.01, "a number from 0 to 1"),
        ("retry.enabled", 2, "true or false"),
        ("retry.statuses", "500,many", "a list of whole numbers"),
        ("http.user_agent", True, "text"),
        ("http.user_agent", b"agent", "text"),
        ("http.headers", "{Accept", "a table of texts"),
        ("http.schemes", 5, "a list of texts"),
        ("frontier.store", "disk", "one of 'sqlite', 'memory'"),
        ("components.pipelines", 5, "a list of dotted paths or tables, or a table of dotted paths and priorities"),
    ],
)
def test_what_does_not_fit_names_setting_value_and_what_is_allowed(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        Settings({name: value})
    assert str(wrong.value) == f"{name} = {value!r}: it must be {allowed}"


@pytest.mark.parametrize("name", FIELDS)
def test_every_default_fits_its_own_type_and_bounds(name: str) -> None:
    default = default_of(FIELDS[name])
    assert converted(name, default, FIELDS[name]) == default


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if field.metadata["minimum"] is not None])
def test_every_lower_bound_holds(name: str) -> None:
    minimum = FIELDS[name].metadata["minimum"]
    assert Settings({name: minimum}).get(name) == minimum
    with pytest.raises(SettingsError, match="it must be"):
        Settings({name: minimum - 1})


def test_mutable_defaults_are_not_shared() -> None:
    Settings().retry.statuses.append(418)
    assert 418 not in Settings().retry.statuses
