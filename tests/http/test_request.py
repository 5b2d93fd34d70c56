"""Requests: what they take, what they refuse, how they are changed, written down and read back, and their curl commands."""

from __future__ import annotations

import copy
import logging
import subprocess
from typing import Any

import pytest

from crawler.exceptions import InvalidURLError
from crawler.http import FormRequest, Headers, JsonRequest, Request, XmlRpcRequest
from crawler.http.request import NO_CALLBACK, request_from_dict
from crawler.spiders import Spider
from crawler.url import canonical, origin

PAGE = "https://example.com/a"


class Books(Spider):
    name = "books"

    def parse(self, response: Any) -> None: ...

    def failed(self, failure: Any) -> None: ...


def parse(response: Any) -> None: ...


FULL = {
    "url": PAGE,
    "callback": parse,
    "method": "PUT",
    "headers": Headers({"X-a": ["1", "2"]}),
    "body": b"hello",
    "cookies": {"a": "b"},
    "meta": {"depth": 1},
    "encoding": "latin-1",
    "priority": 3,
    "dont_filter": True,
    "errback": parse,
    "flags": ["x"],
    "cb_kwargs": {"n": 1},
}


def attributes_of(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in request.attributes}


# --- what is there --------------------------------------------------------------------------------


def test_a_plain_request_has_scrapys_defaults() -> None:
    assert attributes_of(Request(PAGE)) == {
        "url": PAGE,
        "callback": None,
        "method": "GET",
        "headers": {},
        "body": b"",
        "cookies": {},
        "meta": {},
        "encoding": "utf-8",
        "priority": 0,
        "dont_filter": False,
        "errback": None,
        "flags": [],
        "cb_kwargs": {},
    }


def test_every_argument_is_an_attribute() -> None:
    assert attributes_of(Request(**FULL)) == FULL
    assert repr(Request(**FULL)) == "<PUT https://example.com/a>"


def test_text_is_written_in_the_encoding_of_the_request() -> None:
    request = Request("https://example.com/é?é", method="post", body="é", headers={"X": "é"}, encoding="latin-1")
    assert (request.url, request.method) == ("https://example.com/%C3%A9?%E9", "POST")
    assert (request.body, request.headers["X"]) == (b"\xe9", b"\xe9")


@pytest.mark.parametrize("name", ["url", "body", "meta", "cb_kwargs"])
def test_what_is_recognised_or_shared_cannot_be_set(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Request(PAGE), name, "x")


def test_there_is_no_room_for_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Request(PAGE).depth = 1  # type: ignore[attr-defined]  # the point


def test_meta_and_the_like_are_made_when_they_are_looked_at() -> None:
    request = Request(PAGE, meta={}, headers={}, cookies={}, cb_kwargs={})
    assert not (request.has_meta or request.has_headers or request.has_cookies or request.has_cb_kwargs)
    request.meta["a"] = request.cb_kwargs["a"] = request.headers["a"] = request.cookies["a"] = "1"
    assert request.has_meta and request.has_headers and request.has_cookies and request.has_cb_kwargs
    assert (request.meta, request.cb_kwargs, request.cookies) == ({"a": "1"}, {"a": "1"}, {"a": "1"})
    assert request.headers.getlist("A") == [b"1"]


def test_meta_cb_kwargs_and_flags_are_the_requests_own() -> None:
    meta, cb_kwargs, flags = {"a": 1}, {"b": 2}, ["c"]
    request = Request(PAGE, meta=meta, cb_kwargs=cb_kwargs, flags=flags)
    request.meta["x"] = request.cb_kwargs["x"] = 1
    request.flags.append("x")
    assert (meta, cb_kwargs, flags) == ({"a": 1}, {"b": 2}, ["c"])


def test_headers_cookies_and_flags_can_be_set() -> None:
    request = Request(PAGE, cookies={"a": "b"})
    request.headers, request.cookies, request.flags = {"X": "1"}, None, ("a",)  # type: ignore[assignment]  # as Scrapy
    assert isinstance(request.headers, Headers)
    assert (request.headers["x"], request.has_cookies, request.flags) == (b"1", False, ["a"])


def test_a_verbatim_url_is_not_touched() -> None:
    assert Request("https://example.com/a b|c", meta={"verbatim_url": True}).url == "https://example.com/a b|c"


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["callback", "errback"])
@pytest.mark.parametrize("function", ["parse", 1, {}])
def test_a_callback_that_cannot_be_called_is_a_type_error(role: str, function: Any) -> None:
    with pytest.raises(TypeError, match=f"{role} must be a function or a method, not {type(function).__name__}"):
        Request(PAGE, **{role: function})


@pytest.mark.parametrize("url", ["", "/a", "example.com", "https://", "https://example.com:99999/"])
def test_a_url_that_no_browser_could_open_is_an_error(url: str) -> None:
    with pytest.raises(InvalidURLError, match="invalid URL"):
        Request(url)


@pytest.mark.parametrize("url", [None, b"https://example.com/", 1])
def test_a_url_that_is_no_text_is_a_type_error(url: Any) -> None:
    with pytest.raises(TypeError, match="the URL of a request is text"):
        Request(url)


@pytest.mark.parametrize("priority", ["1", 1.5, None])
def test_a_priority_that_is_no_integer_is_a_type_error(priority: Any) -> None:
    with pytest.raises(TypeError, match="the priority of a request is an integer"):
        Request(PAGE, priority=priority)


def test_the_mark_for_no_callback_is_a_callback_that_is_never_called() -> None:
    assert Request(PAGE, callback=NO_CALLBACK).callback is NO_CALLBACK
    with pytest.raises(RuntimeError, match="never called"):
        NO_CALLBACK()


# --- replace and copy -----------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [Request.copy, Request.replace, copy.copy])
def test_a_copy_has_everything(duplicate: Any) -> None:
    request = Request(**FULL)
    assert attributes_of(duplicate(request)) == attributes_of(request)


def test_a_copy_shares_no_dictionary() -> None:
    request = Request(**FULL)
    other = request.copy()
    other.meta["x"] = other.cb_kwargs["x"] = 1
    other.headers["X-B"] = "3"
    other.flags.append("y")
    assert (request.meta, request.cb_kwargs, request.flags) == ({"depth": 1}, {"n": 1}, ["x"])
    assert "X-B" not in request.headers


def test_what_is_replaced_is_new_and_all_else_stays() -> None:
    request = Request(**FULL)
    other = request.replace(url="https://example.com/b", body="", callback=None, priority=0, meta=None)
    assert (other.url, other.body, other.callback, other.priority, other.meta) == (
        "https://example.com/b",
        b"",
        None,
        0,
        {},
    )
    assert (other.errback, other.headers, other.encoding) == (parse, request.headers, "latin-1")
    assert request.url == PAGE


def test_the_class_can_be_replaced_and_is_else_kept() -> None:
    class Mine(Request):
        __slots__ = ()

    assert type(Mine(PAGE).replace(method="POST")) is Mine
    assert type(Mine(PAGE).replace(cls=FormRequest, formdata={"a": "1"})) is FormRequest


def test_replace_takes_names_only() -> None:
    with pytest.raises(TypeError, match="replace takes keyword arguments only, such as url="):
        Request(PAGE).replace("https://example.com/b")


