"""Digests by number: each is found again, whether it was written yet or not, and wherever there are gaps."""

from __future__ import annotations

import errno
import os
import random
import sys
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from types import FrameType, SimpleNamespace

import pytest

from crawler.frontier import digests as module
from crawler.frontier.digests import Digests


def digest(number: int) -> bytes:
    return blake2b(str(number).encode(), digest_size=16).digest()


def numbers_with_gaps(chance: random.Random, gap: int) -> list[int]:
    return list(accumulate(chance.randint(1, gap) for _ in range(20_000)))


@pytest.fixture
def digests(tmp_path: Path) -> Digests:
    return Digests(tmp_path)


@pytest.mark.parametrize("gap", [1, 3, 50])
def test_each_is_found_whether_it_was_written_or_not(digests: Digests, gap: int) -> None:
    chance = random.Random(gap)
    numbers = numbers_with_gaps(chance, gap)
    for number in numbers:
        digests.add(number, digest(number))
        if chance.random() < 0.001:
            digests.write()
    assert all(digests.of(number) == digest(number) for number in numbers)


@pytest.mark.parametrize("gap", [1, 3, 50])
def test_what_came_earlier_is_loaded_while_new_ones_come(digests: Digests, gap: int) -> None:
    chance = random.Random(gap)
    numbers = numbers_with_gaps(chance, gap)
    new = numbers[-1]
    waiting = sorted(chance.sample(numbers, 5_000))
    for table in (waiting, sorted(set(numbers) - set(waiting))):
        for start in range(0, len(table), 1_000):
            chunk = table[start : start + 1_000]
            digests.load([digest(number) for number in chunk], chunk)
            for _ in range(500):
                new += 1
                numbers.append(new)
                digests.add(new, digest(new))
            digests.write()
    assert all(digests.of(number) == digest(number) for number in numbers)


def test_of_a_number_that_never_came_there_is_no_digest(digests: Digests) -> None:
    assert digests.of(7) == b""
    digests.load([digest(1), digest(5)], [1, 5])
    digests.add(10, digest(10))
    digests.add(13, digest(13))
    assert not any(any(digests.of(number)) for number in (2, 4, 6, 9, 11, 12, 14, 1_000_000))


def test_few_need_no_file(tmp_path: Path) -> None:
    digests = Digests(tmp_path / "nowhere")
    for number in range(1, 1_000):
        digests.add(number, digest(number))
        digests.write()
    assert all(digests.of(number) == digest(number) for number in range(1, 1_000))


def test_who_looks_at_what_runs_while_it_is_written_is_in_nobodys_way(
    digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: list[FrameType] = []

    def pwrite(descriptor: int, content: memoryview, place: int) -> int:
        frames.append(sys._getframe(1))  # as the watch for stalls does, where the disk is slow
        return os.pwrite(descriptor, content[:1_000], place)

    monkeypatch.setattr(module, "os", SimpleNamespace(pread=os.pread, pwrite=pwrite))
    for number in range(1, 10_001):
        digests.add(number, digest(number))
    digests.write()
    assert len(frames) == 160
    digests.add(10_001, digest(10_001))
    assert all(digests.of(number) == digest(number) for number in range(1, 10_002))


def test_a_full_disk_loses_nothing_and_writing_can_be_tried_again(
    digests: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [1_000, 0]

    def pwrite(descriptor: int, content: memoryview, place: int) -> int:
        if not room:
            return os.pwrite(descriptor, content, place)
        some = room.pop(0)
        if not some:
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.pwrite(descriptor, content[:some], place)

    monkeypatch.setattr(module, "os", SimpleNamespace(pread=os.pread, pwrite=pwrite))
    for number in range(1, 10_000):
        digests.add(number, digest(number))
    with pytest.raises(OSError, match="No space left"):
        digests.write()
    assert all(digests.of(number) == digest(number) for number in range(1, 10_000))
    digests.write()
    digests.add(10_000, digest(10_000))
    assert all(digests.of(number) == digest(number) for number in range(1, 10_001))
