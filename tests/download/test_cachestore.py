"""The store of the HTTP cache: whole entries or none, bounded, shared, and what becomes of a file that is damaged."""

from __future__ import annotations

import random
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.download.cachestore import CacheStore, Entry
from crawler.exceptions import SettingsError
from crawler.http import Headers
from crawler.http.cachepolicy import Stored

NOW = 1_800_000_000.0
URL = "http://cached.test/"
MiB = 1024 * 1024


def entry(body: bytes, received: float = NOW) -> Entry:
    return Entry(URL, Stored(200, Headers({"A": "1"}), received, received), body)


def opened(folder: Path, **more: int) -> CacheStore:
    return CacheStore(folder / "c.sqlite", wall_time=lambda: NOW, **more)


def body_of(store: CacheStore, key: bytes) -> bytes | None:
    found = store.find(key, Headers())
    return found.body if found is not None else None


def locked(path: Path) -> sqlite3.Connection:
    """Return a connection that holds the file *path*, as another crawl does while it writes."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


# --- whole, and for the owner alone ---------------------------------------------------------------


def test_an_entry_survives_the_process_byte_for_byte(tmp_path: Path) -> None:
    for body in (b"", b"small", b"large " * 10_000, bytes(range(256)) * 10):
        store = opened(tmp_path)
        store.put(b"key", entry(body))
        store.close()
        found = opened(tmp_path).find(b"key", Headers())
        assert found is not None
        assert (found.body, found.stored.headers["A"], found.stored.status) == (body, b"1", 200)


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    CacheStore(tmp_path / "folder" / "c.sqlite").close()
    assert stat.S_IMODE((tmp_path / "folder" / "c.sqlite").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700


_WRITER = """
import sys
from pathlib import Path
from crawler.download.cachestore import CacheStore, Entry
from crawler.http import Headers
from crawler.http.cachepolicy import Stored

store = CacheStore(Path(sys.argv[1]))
for number in range(1_000_000):
    body = b"%d " % number * 2000
    store.put(b"%d" % (number % 500), Entry("http://cached.test/", Stored(200, Headers(), 0.0, 0.0), body))
    if number % 64 == 63:
        print(number, flush=True)
"""


def test_a_kill_leaves_whole_entries_only(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    for lines in (1, 7, 15):
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(lines):
            writer.stdout.readline()
        writer.kill()
        writer.wait()
        writer.stdout.close()
        store = opened(tmp_path)
        bodies = [body for number in range(500) if (body := body_of(store, b"%d" % number)) is not None]
        assert bodies
        assert all(body == (body.split()[0] + b" ") * 2000 for body in bodies)
        assert not (tmp_path / "c.sqlite.damaged").exists()
        store.close()


# --- bounded --------------------------------------------------------------------------------------


def test_what_was_not_used_for_longest_goes_when_the_cache_is_full(tmp_path: Path) -> None:
    now = NOW
    store = CacheStore(tmp_path / "c.sqlite", max_size=60_000, wall_time=lambda: now)
    chance = random.Random(1)
    for number in range(20):
        now += 2
        store.put(b"%d" % number, entry(chance.randbytes(10_000)))
        store.find(b"0", Headers())
    store.write()
    kept = [number for number in range(20) if store.find(b"%d" % number, Headers()) is not None]
    assert 0 in kept
    assert 19 in kept
    assert 1 not in kept
    assert len(kept) <= 6
    store.close()


def test_what_is_too_old_is_not_found(tmp_path: Path) -> None:
    now = NOW
    store = CacheStore(tmp_path / "c.sqlite", max_age=100.0, wall_time=lambda: now)
    store.put(b"key", entry(b"x"))
    store.write()
    now += 101
    assert store.find(b"key", Headers()) is None


def test_a_page_that_is_kept_again_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    for body in (b"one", b"two"):
        store = opened(tmp_path)
        store.put(b"key", entry(body))
        store.close()
    store = opened(tmp_path)
    assert body_of(store, b"key") == b"two"
    assert len(list(store.urls())) == 1
    store.close()


def test_large_bodies_do_not_gather_in_memory(tmp_path: Path) -> None:
    store = opened(tmp_path)
    for number in range(3):
        store.put(b"%d" % number, entry(b"x" * 5 * MiB))
    assert len(list(opened(tmp_path).urls())) >= 2
    store.close()


# --- shared ---------------------------------------------------------------------------------------


def test_two_crawls_may_share_a_cache(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    one.put(b"key", entry(b"x"))
    one.write()
    assert body_of(other, b"key") == b"x"
    other.put(b"other", entry(b"y"))
    other.close()
    assert body_of(one, b"other") == b"y"
    one.close()


def test_what_cannot_be_written_while_another_crawl_writes_is_written_later(tmp_path: Path) -> None:
    store = opened(tmp_path)
    other = locked(tmp_path / "c.sqlite")
    store.put(b"key", entry(b"x"))
    store.write()
    assert body_of(store, b"key") == b"x"
    other.execute("COMMIT")
    store.close()
    assert body_of(opened(tmp_path), b"key") == b"x"


def test_what_was_removed_stays_removed_while_another_crawl_writes(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.put(b"key", entry(b"x"))
    store.write()
    other = locked(tmp_path / "c.sqlite")
    store.remove(b"key")
    assert body_of(store, b"key") is None
    other.execute("COMMIT")
    store.close()
    assert body_of(opened(tmp_path), b"key") is None


def test_a_cache_that_is_in_use_is_not_taken_for_a_damaged_one(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.put(b"key", entry(b"x"))
    store.write()
    other = sqlite3.connect(tmp_path / "c.sqlite", isolation_level=None)
    store.close()
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SettingsError, match=r"is in use|locked"):
        opened(tmp_path)
    other.execute("COMMIT")
    other.close()
    assert not (tmp_path / "c.sqlite.damaged").exists()
    assert body_of(opened(tmp_path), b"key") == b"x"


# --- damaged --------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 4096, 9000])
def test_a_damaged_cache_is_set_aside_and_begun_anew(tmp_path: Path, at: int, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "c.sqlite"
    store = opened(tmp_path)
    for number in range(200):
        store.put(b"%d" % number, entry(b"x" * 100))
    store.close()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 3000)
    store = opened(tmp_path)
    assert {body_of(store, b"%d" % number) for number in range(200)} <= {None, b"x" * 100}
    store.put(b"new", entry(b"y"))
    store.close()
    assert body_of(opened(tmp_path), b"new") == b"y"
    assert (tmp_path / "c.sqlite.damaged").exists() == ("is damaged" in caplog.text)


@pytest.mark.parametrize("body", [b"x" * 100, b"a page of some length " * 200], ids=["plain", "compressed"])
def test_a_single_bit_that_has_flipped_is_noticed(
    tmp_path: Path, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(tmp_path)
    store.put(b"key", entry(body))
    store.close()
    database = sqlite3.connect(tmp_path / "c.sqlite")
    (packed,) = database.execute("SELECT body FROM entry").fetchone()
    database.execute("UPDATE entry SET body = ?", (packed[:20] + bytes([packed[20] ^ 1]) + packed[21:],))
    database.commit()
    database.close()
    assert body_of(opened(tmp_path), b"key") is None
    assert "is damaged" in caplog.text


def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"name another file with cache\.path"):
        CacheStore(tmp_path / "file" / "c.sqlite")


def test_a_cache_of_a_newer_crawler_is_told_and_left_alone(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "c.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(SettingsError, match="version 99"):
        opened(tmp_path)
    assert not (tmp_path / "c.sqlite.damaged").exists()