def test_the_attributes_of_a_subclass_are_carried_over() -> None:
    class Tagged(Request):
        attributes = (*Request.attributes, "tag")

        def __init__(self, *args: Any, tag: str = "", **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.tag = tag

    assert Tagged(PAGE, tag="x").replace(method="PUT").tag == "x"


# --- to_dict --------------------------------------------------------------------------------------


def test_a_request_is_written_down_and_read_back() -> None:
    spider = Books()
    request = Request(**{**FULL, "callback": spider.parse, "errback": spider.failed})
    written = request.to_dict(spider=spider)
    assert (written["callback"], written["errback"]) == ("parse", "failed")
    assert "_class" not in written
    assert attributes_of(request_from_dict(written, spider=spider)) == attributes_of(request)


@pytest.mark.parametrize(
    "request_",
    [
        FormRequest(PAGE, formdata={"a": "1"}),
        JsonRequest(PAGE, data={"b": 2, "a": 1}, dumps_kwargs={"sort_keys": False}),
        XmlRpcRequest(PAGE, methodname="add", params=(1, 2)),
    ],
    ids=lambda request: type(request).__name__,
)
def test_a_request_of_another_class_is_read_back_as_that_class(request_: Request) -> None:
    restored = request_from_dict(request_.to_dict())
    assert type(restored) is type(request_)
    assert attributes_of(restored) == attributes_of(request_)


def test_a_class_that_is_not_imported_is_never_imported() -> None:
    written = {**Request(PAGE).to_dict(), "_class": "antigravity.Request"}
    assert type(request_from_dict(written)) is Request


@pytest.mark.parametrize("function", [parse, lambda response: None, str.upper], ids=["function", "lambda", "method"])
def test_a_callback_that_is_no_method_of_the_spider_cannot_be_written(function: Any) -> None:
    for role in ("callback", "errback"):
        with pytest.raises(ValueError, match="is no method of"):
            Request(PAGE, **{role: function}).to_dict(spider=Books())


def test_a_method_of_another_spider_cannot_be_written() -> None:
    class Other(Spider):
        name = "other"

        def parse(self, response: Any) -> None: ...

    with pytest.raises(ValueError, match="is no method of"):
        Request(PAGE, callback=Other().parse).to_dict(spider=Books())


@pytest.mark.parametrize("spider", [None, Books()])
def test_a_name_that_the_spider_does_not_have_cannot_be_read(spider: Spider | None) -> None:
    with pytest.raises(ValueError, match="has no method 'gone', which the callback of"):
        request_from_dict({"url": PAGE, "callback": "gone"}, spider=spider)


# --- from_curl ------------------------------------------------------------------------------------


def test_a_command_copied_from_a_browser_is_understood() -> None:
    request = Request.from_curl(
        "curl 'https://example.com/a?b=c' -X PUT -H 'Accept: */*' -H 'X-Time: 1:2' -H 'Cookie: a=b; c=d' "
        "-b 'e=f' -A Mine -e https://example.org/ -u me:secret --data-raw '{\"x\": 1}' "
        "-H 'content-type: application/json' --compressed -s -L"
    )
    assert (request.method, request.url, request.body) == ("PUT", "https://example.com/a?b=c", b'{"x": 1}')
    assert request.cookies == {"a": "b", "c": "d", "e": "f"}
    assert request.headers == {
        "Accept": ["*/*"],
        "X-Time": ["1:2"],
        "Content-Type": ["application/json"],
        "User-Agent": ["Mine"],
        "Referer": ["https://example.org/"],
        "Authorization": ["Basic bWU6c2VjcmV0"],
    }


@pytest.mark.parametrize(
    ("options", "method", "url", "body"),
    [
        ("", "GET", "http://example.com", b""),
        ("-I", "HEAD", "http://example.com", b""),
        ("-d a=1 -d b=2", "POST", "http://example.com", b"a=1&b=2"),
        ("--data-raw $'a=1'", "POST", "http://example.com", b"a=1"),
        ("-d a=1 -X PATCH", "PATCH", "http://example.com", b"a=1"),
        ("-G -d a=1 -d b=2", "GET", "http://example.com?a=1&b=2", b""),
        ("-X delete", "DELETE", "http://example.com", b""),
    ],
)
def test_the_method_is_that_which_curl_would_use(options: str, method: str, url: str, body: bytes) -> None:
    request = Request.from_curl(f"curl {options} example.com")
    assert (request.method, request.url, request.body) == (method, url, body)


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (r"--data-raw $'it\'s\n\x41\u0021\101\ud83d\ude00'", "it's\nA!A\U0001f600".encode()),
        (r"--data-raw $'\xff\c[\q'", b"\xff\x1b\\q"),
        ("--data-raw '@no file'", b"@no file"),
        ('--data-binary "a\\"b\\$c\\n"', b'a"b$c\\n'),
        ("-da=1 --data 'b=2 3'", b"a=1&b=2 3"),
        ("--data-urlencode 'q=a b&c' --data-urlencode '=x/y' --data-urlencode z", b"q=a%20b%26c&x%2Fy&z"),
        ("--json '{\"a\":' --json 1}", b'{"a":1}'),
    ],
)
def test_data_is_what_the_shell_and_curl_make_of_it(options: str, body: bytes) -> None:
    assert Request.from_curl(f"curl https://example.com {options}").body == body


