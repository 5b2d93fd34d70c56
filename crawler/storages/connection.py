"""A storage behind one connection, which one thread may use at a time and which may be lost while nobody uses it."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Generic, TypeVar

from crawler.exceptions import StorageError
from crawler.storages.storage import Storage, StoredFile

if TYPE_CHECKING:
    from crawler.storages.url import StorageURL

T = TypeVar("T")
Connection = TypeVar("Connection")


class ConnectedStorage(Storage, Generic[Connection]):
    """Makes a connection when it is needed. One that was idle may have been closed by the server: then another is made, once."""

    #: What says that it is not the connection that failed, but what was asked for.
    refusals: tuple[type[Exception], ...] = (FileNotFoundError, StorageError)

    def __init__(self, url: StorageURL) -> None:
        super().__init__(url)
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def _put(self, path: str, file: BinaryIO, content_type: str) -> None:
        start = file.tell()

        def put(connection: Connection) -> None:
            file.seek(start)
            self._send(connection, self._full(path), file)

        self._connected(put)

    def _open(self, path: str) -> BinaryIO:
        return self._connected(lambda connection: self._fetch(connection, self._full(path)))

    def _stat(self, path: str) -> StoredFile:
        return self._connected(lambda connection: self._look(connection, self._full(path)))

    def _delete(self, path: str) -> None:
        self._connected(lambda connection: self._remove(connection, self._full(path)))

    def _full(self, path: str) -> str:
        return f"{self._where.path.rstrip('/')}/{path}"

    def _connected(self, act: Callable[[Connection], T]) -> T:
        with self._lock:
            was_idle = self._connection is not None
            if self._connection is None:
                self._connection = self._connect()
            try:
                return act(self._connection)
            except self.refusals:
                raise
            except Exception:
                self._drop()
                if not was_idle:
                    raise
            self._connection = self._connect()
            try:
                return act(self._connection)
            except self.refusals:
                raise
            except Exception:
                self._drop()
                raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it is broken: how it complains about being closed is of no interest
                self._disconnect(connection)

    @abstractmethod
    def _connect(self) -> Connection: ...

    @abstractmethod
    def _disconnect(self, connection: Connection) -> None: ...

    @abstractmethod
    def _send(self, connection: Connection, path: str, file: BinaryIO) -> None: ...

    @abstractmethod
    def _fetch(self, connection: Connection, path: str) -> BinaryIO: ...

    @abstractmethod
    def _look(self, connection: Connection, path: str) -> StoredFile: ...

    @abstractmethod
    def _remove(self, connection: Connection, path: str) -> None: ...
