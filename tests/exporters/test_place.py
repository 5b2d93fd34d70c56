"""The place that a job keeps."""

from __future__ import annotations

import msgspec

from crawler.exporters import FeedPlace
from crawler.exporters.place import Batch, digest


def test_a_place_can_be_stored_as_msgpack() -> None:
    place = FeedPlace("/a", 2**40, 3, digest(b"tail"), 2**32 - 1, 5)
    assert FeedPlace.stored(msgspec.msgpack.decode(msgspec.msgpack.encode(place))) == place


def test_a_place_is_restored_with_the_batches_that_wait_for_their_delivery() -> None:
    place = FeedPlace("/a", 1, 3, 4, uri="s3://b/a", batch=3, complete=(Batch(1, "s3://b/1", 2, "x"),))
    assert FeedPlace.stored(msgspec.msgpack.decode(msgspec.msgpack.encode(place))) == place
    assert FeedPlace.stored(["/a", 1, 3, 4, 5, 6]) == FeedPlace("/a", 1, 3, 4, 5, 6)
