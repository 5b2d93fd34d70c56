"""Bodies on disk."""

from __future__ import annotations

import gc
import io
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from crawler.http import HtmlResponse, Response
from crawler.http.spool import Spool

CONTENT = bytes(range(256)) * 4096


def spooled(content: bytes = CONTENT, directory: str = "") -> Spool:
    spool = Spool(directory)
    spool.write(content)
    return spool


def open_files() -> set[str]:
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the listing's own
            found.add(os.readlink(f"/proc/self/fd/{number}"))
    return found


def test_a_spool_gives_back_what_was_written() -> None:
    spool = spooled()
    spool.write(b"end")
    assert len(spool) == len(CONTENT) + 3
    assert spool.load() == CONTENT + b"end"
    assert spool.head(5) == CONTENT[:5]


def test_its_file_is_in_no_folder_and_nobody_elses(tmp_path: Path) -> None:
    spool = spooled(directory=str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert stat.S_IMODE(os.fstat(spool._file.fileno()).st_mode) == 0o600


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted as Linux tells them")
def test_its_file_is_gone_when_the_response_and_its_readers_are(tmp_path: Path) -> None:
    def ours() -> list[str]:
        gc.collect()
        return [name for name in open_files() if str(tmp_path) in name]

    response = Response("http://site.test/", body=spooled(directory=str(tmp_path)))
    reader = response.open_body()
    assert len(ours()) == 1
    del response
    assert reader.read(3) == CONTENT[:3]
    del reader
    assert ours() == []


def test_readers_have_places_of_their_own() -> None:
    spool = spooled()
    one, other = spool.open(), spool.open()
    assert one.read(10) == other.read(10) == CONTENT[:10]
    one.seek(-4, io.SEEK_END)
    assert (one.read(), other.read(2), one.read()) == (CONTENT[-4:], CONTENT[10:12], b"")
    other.seek(2, io.SEEK_CUR)
    assert other.tell() == 14


def test_a_place_before_the_beginning_is_an_error() -> None:
    with pytest.raises(ValueError, match="before the beginning"):
        spooled().open().seek(-1)


def test_a_response_of_a_file_is_read_without_loading_it() -> None:
    response = Response("http://site.test/", body=spooled())
    with response.open_body() as file:
        assert file.read(300) == CONTENT[:300]
    assert (response.body_size, response.body_head(3)) == (len(CONTENT), CONTENT[:3])
    assert response.spool is not None


def test_its_body_is_read_into_memory_when_it_is_asked_for() -> None:
    response = Response("http://site.test/", body=spooled())
    assert response.body == CONTENT
    assert response.spool is None
    assert response.body is response.body


def test_a_page_in_a_file_is_queried_as_any_other() -> None:
    response = HtmlResponse("http://site.test/", body=spooled(b"<h1>Caf\xc3\xa9</h1>"))
    assert response.urljoin("x") == "http://site.test/x"
    assert response.spool is not None
    assert response.css("h1::text").get() == "Café"


def test_a_copy_shares_the_file() -> None:
    response = Response("http://site.test/", body=spooled())
    copy = response.replace(url="http://site.test/other")
    assert copy.spool is response.spool is not None


def test_a_body_in_memory_is_read_as_a_file_too() -> None:
    response = Response("http://site.test/", body=b"body")
    assert (response.open_body().read(), response.body_head(2), response.body_size) == (b"body", b"bo", 4)
    assert response.spool is None


@pytest.mark.parametrize("in_file", [True, False])
def test_a_body_is_saved_whole_or_not_at_all(in_file: bool, tmp_path: Path) -> None:
    response = Response("http://site.test/", body=spooled() if in_file else CONTENT)
    response.save_body(tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == CONTENT
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        response.save_body(tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "saved"]
