"""Settings as they may be shown, kept with a job and put into a report: without what opens doors.

A field says itself that it is secret. What stands in others is known by its name: a setting of the project's own, a header, a
key of a table such as the options of a component; and by its form: the password in a URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from crawler.http.redirects import SECRET_HEADERS
from crawler.url import without_password

MASK = "***"

_SECRET = re.compile(
    r"pass(?:word|wd|phrase)|(?:^|[^a-z])(?:pass|pwd)(?:$|[^a-z])|secret|token|credential|(?:api|access|private|auth)[-_]?key",
    re.I,
)


def is_secret(name: str) -> bool:
    """Tell whether what is called *name* is better not shown."""
    return name.lower() in SECRET_HEADERS or _SECRET.search(name) is not None


def masked(name: str, value: Any) -> Any:
    """Return the *value* of what is called *name* as it may be shown; numbers and switches are no secrets."""
    if value and isinstance(value, str | bytes | list | tuple | Mapping) and is_secret(name):
        return MASK
    return without_secrets(value)


def without_secrets(value: Any) -> Any:
    """Return *value* without the secrets in it: of tables by their keys, of texts the passwords in URLs."""
    if isinstance(value, str):
        return without_password(value)
    if isinstance(value, Mapping):
        return {without_secrets(key): masked(str(key), one) for key, one in value.items()}
    return [without_secrets(one) for one in value] if isinstance(value, list | tuple) else value
