"""FilesPipeline: downloads the files whose URLs an item has in ``file_urls``, and puts what became of them into ``files``.

    {"file_urls": ["https://example.org/a.pdf"]}
    {"file_urls": [...], "files": [{"url": ..., "path": "full/0a79c4…ec06.pdf", "checksum": MD5, "status": "downloaded"}]}

A file that the store has, and that is no older than ``files.expires`` days, is not downloaded again: its status is "uptodate".
Bodies go to disk while they arrive and are streamed into the store, so the size of a file is not a matter of memory. A crawl
that is killed leaves no half file behind: the visit is repeated, and with it what is missing.
"""

from __future__ import annotations

import hashlib
import logging
import mimetypes
import time
from collections.abc import Callable
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred

from crawler import threads
from crawler.exceptions import NotConfigured, StorageError
from crawler.http import Request
from crawler.item_adapter import ItemAdapter
from crawler.pipelines.media import FileException, FileInfo, MediaPipeline, fitted
from crawler.pipelines.options import Options
from crawler.pipelines.store import FilesStore, FSFilesStore, StorageFilesStore, checked_path, md5_of
from crawler.storages import open_storage

if TYPE_CHECKING:
    import os

    from crawler.crawler import Crawler
    from crawler.http import Response

logger = logging.getLogger(__name__)

_DAY = 24 * 3600.0


