"""Text responses: how bytes are read, queried as HTML, XML and JSON, and which links they lead to."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from crawler.http import HtmlResponse, JsonResponse, Request, Response, TextResponse, XmlResponse
from crawler.link import Link
from crawler.selector import Selector

PAGE = "https://example.com/folder/page"
ROOT = "https://example.com/folder/"


def parse(response: Any) -> None: ...


def page(body: str | bytes, url: str = PAGE, **kwargs: Any) -> HtmlResponse:
    if isinstance(body, str):
        kwargs.setdefault("encoding", "utf-8")
    return HtmlResponse(url, body=body, **kwargs)


def urls(requests: Any) -> list[str]:
    return [request.url for request in requests]


# --- encodings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "text"),
    [
        (b"\xef\xbb\xbf\xc3\xa9", "text/html; charset=latin-1", "utf-8", "é"),
        ("é".encode("utf-16"), None, "utf-16-le", "é"),
        (b"\xfe\xff\x00\xe9", "text/html; charset=utf-8", "utf-16-be", "é"),
        (b"\x80\xe9", "text/html; charset=latin-1", "cp1252", "€é"),
        (b"\xe9<meta charset=utf-8>", "text/html; charset=iso-8859-1", "cp1252", "é<meta charset=utf-8>"),
        (b"<meta charset=koi8-r>\xc1", "text/html", "koi8-r", "<meta charset=koi8-r>а"),
        (b"<meta charset=koi8-r>\xc1", "text/html; charset=nonsense", "koi8-r", "<meta charset=koi8-r>а"),
        ("é".encode(), None, "utf-8", "é"),
        (b"\xe9", None, "cp1252", "é"),
        (b"\xc3\xa9\xff", "text/html; charset=utf-8", "utf-8", "é\ufffd"),
        (b"a", "text/html; charset=zlib", "utf-8", "a"),
        (b"a", "text/html; charset=idna", "utf-8", "a"),
        (b"a", "text/html; charset=replacement", "utf-8", "a"),
        (b"", None, "utf-8", ""),
    ],
)
def test_the_encoding_is_found_as_browsers_find_it(
    body: bytes, content_type: str | None, encoding: str, text: str
) -> None:
    response = page(body, headers={"Content-Type": content_type} if content_type else None)
    assert (response.encoding, response.text) == (encoding, text)


def test_an_encoding_that_is_given_comes_first() -> None:
    response = page(
        b"\xe9<meta charset=utf-8>", headers={"Content-Type": "text/html; charset=utf-8"}, encoding="cp1251"
    )
    assert response.text.startswith("й")
    assert response.declared_encoding() == "cp1251"


@pytest.mark.parametrize(("kind", "text"), [(HtmlResponse, "é"), (XmlResponse, "\ufffd"), (JsonResponse, "\ufffd")])
def test_what_declares_nothing_and_is_no_utf8_depends_on_its_kind(kind: type[TextResponse], text: str) -> None:
    assert kind(PAGE, body=b"\xe9").text == text


@pytest.mark.parametrize(
    ("body", "headers", "declared"),
    [
        (b"x", None, None),
        (b"\xef\xbb\xbfx", None, "utf-8"),
        (b"x", {"Content-Type": "text/html; charset=latin1"}, "cp1252"),
        (b"<meta charset=koi8-r>", None, "koi8-r"),
    ],
)
def test_what_is_declared_is_told_and_a_guess_is_not(body: bytes, headers: Any, declared: str | None) -> None:
    assert page(body, headers=headers).declared_encoding() == declared


def test_a_response_is_made_from_text_with_an_encoding() -> None:
    assert page("é", encoding="latin-1").body == b"\xe9"
    assert TextResponse(PAGE, 200, {}, "é", encoding="utf-8").body == "é".encode()
    with pytest.raises(TypeError, match="a HtmlResponse made from text needs an encoding"):
        HtmlResponse(PAGE, body="é")


def test_replacing_the_body_reads_it_anew() -> None:
    response = page("<p>old</p>")
    assert response.css("p::text").get() == "old"
    other = response.replace(body="<p>é</p>")
    assert (other.text, other.css("p::text").get(), other.encoding) == ("<p>é</p>", "é", "utf-8")


# --- a page that is valid UTF-8 is parsed as it is ------------------------------------------------

TEXTS = [
    "",
    "  \n",
    "plain",
    "<p>é ж 😀 &amp; &eacute; &#0; &#x80;</p>",
    '<meta charset="iso-8859-1"><p>é</p>',
    '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r"><p>é</p>',
    '<?xml version="1.0" encoding="iso-8859-1"?><html><p>é</p></html>',
    "<p>a\0b</p>",
    "<!-- only a comment -->",
    "<p>unclosed <b>é",
    "<script>a < b && 'é'</script>",
    "<p>\ufffd\ufeff</p>",
    "<svg><a xlink:href='é'/></svg>",
]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_the_tree_of_the_bytes_is_that_of_the_text(text: str) -> None:
    of_bytes, of_text = page(text), Selector(text=text.replace("\0", ""), type="html")
    assert of_bytes.utf8_body is of_bytes.body
    if of_text.root.getchildren() or of_text.root.tag != "html":
        assert of_bytes.selector.get() == of_text.get()
    assert of_bytes.xpath("//text()").getall() == of_text.xpath("//text()").getall()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_the_tree_is_the_same_in_any_encoding(encoding: str) -> None:
    text = "<html><head><meta charset='utf-8'></head><body><p>é €</p></body></html>"
    assert page(text.encode(encoding), encoding=encoding).selector.get() == page(text).selector.get()


def test_bytes_that_do_not_decode_become_replacement_characters_in_the_tree_too() -> None:
    response = page(b"<p>\xc3\xa9\xff</p>", encoding="utf-8")
    assert response.css("p::text").get() == "é\ufffd"
    assert response.utf8_body == response.text.encode()


@pytest.mark.parametrize("body", [b"<p>a</p>", "<p>é</p>".encode()])
def test_the_text_is_the_same_whether_the_tree_was_there_before(body: bytes) -> None:
    before, after = page(body, encoding="utf-8"), page(body, encoding="utf-8")
    assert before.selector is before.selector
    assert before.text == after.text == body.decode()


# --- queries --------------------------------------------------------------------------------------


def test_a_page_is_queried_by_css_and_xpath() -> None:
    response = page("<p class=a>1</p><p>2</p>")
    assert response.css("p.a::text").get() == "1"
    assert response.xpath("//p[not(@class=$name)]/text()", name="a").getall() == ["2"]


def test_xml_is_queried_with_namespaces() -> None:
    response = XmlResponse(PAGE, body=b"<a xmlns:x='urn:x'><x:B>1</x:B></a>")
    assert response.xpath("//y:B/text()", namespaces={"y": "urn:x"}).get() == "1"


def test_json_is_queried_by_jmespath() -> None:
    response = JsonResponse(PAGE, body=b'{"items": [{"n": 1}, {"n": 2}], "title": "x"}')
    assert response.jmespath("items[*].n").getall() == [1, 2]
    assert response.jmespath("title").get() == "x"


def test_json_in_a_page_is_queried_too() -> None:
    response = page('<script type=\'application/json\'>{"a": {"b": 3}}</script>')
    assert response.css("script::text").jmespath("a.b").get() == 3


def test_json_is_read_once() -> None:
    response = JsonResponse(PAGE, body=b'{"a": [1]}')
    assert response.json() == {"a": [1]}
    assert response.json() is response.json()
    assert JsonResponse(PAGE, body=b"null").json() is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json_is_read_in_any_unicode_encoding(encoding: str) -> None:
    assert TextResponse(PAGE, body='{"é": "ж"}'.encode(encoding)).json() == {"é": "ж"}


def test_what_is_no_json_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        page("<p>").json()


def test_the_selector_knows_its_response_and_does_not_keep_it() -> None:
    response = page("<p>")
    selector, gone = response.selector, weakref.ref(response)
    assert selector.response is response
    gc.disable()
    try:
        del response
        assert gone() is None
        assert selector.response is None
    finally:
        gc.enable()


# --- <base> ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "target"),
    [
        ("<base href='https://example.org/a/'>", "https://example.org/a/x"),
        ('<BASE target=_top HREF="/b/">', "https://example.com/b/x"),
        ("<base href=c/>", "https://example.com/folder/c/x"),
        ("<base href=' d/ '>", "https://example.com/folder/d/x"),
        ("<base href='/é/'>", "https://example.com/%C3%A9/x"),
        ("<base href=''>", f"{ROOT}x"),
        ("<base target=_top>", f"{ROOT}x"),
        ("<base href='http://exa mple/'>", f"{ROOT}x"),
        ("<!-- <base href='/b/'> -->", f"{ROOT}x"),
        ("<!-- <base href='/b/'>", f"{ROOT}x"),
        ("<!-- <base href='/b/'> --><base href='/c/'>", "https://example.com/c/x"),
        ("<base href='/b/'><base href='/c/'>", "https://example.com/b/x"),
        ("<basefont href='/b/'>", f"{ROOT}x"),
        (" " * 5000 + "<base href='/b/'>", f"{ROOT}x"),
    ],
)
def test_links_are_relative_to_the_base(base: str, target: str) -> None:
    response = page(f"<a href=x></a>{base}")
    assert response.urljoin("x") == target
    assert response.follow("x").url == target
    assert urls(response.follow_all(css="a")) == [target]


def test_the_base_is_read_in_the_encoding_of_the_page() -> None:
    assert page("<base href='/ж/'>", encoding="cp1251").base_url == "https://example.com/%D0%B6/"


# --- follow ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["a", "a::attr(href)", "area", "link"])
def test_a_selector_of_a_link_is_followed(query: str) -> None:
    response = page("<link href=x><a href=' x '>1</a><map><area href=x></map>")
    request = response.follow(response.css(query)[0], parse, priority=1)
    assert (request.url, request.callback, request.priority) == (f"{ROOT}x", parse, 1)


def test_a_link_object_is_followed() -> None:
    assert page("").follow(Link("https://example.org/")).url == "https://example.org/"


@pytest.mark.parametrize(
    ("query", "reason"),
    [("p", "not of <p>"), ("a.none", "<a> has no href"), ("img", "not of <img>")],
)
def test_a_selector_of_no_link_is_an_error(query: str, reason: str) -> None:
    response = page("<p><a class=none>1</a><img src=x>")
    with pytest.raises(ValueError, match=reason):
        response.follow(response.css(query)[0])


def test_a_list_of_selectors_is_for_follow_all() -> None:
    response = page("<a href=x>")
    with pytest.raises(ValueError, match=r"use follow_all\(\)"):
        response.follow(response.css("a"))  # type: ignore[arg-type]  # the point


def test_a_selector_of_something_else_than_an_element_is_an_error() -> None:
    response = JsonResponse(PAGE, body=b'{"a": {"b": 1}}')
    with pytest.raises(ValueError, match="selectors of elements and attributes"):
        response.follow(response.jmespath("a")[0])


def test_a_query_is_escaped_in_the_encoding_of_the_page_unless_it_is_said() -> None:
    response = page("<a href='?q=é'>", encoding="latin-1")
    assert response.follow("?q=é").url == f"{PAGE}?q=%E9"
    assert response.follow("?q=é").encoding == "latin-1"
    assert response.follow("?q=é", encoding="utf-8").url == f"{PAGE}?q=%C3%A9"
    assert urls(response.follow_all(css="a")) == [f"{PAGE}?q=%E9"]


# --- follow_all -----------------------------------------------------------------------------------

LINKS = """
    <a href=a>1</a> <a href=a#top>2</a> <a href='./a'>3</a> <a href=' b\n'>4</a> <a>none</a>
    <a href='mailto:me@example.com'>5</a> <a href='javascript:void(0)'>6</a> <a href='tel:1'>7</a>
    <a href='http://exa mple/'>8</a> <a href='https://example.org'>9</a> <a href='#'>10</a>
