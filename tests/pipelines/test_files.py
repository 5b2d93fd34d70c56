"""FilesPipeline: whole crawls in memory that keep files in a folder."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from crawler import Field, Item, Request, Spider
from crawler.crawler import Crawler
from crawler.pipelines.files import FilesPipeline, extension_of
from crawler.pipelines.media import FileException
from crawler.testing import MemoryWorld, Page, Site, crawl_in_memory

HOST = "http://site.test"
PDF = b"%PDF " + bytes(range(256)) * 1000
PAGE = "<html>page</html>"


class Papers(Spider):
    """Yields an item with *urls* for each of its pages."""

    name = "papers"
    start_urls = [f"{HOST}/"]
    urls = [f"{HOST}/a.pdf"]

    def parse(self, response):
        yield {"file_urls": list(self.urls)}


def papers(*urls: str, **attributes: Any) -> type[Papers]:
    return type(
        "Papers", (Papers,), {"urls": [HOST + url if url.startswith("/") else url for url in urls], **attributes}
    )


def settings(folder: Path, pipeline: Any = "crawler.pipelines.files.FilesPipeline", **more: Any) -> dict[str, Any]:
    return {
        "ITEM_PIPELINES": {pipeline: 1},
        "FILES_STORE": folder,
        "politeness.obey_robots": False,
        "politeness.delay": 0.0,
        "retry.enabled": False,
        **more,
    }


def stored(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


SITE = {"/": PAGE, "/a.pdf": Page(PDF, headers={"Content-Type": "application/pdf"})}
NAME = f"full/{hashlib.sha1(f'{HOST}/a.pdf'.encode()).hexdigest()}.pdf"
DOWNLOADED = {"url": f"{HOST}/a.pdf", "path": NAME, "checksum": md5(PDF), "status": "downloaded"}


def test_an_item_gets_the_files_that_it_names(tmp_path: Path) -> None:
    result = crawl_in_memory(Papers, SITE, settings(tmp_path))
    assert result.items == [{"file_urls": [f"{HOST}/a.pdf"], "files": [DOWNLOADED]}]
    assert stored(tmp_path) == [NAME]
    assert (tmp_path / NAME).read_bytes() == PDF


def test_files_are_counted_under_scrapys_names(tmp_path: Path) -> None:
    stats = crawl_in_memory(Papers, SITE, settings(tmp_path)).stats
    assert (stats["file_count"], stats["file_status_count/downloaded"]) == (1, 1)
    stats = crawl_in_memory(Papers, SITE, settings(tmp_path)).stats
    assert (stats["file_count"], stats["file_status_count/uptodate"]) == (1, 1)


def test_a_file_that_the_store_has_is_not_downloaded_again(tmp_path: Path) -> None:
    crawl_in_memory(Papers, SITE, settings(tmp_path))
    site = Site(SITE)
    result = crawl_in_memory(Papers, site, settings(tmp_path))
    assert site.paths == ["/"]
    assert result.items[0]["files"] == [{**DOWNLOADED, "status": "uptodate"}]


def test_a_file_that_is_too_old_is_downloaded_again(tmp_path: Path) -> None:
    crawl_in_memory(Papers, SITE, settings(tmp_path))
    old = time.time() - 3 * 24 * 3600
    os.utime(tmp_path / NAME, (old, old))
    site = Site({**SITE, "/a.pdf": b"new"})
    assert (
        crawl_in_memory(Papers, site, settings(tmp_path, FILES_EXPIRES=4)).items[0]["files"][0]["status"] == "uptodate"
    )
    assert (
        crawl_in_memory(Papers, site, settings(tmp_path, FILES_EXPIRES=2)).items[0]["files"][0]["status"]
        == "downloaded"
    )
    assert (tmp_path / NAME).read_bytes() == b"new"


def test_a_file_is_downloaded_once_in_a_crawl_however_many_items_name_it(tmp_path: Path) -> None:
    site = Site({"*": PAGE, "/a.pdf": Page(PDF, latency=5.0)})
    spider = papers("/a.pdf", "/a.pdf", start_urls=[f"{HOST}/{number}" for number in range(5)])
    result = crawl_in_memory(spider, site, settings(tmp_path))
    assert site.paths.count("/a.pdf") == 1
    assert [item["files"] for item in result.items] == [[DOWNLOADED, DOWNLOADED]] * 5


def test_a_later_item_gets_the_result_of_an_earlier_one(tmp_path: Path) -> None:
    site = Site({"*": PAGE, "/a.pdf": PDF})
    spider = papers("/a.pdf", start_urls=[f"{HOST}/1", f"{HOST}/2"])
    result = crawl_in_memory(spider, site, settings(tmp_path, **{"crawl.concurrency": 1}))
    assert site.paths == ["/1", "/a.pdf", "/2"]
    assert [item["files"] for item in result.items] == [[DOWNLOADED]] * 2


@pytest.mark.parametrize(
    ("answer", "told"),
    [(Page("gone", 404), "404"), (Page(b""), "empty"), (Page("", 302, {"Location": "/b.pdf"}), "302")],
    ids=["a status", "empty", "a redirect"],
)
def test_an_item_goes_on_without_the_files_that_failed(answer: Page, told: str, tmp_path: Path, caplog: Any) -> None:
    site = Site({**SITE, "/b.pdf": answer})
    result = crawl_in_memory(papers("/b.pdf", "/a.pdf"), site, settings(tmp_path))
    assert [one["path"] for one in result.items[0]["files"]] == [NAME]
    assert stored(tmp_path) == [NAME]
    assert told in caplog.text
    assert "/b.pdf" in caplog.text


def test_redirects_are_followed_where_that_is_allowed(tmp_path: Path) -> None:
    site = Site({**SITE, "/old.pdf": Page("", 302, {"Location": "/a.pdf"})})
    result = crawl_in_memory(papers("/old.pdf"), site, settings(tmp_path, MEDIA_ALLOW_REDIRECTS=True))
    assert result.items[0]["files"][0]["url"] == f"{HOST}/old.pdf"
    assert result.items[0]["files"][0]["checksum"] == md5(PDF)


def test_a_page_that_would_refresh_itself_is_a_file_like_any_other(tmp_path: Path) -> None:
    page = "<meta http-equiv=refresh content='0; url=/other'>"
    result = crawl_in_memory(papers("/page.html"), {"/": PAGE, "/page.html": page}, settings(tmp_path))
    assert result.items[0]["files"][0]["checksum"] == md5(page.encode())


def test_files_keep_to_robots_txt(tmp_path: Path) -> None:
    site = Site({**SITE, "/robots.txt": "User-agent: *\nDisallow: /*.pdf"})
    result = crawl_in_memory(Papers, site, settings(tmp_path, **{"politeness.obey_robots": True}))
    assert result.items[0]["files"] == []
    assert result.stats["file_filtered_count"] == 1
    assert site.paths == ["/"]


def test_files_beyond_the_spiders_domains_are_refused_and_told_once_with_the_way_out(
    tmp_path: Path, caplog: Any
) -> None:
    spider = papers("http://cdn.test/1.pdf", "http://cdn.test/2.pdf", allowed_domains=["site.test"])
    result = crawl_in_memory(spider, {"*": PDF}, settings(tmp_path))
    assert result.items[0]["files"] == []
    assert caplog.text.count("media.allow_offsite") == 1
    result = crawl_in_memory(spider, {"*": PDF}, settings(tmp_path, **{"media.allow_offsite": True}))
    assert len(result.items[0]["files"]) == 2


def test_files_keep_to_the_delay_of_their_host(tmp_path: Path) -> None:
    site = Site({"*": PDF})
    delays = {"politeness.delay": 1.0, "politeness.jitter": 0.0, "crawl.concurrency": 1}
    crawl_in_memory(papers("/1.pdf", "/2.pdf", "/3.pdf"), site, settings(tmp_path, **delays))
    assert [hit.at for hit in site.log] == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "path",
    ["/etc/x", "../x", "a/../../x", "a\0b", "", "folder/", "..", "\\\\host\\x", "C:\\x", "a\\..\\..\\x", None],
)
def test_a_path_that_leads_out_of_the_store_is_an_error_that_names_it(path: Any, tmp_path: Path, caplog: Any) -> None:
    class Naming(FilesPipeline):
        def file_path(self, request, response=None, info=None, *, item=None):
            return path

    result = crawl_in_memory(Papers, SITE, settings(tmp_path / "store", Naming))
    assert result.items[0]["files"] == []
    assert stored(tmp_path) == []
    assert repr(path) in caplog.text


@pytest.mark.parametrize("link", ["folder", "file"])
def test_a_symbolic_link_does_not_lead_out_of_the_store(link: str, tmp_path: Path, caplog: Any) -> None:
    class Naming(FilesPipeline):
        def file_path(self, request, response=None, info=None, *, item=None):
            return "link/file" if link == "folder" else "link"

    store, outside = tmp_path / "store", tmp_path / "outside"
    store.mkdir()
    outside.mkdir()
    (outside / "file").write_text("mine")
    (store / "link").symlink_to(outside if link == "folder" else outside / "file")
    result = crawl_in_memory(Papers, SITE, settings(store, Naming))
    assert result.items[0]["files"] == []
    assert (outside / "file").read_text() == "mine"
    assert "symbolic link" in caplog.text


def test_the_store_itself_may_be_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "disk")
    assert crawl_in_memory(Papers, SITE, settings(tmp_path / "store")).items[0]["files"] == [DOWNLOADED]


def test_a_file_is_never_seen_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def fsync(number: int) -> None:
        if stat.S_ISREG(os.fstat(number).st_mode):
            seen.append([name for name in stored(tmp_path) if not Path(name).name.startswith(".")])

    monkeypatch.setattr(os, "fsync", fsync)
    crawl_in_memory(Papers, SITE, settings(tmp_path))
    assert seen == [[]]
    assert stored(tmp_path) == [NAME]


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = crawl_in_memory(Papers, SITE, settings(tmp_path))
    assert result.items[0]["files"] == []
    assert stored(tmp_path) == []


def test_a_crawl_that_is_stopped_at_once_exports_no_item_whose_files_are_missing(tmp_path: Path) -> None:
    world = MemoryWorld(Site({"/": PAGE, "/a.pdf": Page(PDF, latency=60.0)}))
    crawler = Crawler(Papers, settings(tmp_path), runtime=world.runtime)
    world.clock.callLater(1.0, lambda: crawler.engine.stop_now())
    result = world.run(crawler)
    assert "item_scraped_count" not in result.stats
    assert crawler.engine.frontier.waiting == 1
    assert world.clock.seconds() < 5


def test_files_go_to_disk_while_they_arrive(tmp_path: Path) -> None:
    held: list[Any] = []

    class Looking(FilesPipeline):
        async def file_downloaded(self, response, request, info, *, item=None):
            held.append((response.spool is not None, self.crawler.engine._in_hand.held))
            return await super().file_downloaded(response, request, info, item=item)

    result = crawl_in_memory(Papers, SITE, settings(tmp_path, Looking))
    assert result.items[0]["files"] == [DOWNLOADED]
    assert held == [(True, len(PAGE))]


def test_a_file_may_be_larger_than_a_page(tmp_path: Path) -> None:
    small = {"http.max_body": 1000}
    refused = crawl_in_memory(Papers, SITE, settings(tmp_path, **small))
    assert refused.items[0]["files"] == []  # who bounds bodies bounds files
    result = crawl_in_memory(Papers, SITE, settings(tmp_path, **small, **{"media.max_body": "1MiB"}))
    assert result.items[0]["files"] == [DOWNLOADED]
    refused = crawl_in_memory(papers("/b.pdf"), {"*": PDF}, settings(tmp_path, **{"media.max_body": 1000}))
    assert refused.items[0]["files"] == []


# --- as Scrapy's projects use it -----------------------------------------------------------------------------------------


def test_methods_may_be_overridden_as_scrapys_are(tmp_path: Path) -> None:
    calls: list[str] = []

    class Mine(FilesPipeline):
        def get_media_requests(self, item, info):
            for url in item["file_urls"]:
                yield Request(url, meta={"name": "mine"}, headers={"X-Mine": "1"})

        def file_path(self, request, response=None, info=None, *, item=None):
            assert info is None or info.spider.name == "papers"
            return f"{request.meta['name']}/{len(item['file_urls'])}.pdf"

        def media_to_download(self, request, info, *, item=None):
            calls.append("media_to_download")
            return super().media_to_download(request, info, item=item)

        def media_downloaded(self, response, request, info, *, item=None):
            calls.append(f"media_downloaded {response.status}")
            return super().media_downloaded(response, request, info, item=item)

        def item_completed(self, results, item, info):
            item["paths"] = [result["path"] for ok, result in results if ok]
            return item

    result = crawl_in_memory(Papers, SITE, settings(tmp_path, Mine))
    assert result.items == [{"file_urls": [f"{HOST}/a.pdf"], "paths": ["mine/1.pdf"]}]
    assert calls == ["media_to_download", "media_downloaded 200"]


def test_methods_may_leave_out_what_they_do_not_need(tmp_path: Path) -> None:
    class Short(FilesPipeline):
        def get_media_requests(self, item):
            return Request(item["file_urls"][0])

        def file_path(self, request, *, item=None):
            return "short.pdf"

        def item_completed(self, results, item):
            item["count"] = len(results)
            return item

    result = crawl_in_memory(Papers, SITE, settings(tmp_path, Short))
    assert result.items[0]["count"] == 1
    assert stored(tmp_path) == ["short.pdf"]


def test_methods_may_be_coroutines(tmp_path: Path) -> None:
    class Slow(FilesPipeline):
        async def get_media_requests(self, item, info):
            return [Request(url) for url in item["file_urls"]]

        async def file_path(self, request, response=None, info=None, *, item=None):
            return "slow.pdf"

        async def item_completed(self, results, item, info):
            return {"path": results[0][1]["path"]}

    assert crawl_in_memory(Papers, SITE, settings(tmp_path, Slow)).items == [{"path": "slow.pdf"}]


def test_a_failed_file_is_a_failure_in_the_results(tmp_path: Path) -> None:
    class Judging(FilesPipeline):
        def item_completed(self, results, item, info):
            return {"errors": [(ok, failure.type) for ok, failure in results]}

    result = crawl_in_memory(papers("/missing", "/missing"), SITE, settings(tmp_path, Judging))
    assert result.items == [{"errors": [(False, FileException)] * 2}]


def test_media_failed_may_give_a_result_all_the_same(tmp_path: Path) -> None:
    class Forgiving(FilesPipeline):
        def media_failed(self, failure, request, info):
            return {"url": request.url, "path": "", "checksum": None, "status": "failed"}

    result = crawl_in_memory(papers("/missing"), SITE, settings(tmp_path, Forgiving))
    assert result.items[0]["files"][0]["status"] == "failed"


def test_a_dropped_item_says_why(tmp_path: Path) -> None:
    from crawler.exceptions import DropItem

    class Strict(FilesPipeline):
        def item_completed(self, results, item, info):
            if not all(ok for ok, _ in results):
                raise DropItem("a file is missing")
            return item

    result = crawl_in_memory(papers("/missing"), SITE, settings(tmp_path, Strict))
    assert (result.items, result.stats["item_dropped_count"]) == ([], 1)


def test_a_subclass_has_settings_of_its_own(tmp_path: Path) -> None:
    class MyPipeline(FilesPipeline):
        pass

    own = {
        "MYPIPELINE_FILES_STORE": str(tmp_path / "mine"),
        "MYPIPELINE_FILES_URLS_FIELD": "file_urls",
        "MYPIPELINE_FILES_RESULT_FIELD": "mine",
        "MYPIPELINE_FILES_EXPIRES": "7",
        "FILES_URLS_FIELD": "others",
        "FILES_RESULT_FIELD": "others",
    }
    result = crawl_in_memory(Papers, SITE, settings(tmp_path / "all", MyPipeline, **own))
    assert result.items[0]["mine"] == [DOWNLOADED]
    assert stored(tmp_path) == [f"mine/{NAME}"]


def test_attributes_of_a_subclass_count_unless_a_setting_says_otherwise(tmp_path: Path) -> None:
    class MyPipeline(FilesPipeline):
        FILES_RESULT_FIELD = "mine"
        EXPIRES = 7

    result = crawl_in_memory(Papers, SITE, settings(tmp_path, MyPipeline))
    assert "mine" in result.items[0]
    result = crawl_in_memory(Papers, SITE, settings(tmp_path, MyPipeline, FILES_RESULT_FIELD="theirs"))
    assert "theirs" in result.items[0]


def test_attributes_of_a_subclass_may_have_their_older_names(tmp_path: Path) -> None:
    class MyPipeline(FilesPipeline):
        DEFAULT_FILES_RESULT_FIELD = "mine"

    assert "mine" in crawl_in_memory(Papers, SITE, settings(tmp_path, MyPipeline)).items[0]


def test_an_item_without_the_field_for_results_goes_on_as_it_is(tmp_path: Path) -> None:
    class Paper(Item):
        file_urls = Field()

    class Typed(Papers):
        def parse(self, response):
            yield Paper(file_urls=self.urls)

    result = crawl_in_memory(Typed, SITE, settings(tmp_path))
    assert [dict(item) for item in result.items] == [{"file_urls": [f"{HOST}/a.pdf"]}]
    assert stored(tmp_path) == [NAME]


def test_urls_that_are_no_list_are_an_error_of_the_item(tmp_path: Path, caplog: Any) -> None:
    class Wrong(Papers):
        def parse(self, response):
            yield {"file_urls": f"{HOST}/a.pdf"}

    result = crawl_in_memory(Wrong, SITE, settings(tmp_path))
    assert result.items == []
    assert "file_urls of an item is a list of URLs, not str" in caplog.text


def test_without_a_store_the_pipeline_is_off_and_says_so(tmp_path: Path, caplog: Any) -> None:
    caplog.set_level(logging.INFO)
    result = crawl_in_memory(Papers, SITE, settings(""))  # type: ignore[arg-type]
    assert result.items == [{"file_urls": [f"{HOST}/a.pdf"]}]
    assert "FilesPipeline needs FILES_STORE" in caplog.text


@pytest.mark.parametrize(
    ("url", "extension"),
    [
        ("http://site.test/a.pdf", ".pdf"),
        ("http://site.test/a.pdf?x=1", ".pdf"),
        ("http://site.test/get?file=a.png", ".png"),
        ("http://site.test/a", ""),
        ("http://site.test/a.whatever", ""),
        ("http://site.test/a.tar.gz", ".gz"),
        ("http://site.test/", ""),
    ],
)
def test_names_end_as_scrapys_do(url: str, extension: str) -> None:
    """As Scrapy 2.19 names them: compared by hand."""
    assert extension_of(url) == extension
