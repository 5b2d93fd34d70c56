"""Selectors: made of responses and texts, queried by XPath, CSS and JMESPath."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from lxml import etree
from parsel.selector import CannotDropElementWithoutParent, CannotRemoveElementWithoutRoot

from crawler.http import HtmlResponse, JsonResponse, TextResponse, XmlResponse
from crawler.selector import Selector, SelectorList

URL = "https://example.com/a"
HTML = "<ul><li class='a b'>1 €</li><li>2 <b>€</b></li></ul><a href=/x>x</a>"


def page(body: str) -> HtmlResponse:
    return HtmlResponse(URL, body=body, encoding="utf-8")


def test_a_selector_is_made_of_a_text() -> None:
    selector = Selector(text=HTML)
    assert selector.css("li::text").getall() == ["1 €", "2 "]
    assert selector.type == "html"
    assert selector.response is None


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (HtmlResponse(URL, body=b"<p>"), "html"),
        (XmlResponse(URL, body=b"<p/>"), "xml"),
        (JsonResponse(URL, body=b"{}"), "json"),
        (TextResponse(URL, body=b"plain"), "html"),
        (TextResponse(URL, body=b'{"a": 1}'), "json"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_selector_of_a_response_is_of_its_kind(response: TextResponse, kind: str) -> None:
    selector = Selector(response)
    assert selector.type == kind
    assert selector.response is response


def test_a_response_can_be_read_as_another_kind() -> None:
    response = TextResponse(URL, body=b"<a><Item>1</Item></a>")
    assert Selector(response, type="xml").xpath("//Item/text()").get() == "1"
    assert Selector(response, type="html").xpath("//item/text()").get() == "1"


def test_response_and_text_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="from a response or from a text, not from both"):
        Selector(page(HTML), text=HTML)


def test_a_selector_is_made_of_a_tree() -> None:
    root = etree.fromstring("<a><b>1</b></a>")
    assert Selector(root=root, type="xml").xpath("b/text()").get() == "1"
    assert Selector(page(""), root=root, type="xml").xpath("b/text()").get() == "1"


def test_what_is_found_is_of_our_own_classes_all_the_way_down() -> None:
    found = page(HTML).css("ul").css("li")
    assert type(found) is SelectorList
    assert {type(one) for one in found} == {Selector}
    assert type(found[:1]) is SelectorList


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("//li[1]/text()", ["1 €"]),
        ("//li[has-class('b')]/@class", ["a b"]),
        ("//li[re:test(., '^2')]/b/text()", ["€"]),
        ("set:difference(//li, //li[1])/text()", ["2 "]),
        ("count(//li)", ["2.0"]),
        ("//a/@href", ["/x"]),
    ],
)
def test_xpath_has_the_functions_of_scrapy(query: str, values: list[str]) -> None:
    assert page(HTML).xpath(query).getall() == values


def test_css_has_text_and_attributes() -> None:
    response = page(HTML)
    assert response.css("li.a::text, a::attr(href)").getall() == ["1 €", "/x"]
    assert response.css("a").attrib == {"href": "/x"}
    assert response.css("a").attrib["href"] == "/x"


def test_the_first_one_or_a_default_is_taken() -> None:
    found = page(HTML).css("li::text")
    assert (found.get(), found.extract_first(), found.extract()) == ("1 €", "1 €", ["1 €", "2 "])
    assert page(HTML).css("h6::text").get("none") == "none"


def test_a_regular_expression_reads_what_was_found() -> None:
    found = page(HTML).css("li::text")
    assert (found.re(r"\d"), found.re_first(r"(\d) €"), found.re_first("x", default="y")) == (["1", "2"], "1", "y")


def test_namespaces_are_registered_or_removed() -> None:
    response = XmlResponse(URL, body=b"<a xmlns='urn:x'><b>1</b></a>")
    assert response.xpath("//b").get() is None
    response.selector.register_namespace("x", "urn:x")
    assert response.xpath("//x:b/text()").get() == "1"
    response.selector.remove_namespaces()
    assert response.xpath("//b/text()").get() == "1"


@pytest.mark.parametrize(
    "html", ["<p>a<b>x</b>c</p>", "<p><b>x</b>ac</p>", "<p>a<i></i><b>x</b>c</p>", "<p>ac<b>x</b></p>"]
)
def test_an_element_can_be_dropped_and_the_text_behind_it_stays(html: str) -> None:
    for root in (page(html).selector, Selector(text=html)):
        root.css("b").drop()
        assert root.css("b").getall() == []
        assert root.xpath("string(//p)").get() == "ac"


def test_an_attribute_or_a_root_cannot_be_dropped() -> None:
    response = page(HTML)
    with pytest.raises(CannotRemoveElementWithoutRoot):
        response.css("a::attr(href)").drop()
    with pytest.raises(CannotDropElementWithoutParent):
        response.selector.drop()


@pytest.mark.parametrize("query", ["//li[", "//li/@", "nothing()"])
def test_a_broken_xpath_is_a_value_error_that_shows_it(query: str) -> None:
    with pytest.raises(ValueError, match="XPath error") as caught:
        page(HTML).xpath(query)
    assert query in str(caught.value)


def test_css_is_not_for_json() -> None:
    with pytest.raises(ValueError, match="json"):
        JsonResponse(URL, body=b"{}").css("a")


@pytest.mark.parametrize("body", ["", " \n", "<!-- x -->", "\0", "<!DOCTYPE html>", "text"])
def test_a_page_without_elements_has_a_root(body: str) -> None:
    selector = page(body).selector
    assert selector.xpath("/html").get() is not None
    assert selector.css("a").getall() == []


def test_a_null_byte_does_not_end_the_page() -> None:
    assert page("<p>a\0b</p><p>c</p>").css("p::text").getall() == ["ab", "c"]


def test_a_deep_page_is_parsed_whole() -> None:
    response = page("<div>" * 2000 + "<a href=x>deep</a>")
    assert response.css("a::text").get() == "deep"


def test_entities_of_a_file_are_not_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    body = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'
    for response in (XmlResponse(URL, body=body.encode()), page(body)):
        assert "secret" not in (response.xpath("string(//a)").get() or "")


def test_entities_do_not_explode() -> None:
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    response = XmlResponse(URL, body=f'<!DOCTYPE a [<!ENTITY e0 "x">{lines}]><a>&e11;</a>'.encode())
    assert len(response.xpath("string(//a)").get() or "") < 1000


def test_relative_links_of_a_tree_know_their_page() -> None:
    assert page(HTML).selector.root.getroottree().docinfo.URL == URL


def test_a_selector_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(page(HTML).selector)


def test_html_in_json_is_queried_as_html() -> None:
    response = TextResponse(URL, body=b'{"text": "<p><a>one</a></p>", "data": {"n": 1}}')
    assert response.jmespath("text").css("a::text").get() == "one"
    assert response.jmespath("data").jmespath("n").get() == 1


def test_a_text_is_html_whatever_it_looks_like() -> None:
    assert Selector(text="{}").type == "html"
    assert Selector(text="{}", type="json").type == "json"
