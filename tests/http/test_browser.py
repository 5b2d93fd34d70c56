"""Responses in a web browser: what is written for it, and where."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from crawler.http import HtmlResponse, JsonResponse, Response, TextResponse
from crawler.http.browser import open_in_browser, viewable

URL = "http://example.com/list?a=1&b=2"
BASE = '<base href="http://example.com/list?a=1&amp;b=2">'


def page(body: str | bytes) -> HtmlResponse:
    return HtmlResponse(URL, body=body, encoding="utf-8")


def opened(response: Response) -> Path:
    files: list[str] = []
    assert open_in_browser(response, lambda url: files.append(url) or True)
    return Path(unquote(urlsplit(files[0]).path))


@pytest.mark.parametrize(
    "before",
    [
        "",
        "<!DOCTYPE html>",
        "\n <!-- a > b --><!doctype html>",
        '<?xml version="1.0"?>\n<!DOCTYPE html\n>',
        "<!-- x -->",
    ],
)
def test_the_base_stands_behind_the_doctype_and_before_all_else(before: str) -> None:
    assert viewable(page(f"{before}<html><head>")).decode() == f"\ufeff{before}{BASE}<html><head>"


@pytest.mark.parametrize("body", ["<!doctype html", "<!-- never closed <head>", "<?xml", "plain text", ""])
def test_a_page_that_is_broken_off_gets_its_base_at_the_beginning(body: str) -> None:
    assert viewable(page(body)).decode() == f"\ufeff{BASE}{body}"


def test_a_base_of_the_page_is_kept() -> None:
    shown = viewable(page('<base href="/other/">')).decode()
    assert shown.startswith('\ufeff<base href="http://example.com/other/">')


def test_a_page_in_another_encoding_is_shown_as_its_text() -> None:
    response = HtmlResponse(URL, body="<p>żółw".encode("iso-8859-2"), encoding="iso-8859-2")
    assert viewable(response).decode("utf-8-sig") == f"{BASE}<p>żółw"


@pytest.mark.parametrize(
    "part", [b"<!--", b"<!doctype ", b"<!-->", b"<?", b" ", b"<head", b"<!doctype <", b"<!-- --", b"<base "]
)
def test_a_crafted_page_takes_time_in_proportion_to_its_length(part: bytes) -> None:
    """GHSA-cc65-xxvf-f7r9."""

    def seconds(size: int) -> float:
        best = 1.0
        for _ in range(5):
            response = page(part * (size // len(part)))
            began = time.process_time()
            viewable(response)
            best = min(best, time.process_time() - began)
        return best

    # Eight times the length. In proportion to its square it would be 64 times as long: far from 15, however busy the machine is.
    assert seconds(800_000) <= 15 * seconds(100_000) + 0.02


def test_the_file_is_for_its_owner_alone_and_has_what_was_got() -> None:
    file = opened(page("<p>hello"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.suffix == ".html"
    assert file.read_bytes() == viewable(page("<p>hello"))
    file.unlink()


@pytest.mark.parametrize(
    ("response", "suffix"),
    [
        (TextResponse(URL, body=b"x"), ".txt"),
        (JsonResponse(URL, body=b"{}", headers={"Content-Type": "application/json"}), ".json"),
        (Response(URL, body=b"x", headers={"Content-Type": "image/png"}), ".png"),
        (Response(URL, body=b"x"), ".bin"),
    ],
)
def test_what_is_no_page_is_left_as_it_is(response: Response, suffix: str) -> None:
    file = opened(response)
    assert (file.suffix, file.read_bytes()) == (suffix, response.body)
    file.unlink()
