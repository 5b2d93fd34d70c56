"""JsonRequest: data in, JSON out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crawler.http import JsonRequest

API = "https://example.com/api"


def test_data_is_posted_as_json() -> None:
    request = JsonRequest(API, data={"b": [1, None], "a": "é"})
    assert request.method == "POST"
    assert request.body == b'{"a": "\\u00e9", "b": [1, null]}'
    assert request.headers["Content-Type"] == b"application/json"
    assert request.headers["Accept"].startswith(b"application/json")


@pytest.mark.parametrize("data", [{}, [], 0, False, "", "text"])
def test_data_that_is_empty_is_data(data: Any) -> None:
    request = JsonRequest(API, data=data)
    assert (request.method, json.loads(request.body)) == ("POST", data)


def test_without_data_it_is_a_get() -> None:
    request = JsonRequest(API)
    assert (request.method, request.body) == ("GET", b"")


def test_a_body_comes_before_data() -> None:
    request = JsonRequest(API, body="{}", data={"a": 1})
    assert (request.method, request.body) == ("GET", b"{}")


def test_a_method_and_headers_that_are_given_stay() -> None:
    request = JsonRequest(API, data=1, method="PUT", headers={"Content-Type": "application/ld+json", "Accept": "*/*"})
    assert (request.method, request.headers["Content-Type"], request.headers["Accept"]) == (
        "PUT",
        b"application/ld+json",
        b"*/*",
    )


def test_how_it_is_written_can_be_said() -> None:
    request = JsonRequest(API, data={"b": "é", "a": 1}, dumps_kwargs={"sort_keys": False, "ensure_ascii": False})
    assert request.body == '{"b": "é", "a": 1}'.encode()
    assert request.dumps_kwargs == {"sort_keys": False, "ensure_ascii": False}


def test_replaced_data_replaces_the_body_and_is_written_alike() -> None:
    request = JsonRequest(API, data={"a": 1}, dumps_kwargs={"separators": (",", ":")}, priority=3)
    other = request.replace(data={"b": 2, "a": 1})
    assert (other.body, other.method, other.priority) == (b'{"a":1,"b":2}', "POST", 3)
    assert request.replace(data=None).body == request.body
    assert request.replace(url=f"{API}/2").body == request.body


def test_a_body_replaces_the_body_whatever_data_says() -> None:
    assert JsonRequest(API, data=1).replace(body="2", data=3).body == b"2"


def test_data_that_is_no_json_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        JsonRequest(API, data={"a": object()})
