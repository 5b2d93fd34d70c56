"""Headers: one dictionary for names in any case, which remembers how they were written and lets nothing break out."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from crawler.http import Headers


@pytest.mark.parametrize("name", ["Content-Type", "content-type", b"CONTENT-TYPE", b"content-Type"])
def test_a_name_is_found_in_any_case_as_text_or_bytes(name: str | bytes) -> None:
    headers = Headers({"CONTENT-type": "text/html"})
    assert headers[name] == headers.get(name) == b"text/html"
    assert name in headers
    del headers[name]
    assert name not in headers


def test_names_come_out_in_title_case_and_values_as_bytes() -> None:
    headers = Headers({"x-api-key": "é", b"dnt": 1, "q": 0.5})
    assert list(headers) == [b"X-Api-Key", b"Dnt", b"Q"]
    assert headers.values() == ["é".encode(), b"1", b"0.5"]


def test_what_goes_on_the_wire_is_as_it_was_written_and_in_its_order() -> None:
    headers = Headers([("sec-ch-UA", "x"), ("Accept", "a"), ("ACCEPT", "b"), (b"DNT", b"1")])
    assert headers.raw_items() == [(b"sec-ch-UA", b"x"), (b"Accept", b"a"), (b"Accept", b"b"), (b"DNT", b"1")]


def test_a_header_that_was_deleted_is_written_anew() -> None:
    headers = Headers({"x-one": "1"})
    headers.pop("X-One")
    headers["X-ONE"] = "2"
    assert headers.raw_items() == [(b"X-ONE", b"2")]


def test_several_values_of_one_name_are_kept_and_the_last_is_the_value() -> None:
    headers = Headers({"Accept": ["a", "b"]})
    headers.appendlist("accept", "c")
    assert headers.getlist("Accept") == [b"a", b"b", b"c"]
    assert headers["Accept"] == b"c"
    assert headers.items() == [(b"Accept", [b"a", b"b", b"c"])]


def test_pairs_of_one_name_in_any_case_are_all_kept() -> None:
    assert Headers([("Set-Cookie", "a=1"), ("set-cookie", "b=2")]).getlist("Set-Cookie") == [b"a=1", b"b=2"]


def test_the_list_that_is_returned_is_a_copy() -> None:
    headers = Headers({"Accept": "a"})
    headers.getlist("Accept").append(b"b")
    assert headers.getlist("Accept") == [b"a"]


def test_a_value_of_none_leaves_the_name_without_value() -> None:
    headers = Headers({"User-Agent": None})
    assert "User-Agent" in headers
    assert headers["User-Agent"] is None
    assert headers.raw_items() == []


def test_what_is_missing_is_the_default() -> None:
    headers = Headers()
    assert headers.get("X") is None
    assert (headers.get("X", "é"), headers.get("X", 1)) == ("é".encode(), 1)
    assert headers.getlist("X", "a") == [b"a"]
    with pytest.raises(KeyError):
        headers["X"]


def test_lists_are_set_and_defaulted() -> None:
    headers = Headers()
    assert headers.setlistdefault("A", ["1", "2"]) == [b"1", b"2"]
    assert headers.setlistdefault("A", ["3"]) == [b"1", b"2"]
    headers.setlist("A", ["4"])
    assert (headers.setdefault("A", "5"), headers.setdefault("B", "6")) == ([b"4"], [b"6"])


def test_pop_returns_all_values_or_the_default() -> None:
    headers = Headers({"A": ["1", "2"]})
    assert (headers.pop("a"), headers.pop("a", None)) == ([b"1", b"2"], None)


def test_an_update_replaces_what_it_names() -> None:
    headers = Headers({"A": "1", "B": "1"})
    headers.update({"a": "2"}, C="3")
    headers.update([("b", "4"), ("B", "5")])
    headers.update(Headers({"d": ["6", "7"]}))
    assert headers.to_tuple_list() == [("A", "2"), ("B", "4"), ("B", "5"), ("C", "3"), ("D", "6"), ("D", "7")]


def test_they_are_shown_as_lines_text_and_pairs() -> None:
    headers = Headers({"accept": ["a", "b"], "x": "é"})
    assert headers.to_string() == "Accept: a\r\nAccept: b\r\nX: é".encode()
    assert headers.to_unicode_dict() == {"Accept": "a,b", "X": "é"}
    assert headers.to_tuple_list() == [("Accept", "a"), ("Accept", "b"), ("X", "é")]


def test_text_is_written_in_the_given_encoding() -> None:
    headers = Headers({"X": "é"}, encoding="latin-1")
    assert headers["X"] == b"\xe9"
    assert headers.copy().encoding == "latin-1"


@pytest.mark.parametrize("duplicate", [Headers.copy, copy.copy])
def test_a_copy_is_equal_written_alike_and_its_own(duplicate: Any) -> None:
    headers = Headers([("x-A", "1"), ("x-a", "2")])
    other = duplicate(headers)
    assert other == headers
    assert other.raw_items() == headers.raw_items()
    other.appendlist("X-A", "3")
    assert headers.getlist("X-A") == [b"1", b"2"]


def test_headers_are_equal_to_whatever_means_the_same() -> None:
    assert Headers({"accept": "a"}) == Headers([(b"ACCEPT", b"a")]) == {"Accept": ["a"]}
    assert Headers({"Accept": "a"}) != Headers({"Accept": "b"})
    assert Headers({"Accept": "a"}) != [("Accept", "a")]


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\r", b"a\0b", ["fine", "a\nb"]])
def test_a_value_that_would_break_out_of_its_line_is_refused(value: Any) -> None:
    headers = Headers()
    for insert in (headers.__setitem__, headers.appendlist, headers.setdefault):
        with pytest.raises(ValueError, match="may not contain a line break or NUL"):
            insert("X", value)
    assert headers.raw_items() == []


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "é", "a\0"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no header name"):
        Headers({name: "1"})
    with pytest.raises(ValueError, match="is no header name"):
        Headers([(name, "1")])


@pytest.mark.parametrize("value", [object(), {"a": 1}.get, [b"a", object()]])
def test_what_is_neither_text_nor_number_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="a header is text, bytes or a number"):
        Headers({"X": value})


def test_what_a_server_sent_is_taken_unchecked() -> None:
    headers = Headers.received([(b"set-cookie", [b"a=1"]), (b"Set-Cookie", [b"b=2"]), (b"b\xe4d name", [b"\0"])])
    assert headers.getlist("Set-Cookie") == [b"a=1", b"b=2"]
    assert headers.raw_items()[2] == (b"b\xe4d name", b"\0")


def test_what_was_stored_is_restored() -> None:
    headers = Headers([("x-A", "1"), ("X-a", "2"), ("B", "3")])
    restored = Headers.restored(headers.raw_items())
    assert restored == headers
    assert restored.raw_items() == headers.raw_items()


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda headers: pickle.loads(pickle.dumps(headers))])
def test_headers_are_copied_as_they_are_written(again: Callable[[Headers], Headers]) -> None:
    headers = Headers([("x-ONE", "1"), ("x-one", "é"), ("None", None)], encoding="latin-1")
    other = again(headers)
    assert (other.raw_items(), other.getlist("None"), other.encoding) == (headers.raw_items(), [], "latin-1")
    other.appendlist("X-One", "3")
    assert headers.getlist("X-One") == [b"1", b"\xe9"]