class FilesPipeline(MediaPipeline):
    """Downloads files. Override :meth:`file_path` to name them, or any method of :class:`MediaPipeline`."""

    MEDIA_NAME = "file"
    #: The section of the settings that is the pipeline's, and Scrapy's name of where it keeps files.
    STORE_SETTING = "FILES_STORE"
    #: Classes of stores by the scheme of their URL, called with the URL.
    STORE_SCHEMES: ClassVar[dict[str, Callable[[str], FilesStore]]] = {"": FSFilesStore, "file": FSFilesStore}

    def __init__(self, store_uri: str | os.PathLike[str], download_func: Any = None, *, crawler: Crawler) -> None:
        if not store_uri:
            raise NotConfigured(
                f"{type(self).__name__} needs {self.STORE_SETTING} (a folder, or a URL such as s3://bucket/files)"
            )
        super().__init__(crawler=crawler)
        self.store: FilesStore = self._get_store(str(store_uri))
        options = Options(crawler.settings, type(self), "FilesPipeline")
        self.expires: int = options.get("FILES_EXPIRES", "EXPIRES")
        self.files_urls_field: str = options.get("FILES_URLS_FIELD", "FILES_URLS_FIELD")
        self.files_result_field: str = options.get("FILES_RESULT_FIELD", "FILES_RESULT_FIELD")
        self._path = fitted(self.file_path, "response", "info", "item")
        self._stored = fitted(self.file_downloaded, "info", "item")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the settings of *crawler*; raise NotConfigured if no store is named."""
        return cls(Options(crawler.settings, cls, "FilesPipeline").get(cls.STORE_SETTING), crawler=crawler)

    def _get_store(self, uri: str) -> FilesStore:
        """Return the store at *uri*, of the class that ``STORE_SCHEMES`` has for its scheme, or of what storages there are."""
        scheme = "file" if PurePath(uri).is_absolute() else urlsplit(uri).scheme
        store_class = self.STORE_SCHEMES.get(scheme)
        if store_class is not None:
            return store_class(uri)
        settings = self.crawler.settings
        acl = {"s3": "S3", "gs": "GCS"}.get(scheme)
        given = settings.get(f"{self.STORE_SETTING}_{acl}_ACL") or "" if acl else ""
        return StorageFilesStore(open_storage(uri, settings.storages, acl=given))

    # --- before the download -----------------------------------------------------------------------------------------

    def get_media_requests(self, item: Any, info: Any) -> Any:
        """Return a request for each URL that *item* has in its field of URLs."""
        return self._requests(item, self.files_urls_field)

    def _requests(self, item: Any, field: str) -> list[Request]:
        urls = ItemAdapter(item).get(field, None) or []
        if isinstance(urls, str) or not hasattr(urls, "__iter__"):
            raise TypeError(f"{field} of an item is a list of URLs, not {type(urls).__name__}: {urls!r}")
        return [Request(url) for url in urls]

    def media_to_download(self, request: Request, info: Any, *, item: Any = None) -> Deferred[FileInfo | None]:
        """Return a Deferred of the result of a file that the store has and that is not too old; of None for any other."""
        return self._bridge.deferred(self._known(request, info, item))

    async def _known(self, request: Request, info: Any, item: Any) -> FileInfo | None:
        try:
            path = checked_path(await self._settled(self._path(request, response=None, info=info, item=item)))
            known = await self._settled(self.store.stat_file(path, info))
        except CancelledError:
            raise
        except FileException as error:
            logger.error("%s: %s: %s", type(self).__name__, request.url, error)
            raise
        except (OSError, StorageError) as error:
            logger.warning("%s: cannot tell whether %s is in %r: %s", type(self).__name__, path, self.store, error)
            return None
        written = known.get("last_modified") if known else None
        if not written or time.time() - written > self.expires * _DAY:
            return None
        self.inc_stats("uptodate")
        return {"url": request.url, "path": path, "checksum": known.get("checksum"), "status": "uptodate"}

    # --- after the download ------------------------------------------------------------------------------------------

    async def media_downloaded(self, response: Response, request: Request, info: Any, *, item: Any = None) -> FileInfo:
        """Store the body of *response* and return the result; raise FileException for a status other than 200, or no body."""
        if response.status != 200:
            raise self._refused(request, f"the status is {response.status}", "download-error")
        if not response.body_size:
            raise self._refused(request, "it is empty", "empty-content")
        try:
            path = checked_path(await self._settled(self._path(request, response=response, info=info, item=item)))
            checksum = await self._settled(self._stored(response, request, info=info, item=item))
        except CancelledError:
            raise
        except FileException as error:
            logger.warning("%s: %s is not kept: %s", type(self).__name__, request.url, error)
            raise
        except (OSError, StorageError) as error:
            logger.error("%s: %s cannot be stored: %s", type(self).__name__, request.url, error)
            raise FileException(f"{request.url} cannot be stored: {error}") from error
        except Exception as error:
            logger.error("%s: %s cannot be stored", type(self).__name__, request.url, exc_info=error)
            raise FileException(f"{request.url} cannot be stored: {error}") from error
        status = "cached" if "cached" in response.flags else "downloaded"
        self.inc_stats(status)
        return {"url": request.url, "path": path, "checksum": checksum, "status": status}

    def _refused(self, request: Request, reason: str, word: str) -> FileException:
        """Return the error for a response that is not the file, told in the log; *word* is Scrapy's for it."""
        logger.warning("%s: %s is not kept: %s", type(self).__name__, request.url, reason)
        return FileException(word)

    async def file_downloaded(self, response: Response, request: Request, info: Any, *, item: Any = None) -> str:
        """Put the body of *response* into the store; return its MD5."""
        path = checked_path(await self._settled(self._path(request, response=response, info=info, item=item)))
        with response.open_body() as file:
            return await self._persist(path, file, info)

    async def _persist(self, path: str, file: BinaryIO, info: Any, **about: Any) -> str:
        """Store *file*; return its MD5, as the store found it while it wrote, or read for it."""
        checksum = await self._settled(self.store.persist_file(path, file, info, **about))
        if checksum is None:
            checksum = await self._settled(threads.run(md5_of, file))
        return str(checksum)

    def item_completed(self, results: list[Any], item: Any, info: Any) -> Any:
        """Put the results of the files that are there into the item, and return it."""
        return self._with_results(results, item, self.files_result_field)

    def _with_results(self, results: list[Any], item: Any, field: str) -> Any:
        adapter = ItemAdapter(item)
        try:
            adapter[field] = [result for ok, result in results if ok]
        except KeyError:
            if results:  # an item class without the field
                logger.debug("%s: %s has no field %s for the results", type(self).__name__, type(item).__name__, field)
        return item

    def file_path(
        self, request: Request, response: Response | None = None, info: Any = None, *, item: Any = None
    ) -> str:
        """Return ``full/``, the SHA-1 of the URL, and the extension that the URL has."""
        name = hashlib.sha1(request.url.encode(), usedforsecurity=False).hexdigest()
        return f"full/{name}{extension_of(request.url)}"


def extension_of(url: str) -> str:
    """Return the extension of a file at *url* with its dot, if it is one that is known; else what the URL looks like, or none."""
    for text in (urlsplit(url).path, url):
        extension = PurePosixPath(text).suffix
        if extension in mimetypes.types_map:
            return extension
    kind = mimetypes.guess_type(url)[0]
    return (mimetypes.guess_extension(kind) or "") if kind else ""
