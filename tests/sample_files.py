"""Files as citizens and attackers send them, made here and small."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image

from portal.files.kinds import KINDS

SECRET_PLACE = b"25.0330N,121.5654E"
GPS = 0x8825
PDF = b"%PDF-1.7\n...\n%%EOF\n"
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00"


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


def photo_with_place(orientation: int = 1) -> bytes:
    """A photo that tells where it was taken, with what, and how the camera was held."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Camera of a citizen"
    exif.get_ifd(GPS)[1] = "N"
    return picture(exif=exif, comment=SECRET_PLACE)


def packed(*parts: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts:
            file.writestr(name, data)
    return out.getvalue()


def word(*more: tuple[str, bytes]) -> bytes:
    return packed(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w:document/>"), *more)


def odf(kind: str) -> bytes:
    return packed(("mimetype", KINDS[kind].mimetype.encode()), ("content.xml", b"<x/>"))


def huge_png(width: int, height: int) -> bytes:
    """A few bytes that say they are a picture of so many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack("!L", len(data)) + name + data + struct.pack("!L", zlib.crc32(name + data))

    header = struct.pack("!LLBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
