"""Content codings: the conformance set byte by byte and whole, bombs, and bodies that end early."""

from __future__ import annotations

import base64
import gzip
import hashlib
import tracemalloc
import zlib
from typing import Any

import brotli
import pytest
import zstandard

from crawler.exceptions import ResponseDataLossError, ResponseDecodeError, ResponseTooLargeError
from crawler.http.decode import STEP, Decoder, decoder
from tests.vectors import vectors

NO_LIMIT = 0
PAGE = b"<p>hello world</p>" * 100


def case_id(case: dict[str, Any]) -> str:
    return f"{case['name']} {case['encoding']}"


CASES = vectors("content-encoding", "decode.json")
SOUND = [case for case in CASES if case["error"] is None]
BROKEN = [case for case in CASES if case["error"] is not None]

# Broken cases that decode all the same, and why.
ACCEPTED = {
    ("hello.txt + garbage", "ErrHeader"): "browsers ignore what follows a complete gzip stream",
    ("hello.txt + garbage", "io.ErrUnexpectedEOF"): "one zero byte after a complete gzip stream: padding",
}


def drain(undoing: Decoder, data: bytes, step: int) -> bytes:
    out = [undoing.feed(data[at : at + step]) for at in range(0, len(data), step)]
    return b"".join(out) + undoing.finish()


@pytest.mark.parametrize("case", SOUND, ids=case_id)
@pytest.mark.parametrize("step", [1, 1000, 1 << 30])
def test_a_sound_body_decodes_however_it_is_cut(case: dict[str, Any], step: int) -> None:
    encoded = base64.b64decode(case["encoded_b64"])
    decoded = drain(decoder(case["encoding"].encode(), NO_LIMIT), encoded, step)
    if "decoded_b64" in case:
        assert decoded == base64.b64decode(case["decoded_b64"])
    else:
        assert len(decoded) == case["decoded_len"]
        assert case.get("decoded_sha256", hashlib.sha256(decoded).hexdigest()) == hashlib.sha256(decoded).hexdigest()


@pytest.mark.parametrize("case", BROKEN, ids=case_id)
def test_a_broken_body_is_an_error_and_what_came_before_is_right(case: dict[str, Any]) -> None:
    undoing = decoder(case["encoding"].encode(), NO_LIMIT)
    encoded = base64.b64decode(case["encoded_b64"])
    out = bytearray()
    try:
        for byte in encoded:
            out += undoing.feed(bytes([byte]))
        out += undoing.finish()
    except (ResponseDataLossError, ResponseDecodeError):
        pass
    else:
        assert (case["name"], case["error"]) in ACCEPTED
    assert base64.b64decode(case.get("decoded_b64", "")).startswith(out)


@pytest.mark.parametrize("case", [case for case in CASES if case.get("bomb")], ids=case_id)
def test_a_bomb_is_stopped_at_the_limit(case: dict[str, Any]) -> None:
    with pytest.raises(ResponseTooLargeError) as caught:
        decoder(case["encoding"].encode(), 100_000).feed(base64.b64decode(case["encoded_b64"]))
    assert caught.value.limit == 100_000


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_of_200_mb_costs_the_limit_and_one_step_of_memory(coding: str) -> None:
    zeros = bytes(200_000_000)
    encode = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": lambda data: brotli.compress(data, quality=1),
        "zstd": zstandard.ZstdCompressor().compress,
    }[coding]
    bomb = encode(zeros)
    del zeros
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError):
            decoder(coding.encode(), 1_000_000).feed(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000 + 4 * STEP + len(bomb)


def test_a_bomb_in_a_bomb_is_stopped_too() -> None:
    bomb = gzip.compress(gzip.compress(bytes(100_000_000)))
    with pytest.raises(ResponseTooLargeError):
        decoder(b"gzip, gzip", 1_000_000).feed(bomb)


def test_a_body_of_exactly_the_limit_passes() -> None:
    assert decoder(b"gzip", len(PAGE)).feed(gzip.compress(PAGE)) == PAGE


def test_an_output_of_exactly_one_step_is_not_cut() -> None:
    data = bytes(range(256)) * (STEP // 256) * 3
    undoing = decoder(b"gzip", NO_LIMIT)
    assert undoing.feed(gzip.compress(data)) + undoing.finish() == data


@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip", b"deflate", b"br", b"zstd"])
def test_every_truncation_of_a_body_is_noticed(coding: bytes) -> None:
    encoded = {
        b"gzip": gzip.compress(PAGE),
        b"x-gzip": gzip.compress(PAGE),
        b"deflate": zlib.compress(PAGE),
        b"br": brotli.compress(PAGE),
        b"zstd": zstandard.ZstdCompressor(write_checksum=True).compress(PAGE),
    }[coding]
    for cut in range(1, len(encoded)):
        undoing = decoder(coding, NO_LIMIT)
        out = undoing.feed(encoded[:cut])
        assert PAGE.startswith(out)
        with pytest.raises(ResponseDataLossError):
            undoing.finish()


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, br"])
def test_an_empty_body_decodes_to_nothing(coding: bytes) -> None:
    undoing = decoder(coding, NO_LIMIT)
    assert undoing.feed(b"") + undoing.finish() == b""


def test_several_zstd_frames_and_a_skippable_one_follow_each_other() -> None:
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(PAGE)
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    undoing = decoder(b"zstd", NO_LIMIT)
    assert drain(undoing, frame + skippable + frame, 7) == PAGE * 2


def test_a_zstd_window_beyond_8_mib_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    wide = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    encoded = wide.compress(PAGE) + wide.flush()
    with pytest.raises(ResponseDecodeError):
        decoder(b"zstd", NO_LIMIT).feed(encoded)


@pytest.mark.parametrize("value", [b"", b"identity", b"IDENTITY , identity"])
def test_identity_leaves_the_body_and_still_counts(value: bytes) -> None:
    undoing = decoder(value, 10)
    assert undoing.feed(b"hello") == b"hello"
    assert undoing.left == []
    with pytest.raises(ResponseTooLargeError):
        undoing.feed(b"hello!")


def test_an_unknown_coding_ends_the_decoding_and_is_named() -> None:
    undoing = decoder([b"gzip", b"aws-chunked, br"], NO_LIMIT)
    assert undoing.feed(brotli.compress(PAGE)) == PAGE
    assert undoing.left == [b"gzip", b"aws-chunked"]


def test_a_thousand_stacked_codings_are_refused() -> None:
    with pytest.raises(ResponseDecodeError, match="1000 content codings"):
        decoder(b",".join([b"gzip"] * 1000), NO_LIMIT)


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd"])
def test_a_body_that_is_not_encoded_at_all_is_an_error(coding: bytes) -> None:
    with pytest.raises(ResponseDecodeError, match="not what its Content-Encoding says"):
        decoder(coding, NO_LIMIT).feed(b"<html>" * 10)
