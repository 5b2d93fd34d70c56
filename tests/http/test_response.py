"""Responses of any kind: what they are, how they are changed, and where they lead."""

from __future__ import annotations

from typing import Any

import pytest

from crawler.exceptions import InvalidURLError, NotSupported
from crawler.http import Headers, HtmlResponse, Request, Response, TextResponse
from crawler.http.response import response_from_dict
from crawler.link import Link

PAGE = "https://example.com/folder/page?x=1"


def parse(response: Any) -> None: ...


def urls(requests: Any) -> list[str]:
    return [request.url for request in requests]


# --- what is there --------------------------------------------------------------------------------


def test_a_plain_response_has_scrapys_defaults() -> None:
    response = Response(PAGE)
    attributes = {name: getattr(response, name) for name in response.attributes}
    assert attributes == {
        "url": PAGE,
        "status": 200,
        "headers": {},
        "body": b"",
        "flags": [],
        "request": None,
        "certificate": None,
        "ip_address": None,
        "protocol": None,
    }
    assert repr(Response(PAGE, status="404")) == f"<404 {PAGE}>"  # type: ignore[arg-type]  # as Scrapy takes it


def test_headers_are_made_headers_and_headers_are_kept() -> None:
    headers = Headers({"A": "1"})
    assert Response(PAGE, headers=headers).headers is headers
    assert Response(PAGE, headers=[("a", "1"), ("A", "2")]).headers.getlist("A") == [b"1", b"2"]


def test_meta_and_cb_kwargs_are_those_of_the_request() -> None:
    request = Request(PAGE, meta={"a": 1}, cb_kwargs={"b": 2})
    response = Response(PAGE, request=request)
    assert response.meta is request.meta
    assert response.cb_kwargs is request.cb_kwargs


@pytest.mark.parametrize("name", ["meta", "cb_kwargs"])
def test_without_a_request_they_are_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"Response.{name} not available, this response is not tied to any"):
        getattr(Response(PAGE), name)


@pytest.mark.parametrize("body", ["text", bytearray(b"x"), 1])
def test_a_body_that_is_no_bytes_is_a_type_error(body: Any) -> None:
    with pytest.raises(TypeError, match="the body of a Response is bytes"):
        Response(PAGE, body=body)


def test_a_url_that_is_no_text_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="the URL of a response is text"):
        Response(b"https://example.com/")  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("name", ["url", "body"])
def test_url_and_body_cannot_be_set(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Response(PAGE), name, "x")


def test_a_spider_may_hang_something_on_it() -> None:
    response = Response(PAGE)
    response.mine = 1  # type: ignore[attr-defined]  # the point
    assert response.mine == 1  # type: ignore[attr-defined]  # the point


@pytest.mark.parametrize("query", ["css", "xpath", "jmespath"])
def test_what_is_no_text_cannot_be_queried(query: str) -> None:
    with pytest.raises(NotSupported, match=f"not text: .{query}"):
        getattr(Response(PAGE, body=b"\0"), query)("a")
    with pytest.raises(AttributeError, match=r"not text: use \.body"):
        _ = Response(PAGE).text


# --- replace and copy -----------------------------------------------------------------------------


def test_a_copy_has_everything() -> None:
    request = Request(PAGE)
    response = Response(PAGE, 404, {"A": "1"}, b"x", ["f"], request, "certificate", "127.0.0.1", "HTTP/1.1")
    other = response.copy()
    assert other is not response
    assert [getattr(other, name) for name in Response.attributes] == [
        getattr(response, name) for name in Response.attributes
    ]


def test_what_is_replaced_is_new_and_all_else_stays() -> None:
    response = Response(PAGE, 404, {"A": "1"}, b"x", ["f"])
    other = response.replace(status=200, body=b"y", flags=["g", "h"])
    assert (other.status, other.body, other.flags, other.headers, other.url) == (
        200,
        b"y",
        ["g", "h"],
        response.headers,
        PAGE,
    )
    assert (response.status, response.body, response.flags) == (404, b"x", ["f"])


def test_the_class_can_be_replaced() -> None:
    page = Response(PAGE, body=b"<p>x</p>").replace(cls=HtmlResponse)
    assert page.css("p::text").get() == "x"
    assert type(page.copy()) is HtmlResponse


def test_replace_takes_names_only() -> None:
    with pytest.raises(TypeError, match="replace takes keyword arguments only"):
        Response(PAGE).replace(PAGE)


# --- urljoin and follow ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("other", "https://example.com/folder/other"),
        ("../x", "https://example.com/x"),
        ("//example.org", "https://example.org/"),
        ("", PAGE),
        ("#top", f"{PAGE}#top"),
        ("?y", "https://example.com/folder/page?y"),
        ("mailto:me@example.com", "mailto:me@example.com"),
        ("http://exa mple/", "http://exa mple/"),
    ],
)
def test_urljoin_is_relative_to_the_page_and_never_fails(reference: str, target: str) -> None:
    assert Response(PAGE).urljoin(reference) == target


