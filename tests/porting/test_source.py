"""The text of a Python file, changed in places and nowhere else."""

from __future__ import annotations

import ast

import pytest

from crawler.porting.source import Edit, Source


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("é = 1  # ü\r\nx = 2\r\n".encode(), "utf-8"),
        ("# -*- coding: latin-1 -*-\né = 'ü'\n".encode("latin-1"), "iso-8859-1"),
        ("\ufeffx = 'é'\n".encode(), "utf-8-sig"),
        (b"x = 1", "utf-8"),
        (b"", "utf-8"),
    ],
)
def test_a_file_comes_back_byte_for_byte(content: bytes, encoding: str) -> None:
    source = Source.read(content)
    assert source.encoding == encoding
    assert source.encoded(source.edited([])) == content


def test_places_are_found_behind_letters_of_several_bytes_and_after_every_kind_of_newline() -> None:
    source = Source.read("a = 'é'; b\rc\r\nd\n'\x0c'; e\n".encode())
    names = [node for node in ast.walk(source.tree) if isinstance(node, ast.Name)]
    assert sorted(source.text[source.start(name) : source.end(name)] for name in names) == ["a", "b", "c", "d", "e"]


def test_edits_are_made_from_the_end_so_that_places_stay_right() -> None:
    source = Source.read(b"one; two; three")
    assert source.edited([Edit(0, 3, "four"), Edit(10, 15, ""), Edit(5, 8, "2")]) == "four; 2; "


@pytest.mark.parametrize("content", [b"def f(:\n", b"x = '\xff'\n", b"x = 1\x00\n", b"# coding: no-such\n"])
def test_what_is_no_python_is_a_syntax_error(content: bytes) -> None:
    with pytest.raises(SyntaxError):
        Source.read(content)


def test_a_byte_that_the_encoding_does_not_have_is_told_with_its_line() -> None:
    with pytest.raises(SyntaxError) as told:
        Source.read(b"x = 1\ny = '\xff'\n")
    assert told.value.lineno == 2
