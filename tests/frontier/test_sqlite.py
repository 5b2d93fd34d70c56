"""The durable store: what waits and what has ended, across processes and crashes."""

from __future__ import annotations

import errno
import random
import shutil
import sqlite3
from collections.abc import Iterator
from heapq import heappop, heappush
from pathlib import Path

import pytest

from crawler import Request
from crawler.exceptions import JobError, NotStorableError
from crawler.frontier import Frontier, Outcome, SeenIndex, Workbench
from crawler.frontier.codec import RequestCodec
from crawler.frontier.database import SCHEMA_VERSION
from crawler.frontier.jobs import DATABASE, Job
from crawler.frontier.sqlite import SqliteStore
from crawler.http.fingerprint import fingerprint
from crawler.settings import HostRules
from crawler.spiders import Spider
from crawler.url import host_key


class NamedSpider(Spider):
    name = "named"


class Desk:
    """A frontier on the job in *folder*, as one process has it."""

    def __init__(
        self, folder: Path, spider: Spider | None = None, *, capacity: int = 10_000, concurrency: int = 1000
    ) -> None:
        self.job = Job(folder)
        self.store = SqliteStore(self.job, RequestCodec(spider or NamedSpider()))
        rules = HostRules(0.0, 0.0, concurrency)
        self.frontier = Frontier(
            Workbench(lambda _: rules, self.store.stock, capacity=capacity),
            SeenIndex(self.store.digest_of),
            fingerprint=fingerprint,
            host_key=lambda request: host_key(request.url),
            journal=self.store,
        )
        self.frontier.restore(0.0)

    def submit(self, *paths: str, priority: int = 0, host: str = "site.test") -> None:
        for path in paths:
            request = Request(f"http://{host}/{path}", priority=priority)
            if not self.frontier.is_duplicate(request):
                self.frontier.submit(request, 0.0)

    def visit(self) -> str:
        """Visit the next request and return its path."""
        visit = self.frontier.next(0.0)
        assert visit is not None
        self.frontier.release(visit, 0.0)
        self.frontier.done(visit, 0.0)
        return visit.request.url.rpartition("/")[2]

    def commit(self) -> None:
        self.store.commit({"state": "running"})

    def crash(self) -> None:
        """End as a killed process does: what was not committed is gone."""
        self.job.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    return tmp_path / "job"


def test_what_waits_survives_the_process(folder: Path) -> None:
    first = Desk(folder)
    first.submit("a", "b", "c")
    first.commit()
    first.crash()
    assert [Desk(folder).visit() for _ in range(1)] == ["a"]


def test_what_was_leased_is_handed_out_again_and_what_ended_is_not(folder: Path) -> None:
    first = Desk(folder)
    first.submit("a", "b", "c")
    first.visit()
    first.frontier.next(0.0)
    first.commit()
    first.crash()
    second = Desk(folder)
    assert [second.visit(), second.visit()] == ["b", "c"]
    assert second.frontier.is_idle


def test_a_retry_that_cannot_be_stored_leaves_the_account_as_it_was(folder: Path) -> None:
    desk = Desk(folder)
    desk.submit("a")
    desk.commit()
    visit = desk.frontier.next(0.0)
    assert visit is not None
    with pytest.raises(NotStorableError):
        desk.frontier.again(visit, visit.request.replace(meta={"lock": object()}), 0.0)
    assert (desk.frontier.waiting, desk.frontier.leased) == (0, 1)
    visit.outcome = Outcome.FAILED
    desk.frontier.done(visit, 0.0)
    assert (desk.frontier.waiting, desk.frontier.leased, desk.frontier.failed) == (0, 0, 1)


def test_what_was_not_committed_is_repeated(folder: Path) -> None:
    first = Desk(folder)
    first.submit("a", "b")
    first.commit()
    first.visit()
    first.submit("found-on-a")
    first.crash()
    second = Desk(folder)
    assert [second.visit(), second.visit()] == ["a", "b"]


def test_what_was_seen_is_seen_by_the_next_process(folder: Path) -> None:
    first = Desk(folder)
    first.submit("done", "waiting")
    first.visit()
    first.commit()
    first.crash()
    second = Desk(folder)
    second.submit("done", "waiting", "new")
    assert [second.visit(), second.visit()] == ["waiting", "new"]


def test_the_order_of_the_crawl_survives(folder: Path) -> None:
    first = Desk(folder)
    first.submit("last", priority=-1)
    first.submit("second", "third")
    first.submit("first", priority=5)
    first.commit()
    first.crash()
    second = Desk(folder)
    assert [second.visit() for _ in range(4)] == ["first", "second", "third", "last"]


