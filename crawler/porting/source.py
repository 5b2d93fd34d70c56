"""The text of a Python file, to be changed in places and left alone elsewhere: encoding, newlines and comments stay.

Places are those of ``ast`` nodes, whose columns count bytes of UTF-8 whatever the file's own encoding is.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass, field

_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Edit:
    """*text* in the place of what stands from *start* to *end*."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file: its *text* with the newlines as they are, the *encoding* it is kept in, and its syntax *tree*."""

    text: str
    encoding: str
    tree: ast.Module
    _lines: list[int] = field(repr=False)

    @classmethod
    def read(cls, content: bytes) -> Source:
        """Return the source that the bytes of a file hold. Raise SyntaxError, with the line, if they are no Python."""
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise SyntaxError(f"not {encoding}: {error.reason}", ("", line, 1, "")) from error
        try:
            tree = ast.parse(text)
        except ValueError as error:  # a null byte
            raise SyntaxError(str(error), ("", 1, 1, "")) from error
        return cls(text, encoding, tree, [0, *(found.end() for found in _NEWLINE.finditer(text))])

    def offset(self, line: int, column: int) -> int:
        """Return where in the text a place of ``ast`` is."""
        start = self._lines[line - 1]
        end = self._lines[line] if line < len(self._lines) else len(self.text)
        return start + len(self.text[start:end].encode()[:column].decode(errors="ignore"))

    def start(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        """Return where *node* begins."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        """Return where *node* ends."""
        assert node.end_lineno is not None  # ast.parse gives every node its end
        assert node.end_col_offset is not None
        return self.offset(node.end_lineno, node.end_col_offset)

    def edited(self, edits: list[Edit]) -> str:
        """Return the text with *edits* made; they must not overlap."""
        text = self.text
        for edit in sorted(edits, key=lambda one: one.start, reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    def encoded(self, text: str) -> bytes:
        """Return *text* as the bytes of the file."""
        return text.encode(self.encoding)
