"""Secrets of a job: encrypted, with a key that lies beside the job and not in it.

    .crawler/jobs/books-2026-11-23-0900/        may be copied, sent to somebody, put into a backup
    .crawler/jobs/books-2026-11-23-0900.key     32 random bytes, for their owner only; frontier.key_file names another place

Sealed are the cookies, ``spider.state``, the command that ``crawler resume`` repeats, and of each request what it carries beside
its URL: headers, body, cookies, meta and ``cb_kwargs``. URLs, items and statistics are not: they are what a job is looked into for.
Who can read both files, or the memory of the process, can read all.

AES-256-GCM with a random nonce: ``id of the key (4 bytes) | nonce (12) | ciphertext and tag``. *what* is bound to it, so that one
secret cannot be put in the place of another kind.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.disk import make_folder, sync_folder
from crawler.exceptions import JobError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY, _ID, _NONCE = 32, 4, 12


class Seal:
    """Encrypts and decrypts with the key in the file *path*, which is made when the first secret is to be kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._id = b""
        self._cipher: AESGCM | None = None

    def __repr__(self) -> str:
        return f"<Seal with {self.path}>"

    @property
    def is_used(self) -> bool:
        """Whether anything was sealed or opened with it."""
        return self._cipher is not None

    def seal(self, content: bytes, what: bytes) -> bytes:
        """Return *content* encrypted. Raise JobError if there is no key and none can be made."""
        cipher = self._cipher or self._with_key(_made(self.path))
        nonce = os.urandom(_NONCE)
        return self._id + nonce + cipher.encrypt(nonce, content, what)

    def unseal(self, sealed: bytes, what: bytes) -> bytes:
        """Return the content of *sealed*. Raise JobError if the key is not there, or is another."""
        from cryptography.exceptions import InvalidTag  # on first use, as below

        cipher = self._cipher or self._with_key(_read(self.path))
        if sealed[:_ID] != self._id:
            raise JobError(
                f"{self.path} is not the key of this job: put that one there, or name it with frontier.key_file"
            )
        try:
            return cipher.decrypt(sealed[_ID : _ID + _NONCE], sealed[_ID + _NONCE :], what)
        except (InvalidTag, ValueError):
            raise JobError(
                "a secret of the job was changed since it was written; restore the job from a copy"
            ) from None

    def _with_key(self, key: bytes) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import (
            AESGCM,
        )  # on first use: a crawl without secrets needs none

        self._id = hashlib.blake2b(key, digest_size=_ID, person=b"crawler key").digest()
        self._cipher = AESGCM(key)
        return self._cipher


def key_beside(folder: Path) -> Path:
    """Return where the key of the job in *folder* is, unless ``frontier.key_file`` says otherwise."""
    folder = folder.resolve()
    return folder.with_name(f"{folder.name}.key")


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        key = path.read_bytes()
    except OSError as error:
        raise JobError(
            f"the secrets of the job cannot be read without its key {path} ({error.strerror}): put the key there, or name it with "
            "frontier.key_file"
        ) from error
    if len(key) != _KEY:
        raise JobError(f"{path} holds {len(key)} bytes and no key, which has {_KEY}: put the key of the job there")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise JobError(f"the key {path} can be read by others: chmod 600 {path}")
    return key


def _made(path: Path) -> bytes:
    """Return the key in *path*, made if there is none; on the disk before anything is encrypted with it."""
    if path.exists():
        return _read(path)
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        make_folder(path.parent)
        file = os.open(scratch, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        try:
            os.write(file, os.urandom(_KEY))
            os.fsync(file)
        finally:
            os.close(file)
        with suppress(FileExistsError):  # another process was quicker: its key counts
            os.link(scratch, path)
        sync_folder(path.parent)
    except OSError as error:
        raise JobError(
            f"the key {path} for the secrets of the job cannot be made: {error.strerror}; name another file with frontier.key_file"
        ) from error
    finally:
        scratch.unlink(missing_ok=True)
    return _read(path)
