"""A crawl that is full of secrets: none is in its log at DEBUG, in its job, its report, or what it says of a URL."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from crawler import FormRequest, Request, Spider
from crawler.crawler import Crawler
from crawler.exceptions import JobError
from crawler.frontier.sealing import key_beside
from crawler.frontier.story import story_of
from crawler.report import facts_of, report_page
from crawler.testing import Hit, MemoryWorld, Page, Site

HOST = "http://shop.test"
SECRET = "s3cr3t"
PROXY = f"http://me:{SECRET}@127.0.0.1:9"


def secret_requests() -> list[Request]:
    return [
        Request(f"{HOST}/sets", priority=9),
        Request(f"{HOST}/leads", headers={"Authorization": f"Bearer {SECRET}", "Cookie": f"a={SECRET}"}),
        Request(f"{HOST}/fails", headers={"X-Api-Key": SECRET}),
        Request(f"http://me:{SECRET}@shop.test/url"),
        Request(f"{HOST}/basic", meta={"http_user": "me", "http_pass": SECRET}),
        Request(f"{HOST}/digest", meta={"http_user": "me", "http_pass": SECRET, "http_auth_scheme": "digest"}),
        Request(f"{HOST}/bearer", meta={"http_token": SECRET}),
        Request(f"{HOST}/cookies", cookies={"session": SECRET}),
        Request(f"{HOST}/wrong-cookie", cookies={"session": f"{SECRET};x"}),
        Request(f"{HOST}/proxy", meta={"proxy": PROXY}),
        Request(f"{HOST}/wrong-proxy", meta={"proxy": f"htp://me:{SECRET}@proxy.test"}),
        Request(f"{HOST}/arguments", cb_kwargs={"token": SECRET}),
        FormRequest(f"{HOST}/login", formdata={"password": SECRET}),
    ]


def answers() -> Site:
    def digest(hit: Hit) -> Page:
        asked = Page("", 401, {"WWW-Authenticate": 'Digest realm="shop", nonce="1", qop="auth"'})
        return Page("in") if "Authorization" in hit.headers else asked

    return Site(
        {
            "/sets": Page("", 200, {"Set-Cookie": f"session={SECRET}"}),
            "/leads": Page("", 302, {"Location": f"http://me:{SECRET}@shop.test/led"}),
            "/fails": Page("", 503),
            "/digest": digest,
            "*": "fine",
        }
    )


class Secretive(Spider):
    name = "secretive"
    token = ""

    async def start(self):
        self.state["token"] = self.token
        for request in secret_requests():
            yield request.replace(callback=self.parse, errback=self.failed)
        for number in range(20):
            yield Request(f"{HOST}/{number}", headers={"X-Api-Key": SECRET}, callback=self.parse, priority=-1)

    def parse(self, response, token=""):
        self.logger.debug("%r %r %r", response, response.request, self.state.keys())

    def failed(self, failure):
        self.logger.debug("%s", failure.value)


def crawl(folder: Path, **settings: Any) -> tuple[Any, Site]:
    site = answers()
    world = MemoryWorld(site)
    given = {
        "frontier.store": "sqlite",
        "frontier.job": str(folder / "job"),
        "frontier.workbench": 2,
        "auth.user": "me",
        "auth.password": SECRET,
        "auth.domain": "shop.test",
        "http.headers": {"X-Auth-Token": SECRET},
        "MY_TOKEN": SECRET,
        "log.level": "DEBUG",
        "politeness.delay": 0.01,
        "retry.delay": 0.01,
        **{name.replace("__", "."): value for name, value in settings.items()},
    }
    crawler = Crawler(Secretive, given, runtime=world.runtime)
    return world.run(crawler, token=SECRET), site


def test_no_secret_is_in_a_log_a_job_or_a_report(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    result, _ = crawl(tmp_path, crawl__max_pages=14)
    assert result.reason == "closespider_pagecount"
    written = {one.name: one.read_bytes() for one in (tmp_path / "job").rglob("*") if one.is_file()}
    assert [name for name, content in written.items() if SECRET.encode() in content] == []
    assert SECRET not in caplog.text
    assert SECRET not in report_page(facts_of(tmp_path / "job"))
    assert SECRET not in "".join(story_of(f"{HOST}/led", tmp_path / "job"))


def test_a_job_goes_on_with_its_secrets(tmp_path: Path) -> None:
    crawl(tmp_path, crawl__max_pages=14)
    result, site = crawl(tmp_path)
    assert result.reason == "finished"
    waiting = [hit for hit in site.log if hit.url.rpartition("/")[2].isdigit()]
    assert waiting
    assert {(hit.headers["X-Api-Key"], hit.headers["Cookie"]) for hit in waiting} == {(SECRET, f"session={SECRET}")}


def test_a_job_without_its_key_says_so_before_anything_is_fetched(tmp_path: Path) -> None:
    crawl(tmp_path, crawl__max_pages=14)
    key_beside(tmp_path / "job").unlink()
    with pytest.raises(JobError, match=r"without its key .*job\.key"):
        crawl(tmp_path)
