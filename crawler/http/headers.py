"""Headers: a case-insensitive dictionary of lists of bytes, which remembers how they were written.

To look at, it is Scrapy's: names come out in Title-Case, values as bytes, the last of several first. What goes on the wire is
``raw_items``: every value in the order, and under the name in the case, in which it was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# RFC 9110 section 5.6.2: a field name is a token. Section 5.5: a value holds no CR, LF or NUL.
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FORBIDDEN = re.compile(rb"[\r\n\0]")

Raw = str | bytes | int | float

_TEXT = (str, bytes)

# Names, as text and as bytes, in Title-Case.
_TITLES: dict[str | bytes, bytes] = {}

# What the class overrides, for those of its methods that know the normal form of a name.
_store, _values_of, _items_of = dict.__setitem__, dict.__getitem__, dict.items


class Headers(dict[Any, Any]):
    """Headers of a request or response. Keys may be str or bytes in any case; values str, bytes, numbers or lists of them."""

    __slots__ = ("_written", "encoding")

    def __init__(
        self, seq: Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None = None, encoding: str = "utf-8"
    ) -> None:
        super().__init__()
        self.encoding = encoding
        self._written: dict[bytes, bytes] = {}
        if seq:
            self.update(seq)

    @classmethod
    def received(cls, pairs: Iterable[tuple[bytes, list[bytes]]]) -> Headers:
        """Return headers as a server sent them; nothing is checked, since a crawler must read what is there."""
        headers = cls()
        store = super(Headers, headers).__setitem__
        for name, values in pairs:
            key = _title(name)
            store(key, [*super(Headers, headers).get(key, ()), *values])
            headers._written.setdefault(key, name)
        return headers

    @classmethod
    def restored(cls, pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Return headers whose ``raw_items`` were *pairs*; they were checked when they were first set."""
        headers = cls.__new__(cls)
        headers.encoding = "utf-8"
        written = headers._written = {}
        for name, value in pairs:
            key = _TITLES.get(name) or _title(name)
            if key in written:
                _values_of(headers, key).append(value)
            else:
                _store(headers, key, [value])
                written[key] = name
        return headers

    # Hot: ten times per response.
    def normkey(self, key: str | bytes) -> bytes:
        """Return *key* as it is stored: bytes, in Title-Case."""
        return _TITLES.get(key) or _title(key if isinstance(key, str) else self._tobytes(key), self.encoding)

    def normvalue(self, value: Any) -> list[bytes]:
        """Return *value* as a list of bytes; raise ValueError for a value that would break out of its line."""
        if value is None:
            return []
        values = [value] if isinstance(value, str | bytes) or not hasattr(value, "__iter__") else list(value)
        normal = [self._tobytes(one) for one in values]
        for one in normal:
            if found := _FORBIDDEN.search(one):
                # Not the value: it may be a password that was read with its line break from a file.
                raise ValueError(
                    f"a header value may not contain a line break or NUL: {found[0]!r} is byte {found.start() + 1} of {len(one)}"
                )
        return normal

    def _tobytes(self, value: Raw) -> bytes:
        if isinstance(value, bytes):
            return value
        if isinstance(value, str):
            return value.encode(self.encoding)
        if isinstance(value, int | float):
            return str(value).encode(self.encoding)
        raise TypeError(f"a header is text, bytes or a number, not {type(value).__name__}: {value!r}")

    def _written_as(self, key: str | bytes) -> bytes:
        """Return the normal form of *key*, having noted how it is written."""
        raw = self._tobytes(key)
        if not _TOKEN.fullmatch(raw):
            raise ValueError(f"{key!r} is no header name: use letters, digits and -")
        normal = _title(raw)
        self._written.setdefault(normal, raw)
        return normal

    def __getitem__(self, key: str | bytes) -> bytes | None:
        values: list[bytes] = super().__getitem__(self.normkey(key))
        return values[-1] if values else None

    def __setitem__(self, key: str | bytes, value: Any) -> None:
        normal = self.normvalue(value)
        super().__setitem__(self._written_as(key), normal)

    def __delitem__(self, key: str | bytes) -> None:
        normal = self.normkey(key)
        super().__delitem__(normal)
        self._written.pop(normal, None)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, _TEXT) and super().__contains__(_TITLES.get(key) or self.normkey(key))

    def get(self, key: str | bytes, default: Any = None) -> Any:
        """Return the last value of *key*, or *default* as bytes."""
        values: list[bytes] | None = super().get(_TITLES.get(key) or self.normkey(key))
        if values:
            return values[-1]
        return self._tobytes(default) if isinstance(default, str) else default

    def getlist(self, key: str | bytes, default: Any = None) -> list[bytes]:
        """Return all values of *key* in order."""
        values: list[bytes] | None = super().get(self.normkey(key))
        if values is not None:
            return list(values)
        return self.normvalue(default)

    def setlist(self, key: str | bytes, values: Iterable[Any]) -> None:
        """Replace all values of *key*."""
        self[key] = list(values)

    def setlistdefault(self, key: str | bytes, default_list: Iterable[Any] = ()) -> list[bytes]:
        """Return all values of *key*, which are set to *default_list* if there are none."""
        if key not in self:
            self.setlist(key, default_list)
        return self.getlist(key)

    def appendlist(self, key: str | bytes, value: Any) -> None:
        """Add a value to *key*."""
        self[key] = [*self.getlist(key), *self.normvalue(value)]

    def setdefault(self, key: str | bytes, default: Any = None) -> Any:
        """Return all values of *key*, which is set to *default* if there are none."""
        if key not in self:
            self[key] = default
        return self.getlist(key)

    def update(self, seq: Any = (), **kwargs: Any) -> None:  # type: ignore[override]  # Scrapy's: values are made lists
        """Set several; a name that comes more than once in a sequence of pairs keeps all its values."""
        if isinstance(seq, Headers):
            for key in seq:
                self.setlist(seq._written.get(key, key), seq.getlist(key))
        elif isinstance(seq, Mapping):
            for key, value in seq.items():
                self[key] = value
        else:
            given: dict[bytes, list[Any]] = {}
            for key, value in seq:
                normal = self._written_as(key)
                given.setdefault(normal, []).extend(self.normvalue(value))
            for normal, values in given.items():
                super().__setitem__(normal, values)
        for name, one in kwargs.items():
            self[name] = one

    def pop(self, key: str | bytes, *default: Any) -> Any:
        """Remove *key*; return its list of values."""
        normal = self.normkey(key)
        self._written.pop(normal, None)
        return super().pop(normal, *default)

    def items(self) -> Any:
        """Return (name, list of values) pairs."""
        return [(key, self.getlist(key)) for key in self]

    def values(self) -> Any:
        """Return the last value of each name."""
        return [self[key] for key in self]

    def raw_items(self) -> list[tuple[bytes, bytes]]:
        """Return (name as written, value) pairs, one for each value, in order: what goes on the wire."""
        written = self._written
        return [(written.get(key, key), value) for key, values in _items_of(self) for value in values]

    @property
    def size(self) -> int:
        """How many bytes the header lines are on the wire."""
        size = 0
        for key, values in super().items():
            for value in values:
                size += len(key) + len(value) + 4
        return size

    def to_string(self) -> bytes:
        """Return the header lines, joined by CRLF."""
        return b"\r\n".join(key + b": " + value for key, values in super().items() for value in values)

    def to_unicode_dict(self) -> dict[str, str]:
        """Return names and values as text, several values joined by commas."""
        return {
            key.decode(self.encoding): b",".join(values).decode(self.encoding, "replace")
            for key, values in super().items()
        }

    def to_tuple_list(self) -> list[tuple[str, str]]:
        """Return (name, value) pairs as text, one for each value."""
        return [
            (key.decode(self.encoding), value.decode(self.encoding, "replace"))
            for key, values in super().items()
            for value in values
        ]

    def copy(self) -> Headers:
        """Return a copy."""
        return type(self)(self, encoding=self.encoding)

    __copy__ = copy

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy down to the values, and go to other processes, as what a constructor takes."""
        written = self._written
        return type(self), ([(written.get(key, key), list(values)) for key, values in super().items()], self.encoding)

    def __iter__(self) -> Iterator[bytes]:
        return super().__iter__()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Headers):
            return dict(self.items()) == dict(other.items())
        return dict.__eq__(self, Headers(other)) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # mutable, like any dictionary


# Hot: several times per response.
def _title(name: str | bytes, encoding: str = "utf-8") -> bytes:
    """Return *name* in Title-Case; the names that are met again and again come from a table."""
    known = _TITLES.get(name)
    if known is None:
        raw = name.encode(encoding) if isinstance(name, str) else name
        known = b"-".join(part.capitalize() for part in raw.split(b"-"))
        if len(_TITLES) < 4096 and raw.isascii():  # a hostile server may make up as many names as it likes
            _TITLES[name] = known
    return known