def test_json_has_the_headers_of_json() -> None:
    request = Request.from_curl("curl --json {} https://example.com -H 'accept: text/x'")
    assert (request.method, request.headers["Content-Type"], request.headers["Accept"]) == (
        "POST",
        b"application/json",
        b"text/x",
    )


def test_fields_are_sent_in_parts() -> None:
    request = Request.from_curl("curl https://example.com -F 'a=1;type=text/x' --form-string 'b=@x;type=y'")
    kind, _, boundary = request.headers["Content-Type"].partition(b"; boundary=")
    assert kind == b"multipart/form-data"
    assert request.body.split(b"--" + boundary) == [
        b"",
        b'\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/x\r\n\r\n1\r\n',
        b'\r\nContent-Disposition: form-data; name="b"\r\n\r\n@x;type=y\r\n',
        b"--\r\n",
    ]


def test_a_query_is_added_to_that_of_the_url() -> None:
    command = "curl 'https://example.com/?a=1#top' -G --data-urlencode 'q=x y' --url-query 'z=ü'"
    assert Request.from_curl(command).url == "https://example.com/?a=1&z=%C3%BC&q=x%20y#top"


def test_headers_are_set_emptied_and_left_out_as_curl_does() -> None:
    request = Request.from_curl("curl https://example.com -d a -H 'X-Empty;' -H 'Content-Type:' -H rubbish -u me -A ''")
    assert request.headers == {"X-Empty": [""], "Authorization": ["Basic bWU6"]}


def test_cookies_come_as_they_are_sent() -> None:
    command = "curl https://example.com -b 'a[x]=1; b=\"q\"; c=d=e; flag' -b cookies.txt -H 'cookie: f=1'"
    assert Request.from_curl(command).cookies == {"f": "1", "a[x]": "1", "b": '"q"', "c": "d=e"}


def test_short_options_may_stand_together_and_hold_their_value() -> None:
    request = Request.from_curl("curl -sSLkXPUT -oout.html -m 5 --insecure -H'A: b' --url https://example.com")
    assert (request.method, request.url, request.headers) == ("PUT", "https://example.com", {"A": ["b"]})


def test_a_command_may_go_over_several_lines() -> None:
    request = Request.from_curl("curl 'https://example.com' \\\r\n  -H 'A: b' \\\n  --compressed \\\n")
    assert (request.url, request.headers) == ("https://example.com", {"A": ["b"]})


def test_a_command_copied_for_windows_is_understood() -> None:
    request = Request.from_curl(
        'curl ^"https://example.com/?a=1^&b=2^" ^\n  -H ^"A: b^" ^\n  --data-raw ^"^{^\\^"x^\\^": ^\\^"$y^\\^"^}^"'
    )
    assert (request.url, request.headers["A"], request.body) == ("https://example.com/?a=1&b=2", b"b", b'{"x": "$y"}')


def test_data_without_a_type_is_a_form() -> None:
    request = Request.from_curl("curl https://example.com -d a=1")
    assert request.headers["Content-Type"] == b"application/x-www-form-urlencoded"


def test_what_is_given_besides_the_command_comes_first() -> None:
    request = Request.from_curl("curl https://example.com -X POST", method="PUT", callback=parse, priority=2)
    assert (request.method, request.callback, request.priority) == ("PUT", parse, 2)


