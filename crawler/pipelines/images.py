"""ImagesPipeline: downloads the images whose URLs an item has in ``image_urls``, and puts what became of them into ``images``.

An image is kept as JPEG: one that is JPEG already byte for byte, others on a white ground where they are transparent, and turned
upright by their EXIF orientation. ``images.thumbs`` keeps smaller ones besides. What is not an image, too small, or larger than
``images.max_pixels`` (a bomb of a few kilobytes can have billions) fails before its pixels are decoded.

Needs Pillow: the extra ``images``.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from crawler.exceptions import ComponentError, describe
from crawler.pipelines.files import FilesPipeline
from crawler.pipelines.media import FileException, fitted
from crawler.pipelines.options import Options
from crawler.pipelines.store import checked_path
from crawler.settings.schema import check_thumb

try:
    from PIL import Image, ImageOps
except ImportError:  # told when a pipeline is built
    Image = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import os

    from crawler.crawler import Crawler
    from crawler.http import Request, Response

#: What is opened. Pillow knows more formats, of which some start other programs (EPS) and most are never on a page.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "ICO", "JPEG2000")

# The EXIF tag that tells how the camera was held.
_ORIENTATION = 0x0112
_UPRIGHT = 1
_TURNED = (5, 6, 7, 8)  # on its side


class ImageException(FileException):
    """An image is too small, too large, or none."""


class ImagesPipeline(FilesPipeline):
    """Downloads images. Override :meth:`file_path` and :meth:`thumb_path` to name them, :meth:`convert_image` to change them."""

    MEDIA_NAME = "image"
    STORE_SETTING = "IMAGES_STORE"

    def __init__(self, store_uri: str | os.PathLike[str], download_func: Any = None, *, crawler: Crawler) -> None:
        if Image is None:
            raise ComponentError(
                f"{type(self).__name__} needs Pillow: install the extra with  pip install 'crawler[images]'"
            )
        super().__init__(store_uri, crawler=crawler)
        options = Options(crawler.settings, type(self), "ImagesPipeline")
        self.expires = options.get("IMAGES_EXPIRES", "EXPIRES")
        self.images_urls_field: str = options.get("IMAGES_URLS_FIELD", "IMAGES_URLS_FIELD")
        self.images_result_field: str = options.get("IMAGES_RESULT_FIELD", "IMAGES_RESULT_FIELD")
        self.min_width: int = options.get("IMAGES_MIN_WIDTH", "MIN_WIDTH")
        self.min_height: int = options.get("IMAGES_MIN_HEIGHT", "MIN_HEIGHT")
        self.thumbs: dict[str, tuple[int, int]] = options.get("IMAGES_THUMBS", "THUMBS") or {}
        for name, size in self.thumbs.items():
            check_thumb(f"the thumbs of {type(self).__name__}", name, size)
        Image.init()
        self._formats = [name for name in FORMATS if name in Image.OPEN]  # not every Pillow is built with all
        self.max_pixels = crawler.settings.images.max_pixels
        self._thumb = fitted(self.thumb_path, "response", "info", "item")

    def get_media_requests(self, item: Any, info: Any) -> Any:
        """Return a request for each URL that *item* has in its field of URLs."""
        return self._requests(item, self.images_urls_field)

    def item_completed(self, results: list[Any], item: Any, info: Any) -> Any:
        """Put the results of the images that are there into the item, and return it."""
        return self._with_results(results, item, self.images_result_field)

    async def file_downloaded(self, response: Response, request: Request, info: Any, *, item: Any = None) -> str:
        """Put the image of *response* into the store; return its MD5."""
        return await self.image_downloaded(response, request, info, item=item)

    async def image_downloaded(self, response: Response, request: Request, info: Any, *, item: Any = None) -> str:
        """Put each of :meth:`get_images` into the store; return the MD5 of the first."""
        # All are made before the first is stored, so that pixels are in memory of one image at a time.
        made = [
            (checked_path(path), image.size, file)
            for path, image, file in self.get_images(response, request, info, item=item)
        ]
        checksums = []
        for path, (width, height), file in made:
            about = {"meta": {"width": width, "height": height}, "headers": {"Content-Type": "image/jpeg"}}
            checksums.append(await self._persist(path, file, info, **about))
        return checksums[0]

    def get_images(
        self, response: Response, request: Request, info: Any, *, item: Any = None
    ) -> Iterator[tuple[str, Image.Image, BinaryIO]]:
        """Yield path, image and file of the image of *response*, then of its thumbnails."""
        path = self._path(request, response=response, info=info, item=item)
        body = response.open_body()
        image, file = self.convert_image(self._opened(body), response_body=body)
        yield path, image, file
        for name, (width, height) in self.thumbs.items():
            thumb_path = self._thumb(request, name, response=response, info=info, item=item)
            yield thumb_path, *self.convert_image(image, (width, height), response_body=file)

    def _opened(self, body: BinaryIO) -> Image.Image:
        """Return the image in *body*, upright; raise ImageException if it is none, or not of a size that is wanted."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels is what counts
                image: Image.Image = Image.open(body, formats=self._formats)
            self._check_pixels(*image.size)
            image.load()
            orientation = image.getexif().get(_ORIENTATION, _UPRIGHT)
            self._check_size(*image.size, is_turned=orientation in _TURNED)
        except ImageException:
            raise
        except Exception as error:  # of a file that anybody may have made, Pillow raises whatever it meets
            raise ImageException(f"no image that can be read: {describe(error)}") from error
        return image if orientation == _UPRIGHT else ImageOps.exif_transpose(image)

    def _check_pixels(self, width: int, height: int) -> None:
        if width * height > self.max_pixels:
            raise ImageException(f"the image has {width} x {height} pixels; images.max_pixels is {self.max_pixels}")

    def _check_size(self, width: int, height: int, *, is_turned: bool) -> None:
        if is_turned:
            width, height = height, width
        if width < self.min_width or height < self.min_height:
            raise ImageException(
                f"the image is too small: {width} x {height}, and at least {self.min_width} x {self.min_height} is wanted"
            )

    def convert_image(
        self, image: Image.Image, size: tuple[int, int] | None = None, *, response_body: BinaryIO
    ) -> tuple[Image.Image, BinaryIO]:
        """Return *image* as JPEG, made to fit into *size* if one is given, and its file: *response_body* if nothing changes."""
        if size is None and image.format == "JPEG" and image.mode == "RGB":
            return image, response_body
        image = _on_white(image)
        if size is not None:
            image = image.copy()
            image.thumbnail(size, Image.Resampling.LANCZOS)
        file = BytesIO()
        image.save(file, "JPEG")
        file.seek(0)
        return image, file

    def file_path(
        self, request: Request, response: Response | None = None, info: Any = None, *, item: Any = None
    ) -> str:
        """Return ``full/`` and the SHA-1 of the URL."""
        return f"full/{_name_of(request)}.jpg"

    def thumb_path(
        self,
        request: Request,
        thumb_id: str,
        response: Response | None = None,
        info: Any = None,
        *,
        item: Any = None,
    ) -> str:
        """Return ``thumbs/``, the name of the size and the SHA-1 of the URL."""
        return f"thumbs/{thumb_id}/{_name_of(request)}.jpg"


def _name_of(request: Request) -> str:
    return hashlib.sha1(request.url.encode(), usedforsecurity=False).hexdigest()


def _on_white(image: Image.Image) -> Image.Image:
    """Return *image* in RGB, on a white ground where it is transparent."""
    if image.mode == "RGB":
        return image
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGB", layer.size, (255, 255, 255))
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground
