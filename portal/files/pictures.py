"""Pictures drawn anew: what is kept holds no place, no device, no thumbnail and nothing after the end."""

from __future__ import annotations

import io
import threading

from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "MPO")
PHOTOS = frozenset({"JPEG", "MPO", "WEBP"})
MAX_PIXELS = 24_000_000
"""Of what is decoded. A larger JPEG is decoded at a half, a quarter or an eighth, as its format allows."""
DRAFT = (2000, 2000)
LONGEST_EDGE = 3200
"""Pixels of the picture that is kept: a label photographed from arm's length stays readable."""
QUALITY = 88

_one_at_a_time = threading.Lock()


class Unreadable(ValueError):
    """No picture, or a broken one."""


class TooLarge(ValueError):
    message = f"圖片的尺寸太大（超過 {MAX_PIXELS // 10_000:,} 萬像素），請縮小後再附上。"


def redraw(data: bytes) -> tuple[str, bytes]:
    """The picture's kind ("jpg" or "png") and its bytes, upright and without anything but pixels.

    Raises Unreadable, or TooLarge before a pixel is decoded. One picture at a time, so that a web process
    never holds more than one in memory.
    """
    with _one_at_a_time:
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                picture.draft("RGB", DRAFT)
                if picture.width * picture.height > MAX_PIXELS:
                    raise TooLarge
                return _saved(_upright(picture), photo=picture.format in PHOTOS)
        except (TooLarge, Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise TooLarge from None
        except Exception as fault:  # decoders raise whatever a broken file leads them to
            raise Unreadable from fault


def _upright(picture: Image.Image) -> Image.Image:
    """Pixels only: turned as the camera was held, at most LONGEST_EDGE long."""
    turned: Image.Image = ImageOps.exif_transpose(picture)
    see_through = turned.mode in {"RGBA", "LA", "PA"} or "transparency" in turned.info
    plain = turned.convert("RGBA" if see_through else "RGB")
    plain.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    return bare


def _saved(picture: Image.Image, *, photo: bool) -> tuple[str, bytes]:
    """A photo stays a JPEG; drawings, screenshots and whatever is see-through become PNG."""
    out = io.BytesIO()
    if photo and picture.mode == "RGB":
        picture.save(out, "JPEG", quality=QUALITY)
        return "jpg", out.getvalue()
    picture.save(out, "PNG")
    return "png", out.getvalue()