"""
FOLLOWED = [f"{ROOT}a", f"{ROOT}b", "https://example.org", f"{PAGE}#"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"css": "a"},
        {"css": "body a"},
        {"css": "a, p"},
        {"css": "a::attr(href)"},
        {"css": "*"},
        {"xpath": "//a"},
        {"xpath": "//a/@href"},
        {"xpath": "//*"},
    ],
)
@pytest.mark.parametrize("more", [{}, {"priority": 0}])
def test_every_page_is_followed_once_and_what_is_none_is_passed_over(
    arguments: dict[str, str], more: dict[str, Any]
) -> None:
    assert urls(page(LINKS).follow_all(**arguments, **more)) == FOLLOWED


@pytest.mark.parametrize("query", ["//a", "//a/@href", "//*"])
def test_selectors_are_followed_alike(query: str) -> None:
    response = page(LINKS)
    assert urls(response.follow_all(response.xpath(query))) == FOLLOWED


def test_urls_and_links_are_followed_alike() -> None:
    links = ["a", "a#top", Link(f"{ROOT}a"), "b", "mailto:me@example.com", "http://exa mple/"]
    assert urls(page("").follow_all(links)) == [f"{ROOT}a", f"{ROOT}b"]
    assert urls(page("").follow_all(link for link in links)) == [f"{ROOT}a", f"{ROOT}b"]


def test_arguments_may_be_given_by_their_place() -> None:
    arguments = ("POST", {"A": "b"}, b"body", None, {"m": 1})
    for response in (page(""), Response(f"{ROOT}page")):
        one, *many = response.follow("a", parse, *arguments), *response.follow_all(["b"], parse, *arguments)
        for request in (one, *many):
            assert (request.callback, request.method, request.body, request.meta) == (parse, "POST", b"body", {"m": 1})


def test_images_are_followed_by_their_source() -> None:
    assert urls(page("<img src=a.png><img href=x>").follow_all(css="img")) == [f"{ROOT}a.png"]


@pytest.mark.parametrize("more", [{}, {"encoding": "utf-8", "meta": {"a": 1}, "method": "POST"}])
def test_callback_and_arguments_go_with_every_request(more: dict[str, Any]) -> None:
    requests = list(page("<a href=a><a href=b>").follow_all(css="a", callback=parse, **more))
    assert [request.callback for request in requests] == [parse, parse]
    assert [request.method for request in requests] == [more.get("method", "GET")] * 2
    assert [request.meta for request in requests] == [more.get("meta", {})] * 2


def test_requests_of_links_are_equal_however_they_are_made() -> None:
    quick, slow = (next(iter(page("<a href=a>").follow_all(css="a", **more))) for more in ({}, {"priority": 0}))
    assert [getattr(quick, name) for name in Request.attributes] == [getattr(slow, name) for name in Request.attributes]


@pytest.mark.parametrize("arguments", [{}, {"css": "a", "xpath": "//a"}, {"urls": [], "css": "a"}])
def test_exactly_one_of_urls_css_and_xpath_is_given(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exactly one of urls, css and xpath"):
        page("").follow_all(**arguments)


def test_text_of_no_known_kind_is_queried_as_html() -> None:
    response = TextResponse(PAGE, body=b"<a href=x>1</a>")
    assert (response.css("a::text").get(), urls(response.follow_all(css="a"))) == ("1", [f"{ROOT}x"])


def test_json_has_no_links() -> None:
    assert list(JsonResponse(PAGE, body=b'{"a": "<a href=x>"}').follow_all(xpath="//a")) == []


def test_json_that_is_no_unicode_is_read_in_the_encoding_of_its_header() -> None:
    headers = {"Content-Type": "application/json; charset=latin-1"}
    assert JsonResponse(PAGE, body=b'{"a": "\xe9"}', headers=headers).json() == {"a": "é"}
    assert JsonResponse(PAGE, body='{"a": "é"}'.encode(), headers=headers).json() == {"a": "é"}


@pytest.mark.parametrize("body", [b"", b"  ", b"<!-- -->", b"\0"])
def test_an_empty_page_has_no_links(body: bytes) -> None:
    assert list(page(body).follow_all(css="a")) == []


def test_links_of_xml_are_followed() -> None:
    response = XmlResponse(PAGE, body=b"<rss><link>a</link><item href='b'/></rss>")
    assert urls(response.follow_all(xpath="//link/text()")) == [f"{ROOT}a"]
    assert urls(response.follow_all(css="item")) == [f"{ROOT}b"]