@pytest.mark.parametrize("link", ["other", " other\n", Link("https://example.com/folder/other", text="x")])
def test_a_link_is_followed(link: str | Link) -> None:
    request = Response(PAGE).follow(link, parse)
    assert (request.url, request.callback, request.method) == ("https://example.com/folder/other", parse, "GET")


def test_all_else_about_the_request_can_be_said() -> None:
    arguments: dict[str, Any] = {
        "callback": parse,
        "errback": parse,
        "method": "POST",
        "headers": {"A": ["1"]},
        "body": b"x",
        "cookies": {"a": "b"},
        "meta": {"a": 1},
        "encoding": "latin-1",
        "priority": 2,
        "dont_filter": True,
        "flags": ["f"],
        "cb_kwargs": {"b": 2},
    }
    request = Response(PAGE).follow("x", **arguments)
    assert {name: getattr(request, name) for name in arguments} == arguments


def test_an_encoding_of_none_and_a_link_of_none_are_errors() -> None:
    with pytest.raises(ValueError, match="encoding of a request cannot be None"):
        Response(PAGE).follow("x", encoding=None)
    with pytest.raises(ValueError, match="needs a URL, and got None"):
        Response(PAGE).follow(None)


@pytest.mark.parametrize("link", [1, b"x", ["x"]])
def test_what_is_no_link_is_a_type_error(link: Any) -> None:
    with pytest.raises(TypeError, match="takes a URL or a Link"):
        Response(PAGE).follow(link)


def test_a_link_that_leads_nowhere_is_an_error() -> None:
    with pytest.raises(InvalidURLError, match="cannot resolve the link"):
        Response(PAGE).follow("http://exa mple/")


def test_every_page_is_followed_once_and_fragments_make_none() -> None:
    links = ["a", "a#top", Link("https://example.com/folder/a"), "b", "/folder/b#x"]
    requests = list(Response(PAGE).follow_all(links, callback=parse, priority=1))
    assert urls(requests) == ["https://example.com/folder/a", "https://example.com/folder/b"]
    assert {(request.callback, request.priority) for request in requests} == {(parse, 1)}


def test_what_is_no_iterable_cannot_be_followed() -> None:
    with pytest.raises(TypeError, match="takes an iterable of URLs or Links, not int"):
        list(Response(PAGE).follow_all(1))


def test_a_text_response_takes_its_attributes_from_a_plain_one() -> None:
    response = Response(PAGE, 404, {"A": "1"}, "é".encode("latin-1"))
    text = response.replace(cls=TextResponse, encoding="latin-1")
    assert (text.text, text.status, text.headers) == ("é", 404, response.headers)


# --- as plain data --------------------------------------------------------------------------------


class Dated(TextResponse):
    attributes = (*TextResponse.attributes, "date")

    def __init__(self, *args: Any, date: str = "", **kwargs: Any) -> None:
        self.date = date
        super().__init__(*args, **kwargs)


@pytest.mark.parametrize(
    "response",
    [
        Response(PAGE, status=201, headers={"A": ["1", "2"]}, body=b"\0", flags=["cached"], protocol="h2"),
        HtmlResponse(PAGE, body="é", encoding="latin-1"),
        Dated(PAGE, body=b"x", date="today"),
    ],
)
def test_a_response_is_written_as_plain_data_and_read_again(response: Response) -> None:
    again = response_from_dict(response.to_dict())
    assert type(again) is type(response)
    assert [getattr(again, name) for name in response.attributes] == [
        getattr(response, name) for name in response.attributes
    ]


def test_what_belongs_to_one_crawl_is_not_written() -> None:
    written = Response(PAGE, request=Request(PAGE), certificate=object()).to_dict()
    assert not {"request", "certificate"} & set(written)


def test_data_without_a_class_is_told_by_its_look() -> None:
    data = {"url": PAGE, "headers": {b"Content-Type": [b"text/html"]}, "body": b"<p>", "_class": "os.path.join"}
    assert type(response_from_dict(data)) is HtmlResponse


def test_a_copy_has_headers_and_flags_of_its_own() -> None:
    response = Response(PAGE, headers={"A": "1"}, flags=["x"])
    copy = response.copy()
    copy.headers["A"], copy.flags[0] = "2", "y"
    assert (response.headers["A"], response.flags) == (b"1", ["x"])


def test_no_body_is_an_empty_one() -> None:
    bodies = [cls(PAGE, body=None).body for cls in (Response, TextResponse)]
    assert bodies == [b"", b""] == [Response(PAGE, body=b"x").replace(body=None).body, b""]


def test_flags_can_be_taken_away() -> None:
    for flagged in (Response(PAGE, flags=["x"]), Request(PAGE, flags=["x"])):
        flagged.flags = None
        assert flagged.flags == []


def test_a_host_alone_stays_as_it_is_written() -> None:
    response = Response(PAGE)
    assert (response.urljoin("https://example.org"), response.follow("https://example.org").url) == (
        "https://example.org",
        "https://example.org",
    )
    assert response.urljoin("//example.org") == "https://example.org/"