def test_unknown_options_are_ignored_aloud(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert Request.from_curl("curl --bar -w %{url} https://example.com").url == "https://example.com"
    assert "--bar, -w" in caplog.text


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("wget https://example.com", "a curl command begins with curl"),
        ("", "a curl command begins with curl"),
        ("curl", "cannot read the curl command"),
        ("curl https://example.com -X", "cannot read the curl command"),
        ("curl 'https://example.com", "No closing quotation"),
        ("curl --max-time 3 --http2 https://example.com", "unknown options of curl: --max-time"),
        ("curl -d @body.json https://example.com", "--data @body.json names a file, which is not read"),
        ("curl -F a=@/etc/passwd https://example.com", "-F a=@/etc/passwd names a file"),
        ("curl --data-urlencode a@b https://example.com", "names a file"),
        ("curl -F a https://example.com", "-F takes name=value, not 'a'"),
    ],
)
def test_what_is_no_curl_command_is_a_value_error(command: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Request.from_curl(command, ignore_unknown_options=False)


# --- to_curl --------------------------------------------------------------------------------------


def test_a_plain_request_is_a_plain_command() -> None:
    assert Request("https://example.com/?a=b&c=d").to_curl() == "curl -X GET 'https://example.com/?a=b&c=d'"


@pytest.mark.parametrize("cookies", [{"a": "b", "c": "d"}, [{"name": "a", "value": "b"}, {"name": "c", "value": "d"}]])
def test_a_command_makes_the_request_again(cookies: Any) -> None:
    request = Request(
        PAGE, method="POST", body="it's; rm -rf / $(x) `y`", headers={"X-A": ["1", "it's"]}, cookies=cookies
    )
    again = Request.from_curl(request.to_curl(), headers=request.headers)
    assert (again.url, again.method, again.body) == (request.url, request.method, request.body)
    assert again.cookies == {"a": "b", "c": "d"}
    assert "-H 'X-A: 1'" in request.to_curl()


def test_nothing_of_a_request_is_run_by_the_shell() -> None:
    command = Request("https://example.com/?a=$(id);x", headers={"X": "'; id #"}).to_curl()
    assert command == """curl -X GET 'https://example.com/?a=$(id);x' -H 'X: '"'"'; id #'"""


@pytest.mark.parametrize("body", [b"\xe9\xff\x01'", "é\u20ac\n\t!".encode(), b"plain"])
def test_a_command_holds_any_bytes_but_nul(body: bytes) -> None:
    request = Request(PAGE, method="POST", body=body, encoding="latin-1", headers={"X-Empty": "", "X": b"\xe9"})
    assert (
        subprocess.run(
            ["/bin/bash", "-c", request.to_curl().replace("curl -X POST", "printf %s\\|", 1)],
            capture_output=True,
            check=True,
        ).stdout.split(b"|")[2]
        == body
    )
    assert Request.from_curl(request.to_curl()).body == body
    assert Request.from_curl(request.to_curl()).headers["X-Empty"] == b""
    with pytest.raises(ValueError, match="has NUL in it"):
        request.replace(body=b"\0").to_curl()


def test_cookies_of_a_command_may_be_bytes_and_numbers() -> None:
    assert Request(PAGE, cookies=[{"name": b"a", "value": 1}]).to_curl() == f"curl -X GET {PAGE} --cookie 'a=1'"


# --- XML-RPC --------------------------------------------------------------------------------------


def test_a_remote_call_is_a_post_of_xml_that_may_be_repeated() -> None:
    request = XmlRpcRequest(PAGE, methodname="add", params=(1, 2))
    assert (request.method, request.dont_filter, request.headers["Content-Type"]) == ("POST", True, b"text/xml")
    assert b"<methodName>add</methodName>" in request.body
    assert request.body.count(b"<int>") == 2


def test_a_remote_call_can_be_replaced() -> None:
    request = XmlRpcRequest(PAGE, methodname="add", params=(1,), encoding="latin-1", dont_filter=False)
    other = request.replace(url="https://example.com/b")
    assert (other.body, other.encoding, other.dont_filter) == (request.body, "latin-1", False)


@pytest.mark.parametrize(
    ("url", "expected", "user", "password"),
    [
        ("http://me:pass%40word@a.test/x", "http://a.test/x", "me", "pass@word"),
        ("https://me@a.test:8443?q=@", "https://a.test:8443/?q=@", "me", ""),
        ("HTTP://me:a@b@a.test/", "HTTP://a.test/", "me", "a@b"),
        ("http://@a.test/", "http://a.test/", None, None),
        ("http://a.test/@me", "http://a.test/@me", None, None),
        ("http://a.test?mail=me:you@b.test", "http://a.test?mail=me:you@b.test", None, None),
    ],
)
def test_user_and_password_of_a_url_are_taken_out_of_it(url: str, expected: str, user: Any, password: Any) -> None:
    for request in (Request(url), Request.of_link(url)):
        assert canonical(request.url) == canonical(expected)
        assert (request.meta.get("http_user"), request.meta.get("http_pass")) == (user, password)
        assert user is None or request.meta["http_auth_domain"] == origin(expected)


def test_credentials_that_a_request_has_count_before_those_of_its_url() -> None:
    request = Request("http://me:secret@a.test/", meta={"http_token": "1"})
    assert (request.url, request.meta) == ("http://a.test/", {"http_token": "1"})