@pytest.mark.parametrize("capacity", [1, 7, 50])
def test_what_does_not_fit_the_workbench_comes_back_in_order_and_once(folder: Path, capacity: int) -> None:
    desk = Desk(folder, capacity=capacity)
    paths = [str(number) for number in range(300)]
    visited = []
    for start in range(0, 300, 10):
        desk.submit(*paths[start : start + 10])
        visited.append(desk.visit())
        if start % 50 == 0:
            desk.commit()
    visited += [desk.visit() for _ in range(300 - len(visited))]
    assert visited == paths
    assert desk.frontier.is_idle


def test_a_better_request_does_not_bring_a_leased_one_back(folder: Path) -> None:
    desk = Desk(folder, capacity=1)
    desk.submit("a", "b", "c")
    leased = desk.frontier.next(0.0)
    desk.submit("x", "y", "z", priority=1)
    rest = [desk.visit() for _ in range(5)]
    assert leased is not None
    assert leased.request.url.endswith("/a")
    assert sorted(rest) == ["b", "c", "x", "y", "z"]


def test_the_account_balances_across_processes(folder: Path) -> None:
    desk = Desk(folder)
    desk.submit(*map(str, range(20)))
    for _ in range(5):
        desk.visit()
    desk.frontier.next(0.0)
    desk.commit()
    desk.crash()
    after = Desk(folder).frontier
    assert (after.scheduled, after.waiting, after.ended[Outcome.DONE]) == (20, 15, 5)


def test_a_retry_takes_the_place_of_the_request(folder: Path) -> None:
    first = Desk(folder)
    first.submit("a")
    first.commit()
    visit = first.frontier.next(0.0)
    assert visit is not None
    again = visit.request.replace(meta={"retry_times": 1}, dont_filter=True)
    first.frontier.again(visit, again, 0.0, not_before=60.0)
    first.commit()
    first.crash()
    second = Desk(folder)
    assert second.frontier.next(0.0) is None
    assert second.frontier.wake_at() == 60.0
    next_one = second.frontier.next(60.0)
    assert next_one is not None
    assert next_one.request.meta["retry_times"] == 1
    assert next_one.request.meta["earlier_attempts"] == ["a middleware sent it again, 0.00 s"]
    assert second.frontier.waiting == 0


def test_what_cannot_be_kept_is_refused_when_it_is_submitted(folder: Path) -> None:
    desk = Desk(folder)
    with pytest.raises(NotStorableError, match="make it a method"):
        desk.frontier.submit(Request("http://site.test/", callback=lambda response: None), 0.0)
    assert desk.frontier.is_idle
    assert not desk.frontier.is_duplicate(Request("http://site.test/"))


def test_a_second_process_is_told_which_one_has_the_job(folder: Path) -> None:
    first = Job(folder)
    with pytest.raises(JobError, match=r"job is run by process \d+"):
        Job(folder)
    first.close()
    Job(folder).close()


def test_a_newer_schema_is_refused(folder: Path) -> None:
    Job(folder).close()
    database = sqlite3.connect(folder / DATABASE)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.close()
    with pytest.raises(JobError, match="use the crawler that made it"):
        Job(folder)


FIRST_SCHEMA = """
CREATE TABLE job (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE host (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE waiting (
    sequence INTEGER PRIMARY KEY, host INTEGER NOT NULL, rank INTEGER NOT NULL, parent INTEGER NOT NULL,
    digest BLOB NOT NULL, record BLOB NOT NULL
);
CREATE INDEX waiting_by_host ON waiting (host, rank, sequence);
CREATE TABLE history (
    sequence INTEGER PRIMARY KEY, parent INTEGER NOT NULL, digest BLOB NOT NULL, url TEXT NOT NULL, outcome TEXT NOT NULL,
    reason TEXT NOT NULL, status INTEGER NOT NULL, attempts INTEGER NOT NULL, seconds REAL NOT NULL, items INTEGER NOT NULL,
    earlier TEXT NOT NULL
);
CREATE TABLE refused (digest BLOB PRIMARY KEY, parent INTEGER NOT NULL, url TEXT NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE item (sequence INTEGER NOT NULL, record BLOB NOT NULL);
INSERT INTO history VALUES (1, 0, x'00112233445566778899aabbccddeeff', 'http://site.test/old', 'done', '', 200, 1, 0.5, 1, '');
INSERT INTO host VALUES (1, 'site.test');
INSERT INTO waiting VALUES (
    7, 1, 0, 1, x'ff112233445566778899aabbccddeeff', x'81a175b6687474703a2f2f736974652e746573742f7761697473'
);
PRAGMA user_version = 1;
"""


