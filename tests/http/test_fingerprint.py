"""Fingerprints: what makes two requests the same, and what does not."""

from __future__ import annotations

import pytest

from crawler.http import FormRequest, JsonRequest, Request
from crawler.http.fingerprint import SIZE, fingerprint

PAGE = "https://example.com/a?x=1&y=2"


def test_a_fingerprint_is_16_bytes_that_stay() -> None:
    assert len(fingerprint(Request(PAGE))) == SIZE == 16
    assert fingerprint(Request("https://example.com/")).hex() == "8db424c0d806fc3bd50a38574f6bf54e"


@pytest.mark.parametrize(
    "same",
    [
        Request("https://example.com/a?y=2&x=1"),
        Request("HTTPS://EXAMPLE.com:443/a?x=1&y=2#top"),
        Request("https://example.com/b/../a?x=1&y=2"),
        Request(PAGE, headers={"Accept": "text/html"}, cookies={"a": "1"}, meta={"a": 1}, cb_kwargs={"a": 1}),
        Request(PAGE, priority=9, dont_filter=True, flags=["x"]),
        Request(PAGE, method="get", body=b""),
        Request.of_link(PAGE),
    ],
    ids=repr,
)
def test_a_request_for_the_same_page_has_the_same(same: Request) -> None:
    assert fingerprint(same) == fingerprint(Request(PAGE))


@pytest.mark.parametrize(
    "other",
    [
        Request("https://example.com/A?x=1&y=2"),
        Request("http://example.com/a?x=1&y=2"),
        Request("https://example.com/a?x=1&y=2&y=2"),
        Request(PAGE, method="HEAD"),
        Request(PAGE, method="POST"),
        Request(PAGE, body=b"x"),
        FormRequest(PAGE, formdata={"a": "1"}),
        JsonRequest(PAGE, data={"a": 1}),
    ],
    ids=repr,
)
def test_any_other_request_has_another(other: Request) -> None:
    assert fingerprint(other) != fingerprint(Request(PAGE))


def test_the_body_counts() -> None:
    assert fingerprint(JsonRequest(PAGE, data={"a": 1})) != fingerprint(JsonRequest(PAGE, data={"a": 2}))


def test_a_border_between_parts_cannot_be_moved() -> None:
    one = Request("https://example.com/a", method="POST", body=b"bc")
    other = Request("https://example.com/ab", method="POST", body=b"c")
    assert fingerprint(one) != fingerprint(other)


def test_chosen_headers_count_in_any_case_and_order() -> None:
    english = Request(PAGE, headers={"Accept-Language": "en", "X": "1"})
    german = Request(PAGE, headers={"Accept-Language": "de", "X": "1"})
    assert fingerprint(english) == fingerprint(german)
    assert fingerprint(english, include_headers=["Accept-Language"]) != fingerprint(
        german, include_headers=["Accept-Language"]
    )
    assert fingerprint(english, include_headers=["x", "ACCEPT-language"]) == fingerprint(
        english, include_headers=["Accept-Language", "X", "x"]
    )


def test_asking_for_chosen_headers_makes_none() -> None:
    request = Request(PAGE)
    fingerprint(request, include_headers=["Accept"])
    assert not request.has_headers


def test_a_fragment_counts_on_demand() -> None:
    one, other = Request("https://example.com/#!/a"), Request("https://example.com/#!/b")
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one, keep_fragments=True) != fingerprint(other, keep_fragments=True)


def test_a_replaced_request_does_not_keep_the_old_one() -> None:
    request = Request(PAGE)
    before = fingerprint(request)
    assert fingerprint(request.replace(url="https://example.com/b")) != before
    assert fingerprint(request.replace(method="POST")) != before
    assert fingerprint(request.copy()) == before


def test_a_verbatim_url_counts_as_it_is_written() -> None:
    def of(url: str) -> bytes:
        return fingerprint(Request(url, meta={"verbatim_url": True}))

    assert of("https://a.test/?a=1&b=2") != of("https://a.test/?b=2&a=1")
    assert of("https://a.test/#x") != of("https://a.test/")
    assert of("https://a.test/#x") == of("https://a.test/#x")


def test_a_header_that_is_not_there_changes_nothing() -> None:
    plain, other = Request("https://a.test/"), Request("https://a.test/", headers={"B": "1"})
    assert fingerprint(plain) == fingerprint(plain, include_headers=["A"]) == fingerprint(other, include_headers=["A"])
    assert fingerprint(other, include_headers=["b"]) != fingerprint(plain, include_headers=["b"])
