"""FormRequest: what a browser sends when a form is submitted."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from crawler.http import FormRequest, HtmlResponse, Request

PAGE = "https://example.com/shop/search?old=1"


def page(html: str, *, encoding: str = "utf-8") -> HtmlResponse:
    return HtmlResponse(PAGE, body=html, encoding=encoding)


def sent(request: Request, encoding: str = "utf-8") -> list[tuple[str, str]]:
    """Return the names and values that *request* sends."""
    data = request.body.decode() if request.method == "POST" else urlsplit(request.url).query
    return parse_qsl(data, keep_blank_values=True, encoding=encoding)


def submitted(controls: str, **kwargs: Any) -> list[tuple[str, str]]:
    """Return what a form with *controls* sends."""
    return sent(FormRequest.from_response(page(f"<form method=post>{controls}</form>"), **kwargs))


# --- formdata -------------------------------------------------------------------------------------


def test_formdata_is_posted() -> None:
    request = FormRequest("https://example.com/", formdata={"a": "1 2", "b": ["x", "é"], "c": 3})
    assert (request.method, request.body) == ("POST", b"a=1+2&b=x&b=%C3%A9&c=3")
    assert request.headers["Content-Type"] == b"application/x-www-form-urlencoded"


def test_pairs_keep_their_order_and_names_may_repeat() -> None:
    assert FormRequest("https://example.com/", formdata=[("b", "1"), ("a", "2"), ("b", b"3")]).body == b"b=1&a=2&b=3"


def test_a_get_has_formdata_as_its_query() -> None:
    request = FormRequest("https://example.com/?old=1#top", method="GET", formdata={"q": "a&b"})
    assert (request.url, request.body, request.has_headers) == ("https://example.com/?q=a%26b", b"", False)


def test_formdata_is_written_in_the_encoding_of_the_request() -> None:
    request = FormRequest("https://example.com/", formdata={"é": "é€"}, encoding="latin-1")
    assert request.body == b"%E9=%E9%26%238364%3B"  # what the encoding cannot hold, as browsers write it


@pytest.mark.parametrize("formdata", [None, {}, []])
def test_without_formdata_it_is_a_plain_request(formdata: Any) -> None:
    request = FormRequest("https://example.com/?a=1", formdata=formdata)
    assert (request.method, request.url, request.body) == ("GET", "https://example.com/?a=1", b"")


def test_a_replaced_form_keeps_its_body() -> None:
    request = FormRequest("https://example.com/", formdata={"a": "1"})
    assert request.replace(url="https://example.com/b").body == b"a=1"
    assert request.replace(formdata={"b": "2"}).body == b"b=2"


# --- the form -------------------------------------------------------------------------------------

FORMS = """
    <form name=one><input name=form value=1></form>
    <div id=box><form id=two><p><input name=form value=2></p></form></div>
    <form name=three id=drei><input name=form value=3></form>
