"""The seen index: exact, whatever its bits have in common, and small."""

from __future__ import annotations

import random
from hashlib import blake2b

import pytest

from crawler.frontier import SeenIndex


def digest(number: int) -> bytes:
    return blake2b(str(number).encode(), digest_size=16).digest()


class Rows:
    """The rows of requests: their digests by number, and how often they were read."""

    def __init__(self) -> None:
        self.digests: dict[int, bytes] = {}
        self.reads = 0

    def digest_of(self, sequence: int) -> bytes | None:
        self.reads += 1
        return self.digests.get(sequence)


def filled(count: int) -> tuple[SeenIndex, Rows]:
    rows = Rows()
    index = SeenIndex(rows.digest_of)
    for number in range(1, count + 1):
        rows.digests[number] = digest(number)
        index.add(digest(number), number)
    return index, rows


def test_what_was_added_is_seen_and_nothing_else() -> None:
    index, _ = filled(200_000)
    chance = random.Random(1)
    assert all(digest(chance.randint(1, 200_000)) in index for _ in range(2_000))
    assert not any(digest(number) in index for number in range(200_001, 220_000))


def test_a_new_url_is_hardly_ever_looked_up() -> None:
    index, rows = filled(200_000)
    rows.reads = 0
    assert not any(digest(number) in index for number in range(300_000, 310_000))
    assert rows.reads < 100


def test_a_url_seen_lately_is_not_looked_up() -> None:
    index, rows = filled(200_000)
    assert digest(5) in index
    rows.reads = 0
    assert digest(5) in index
    assert digest(200_000) in index
    assert rows.reads == 0


@pytest.mark.parametrize("same", [1, 4, 15])
def test_digests_that_begin_alike_are_told_apart(same: int) -> None:
    rows = Rows()
    index = SeenIndex(rows.digest_of)
    alike = [b"\x07" * same + bytes([number]) * (16 - same) for number in range(1, 200)]
    for number, one in enumerate(alike, 1):
        assert one not in index
        rows.digests[number] = one
        index.add(one, number)
    assert all(one in index for one in alike)
    assert b"\x07" * same + b"\xff" * (16 - same) not in index


def test_a_request_that_was_withdrawn_is_seen_by_its_new_number() -> None:
    rows = Rows()
    index = SeenIndex(rows.digest_of)
    rows.digests[1] = digest(1)
    index.add(digest(1), 1)
    del rows.digests[1]
    index._lately.clear()
    assert digest(1) not in index
    rows.digests[2] = digest(1)
    index.add(digest(1), 2)
    index._lately.clear()
    assert digest(1) in index


@pytest.mark.parametrize("count", [50_000, 70_000, 100_000, 150_000, 300_000])
def test_a_url_takes_less_than_fourteen_bytes_however_many_there_are(count: int) -> None:
    index, _ = filled(count)
    assert sum(len(part) * 8 for part in index._parts) / count < 14  # 12.4, and parts are not all alike
    assert len(index) == count


def restored(count: int) -> SeenIndex:
    rows = Rows()
    rows.digests = {number: digest(number) for number in range(1, count + 1)}
    index = SeenIndex(rows.digest_of)
    index.reserve(count)
    half = count // 2
    for some in (range(1, half + 1), range(half + 1, count + 1)):
        index.add_many([digest(number) for number in some], list(some))
    return index


def test_what_is_restored_is_seen() -> None:
    index = restored(50_000)
    assert all(digest(number) in index for number in range(1, 50_001, 7))
    assert not any(digest(number) in index for number in range(60_000, 61_000))
    index.add(digest(60_000), 60_000)
    assert digest(60_000) in index


@pytest.mark.parametrize("count", [1, 100, 12_288, 12_289, 22_900])
def test_an_index_may_be_restored_with_any_number(count: int) -> None:
    index = restored(count)
    assert all(digest(number) in index for number in range(1, count + 1))


def test_an_index_may_be_restored_with_more_than_was_reserved() -> None:
    index = SeenIndex({number: digest(number) for number in range(1, 30_001)}.get)
    index.add_many([digest(number) for number in range(1, 30_001)], list(range(1, 30_001)))
    assert all(digest(number) in index for number in range(1, 30_001, 3))
