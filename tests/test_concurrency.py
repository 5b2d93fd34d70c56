"""Deferreds and asyncio awaitables side by side, with and without an asyncio loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import defer
from twisted.internet.defer import Deferred

from crawler.concurrency import Bridge, is_awaitable, start


@pytest.fixture
def bridge() -> Bridge:
    """A bridge on the loop that the test's reactor runs on."""
    from twisted.internet import reactor

    return Bridge(reactor._asyncioEventloop)


@pytest_twisted.ensureDeferred
async def test_a_coroutine_may_await_deferreds_and_asyncio_awaitables(bridge: Bridge) -> None:
    async def user() -> list[int]:
        fired: Deferred[int] = Deferred()
        fired.callback(1)
        await asyncio.sleep(0)
        two = await asyncio.get_running_loop().run_in_executor(None, lambda: 2)
        return [await fired, two, await asyncio.sleep(0, 3)]

    assert await bridge.deferred(user()) == [1, 2, 3]


@pytest_twisted.ensureDeferred
async def test_a_deferred_that_fires_later_gives_its_result(bridge: Bridge) -> None:
    from twisted.internet import reactor, task

    async def user() -> list[Any]:
        result = [await task.deferLater(reactor, 0.001, lambda: "later")]
        try:
            await task.deferLater(reactor, 0.001, lambda: 1 / 0)
        except ZeroDivisionError as error:
            result.append(str(error))
        return result

    assert await bridge.deferred(user()) == ["later", "division by zero"]


@pytest_twisted.ensureDeferred
async def test_user_code_runs_in_an_asyncio_task(bridge: Bridge) -> None:
    async def user() -> bool:
        async with asyncio.timeout(5):
            return asyncio.current_task() is not None

    assert await bridge.deferred(user())


@pytest_twisted.ensureDeferred
async def test_the_error_of_an_awaited_deferred_is_raised_where_it_is_awaited(bridge: Bridge) -> None:
    async def user() -> str:
        try:
            await defer.fail(ValueError("from the Deferred"))
        except ValueError as error:
            return str(error)
        return "no error"

    assert await bridge.deferred(user()) == "from the Deferred"


@pytest_twisted.ensureDeferred
async def test_cancelling_the_deferred_cancels_what_the_coroutine_awaits(bridge: Bridge) -> None:
    cancelled: list[str] = []
    never: Deferred[None] = Deferred(lambda _: cancelled.append("deferred"))

    async def user() -> None:
        try:
            await never
        except BaseException as error:
            cancelled.append(type(error).__name__)
            raise

    running = bridge.deferred(user())
    await asyncio_turn()
    running.cancel()
    with pytest.raises(BaseException):  # noqa: B017 - which of the two CancelledErrors is no matter
        await running
    assert "CancelledError" in cancelled


async def asyncio_turn() -> None:
    """Let the reactor turn once, so that a new task has begun."""
    from twisted.internet import reactor

    turned: Deferred[None] = Deferred()
    reactor.callLater(0, turned.callback, None)
    await turned


@pytest_twisted.ensureDeferred
async def test_an_asyncio_future_becomes_a_deferred(bridge: Bridge) -> None:
    from twisted.internet import reactor

    future = reactor._asyncioEventloop.create_future()
    future.set_result("done")
    assert await bridge.deferred(future) == "done"


def test_without_a_loop_deferreds_still_work() -> None:
    async def user() -> int:
        return await defer.succeed(1) + 1

    results: list[int] = []
    Bridge(None).deferred(user()).addCallback(results.append)
    assert results == [2]


def test_without_a_loop_an_asyncio_future_is_an_error_that_says_what_to_do() -> None:
    loop = asyncio.new_event_loop()
    future = loop.create_future()

    async def user() -> None:
        await future

    failures = []
    Bridge(None).deferred(user()).addErrback(failures.append)
    loop.close()
    assert "runs without an asyncio loop; await a Deferred" in str(failures[0].value)


def test_a_call_that_has_finished_leaves_nothing_to_wait_for() -> None:
    assert Bridge(None).call(lambda: 1) is None


def test_a_call_that_has_not_finished_gives_a_deferred() -> None:
    waiting: Deferred[int] = Deferred()
    assert Bridge(None).call(lambda: waiting) is waiting


def test_what_can_be_awaited_is_told_from_what_cannot() -> None:
    async def coroutine() -> None: ...

    made = coroutine()
    assert is_awaitable(made)
    assert is_awaitable(Deferred())
    assert not is_awaitable([1])
    made.close()


def test_the_crawlers_own_coroutines_cost_no_task() -> None:
    async def own() -> str:
        return await defer.succeed("direct")

    results: list[str] = []
    start(own()).addCallback(results.append)
    assert results == ["direct"]
