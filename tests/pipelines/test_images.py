"""ImagesPipeline: what it makes of images, and what it refuses."""

from __future__ import annotations

import hashlib
import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from crawler import Spider
from crawler.exceptions import ComponentError, SettingsError
from crawler.testing import Page, Site, crawl_in_memory

Image = pytest.importorskip("PIL.Image", reason="Pillow (the extra images) is not installed")

HOST = "http://site.test"
RED, WHITE = (254, 0, 0), (255, 255, 255)


def image(kind: str, size: tuple[int, int] = (40, 20), *, mode: str = "RGB", color: Any = RED, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, color).save(file, kind, **options)
    return file.getvalue()


class Pictures(Spider):
    name = "pictures"
    start_urls = [f"{HOST}/"]

    def parse(self, response):
        yield {"image_urls": [f"{HOST}/picture"]}


def crawled(
    folder: Path, content: bytes, pipeline: Any = "crawler.pipelines.images.ImagesPipeline", **more: Any
) -> Any:
    site = Site({"/": "page", "/picture": Page(content, headers={"Content-Type": "image/whatever"})})
    settings = {"ITEM_PIPELINES": {pipeline: 1}, "IMAGES_STORE": folder, "politeness.obey_robots": False, **more}
    return crawl_in_memory(Pictures, site, {"retry.enabled": False, **settings})


def only(folder: Path, pattern: str = "full/*") -> Any:
    (path,) = folder.glob(pattern)
    return Image.open(path)


def near(one: Any, other: tuple[int, int, int]) -> bool:
    """Tell whether two colours are the same but for what JPEG makes of them."""
    return all(abs(a - b) <= 8 for a, b in zip(one, other, strict=True))


NAME = hashlib.sha1(f"{HOST}/picture".encode()).hexdigest()


def test_a_jpeg_is_kept_byte_for_byte(tmp_path: Path) -> None:
    content = image("JPEG")
    result = crawled(tmp_path, content)
    assert result.items[0]["images"] == [
        {
            "url": f"{HOST}/picture",
            "path": f"full/{NAME}.jpg",
            "checksum": hashlib.md5(content).hexdigest(),
            "status": "downloaded",
        }
    ]
    assert (tmp_path / f"full/{NAME}.jpg").read_bytes() == content
    assert result.stats["file_status_count/downloaded"] == 1


def test_an_image_that_the_store_has_is_not_downloaded_again(tmp_path: Path) -> None:
    crawled(tmp_path, image("PNG"))
    assert crawled(tmp_path, image("PNG")).items[0]["images"][0]["status"] == "uptodate"


@pytest.mark.parametrize(
    ("content", "color"),
    [
        (image("PNG"), RED),
        (image("GIF"), RED),
        (image("WEBP", lossless=True), RED),
        (image("BMP"), RED),
        (image("JPEG", mode="CMYK", color=(0, 255, 255, 0)), RED),
        (image("PNG", mode="L", color=200), (200, 200, 200)),
        (image("PNG", mode="RGBA", color=(254, 0, 0, 255)), RED),
        (image("PNG", mode="RGBA", color=(0, 0, 0, 0)), WHITE),
        (image("WEBP", mode="RGBA", color=(0, 0, 0, 0), lossless=True), WHITE),
        (image("PNG", mode="LA", color=(0, 0)), WHITE),
        (image("PNG", mode="P", color=0, transparency=0), WHITE),
        (image("GIF", mode="P", color=0, transparency=0), WHITE),
    ],
    ids=["PNG", "GIF", "WEBP", "BMP", "CMYK", "grey", "RGBA", "transparent", "WEBP", "LA", "palette", "GIF palette"],
)
def test_an_image_of_any_kind_becomes_a_jpeg_on_white(content: bytes, color: Any, tmp_path: Path) -> None:
    result = crawled(tmp_path, content)
    kept = only(tmp_path)
    assert (kept.format, kept.mode, kept.size) == ("JPEG", "RGB", (40, 20))
    assert near(kept.getpixel((20, 10)), color)
    assert result.items[0]["images"][0]["checksum"] == hashlib.md5(Path(kept.filename).read_bytes()).hexdigest()


def test_an_image_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    crawled(tmp_path, image("JPEG", exif=exif))
    assert only(tmp_path).size == (20, 40)
    assert 0x0112 not in only(tmp_path).getexif()