def test_an_older_schema_is_migrated_and_nothing_is_lost(folder: Path) -> None:
    folder.mkdir()
    database = sqlite3.connect(folder / DATABASE)
    database.executescript(FIRST_SCHEMA)
    database.close()
    desk = Desk(folder)
    desk.submit("new")
    assert [desk.visit(), desk.visit()] == ["waits", "new"]
    desk.commit()
    rows = desk.job.database.execute("SELECT url, size, ended >= 0 FROM history").fetchall()
    assert rows == [(f"http://site.test/{path}", 0, 1) for path in ("old", "waits", "new")]
    assert not desk.job.database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'waiting_by_host'").fetchall()
    assert desk.job.database.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


@pytest.mark.parametrize("at", [0, 4096, 8192, 20_000])
def test_a_damaged_database_is_told_and_never_read_as_empty(folder: Path, at: int) -> None:
    desk = Desk(folder)
    desk.submit(*map(str, range(500)))
    desk.commit()
    desk.crash()
    with (folder / DATABASE).open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 3000)
    with pytest.raises(JobError, match=r"damaged|cannot be used"):
        Desk(folder)


def test_a_request_that_has_gone_from_the_database_is_told_and_not_skipped(folder: Path) -> None:
    desk = Desk(folder, capacity=1)
    desk.submit("a", "b", "c")
    desk.commit()
    desk.job.database.execute("DELETE FROM waiting WHERE sequence = 2")
    with pytest.raises(JobError, match=r"is damaged \(request 2 is not there any more"):
        desk.visit()


@pytest.mark.parametrize("record", [b"\xc1", b"\x80", b"nonsense"])
def test_a_request_that_was_damaged_is_told_and_not_skipped(folder: Path, record: bytes) -> None:
    desk = Desk(folder)
    desk.submit("a", "b")
    desk.commit()
    desk.job.database.execute("UPDATE waiting SET record = ? WHERE sequence = 2", (record,))
    desk.crash()
    with pytest.raises(JobError, match=r"is damaged \(request 2 cannot be read"):
        Desk(folder).visit()


class OlderSpider(NamedSpider):
    def parse_old(self, response):
        yield {}


def test_a_request_whose_callback_has_gone_stops_the_job_and_names_it(folder: Path) -> None:
    desk = Desk(folder, spider := OlderSpider())
    desk.frontier.submit(Request("http://site.test/a", callback=spider.parse_old), 0.0)
    desk.commit()
    desk.crash()
    with pytest.raises(JobError, match=r"cannot go on: .* has no method 'parse_old'"):
        Desk(folder).visit()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_job_that_is_removed_while_its_crawl_runs_is_told_with_the_next_commit(folder: Path, replaced: bool) -> None:
    desk = Desk(folder)
    desk.submit("a")
    desk.commit()
    shutil.rmtree(folder)
    if replaced:
        Desk(folder)
    desk.submit("b")
    with pytest.raises(JobError, match="was removed or replaced while its crawl ran"):
        desk.commit()


def test_a_file_that_is_no_database_is_told(folder: Path) -> None:
    folder.mkdir()
    (folder / DATABASE).write_bytes(b"this is no database, and long enough not to be taken for an empty one" * 100)
    with pytest.raises(JobError, match="not a database"):
        Job(folder)


def test_everything_that_a_job_keeps_is_for_its_owner_only(folder: Path) -> None:
    desk = Desk(folder)
    desk.submit("a")
    desk.commit()
    kept = [path for path in folder.iterdir() if path.name.startswith(DATABASE)]
    assert len(kept) == 3  # the database, its log and the index of the log
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


