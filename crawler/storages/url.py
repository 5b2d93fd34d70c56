"""The URL of a storage or of a file in one, taken apart; and the same without what nobody should see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from crawler.exceptions import StorageError
from crawler.url import without_password

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<authority>[^/]*)(?P<path>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StorageURL:
    """A storage's URL. *path* is taken as it stands: keys of object stores are not percent-encoded."""

    scheme: str
    host: str
    path: str
    port: int | None = None
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, url: str) -> StorageURL:
        """Return the parts of *url*, a path being one without a scheme. Raise StorageError if its port is no number."""
        if "\0" in url:
            raise StorageError(f"{url!r} holds a null byte: no storage can have such a name")
        found = _URL.fullmatch(url)
        if found is None:
            local = url[5:] if url.lower().startswith("file:") else url
            return cls("", "", local)
        scheme, authority, path = found["scheme"].lower(), found["authority"], found["path"]
        if scheme == "file":
            if authority not in ("", "localhost"):
                raise StorageError(f"{url!r} names the host {authority!r}: a file is here, write file:///path")
            return cls("file", "", path)
        if scheme == "memory":
            return cls(scheme, "", f"{authority}{path}")
        credentials, _, place = authority.rpartition("@")
        user, _, password = credentials.partition(":")
        host, port = _host(url, place)
        return cls(scheme, host, path, port, unquote(user), unquote(password))

    def __str__(self) -> str:
        """Return the URL without its password."""
        if self.scheme in ("", "file"):
            return self.path
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{user}{host}{f':{self.port}' if self.port else ''}{self.path}"

    def __repr__(self) -> str:
        return f"<StorageURL {self}>"  # not the dataclass's, which would show the password


def _host(url: str, place: str) -> tuple[str, int | None]:
    if place.startswith("["):
        host, _, rest = place[1:].partition("]")
        port = rest[1:]
    else:
        host, _, port = place.partition(":")
    if port and not port.isdecimal():
        raise StorageError(f"{without_password(url)} has the port {port!r}: it must be a number")
    return host, int(port) if port else None


def is_remote(url: str) -> bool:
    """Tell whether *url* leads somewhere else than to a local file or a standard stream."""
    found = _URL.match(url)
    return found is not None and found["scheme"].lower() not in ("file", "stdout")


def split_url(url: str) -> tuple[str, str]:
    """Return the URL of the folder of a file, and its name there."""
    folder, _, name = url.rpartition("/")
    if folder.endswith(":/"):  # memory://name
        folder += "/"
    elif not folder:
        folder = "/" if url.startswith("/") else "."
    return folder, name
