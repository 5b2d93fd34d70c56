"""Bodies as they arrive: when they are counted, when they go to a file, and what is left behind."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone

from crawler.download.body import SMALL, STEP, BodyReceiver, BytesInHand, Spooling
from crawler.exceptions import (
    DownloadError,
    DownloadFailedError,
    ResponseDataLossError,
    ResponseTooLargeError,
    StopDownload,
)
from crawler.http.spool import Spool

MiB = 1024 * 1024
BLOCK = b"x" * SMALL
DONE = Failure(ResponseDone())


def receiver(spooling: Spooling, *, to_file: bool = False, **arguments: Any) -> tuple[BodyReceiver, list[Any]]:
    taking = BodyReceiver(spooling.body(to_file=to_file), **arguments)
    ends: list[Any] = []
    taking.finished.addBoth(ends.append)
    taking.makeConnection(StringTransport())
    return taking, ends


def body_of(spooling: Spooling, *pieces: bytes, to_file: bool = False, **arguments: Any) -> Any:
    taking, ends = receiver(spooling, to_file=to_file, **arguments)
    for piece in pieces:
        taking.dataReceived(piece)
    taking.connectionLost(DONE)
    return ends[0]


def test_a_small_body_stays_in_memory_and_in_no_account() -> None:
    in_hand = BytesInHand(1)
    taking, ends = receiver(Spooling(in_hand, above=MiB))
    taking.dataReceived(BLOCK)
    assert in_hand.held == 0
    taking.connectionLost(DONE)
    assert ends == [BLOCK]


def test_a_larger_body_is_counted_while_it_arrives() -> None:
    in_hand = BytesInHand(MiB)
    taking, ends = receiver(Spooling(in_hand, above=4 * MiB))
    for _ in range(5):
        taking.dataReceived(BLOCK)
    assert 5 * SMALL - STEP <= in_hand.held <= 5 * SMALL
    taking.connectionLost(DONE)
    assert (in_hand.held, ends) == (0, [BLOCK * 5])


def test_a_body_that_grows_over_the_size_goes_on_in_a_file() -> None:
    in_hand = BytesInHand(64 * MiB)
    body = body_of(Spooling(in_hand, above=MiB), *[BLOCK] * 17, b"end")
    assert isinstance(body, Spool)
    assert body.load() == BLOCK * 17 + b"end"
    assert in_hand.held == 0


def test_a_body_of_just_the_size_does_not() -> None:
    assert body_of(Spooling(BytesInHand(64 * MiB), above=MiB), *[BLOCK] * 16) == BLOCK * 16


def test_nothing_goes_to_a_file_if_the_size_is_0() -> None:
    assert body_of(Spooling(BytesInHand(1)), *[BLOCK] * 100) == BLOCK * 100


def test_a_body_that_is_wanted_in_a_file_goes_there_from_its_first_byte() -> None:
    body = body_of(Spooling(BytesInHand(MiB)), b"few", to_file=True)
    assert isinstance(body, Spool)
    assert body.load() == b"few"


def test_bodies_go_to_files_earlier_when_the_bytes_in_hand_are_used_up() -> None:
    in_hand = BytesInHand(MiB)
    spooling = Spooling(in_hand, above=64 * MiB)
    arriving = [receiver(spooling) for _ in range(8)]
    highest = 0
    for _ in range(32):
        for taking, _ends in arriving:
            taking.dataReceived(BLOCK)
            highest = max(highest, in_hand.held)
    for taking, _ends in arriving:
        taking.connectionLost(DONE)
    assert highest <= MiB
    assert all(len(ends[0]) == 32 * SMALL for _, ends in arriving)
    assert any(isinstance(ends[0], Spool) for _, ends in arriving)
    assert in_hand.held == 0


def test_a_compressed_body_goes_to_a_file_as_it_is_decoded() -> None:
    in_hand = BytesInHand(MiB)
    bomb = gzip.compress(bytes(32 * MiB))  # arrives in one piece
    body = body_of(Spooling(in_hand, above=MiB), bomb, codings=[b"gzip"], max_size=64 * MiB)
    assert isinstance(body, Spool)
    assert len(body) == 32 * MiB


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda taking: taking.dataReceived(bytes(3 * MiB)), ResponseTooLargeError),
        (lambda taking: taking.connectionLost(Failure(ConnectionLost())), DownloadError),
        (lambda taking: taking.finished.cancel(), DownloadError),
    ],
    ids=["too large", "lost", "cancelled"],
)
@pytest.mark.parametrize("above", [0, MiB])
def test_however_it_ends_nothing_stays_counted(end: Any, error: type, above: int) -> None:
    in_hand = BytesInHand(8 * MiB)
    taking, ends = receiver(Spooling(in_hand, above), max_size=4 * MiB)
    for _ in range(32):
        taking.dataReceived(BLOCK)
    end(taking)
    assert isinstance(ends[0].value, error)
    assert in_hand.held == 0


def test_what_had_arrived_of_a_body_that_was_cut_short_is_in_the_error() -> None:
    taking, ends = receiver(Spooling(BytesInHand(MiB), above=MiB))
    for _ in range(32):
        taking.dataReceived(BLOCK)
    taking.connectionLost(Failure(ResponseDataLossError("cut")))
    assert isinstance(ends[0].value.kept, Spool)
    assert ends[0].value.partial == BLOCK * 32


def test_a_download_that_is_stopped_keeps_what_it_has() -> None:
    def seen(data: bytes) -> None:
        if data == b"stop":
            raise StopDownload(fail=False)

    taking, ends = receiver(Spooling(BytesInHand(MiB), above=MiB), to_file=True, seen=seen)
    taking.dataReceived(b"kept ")
    taking.dataReceived(b"stop")
    assert isinstance(ends[0].value, StopDownload)
    assert isinstance(taking.so_far, Spool)
    assert taking.so_far.load() == b"kept stop"


@pytest.mark.parametrize("to_file", [True, False])
def test_a_file_that_cannot_be_written_is_a_download_error_that_names_the_setting(to_file: bool) -> None:
    taking, ends = receiver(Spooling(BytesInHand(8 * MiB), MiB, "/nowhere/at/all"), to_file=to_file)
    for _ in range(32):
        taking.dataReceived(BLOCK)
    assert isinstance(ends[0].value, DownloadFailedError)
    assert "http.spool_directory" in str(ends[0].value)


def test_a_disk_that_fills_up_ends_the_download() -> None:
    class Full(Spool):
        def write(self, data: bytes) -> None:
            raise OSError(28, "No space left on device")

    taking, ends = receiver(Spooling(BytesInHand(8 * MiB), MiB))
    taking._kept._spool = Full()
    for _ in range(32):
        taking.dataReceived(BLOCK)
    assert "No space left on device" in str(ends[0].value)
