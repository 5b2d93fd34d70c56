"""Many deadlines on one timer, on a fake clock."""

from __future__ import annotations

from twisted.internet.task import Clock

from crawler.download.deadlines import NEVER, Deadlines


class Egg:
    """Something with a deadline, which notes when it passed."""

    def __init__(self, due: float) -> None:
        self.due = due
        self.queued = NEVER
        self.rang: list[float] = []

    def overdue(self, now: float) -> None:
        self.due = NEVER
        self.rang.append(now)


def watched(*dues: float) -> tuple[Clock, Deadlines, list[Egg]]:
    clock = Clock()
    deadlines = Deadlines(clock)
    eggs = [Egg(due) for due in dues]
    for egg in eggs:
        deadlines.watch(egg)
    return clock, deadlines, eggs


def test_each_rings_when_it_is_due() -> None:
    clock, _, eggs = watched(3.0, 1.0, 2.0)
    clock.pump([1.0, 1.0, 1.0])
    assert [egg.rang for egg in eggs] == [[3.0], [1.0], [2.0]]


def test_there_is_one_timer_however_many_wait() -> None:
    clock, _, _ = watched(*[float(number) for number in range(1, 1000)])
    assert len(clock.getDelayedCalls()) == 1


def test_one_that_is_over_does_not_ring() -> None:
    clock, _, (egg,) = watched(1.0)
    egg.due = NEVER
    clock.advance(5.0)
    assert egg.rang == []
    assert not clock.getDelayedCalls()


def test_one_that_moved_to_later_rings_then() -> None:
    clock, deadlines, (egg,) = watched(1.0)
    egg.due = 4.0
    deadlines.watch(egg)
    clock.advance(2.0)
    assert egg.rang == []
    clock.advance(2.0)
    assert egg.rang == [4.0]


def test_one_that_moved_to_earlier_rings_then() -> None:
    clock, deadlines, (egg,) = watched(10.0)
    egg.due = 1.0
    deadlines.watch(egg)
    clock.advance(1.0)
    assert egg.rang == [1.0]


def test_those_that_are_over_do_not_pile_up() -> None:
    clock = Clock()
    deadlines = Deadlines(clock)
    for _ in range(10_000):
        egg = Egg(60.0)
        deadlines.watch(egg)
        egg.due = NEVER
    assert len(deadlines._heap) < 5_000


def test_nothing_rings_after_the_stop() -> None:
    clock, deadlines, (egg,) = watched(1.0)
    deadlines.stop()
    clock.advance(2.0)
    assert egg.rang == []
