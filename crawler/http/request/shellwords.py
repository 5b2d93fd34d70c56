"""A command line as bash reads it, and as the command line of Windows does: what browsers put on the clipboard.

``shlex`` does not know ``$'...'``, in which Chrome and Firefox write whatever has a line break or a quote in it. Nothing is
expanded: no variable, no file name, no command.
"""

from __future__ import annotations

import re
import shlex

# Of $'...' (bash's manual, "ANSI-C quoting").
_ANSI_C = re.compile(
    rb"\\(?:u(?P<high>[dD][89abAB][0-9A-Fa-f]{2})\\u(?P<low>[dD][c-fC-F][0-9A-Fa-f]{2})|x(?P<hex>[0-9A-Fa-f]{1,2})|u(?P<short>[0-9A-Fa-f]{1,4})|U(?P<long>[0-9A-Fa-f]{1,8})"
    rb"|(?P<octal>[0-7]{1,3})|c(?P<control>.)|(?P<one>.))",
    re.DOTALL,
)
_LETTERS = {
    b"a": b"\a",
    b"b": b"\b",
    b"e": b"\x1b",
    b"E": b"\x1b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b"\\": b"\\",
    b"'": b"'",
    b'"': b'"',
    b"?": b"?",
}

_WORD = re.compile(
    r"""(?P<blank>(?:\s|\\\n)+)
    |\$'(?P<ansi>(?:[^'\\]|\\.)*)'
    |'(?P<single>[^']*)'
    |\$?"(?P<double>(?:[^"\\]|\\.)*)"
    |\\(?P<escaped>.)
    |(?P<plain>[^\s'"\\$]+|\$)""",
    re.VERBOSE | re.DOTALL,
)


def split_words(command: str) -> list[str]:
    """Return the words of *command*. Raise ValueError for a quotation without an end."""
    command = command.replace("\r\n", "\n")
    if '^"' in command:
        command = _without_carets(command)
    words: list[str] = []
    word: str | None = None
    at = 0
    while at < len(command):
        found = _WORD.match(command, at)
        if found is None:
            raise ValueError(f"No closing quotation: {command[at : at + 40]!r}")
        at = found.end()
        if found["blank"] is not None:
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + _meaning(found)
    return words if word is None else [*words, word]


def _meaning(found: re.Match[str]) -> str:
    """Return what a piece of a word stands for."""
    if found["ansi"] is not None:
        return _ansi_c(found["ansi"])
    if found["double"] is not None:
        return re.sub(r"\\([\\\"$`]|\n)", lambda escape: escape[1].replace("\n", ""), found["double"])
    for quoted in ("single", "escaped", "plain"):
        if found[quoted] is not None:
            return found[quoted]
    raise AssertionError("a piece that is none of those")


def _ansi_c(text: str) -> str:
    """Return what ``$'text'`` is; bytes that are no UTF-8 come as lone surrogates."""

    def character(escape: re.Match[bytes]) -> bytes:
        if escape["high"] is not None:  # browsers count in UTF-16
            return bytes.fromhex((escape["high"] + escape["low"]).decode()).decode("utf-16-be").encode()
        number = escape["short"] or escape["long"]
        if number is not None:
            return chr(min(int(number, 16), 0x10FFFF)).encode("utf-8", "surrogatepass")
        if escape["hex"] is not None:
            return bytes([int(escape["hex"], 16)])
        if escape["octal"] is not None:
            return bytes([int(escape["octal"], 8) & 0xFF])
        if escape["control"] is not None:
            return bytes([escape["control"][0] & 0x1F])
        return _LETTERS.get(escape["one"], escape[0])

    return _ANSI_C.sub(character, text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogateescape")


def _without_carets(command: str) -> str:
    """Return *command*, copied for the command line of Windows, as bash would have it."""
    command = re.sub(r"\^\n(?!\n)", " ", command)
    command = command.replace("^\n\n", "\n")
    return re.sub(r"\^(.)", r"\1", command, flags=re.DOTALL).replace("$", "\\$")


def quoted(word: str) -> str:
    """Return *word* as bash takes it for one word; with escapes where it has bytes that are no text."""
    if not any(
        "\ud800" <= character <= "\udfff" or (character < " " and character not in "\n\t") for character in word
    ):
        return shlex.quote(word)
    raw = word.encode("utf-8", "surrogateescape")
    return "$'" + "".join(_escaped(byte) for byte in raw) + "'"


def _escaped(byte: int) -> str:
    character = chr(byte)
    if " " <= character <= "~":
        return f"\\{character}" if character in "\\'" else character
    return f"\\x{byte:02x}"
