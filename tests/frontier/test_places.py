"""Places: which requests of a host wait in the database, in order, whatever comes in which order."""

from __future__ import annotations

import random
from array import array
from heapq import heappop, heappush

import pytest

from crawler.frontier.places import Places


def take(places: Places, count: int) -> list[int]:
    """Remove and return the best *count* sequence numbers, or as many as there are of the best rank."""
    _, sequences = places.next(count)
    places.drop(len(sequences))
    return sequences


@pytest.mark.parametrize("seed", range(20))
def test_places_are_taken_best_first_whatever_comes_in_between(seed: int) -> None:
    chance = random.Random(seed)
    places, expected = Places("site.test"), []
    numbers = list(range(1, 20_000))
    held: list[tuple[int, int]] = []  # taken, and perhaps given back
    ranks = chance.choice(([0], [0, 0, 0, 1, -1], range(-500, 500)))
    while numbers or expected:
        for _ in range(chance.randint(0, 200)):
            if numbers:
                rank, number = chance.choice(ranks), numbers.pop(0)
                places.add(rank, number)
                heappush(expected, (rank, number))
        if held and chance.random() < 0.3:
            for rank, number in reversed(held):
                places.add(rank, number)
                heappush(expected, (rank, number))
            held.clear()
        if expected:
            rank = expected[0][0]
            assert places.first() == expected[0]
            taken = take(places, chance.randint(1, 300))
            held = [(rank, number) for number in taken]
            assert held == [heappop(expected) for _ in taken]
    assert not places


def test_no_more_are_taken_than_there_are_of_the_best_rank() -> None:
    places = Places("site.test")
    for rank, number in ((1, 1), (0, 2), (0, 3), (1, 4)):
        places.add(rank, number)
    assert [take(places, 10), take(places, 10)] == [[2, 3], [1, 4]]
    assert not places


def test_what_is_restored_comes_in_the_order_of_its_ranks() -> None:
    places = Places("site.test")
    for rank, numbers in ((0, [3, 8]), (-1, [5]), (1, [1, 2])):
        places.restore(rank, array("Q", numbers))
    assert [take(places, 2), take(places, 2), take(places, 2)] == [[5], [3, 8], [1, 2]]


def test_numbers_that_were_taken_are_given_up() -> None:
    places = Places("site.test")
    for number in range(1, 100_001):
        places.add(0, number)
    take(places, 60_000)
    (run,) = places._runs
    assert len(run._numbers) == len(run) == 40_000
    places.add(0, 60_000)
    assert take(places, 2) == [60_000, 60_001]
