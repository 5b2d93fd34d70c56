"""The spool: where documents lie that are to be delivered, in the job's folder; for a crawl without a job in a temporary one.

Only the owner may read it: what goes to a private bucket is nobody else's business on the way there.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from crawler.exceptions import FeedError

#: The mode of files in the spool.
MODE = 0o600


class Spool:
    """A *folder* of a job; without one, a temporary folder in the folder *temporary*, or where the system has them."""

    def __init__(self, folder: Path | None = None, *, temporary: str = "") -> None:
        self._folder = folder
        self._temporary = temporary
        self._is_temporary = folder is None

    def __repr__(self) -> str:
        return f"<Spool {self._folder or 'not made yet'}>"

    def path(self, name: str) -> Path:
        """Return where the file *name* is; the folder is made if need be."""
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="crawler-feeds-", dir=self._temporary or None))
            else:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise FeedError(
                f"the folder {self._folder or self._temporary!r} where feeds wait for their delivery cannot be made: "
                f"{error.strerror or error}; name another with export.spool"
            ) from error
        return self._folder / name

    def remove(self, name: str) -> None:
        """Remove the file *name*, if it is there."""
        if self._folder is not None:
            with suppress(OSError):  # it is in nobody's way: its name is not used again
                (self._folder / name).unlink(missing_ok=True)

    def remove_others(self, prefix: str, kept: set[str]) -> None:
        """Remove the files whose names begin with *prefix*, but for those that are *kept*."""
        if self._folder is not None and self._folder.is_dir():
            for path in self._folder.glob(f"{prefix}*"):
                if path.name not in kept:
                    self.remove(path.name)

    def close(self) -> None:
        """Remove a temporary folder if nothing is left in it."""
        if self._is_temporary and self._folder is not None:
            with suppress(OSError):  # something is left
                self._folder.rmdir()