def test_thumbnails_fit_into_their_sizes(tmp_path: Path) -> None:
    content = image("JPEG", (400, 200))
    result = crawled(tmp_path, content, IMAGES_THUMBS={"small": (50, 50), "big": (300, 300)})
    assert only(tmp_path, "thumbs/small/*").size == (50, 25)
    assert only(tmp_path, "thumbs/big/*").size == (300, 150)
    assert only(tmp_path).size == (400, 200)
    assert (tmp_path / f"thumbs/small/{NAME}.jpg").exists()
    assert result.items[0]["images"][0]["checksum"] == hashlib.md5(content).hexdigest()


@pytest.mark.parametrize("limits", [{"IMAGES_MIN_WIDTH": 41}, {"IMAGES_MIN_HEIGHT": 21}])
def test_an_image_that_is_too_small_is_not_kept(limits: dict[str, int], tmp_path: Path, caplog: Any) -> None:
    assert crawled(tmp_path, image("PNG"), **limits).items[0]["images"] == []
    assert "too small: 40 x 20" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_the_least_size_is_of_the_upright_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert len(crawled(tmp_path, image("JPEG", exif=exif), IMAGES_MIN_HEIGHT=40).items[0]["images"]) == 1


def bomb(width: int, height: int) -> bytes:
    """Return a PNG that says it has as many pixels, and has a few bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(100_000, 100_000), (10_000, 10_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(
    size: tuple[int, int], tmp_path: Path, caplog: Any
) -> None:
    assert crawled(tmp_path, bomb(*size)).items[0]["images"] == []
    assert "pixels" in caplog.text
    assert "no image that can be read: OSError" not in caplog.text


def test_the_most_pixels_are_a_setting(tmp_path: Path, caplog: Any) -> None:
    assert crawled(tmp_path, image("PNG"), **{"images.max_pixels": 799}).items[0]["images"] == []
    assert "40 x 20 pixels; images.max_pixels is 799" in caplog.text


@pytest.mark.parametrize(
    "content",
    [b"<html>no image</html>", image("PPM"), image("PNG")[:60], image("JPEG")[:-200], image("EPS"), bomb(1000, 1000)],
    ids=["a page", "a format of no page", "half a PNG", "half a JPEG", "a program for printers", "a lying PNG"],
)
def test_what_is_no_image_is_not_kept(content: bytes, tmp_path: Path, caplog: Any) -> None:
    assert crawled(tmp_path, content).items[0]["images"] == []
    assert "no image that can be read" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_methods_may_be_overridden_as_scrapys_are(tmp_path: Path) -> None:
    from crawler.pipelines.images import ImagesPipeline

    class Mine(ImagesPipeline):
        THUMBS = {"tiny": (10, 10)}
        IMAGES_RESULT_FIELD = "mine"

        def file_path(self, request, response=None, info=None, *, item=None):
            return "name.jpg"

        def thumb_path(self, request, thumb_id, response=None, info=None, *, item=None):
            return f"{thumb_id}.jpg"

        def convert_image(self, image, size=None, *, response_body):
            return super().convert_image(image.convert("L"), size, response_body=response_body)

        def get_images(self, response, request, info, *, item=None):
            for path, image, buf in super().get_images(response, request, info, item=item):
                yield f"pictures/{path}", image, buf

    result = crawled(tmp_path, image("PNG"), Mine)
    assert result.items[0]["mine"][0]["status"] == "downloaded"
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["name.jpg", "tiny.jpg"]
    assert only(tmp_path, "pictures/tiny.jpg").size == (10, 5)


@pytest.mark.parametrize("size", [[50], "50x50", [0, 50], [50, "50"], [50.5, 50], [True, 50]])
def test_a_size_that_is_none_is_an_error_that_names_it(size: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="small"):
        crawled(tmp_path, image("PNG"), IMAGES_THUMBS={"small": size})


def test_the_name_of_a_size_cannot_lead_out_of_the_store(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'\.\./x'"):
        crawled(tmp_path, image("PNG"), IMAGES_THUMBS={"../x": [50, 50]})


def test_without_pillow_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "crawler.pipelines.images", raising=False)
    with pytest.raises(ComponentError, match=r"crawler\[images\]"):
        crawled(tmp_path, b"")
    monkeypatch.delitem(sys.modules, "crawler.pipelines.images")
