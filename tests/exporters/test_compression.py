"""Compressed files are whole after every flush, and go on after a crash."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from typing import TYPE_CHECKING

import pytest
import zstandard

from crawler.exceptions import FeedError
from crawler.exporters.compression import compressor, decompressed_head

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.decompress,
    "bz2": bz2.decompress,
    "xz": lzma.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read(),
}


@pytest.mark.parametrize("name", READERS)
def test_what_is_flushed_is_a_whole_file_with_its_ending(name: str) -> None:
    read, packer = READERS[name], compressor(name)
    settled, plain = b"", b""
    for number in range(30):
        for _ in range(number % 4):
            record = f"record {number} ".encode() * (number + 1)
            settled += packer.write(record)
            plain += record
        settled += packer.flush()
        assert read(settled + packer.ending(b"]\n", alone=not settled)) == plain + b"]\n"
        assert read(settled + packer.ending(b"", alone=not settled)) == plain


@pytest.mark.parametrize("name", READERS)
def test_another_compressor_goes_on_where_one_was_cut_off(name: str) -> None:
    settled, plain = b"", b""
    state = compressor(name).state
    for number in range(5):
        packer = compressor(name, state)
        assert READERS[name](settled + packer.ending(b"!", alone=not settled)) == plain + b"!"
        record = b"data of process %d\n" % number
        settled += packer.write(record) + packer.flush()
        plain += record
        state = packer.state
    assert READERS[name](settled + compressor(name, state).ending(b"", alone=False)) == plain


@pytest.mark.parametrize("name", [name for name in READERS if name])
def test_the_head_of_a_cut_off_file_can_be_read(name: str) -> None:
    packer = compressor(name)
    settled = packer.write(b"a,b\r\n1,2\r\n") + packer.flush()
    assert decompressed_head(name, settled).startswith(b"a,b\r\n")
    with pytest.raises(FeedError, match=name):
        decompressed_head(name, b"a,b\r\n")


def test_equal_input_gives_equal_files() -> None:
    one, two = compressor("gzip"), compressor("gzip")
    assert one.write(b"x") + one.flush() == two.write(b"x") + two.flush()