@pytest.mark.parametrize("seed", range(40))
def test_what_is_read_ahead_keeps_the_order_whatever_comes_in_between(
    folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr("crawler.frontier.stock._MOST_NEAR", chance.choice((1, 5, 1_000)))
    monkeypatch.setattr("crawler.frontier.stock._BLOCK", chance.choice((1, 5, 100)))
    monkeypatch.setattr("crawler.frontier.stock._UNTRIED", chance.choice((0, 3)))
    monkeypatch.setattr("crawler.frontier.stock._SAMPLE", chance.choice((1, 8)))
    monkeypatch.setattr("crawler.frontier.stock._NEARLY_ALL", chance.choice((0.0, 0.75, 1.1)))
    capacity, hosts = chance.choice((1, 3, 10, 40)), chance.choice((1, 2, 20))
    desk = Desk(folder, capacity=capacity)
    expected: list[tuple[int, int]] = []
    for number in range(300):
        priority = chance.choice((0, 0, 0, 1, -1))
        desk.submit(f"{number}", priority=priority, host=f"site{chance.randrange(hosts)}.test")
        heappush(expected, (-priority, number))
        if chance.random() < 0.1:
            desk.commit()
        if chance.random() < 0.3:
            assert desk.visit() == str(heappop(expected)[1])
        if chance.random() < 0.02:
            desk.commit()
            desk.crash()
            desk = Desk(folder, capacity=capacity)
    assert [desk.visit() for _ in range(len(expected))] == [str(heappop(expected)[1]) for _ in range(len(expected))]


def test_what_earlier_processes_had_seen_is_loaded_in_pieces_while_requests_end_and_come(folder: Path) -> None:
    desk = Desk(folder)
    desk.submit(*map(str, range(5_000)))
    desk.commit()
    for _ in range(1_500):
        desk.visit()
    desk.commit()
    desk.crash()
    resumed = Desk(folder)
    loaded = False
    while not loaded:
        loaded = resumed.frontier.load(1)
        for _ in range(100):
            resumed.visit()
        resumed.commit()
    assert len(resumed.frontier._seen) >= 5_000
    resumed.submit(*map(str, range(5_000)), "another")
    assert resumed.frontier.scheduled == 5_001


def test_the_log_is_brought_into_the_database_of_a_new_job(folder: Path) -> None:
    desk = Desk(folder)
    desk.submit(*map(str, range(500)))
    desk.commit()
    desk.job.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (folder / DATABASE).stat().st_size > 50_000


def test_the_first_question_loads_what_earlier_processes_had_seen(folder: Path) -> None:
    desk = Desk(folder)
    desk.submit(*map(str, range(3_000)))
    desk.commit()
    desk.crash()
    resumed = Desk(folder)
    assert not resumed.frontier.load(1)
    assert resumed.frontier.is_duplicate(Request("http://site.test/2999"))
    assert resumed.frontier.load(1)


def test_a_request_that_comes_back_from_the_disk_is_known_by_the_fingerprint_that_it_was_stored_with(
    folder: Path,
) -> None:
    desk = Desk(folder, capacity=1)
    desk.submit("a", "b", "c")
    desk.visit()
    visit = desk.frontier.next(0.0)
    assert visit is not None
    assert visit.request._identity == fingerprint(visit.request) is not None


def test_a_request_that_has_ended_is_not_handed_out_again_before_the_commit(folder: Path) -> None:
    desk = Desk(folder, capacity=1)
    desk.submit("a", "b", "c")
    desk.commit()
    first = desk.visit()
    desk.submit("x", "y", "z", priority=1)
    assert [first, *(desk.visit() for _ in range(5))] == ["a", "x", "y", "z", "b", "c"]
    assert desk.frontier.is_idle


def test_a_url_seen_long_ago_is_known_without_asking_the_database(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.frontier.digests._MOST_UNWRITTEN", 1)
    monkeypatch.setattr("crawler.frontier.seen._LATELY", 2)
    first = Desk(folder)
    first.submit(*map(str, range(100)))
    for _ in range(30):
        first.visit()
    first.commit()
    first.crash()
    second = Desk(folder)
    second.submit(*map(str, range(100, 200)))
    second.commit()
    queries: list[str] = []
    second.job.database.set_trace_callback(queries.append)
    assert all(
        second.frontier.is_duplicate(Request(f"http://site.test/{number}")) for number in [*range(200), *range(200)]
    )
    assert not second.frontier.is_duplicate(Request("http://site.test/200"))
    assert queries == []
    assert {file.name for file in folder.iterdir()} <= {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "lock"}


def test_a_disk_that_cannot_take_what_was_seen_is_told_as_any_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.frontier.digests._MOST_UNWRITTEN", 1)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    first = Desk(folder)
    first.submit("a", "b")
    with monkeypatch.context() as patched:
        patched.setattr("os.pwrite", full)
        with pytest.raises(JobError, match=r"No space left on device.*make room or mend the disk, then resume the job"):
            first.commit()
    first.commit()
    first.crash()
    with monkeypatch.context() as patched:
        patched.setattr("os.pwrite", full)
        third = Desk(folder)
        with pytest.raises(JobError, match="make room or mend the disk, then resume the job"):
            third.submit("a")
        third.crash()
    assert [Desk(folder).visit()] == ["a"]


def test_the_order_survives_where_the_numbers_of_requests_get_longer(folder: Path) -> None:
    first = Desk(folder)
    paths = [str(number) for number in range(40)]
    for start, number in ((0, 95), (20, (1 << 20) - 10)):
        first.frontier.workbench._sequence = number
        first.submit(*paths[start : start + 20])
        first.submit(f"better-{start}", priority=1)
    first.submit("elsewhere", host="other.test")
    first.commit()
    first.crash()
    second = Desk(folder)
    assert [second.visit() for _ in range(43)] == ["better-0", "better-20", *paths, "elsewhere"]
    assert second.frontier.is_idle
