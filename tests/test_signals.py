"""Signals reach who listens, with the arguments that they ask for."""

from __future__ import annotations

import gc
import logging

from crawler import signals
from crawler.exceptions import IgnoreRequest
from crawler.signals import SignalManager


def test_a_handler_gets_only_the_arguments_that_it_names() -> None:
    got = []
    manager = SignalManager()
    manager.connect(lambda spider: got.append(spider), signals.spider_opened)
    manager.send(signals.spider_opened, spider="s", reason="r")
    assert got == ["s"]


def test_a_handler_with_keywords_gets_everything() -> None:
    got: list[dict] = []
    manager = SignalManager("sender")
    manager.connect(lambda **all_of_it: got.append(all_of_it), signals.spider_closed)
    manager.send(signals.spider_closed, spider="s", reason="r")
    assert got == [{"spider": "s", "reason": "r", "signal": signals.spider_closed, "sender": "sender"}]


def test_handlers_are_called_in_the_order_of_connection_and_once_each() -> None:
    order: list[int] = []
    manager = SignalManager()

    def first() -> None:
        order.append(1)

    def second() -> None:
        order.append(2)

    for handler in (first, second, first):
        manager.connect(handler, signals.item_scraped)
    manager.send(signals.item_scraped)
    assert order == [1, 2]


def test_a_handler_that_fails_is_logged_and_the_others_are_called(caplog) -> None:
    manager = SignalManager()
    error = ValueError("no")

    def broken() -> None:
        raise error

    manager.connect(broken, signals.item_scraped)
    manager.connect(lambda: "fine", signals.item_scraped)
    assert manager.send(signals.item_scraped) == [error, "fine"]
    assert "Error in a handler of the signal item_scraped" in caplog.text


def test_an_error_that_the_sender_expects_is_not_logged(caplog) -> None:
    manager = SignalManager()

    def refuse() -> None:
        raise IgnoreRequest

    manager.connect(refuse, signals.request_scheduled)
    with caplog.at_level(logging.ERROR):
        manager.send(signals.request_scheduled, dont_log=IgnoreRequest)
    assert not caplog.records


def test_the_receivers_of_a_signal_are_a_live_list() -> None:
    manager = SignalManager()
    receivers = manager.receivers(signals.response_received)
    assert not receivers
    handler = print
    manager.connect(handler, signals.response_received)
    assert len(receivers) == 1
    manager.disconnect(handler, signals.response_received)
    assert not receivers


def test_a_weakly_connected_handler_does_not_keep_its_object_alive() -> None:
    called = []

    class Listener:
        def heard(self) -> None:
            called.append(True)

    manager = SignalManager()
    listener = Listener()
    manager.connect(listener.heard, signals.engine_started, weak=True)
    manager.send(signals.engine_started)
    del listener
    gc.collect()
    manager.send(signals.engine_started)
    assert called == [True]