"""


@pytest.mark.parametrize(
    ("where", "number"),
    [
        ({}, "1"),
        ({"formname": "three"}, "3"),
        ({"formid": "two"}, "2"),
        ({"formnumber": 2}, "3"),
        ({"formname": "gone", "formnumber": 1}, "2"),
        ({"formname": "gone", "formid": "drei"}, "3"),
        ({"formxpath": "//form[2]|//div/form"}, "2"),
        ({"formxpath": "//input[@value=3]"}, "3"),
        ({"formcss": "#box form"}, "2"),
        ({"formcss": "#two input"}, "2"),
    ],
)
def test_a_form_is_found_by_name_id_number_xpath_and_css(where: dict[str, Any], number: str) -> None:
    assert sent(FormRequest.from_response(page(FORMS), **where)) == [("form", number)]


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ({"formxpath": "//p[@id='gone']"}, "no <form> is found by"),
        ({"formcss": "#gone"}, "no <form> is found by"),
        ({"formcss": "#box"}, "no <form> is found by"),
    ],
)
def test_a_form_that_is_not_there_is_an_error(where: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        FormRequest.from_response(page(FORMS), **where)


def test_fewer_forms_than_the_number_says_is_an_index_error() -> None:
    with pytest.raises(IndexError, match=r"no form number 3 .*has 3"):
        FormRequest.from_response(page(FORMS), formname="gone", formnumber=3)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"formname": "gone"}, "the name 'gone' in <200 .*names: 'one', 'three'"),
        ({"formid": "gone"}, "the id 'gone' in <200 .*ids: 'two', 'drei'"),
    ],
)
def test_a_name_that_no_form_has_is_told_and_the_first_form_is_taken(
    where: dict[str, Any], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert sent(FormRequest.from_response(page(FORMS), **where)) == [("form", "1")]
    assert re.search(told, caplog.text)


def test_a_form_behind_the_end_of_the_document_is_found() -> None:
    request = FormRequest.from_response(page("<!DOCTYPE html><body></html><form><input name=a value=1></form>"))
    assert sent(request) == [("a", "1")]


def test_what_is_no_formdata_is_a_value_error() -> None:
    for formdata in (123, ["abc"]):
        with pytest.raises(ValueError, match="formdata is a dictionary or pairs"):
            FormRequest.from_response(page(FORMS), formdata=formdata)


def test_a_page_without_a_form_is_an_error() -> None:
    with pytest.raises(ValueError, match="there is no <form> in <200"):
        FormRequest.from_response(page("<p>"))


@pytest.mark.parametrize(
    ("attributes", "url"),
    [
        ("", PAGE),
        ("action=''", PAGE),
        ("action='  '", PAGE),
        ("action='login'", "https://example.com/shop/login"),
        ("action=' /login '", "https://example.com/login"),
        ("action='https://example.org/?a=b'", "https://example.org/?a=b"),
    ],
)
def test_the_action_is_resolved_and_without_one_it_is_the_page(attributes: str, url: str) -> None:
    request = FormRequest.from_response(page(f"<form method=post {attributes}></form>"))
    assert (request.url, request.method) == (url, "POST")


def test_the_action_is_relative_to_the_base() -> None:
    response = page("<head><base href='https://example.org/a/'></head><form action=b></form>")
    assert FormRequest.from_response(response).url == "https://example.org/a/b"


@pytest.mark.parametrize(
    ("attributes", "method"),
    [("", "GET"), ("method=POST", "POST"), ("method=post", "POST"), ("method=dialog", "GET"), ("method=x", "GET")],
)
def test_the_method_is_that_of_the_form(attributes: str, method: str) -> None:
    assert FormRequest.from_response(page(f"<form {attributes}></form>")).method == method


def test_url_method_and_all_else_can_be_given() -> None:
    request = FormRequest.from_response(
        page("<form method=post><input name=a></form>"), url="https://example.org/", method="GET", meta={"n": 1}
    )
    assert (request.url, request.method, request.meta) == ("https://example.org/?a=", "GET", {"n": 1})


def test_a_get_form_replaces_the_query_of_its_action() -> None:
    request = FormRequest.from_response(page("<form action='/s?gone=1#top'><input name=q value=x></form>"))
    assert request.url == "https://example.com/s?q=x"


def test_a_form_is_sent_in_the_encoding_of_its_page() -> None:
    request = FormRequest.from_response(page("<form method=post><input name=q value=é></form>", encoding="latin-1"))
    assert (request.body, request.encoding) == (b"q=%E9", "latin-1")


def test_a_form_is_sent_in_the_encoding_that_it_accepts() -> None:
    form = "<form method=post accept-charset='unheard-of, ISO-8859-1'><input name=q value=é><input type=hidden name=_charset_>"
    request = FormRequest.from_response(page(form.replace(",", "")))
    assert request.body == b"q=%E9&_charset_=windows-1252"
    assert (
        FormRequest.from_response(page("<form method=post><input name=q value=é>", encoding="utf-16")).body
        == b"q=%C3%A9"
    )


def test_a_given_url_is_relative_to_the_page() -> None:
    assert FormRequest.from_response(page(FORMS), url="/there").url == "https://example.com/there?form=1"


# --- the way of writing ---------------------------------------------------------------------------

PARTS = (
    "<input name='a\"b' value='x&y'><textarea name=t>1\n2</textarea><input type=file name=f><button name=go value=1>"
)


def test_a_multipart_form_is_sent_in_parts() -> None:
    response = page(f"<form method=post enctype=multipart/form-data>{PARTS}</form>")
    request = FormRequest.from_response(response, formdata={"raw": b"\xff"})
    kind, _, boundary = request.headers["Content-Type"].partition(b"; boundary=")
    assert kind == b"multipart/form-data"
    assert request.body.split(b"--" + boundary) == [
        b"",
        b'\r\nContent-Disposition: form-data; name="a%22b"\r\n\r\nx&y\r\n',
        b'\r\nContent-Disposition: form-data; name="t"\r\n\r\n1\r\n2\r\n',
        b'\r\nContent-Disposition: form-data; name="f"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n',
        b'\r\nContent-Disposition: form-data; name="go"\r\n\r\n1\r\n',
        b'\r\nContent-Disposition: form-data; name="raw"\r\n\r\n\xff\r\n',
        b"--\r\n",
    ]
    assert FormRequest.from_response(response, formdata={"raw": b"\xff"}).body == request.body  # seen before, not new


def test_the_button_may_say_in_which_way() -> None:
    form = "<form method=post><input name=a value='1 2'><button name=b value=3 formenctype=text/plain></form>"
    request = FormRequest.from_response(page(form))
    assert (request.body, request.headers["Content-Type"]) == (b"a=1 2\r\nb=3\r\n", b"text/plain")


def test_a_content_type_of_the_caller_counts_more_than_that_of_the_form() -> None:
    form = "<form method=post enctype=multipart/form-data><input name=a value=1></form>"
    kind = "application/x-www-form-urlencoded"
    assert FormRequest.from_response(page(form), headers={"content-type": kind}).body == b"a=1"
    assert FormRequest.from_response(page(form), method="GET").url == "https://example.com/shop/search?a=1"


# --- the controls ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("controls", "entries"),
    [
        ("<input name=a>", [("a", "")]),
        ("<input name=a value=1><input name=a value=2>", [("a", "1"), ("a", "2")]),
        ("<input type=hidden name=a value='x y'>", [("a", "x y")]),
        ("<input type=PASSWORD name=a value=1>", [("a", "1")]),
        ("<input type=email name=a value=1><input type=future name=b value=2>", [("a", "1"), ("b", "2")]),
        ("<input value=1><input name='' value=2>", []),
        ("<input type=checkbox name=a><input type=checkbox name=b checked>", [("b", "on")]),
        ("<input type=checkbox name=a value=1 checked><input type=checkbox name=a value='' checked>", None),
        ("<input type=radio name=a value=1><input type=radio name=a value=2 checked>", [("a", "2")]),
        ("<input type=reset name=a value=1><input type=button name=b value=2>", []),
        ("<input type=file name=a value=secret.txt>", [("a", "")]),
        ("<input type=radio name=a value=1 checked><input type=radio name=a value=2 checked>", [("a", "2")]),
        ("<input type=hidden name=a value='x\ny\rz'>", [("a", "x\r\ny\r\nz")]),
        ("<input name=a value='x\ny'><input type=url name=b value=' http://x '>", [("a", "xy"), ("b", "http://x")]),
        ("<input type=email multiple name=a value=' x@y , z@y'>", [("a", "x@y,z@y")]),
        ("<input type=number name=a value=12><input type=number name=b value=dozen>", [("a", "12"), ("b", "")]),
        (
            "<input type=date name=a value=2026-02-28><input type=date name=b value=2026-02-30>",
            [("a", "2026-02-28"), ("b", "")],
        ),
        (
            "<input type=week name=a value=2026-W53><input type=week name=b value=2025-W53>",
            [("a", "2026-W53"), ("b", "")],
        ),
        (
            "<input type=month name=a value=2026-12><input type=month name=b value=2026-13>",
            [("a", "2026-12"), ("b", "")],
        ),
        ("<input type=time name=a value=23:59><input type=time name=b value=24:00>", [("a", "23:59"), ("b", "")]),
        ("<input type=datetime-local name=a value='2026-02-28 10:00'>", [("a", "2026-02-28T10:00")]),
        ("<input type=color name=a><input type=color name=b value=#ABCDEF>", [("a", "#000000"), ("b", "#abcdef")]),
        ("<input type=range name=a><input type=range name=b max=5 value=9>", [("a", "50"), ("b", "5")]),
        ("<input type=range name=a min=1 max=2 step=.25 value=1.3>", [("a", "1.25")]),
        ("<input type=range name=a min=0 max=10 step=4 value=10>", [("a", "8")]),
        ("<input type=hidden name=_charset_ value=gone>", [("_charset_", "UTF-8")]),
        ("<input name=a value=x dirname=a.dir>", [("a", "x"), ("a.dir", "ltr")]),
        ("<p dir=rtl><textarea name=a dirname=d>x</textarea></p>", [("a", "x"), ("d", "rtl")]),
        ("<input name=a dir=auto value='1 \u05d0' dirname=d>", [("a", "1 \u05d0"), ("d", "rtl")]),
        ("<p dir=rtl><input type=tel name=a dirname=d></p>", [("a", ""), ("d", "ltr")]),
        ("<input type=checkbox name=a checked dirname=d>", [("a", "on")]),
        ("<textarea name=a></textarea>", [("a", "")]),
        ("<textarea name=a>x y</textarea>", [("a", "x y")]),
        ("<textarea name=a>\nx\ny\n</textarea>", [("a", "x\r\ny\r\n")]),
        ("<textarea name=a>x\u2028y\nz</textarea>", [("a", "x\u2028y\r\nz")]),
        ("<button type=button name=a value=1>x</button><button type=reset name=b>x</button>", []),
    ],
)
def test_a_control_sends_what_a_browser_would_send(controls: str, entries: list[tuple[str, str]] | None) -> None:
    assert submitted(controls) == ([("a", "1"), ("a", "")] if entries is None else entries)


@pytest.mark.parametrize(
    ("options", "entries"),
    [
        ("<option value=1>x<option value=2>y", [("a", "1")]),
        ("<option value=1>x<option value=2 selected>y", [("a", "2")]),
        ("<option value=1 selected>x<option value=2 selected>y", [("a", "2")]),
        ("<option>  x\n  y </option>", [("a", "x y")]),
        ("<option>\xa0x\xa0</option>", [("a", "\xa0x\xa0")]),
        ("<option value=''>x", [("a", "")]),
        ("<option value=1 disabled>x<option value=2>y", [("a", "2")]),
        ("<option value=1 disabled selected>x<option value=2>y", []),
        ("<optgroup disabled><option value=1>x</optgroup><optgroup><option value=2>y</optgroup>", [("a", "2")]),
        ("", []),
    ],
)
def test_a_drop_down_sends_the_option_that_it_shows(options: str, entries: list[tuple[str, str]]) -> None:
    assert submitted(f"<select name=a>{options}</select>") == entries


@pytest.mark.parametrize(
    ("options", "entries"),
    [
        ("<option value=1>x<option value=2>y", []),
        ("<option value=1 selected>x<option value=2 selected>y", [("a", "1"), ("a", "2")]),
        ("<option value=1 selected disabled>x<option value=2 selected>y", [("a", "2")]),
    ],
)
def test_a_list_sends_every_option_that_is_chosen(options: str, entries: list[tuple[str, str]]) -> None:
    assert submitted(f"<select multiple name=a>{options}</select>") == entries


def test_a_list_of_which_nothing_is_chosen_sends_nothing() -> None:
    assert submitted("<select name=a size=3><option>x<option>y</select>") == []
    assert submitted("<select name=a size=1><option>x<option>y</select>") == [("a", "x")]


@pytest.mark.parametrize(
    "controls",
    [
        "<input name=a disabled>",
        "<select name=a disabled><option selected>x</select>",
        "<textarea name=a disabled>x</textarea>",
        "<fieldset disabled><p><input name=a></p></fieldset>",
        "<fieldset disabled><legend>x</legend><legend><input name=a></legend></fieldset>",
        "<fieldset disabled><legend><fieldset disabled><input name=a></fieldset></legend></fieldset>",
        "<datalist><input name=a></datalist>",
        "<datalist><label><input name=a></label></datalist>",
        "<input type=submit disabled name=a value=1>",
    ],
)
def test_what_is_disabled_is_not_sent(controls: str) -> None:
    assert submitted(controls) == []


def test_the_first_legend_of_a_disabled_fieldset_is_not_disabled() -> None:
    assert submitted("<fieldset disabled><legend><input name=a value=1></legend></fieldset>") == [("a", "1")]


def test_controls_elsewhere_that_name_the_form_belong_to_it_in_tree_order() -> None:
    html = """
        <input form=f name=before value=1>
        <form id=f method=post><input name=inside value=2><input form=g name=others value=3></form>
        <textarea form=f name=after>4</textarea><input name=nowhere value=5>
    """
    assert sent(FormRequest.from_response(page(html))) == [("before", "1"), ("inside", "2"), ("after", "4")]


# --- the button -----------------------------------------------------------------------------------

BUTTONS = """
    <input name=q value=x>
    <input type=submit name=go value=one>
    <button name=go value=two>x</button>
    <input type=image name=map class=picture>
    <button name=bare></button>
