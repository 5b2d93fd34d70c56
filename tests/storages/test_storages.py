"""Storages by URL: on disk and in memory here, over sockets in tests/loopback/test_storages.py."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.exceptions import StorageError
from crawler.settings import Settings
from crawler.settings.storages import Storages
from crawler.storages import StorageURL, StoredFile, check_storage, is_remote, open_storage, split_url
from crawler.url import without_password


class Broken(io.BytesIO):
    """A file of which only the beginning can be read."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError("the disk is broken")
        return super().read(4)


@pytest.fixture(params=["local", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "local":
        return str(tmp_path / "store")
    pytest.importorskip("fsspec")
    return f"memory://{tmp_path.name}"


def test_what_was_put_can_be_looked_at_opened_and_deleted(url: str) -> None:
    storage = open_storage(url)
    assert storage.stat("a/b.txt") is None
    storage.put("a/b.txt", io.BytesIO(b"first"), content_type="text/plain")
    storage.put("a/b.txt", io.BytesIO(b"second one"))
    found = storage.stat("a/b.txt")
    assert found is not None
    assert found.size == 10
    assert found.modified > 1_700_000_000
    with storage.open("a/b.txt") as file:
        assert file.read() == b"second one"
    storage.delete("a/b.txt")
    storage.delete("a/b.txt")
    assert not storage.exists("a/b.txt")
    with pytest.raises(StorageError, match=r"cannot read .*a/b\.txt: there is no such file"):
        storage.open("a/b.txt")


def test_what_a_killed_process_left_of_a_file_is_gone_when_the_file_is_put_again(tmp_path: Path) -> None:
    dying = f"""
import io, os, signal
from crawler.storages import open_storage
class Dying(io.BytesIO):
    def read(self, size=-1):
        return super().read(4) if not self.tell() else os.kill(os.getpid(), signal.SIGKILL)
open_storage({str(tmp_path)!r}).put("a.txt", Dying(b"a long one that is never written"))
"""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    assert subprocess.run([sys.executable, "-c", dying], env=env).returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == [".a.txt.part"]
    open_storage(str(tmp_path)).put("a.txt", io.BytesIO(b"new"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.txt": b"new"}


def test_two_who_put_the_same_file_at_once_do_not_mix_their_bytes(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path))

    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() == 4:
                storage.put("a.txt", io.BytesIO(b"the other's"))
            return super().read(4)

    storage.put("a.txt", Interrupted(b"mine, and whole"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.txt": b"mine, and whole"}


def test_a_file_that_breaks_off_leaves_the_old_one(url: str) -> None:
    storage = open_storage(url)
    storage.put("a.txt", io.BytesIO(b"old"))
    with pytest.raises(StorageError, match=r"cannot write .*a\.txt: the disk is broken"):
        storage.put("a.txt", Broken(b"new and longer"))
    with storage.open("a.txt") as file:
        assert file.read() == b"old"


def test_nothing_is_left_of_a_file_that_broke_off(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        open_storage(str(tmp_path)).put("a.txt", Broken(b"new and longer"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/etc/passwd", "a//b", "", ".", "a\\..\\b", "a\0b", "a/"])
def test_no_path_leads_out_of_a_storage(path: str, tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "store"))
    for act in (lambda: storage.put(path, io.BytesIO(b"x")), lambda: storage.open(path), lambda: storage.delete(path)):
        with pytest.raises(StorageError, match="is no path within a storage"):
            act()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "s4://bucket/a",
            "no storage for s4://bucket/a: there are a path, file:, ftp:, ftps:, sftp:, s3:, gs:, memory:",
        ),
        ("s3:///a", "s3:///a names no bucket"),
        ("ftp://user:secret@/a", "ftp://user@/a names no host"),
        ("ftp://user:secret@host:port/a", r"ftp://user:\*\*\*@host:port/a has the port 'port': it must be a number"),
        ("file://elsewhere/a", "names the host 'elsewhere': a file is here, write file:///path"),
    ],
)
def test_a_url_that_leads_nowhere_is_an_error_that_says_why(url: str, message: str) -> None:
    with pytest.raises(StorageError, match=message) as wrong:
        check_storage(url)
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [
        ("s3://bucket/a", "s3fs", "s3"),
        ("gs://bucket/a", "gcsfs", "gs"),
        ("sftp://user:secret@host/a", "paramiko", "sftp"),
        ("memory://a", "fsspec", "storages"),
    ],
)
def test_a_missing_package_is_one_line_that_names_the_extra(
    url: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for attempt in (check_storage, open_storage):
        with pytest.raises(StorageError) as missing:
            attempt(url)
        assert package in str(missing.value)
        assert f"pip install 'crawler[{extra}]'" in str(missing.value)
        assert "\n" not in str(missing.value)
        assert "secret" not in str(missing.value)


def test_the_parts_of_a_url() -> None:
    url = StorageURL.parse("ftp://me:p%40ss%2Fword@[::1]:2121/a%20b/c?d#e")
    assert (url.user, url.password, url.host, url.port) == ("me", "p@ss/word", "::1", 2121)
    assert url.path == "/a%20b/c?d#e"
    assert str(url) == "ftp://me@[::1]:2121/a%20b/c?d#e"
    assert "p@ss" not in repr(url)


@pytest.mark.parametrize(
    ("url", "folder", "name"),
    [
        ("s3://bucket/a/b.json", "s3://bucket/a", "b.json"),
        ("memory://b.json", "memory://", "b.json"),
        ("/b.json", "/", "b.json"),
        ("b.json", ".", "b.json"),
        ("ftp://u:p@host/b.json", "ftp://u:p@host", "b.json"),
    ],
)
def test_a_file_is_a_folder_and_a_name(url: str, folder: str, name: str) -> None:
    assert split_url(url) == (folder, name)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://me:secret@host/a", "ftp://me:***@host/a"),
        ("s3://key:se/cret@bucket/a", "s3://key:se/cret@bucket/a"),  # a slash ends the authority: that is no password
        ("s3://bucket/me:you@here", "s3://bucket/me:you@here"),
        ("a:b@c", "a:b@c"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, text: str) -> None:
    assert without_password(url) == text


def test_what_is_remote() -> None:
    assert [is_remote(url) for url in ("a.json", "/a", "file:///a", "stdout:", "c:\\a", "s3://b/a", "memory://a")] == [
        *[False] * 5,
        True,
        True,
    ]


def test_the_options_of_s3_come_from_scrapys_names_and_what_is_not_said_is_left_to_amazons_tools() -> None:
    pytest.importorskip("fsspec")
    from crawler.storages.remote import s3_options

    settings = Settings(
        {
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "key",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_REGION_NAME": "eu",
            "AWS_VERIFY": False,
        }
    )
    said = s3_options(StorageURL.parse("s3://bucket/a"), settings.storages)
    assert (said["key"], said["secret"], said["endpoint_url"]) == ("id", "key", "http://127.0.0.1:9")
    assert said["client_kwargs"] == {"verify": False, "region_name": "eu"}
    nothing = s3_options(StorageURL.parse("s3://bucket/a"), Storages())
    assert (nothing["key"], nothing["secret"], nothing["token"], nothing["endpoint_url"]) == (None,) * 4
    own = s3_options(StorageURL.parse("s3://mine:own@bucket/a"), settings.storages)
    assert (own["key"], own["secret"]) == ("mine", "own")


def test_secrets_of_storages_are_not_shown() -> None:
    shown_values = str(Settings({"AWS_SECRET_ACCESS_KEY": "sesame", "FTP_PASSWORD": "sesame"}).in_force())
    assert "storages.s3_secret" in shown_values
    assert "sesame" not in shown_values


def test_a_stored_file_is_a_value() -> None:
    assert StoredFile(1, 2.0) == StoredFile(1, 2.0, "")
