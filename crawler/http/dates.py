"""Dates in HTTP headers, as seconds since 1970: HTTP dates, cookie dates, and Retry-After.

Three grammars, because three specifications:

* ``http_date`` reads what servers really send where RFC 9110 section 5.6.7 asks for one of three formats: words in any
  order, numeric and named zones, missing weekdays; the texts that curl takes. What does not read as one date is None.
* ``cookie_date`` is RFC 6265bis section 5.1.1 to the letter.
* ``retry_after`` is RFC 9110 section 10.2.3: seconds or an HTTP date.

Pure: the caller gives ``now``.
"""

from __future__ import annotations

import re
from calendar import timegm

_MONTHS = {
    name: number + 1
    for number, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
}
_WEEKDAYS = frozenset(
    f"{short}{end}"
    for short, rest in zip(
        ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        ("day", "sday", "nesday", "rsday", "day", "urday", "day"),
        strict=True,
    )
    for end in ("", rest)
)

# Minutes to add to a local time to get UTC. RFC 5322 has the American ones; the others are still met in the wild.
_ZONES = {
    name: minutes
    for minutes, names in (
        (0, "GMT UT UTC Z WET"),
        (180, "ADT"),
        (240, "AST EDT"),
        (300, "EST CDT"),
        (360, "CST MDT"),
        (420, "MST PDT"),
        (480, "PST"),
        (540, "AKST"),
        (600, "HST"),
        (-60, "BST CET MET"),
        (-120, "CEST MEST EET"),
        (-540, "JST"),
        (-720, "NZT NZST"),
        (-780, "NZDT"),
        *((-60 * hours, letter) for hours, letter in enumerate("ABCDEFGHIKLM", 1)),
        *((60 * hours, letter) for hours, letter in enumerate("NOPQRSTUVWXY", 1)),
    )
    for name in names.split()
}

# The Gregorian calendar; before it the same digits mean other days.
_FIRST_YEAR = 1583

_WORD = re.compile(r"([A-Za-z]+)|(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?!\d)|(\d+)", re.ASCII)


def http_date(text: str) -> float | None:
    """Return the moment that *text* names, None if it names none."""
    reading = _Reading()
    for word in _WORD.finditer(text):
        name, hour, minute, second, number = word.groups()
        if name is not None:
            understood = reading.take_name(name)
        elif hour is not None and reading.time is None:
            reading.time = (int(hour), int(minute), int(second or 0))
            understood = True
        elif hour is not None:
            understood = False
        else:
            understood = reading.take_number(number, sign=text[word.start() - 1 : word.start()])
        if not understood:
            return None
        reading.words += 1
        if reading.words == _MAX_WORDS:
            break
    return reading.moment()


# Weekday, day, month, year, time and zone: what follows is no part of the date, such as "(EDT)".
_MAX_WORDS = 6


class _Reading:
    """What has been understood of a date so far."""

    __slots__ = ("day", "is_year_next", "month", "time", "weekday", "words", "year", "zone")

    def __init__(self) -> None:
        self.weekday: str | None = None
        self.day: int | None = None
        self.month: int | None = None
        self.year: int | None = None
        self.time: tuple[int, int, int] | None = None
        self.zone: int | None = None
        self.is_year_next = False
        self.words = 0

    def take_name(self, name: str) -> bool:
        lowered = name.lower()
        if self.weekday is None and lowered in _WEEKDAYS:
            self.weekday = lowered
        elif self.month is None and lowered in _MONTHS:
            self.month = _MONTHS[lowered]
        elif self.zone is None and name in _ZONES:
            self.zone = _ZONES[name]
        else:
            return False
        return True

    def take_number(self, digits: str, *, sign: str) -> bool:
        value = int(digits[:12])
        if self.zone is None and len(digits) == 4 and value <= 1400 and sign in ("+", "-"):
            minutes = value // 100 * 60 + value % 100
            self.zone = -minutes if sign == "+" else minutes
            return True
        if len(digits) == 8 and self.year is None and self.month is None and self.day is None:
            self.year, self.month, self.day = value // 10000, value // 100 % 100, value % 100
            return True
        if not self.is_year_next and self.day is None:
            self.is_year_next = True
            if 0 < value < 32:
                self.day = value
                return True
        if self.is_year_next and self.year is None:
            self.year = value + (1900 if value > 70 else 2000) if value < 100 else value
            self.is_year_next = self.day is not None
            return True
        return False

    def moment(self) -> float | None:
        if self.day is None or self.month is None or self.year is None:
            return None
        hour, minute, second = self.time or (0, 0, 0)
        if not (_FIRST_YEAR <= self.year <= 9999 and 1 <= self.month <= 12 and 1 <= self.day <= 31):
            return None
        if hour > 23 or minute > 59 or second > 60:
            return None
        return float(timegm((self.year, self.month, self.day, hour, minute, second)) + 60 * (self.zone or 0))


_COOKIE_DELIMITERS = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_COOKIE_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)", re.ASCII)
_COOKIE_DAY = re.compile(r"\d{1,2}(?!\d)", re.ASCII)
_COOKIE_YEAR = re.compile(r"\d{2,4}(?!\d)", re.ASCII)


def cookie_date(text: str) -> float | None:
    """Return the moment that the Expires attribute *text* names, None if it names none."""
    time = day = month = year = None
    for token in _COOKIE_DELIMITERS.split(text):
        if time is None and (match := _COOKIE_TIME.match(token)):
            time = tuple(map(int, match.groups()))
        elif day is None and (match := _COOKIE_DAY.match(token)):
            day = int(match[0])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS[token[:3].lower()]
        elif year is None and (match := _COOKIE_YEAR.match(token)):
            year = int(match[0])
    if time is None or day is None or month is None or year is None:
        return None
    if year < 100:
        year += 1900 if year >= 70 else 2000
    hour, minute, second = time
    if not (1 <= day <= _days_in(month, year) and year >= 1601 and hour <= 23 and minute <= 59 and second <= 59):
        return None
    return float(timegm((year, month, day, hour, minute, second)))


def _days_in(month: int, year: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def retry_after(value: str, *, now: float) -> float | None:
    """Return the seconds, never less than 0, that a Retry-After of *value* asks to wait; None if it cannot be read."""
    value = value.strip(" \t")
    if value.isascii() and value.isdigit():
        return float(value[:12])  # more digits than any cap; float() of a megabyte of them would be slow
    moment = http_date(value) if any(word in value.lower() for word in _MONTHS) else None
    return None if moment is None else max(0.0, moment - now)