"""


@pytest.mark.parametrize(
    ("clicking", "entries"),
    [
        ({}, [("q", "x"), ("go", "one")]),
        ({"dont_click": True}, [("q", "x")]),
        ({"clickdata": {"value": "two"}}, [("q", "x"), ("go", "two")]),
        ({"clickdata": {"name": "go", "value": "one"}}, [("q", "x"), ("go", "one")]),
        ({"clickdata": {"class": "picture"}}, [("q", "x"), ("map.x", "0"), ("map.y", "0")]),
        ({"clickdata": {"nr": 3}}, [("q", "x"), ("bare", "")]),
        ({"clickdata": {"nr": "1"}}, [("q", "x"), ("go", "two")]),
    ],
)
def test_the_button_that_is_clicked_is_sent(clicking: dict[str, Any], entries: list[tuple[str, str]]) -> None:
    assert submitted(BUTTONS, **clicking) == entries


@pytest.mark.parametrize("clickdata", [{"nr": 4}, {"name": "go"}, {"name": "gone"}, {"nr": 9}])
def test_a_button_that_is_not_there_or_not_one_is_an_error(clickdata: dict[str, str | int]) -> None:
    with pytest.raises(ValueError, match="button"):
        submitted(BUTTONS, clickdata=clickdata)


def test_the_first_button_that_is_not_disabled_is_clicked() -> None:
    buttons = "<button disabled name=a value=1></button><button name=a value=2></button>"
    assert submitted(buttons) == [("a", "2")]


def test_the_button_may_say_where_and_how() -> None:
    form = "<form action=/a method=post><input name=q><button formaction=/b formmethod=get name=n value=1></form>"
    request = FormRequest.from_response(page(form))
    assert (request.method, request.url) == ("GET", "https://example.com/b?q=&n=1")
    assert FormRequest.from_response(page(form), dont_click=True).url == "https://example.com/a"


# --- what the caller changes ----------------------------------------------------------------------


def test_formdata_replaces_the_values_of_the_form() -> None:
    controls = "<input name=a value=1><input name=a value=2><input name=token value=t><input name=c value=3>"
    entries = submitted(controls, formdata={"a": "new", "c": None, "extra": ["x", "y"]})
    assert entries == [("token", "t"), ("a", "new"), ("extra", "x"), ("extra", "y")]


def test_formdata_replaces_the_button_and_pairs_may_repeat() -> None:
    assert submitted(BUTTONS, formdata=[("go", "mine"), ("q", "1"), ("q", "2")]) == [
        ("go", "mine"),
        ("q", "1"),
        ("q", "2"),
    ]
