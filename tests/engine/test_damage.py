"""A job whose database was damaged on purpose: it is told, or did not matter; nothing is lost or comes twice without a word."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.python.failure import Failure

from crawler.exceptions import JobError
from crawler.frontier.jobs import DATABASE, items_of
from tests.engine.crashes import Job, ShopSpider, uninterrupted

SIZE, SEED = 60, 5


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a job that crashed in the midst of its crawl, and a copy of it beside."""
    folder = tmp_path_factory.mktemp("damage") / "crashed"
    job = Job(folder, size=SIZE, seed=SEED)
    assert not job.run(60)
    database = sqlite3.connect(folder / "job" / DATABASE)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    shutil.copytree(folder, folder.with_name("copy"))
    return folder


def told_or_right(folder: Path, damage: Callable[[Path], None]) -> bool:
    """Do *damage* to the database and resume; return whether it was told. Raise AssertionError if not, and items are amiss."""
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("copy"), folder)
    damage(folder / "job" / DATABASE)
    job = Job(folder, size=SIZE, seed=SEED)
    crawler, world = job.crawler()
    results: list[Any] = []
    crawler.crawl().addBoth(results.append)
    while not results:
        world.step(crawler)
    if isinstance(results[0], Failure):
        assert results[0].check(JobError), results[0]
        return True
    if results[0].reason == "job_error":
        return True
    assert results[0].reason == "finished"
    assert job.items() == [uninterrupted(ShopSpider, SIZE, job.shop).items] * 2
    return False


@pytest.mark.parametrize("seed", range(24))
def test_whatever_bytes_are_changed_nothing_is_lost_without_a_word(crashed: Path, seed: int) -> None:
    chance = random.Random(seed)

    def change_bytes(database: Path) -> None:
        content = bytearray(database.read_bytes())
        at, count = chance.randrange(len(content)), chance.choice((1, 8, 64, 512))
        new = chance.choice((bytes(count), chance.randbytes(count), bytes([content[at] ^ 1 << chance.randrange(8)])))
        content[at : at + len(new)] = new[: len(content) - at]
        database.write_bytes(content)

    told_or_right(crashed, change_bytes)


DAMAGE = {
    "a waiting request has gone": "DELETE FROM waiting WHERE sequence = (SELECT max(sequence) FROM waiting)",
    "a request that has ended has gone": "DELETE FROM history WHERE sequence = (SELECT max(sequence) FROM history)",
    "nothing is left": "DELETE FROM waiting; DELETE FROM history",
    "a request has another URL": "UPDATE waiting SET record = replace(record, 'shop', 'shap')",
    "a request stands in the place of another": "UPDATE waiting SET record = (SELECT max(record) FROM waiting)",
    "a fingerprint has changed": "UPDATE waiting SET digest = zeroblob(16)",
    "the fingerprint of what has ended has changed": "UPDATE history SET digest = zeroblob(16)",
    "it is not known how a request ended": "UPDATE history SET outcome = 'dome'",
    "a request belongs to no host": "DELETE FROM host",
    "a value has changed": "UPDATE job SET value = x'07' WHERE key IN ('start_done', 'start_taken')",
    "the places of the feeds have changed": (
        "UPDATE job SET value = CAST(replace(value, 'jsonl', 'json_') AS BLOB) WHERE key = 'feeds'"
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_that_the_structure_of_the_database_does_not_show_is_told(crashed: Path, what: str) -> None:
    def change_rows(path: Path) -> None:
        database = sqlite3.connect(path)
        database.executescript(DAMAGE[what])
        assert database.total_changes
        database.close()

    assert told_or_right(crashed, change_rows)


def test_an_item_that_was_damaged_is_told_and_not_exported(crashed: Path) -> None:
    database = sqlite3.connect(crashed / "job" / DATABASE)
    database.execute("UPDATE item SET record = CAST(replace(record, 'page', 'pape') AS BLOB)")
    database.commit()
    database.close()
    with pytest.raises(JobError, match="an item is not what was written"):
        list(items_of(crashed / "job"))
