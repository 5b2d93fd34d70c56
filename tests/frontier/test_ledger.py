"""The ledger: fingerprints that come and go in any order come to the same."""

from __future__ import annotations

import random
from functools import reduce

import pytest

from crawler.frontier.ledger import Ledger, checksum, joined

CHANCE = random.Random(1)
FINGERPRINTS = [CHANCE.randbytes(16) for _ in range(100)]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 99, 100])
def test_fingerprints_are_joined_by_exclusive_or(count: int) -> None:
    some = FINGERPRINTS[:count]
    expected = reduce(lambda one, other: one ^ other, (int.from_bytes(one, "big") for one in some))
    assert joined(b"".join(some)) == expected.to_bytes(16, "big")


def test_what_came_and_went_leaves_nothing() -> None:
    first, second = FINGERPRINTS[:30], FINGERPRINTS[30:]
    ledger = Ledger().after(first).after(second, gone=first)
    assert ledger == Ledger().after(second) == Ledger().after(second[:10]) + Ledger().after(second[10:])
    assert ledger.after([], gone=second) == Ledger()


def test_one_that_is_missing_or_another_is_noticed() -> None:
    whole = Ledger().after(FINGERPRINTS)
    assert Ledger().after(FINGERPRINTS[1:]) != whole
    assert Ledger().after([*FINGERPRINTS[1:], bytes(16)]) != whole


def test_a_checksum_tells_of_every_part_of_a_row() -> None:
    checksums = {
        checksum(1, b"a" * 16, b"r"),
        checksum(2, b"a" * 16, b"r"),
        checksum(1, b"b" * 16, b"r"),
        checksum(1, b"a" * 16, b"s"),
    }
    assert len(checksums) == 4
