"""The lock of a job: one process at a time. A dead process holds no lock, however it died."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from crawler.exceptions import JobError

# Seconds after which a lock is tried again.
_MOMENT = 0.05


def locked(path: Path) -> IO[str]:
    """Return the lock file, locked; raise JobError naming the process that has it."""
    file = path.open("a+", encoding="ascii")
    if not (_try_lock(file) or _try_lock_again(file)):
        file.seek(0)
        owner = file.read().strip() or "another process"
        file.close()
        raise JobError(
            f"the job {path.parent.name} is run by process {owner}; wait for it, stop it, or use another --job"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _try_lock_again(file: IO[str]) -> bool:
    """Lock *file* a moment later: who looks whether its job runs has the lock for that long."""
    time.sleep(_MOMENT)
    return _try_lock(file)


def is_locked(path: Path) -> bool:
    """Tell whether a process has the lock file *path* locked."""
    for mode in ("r+", "r"):  # some file systems lock only what may be written, and some may not be written
        try:
            with path.open(mode, encoding="ascii") as file:
                return not _try_lock(file)
        except FileNotFoundError:
            return False
        except OSError:
            continue
    return True
