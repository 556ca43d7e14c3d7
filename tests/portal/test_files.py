"""Files of strangers: judged by content, pictures drawn anew, bombs and programs refused."""

from __future__ import annotations

import io
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from portal.files import kinds, pictures
from portal.files.kinds import Refused, accept, tidy_name
from portal.files.scanning import Clamd, ScannerDown
from portal.files.store import Store
from tests.sample_files import SECRET_PLACE, huge_png, odf, packed, photo_with_place, picture, word

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (picture("JPEG"), "jpg"),
        (picture("PNG"), "png"),
        (picture("GIF"), "png"),
        (picture("WEBP"), "jpg"),
        (b"%PDF-1.7\n...\n%%EOF\n", "pdf"),
        (word(), "docx"),
        (packed(("[Content_Types].xml", b"<T/>"), ("xl/workbook.xml", b"<w/>")), "xlsx"),
        (odf("odt"), "odt"),
        (odf("ods"), "ods"),
        ("延長線發燙\r\n請查".encode(), "txt"),
        ("延長線發燙".encode("cp950"), "txt"),
        ("延長線發燙".encode("utf-16"), "txt"),
    ],
)
def test_a_file_is_what_its_content_says(data: bytes, code: str) -> None:
    assert accept(data).kind.code == code


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "空的"),
        (b"MZ\x90\x00\x03\x00\x00\x00", kinds.UNKNOWN),
        (b"\x7fELF\x02\x01\x01\x00", kinds.UNKNOWN),
        (b"<!doctype html><script>alert(1)</script>", kinds.UNKNOWN),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', kinds.UNKNOWN),
        (packed(("evil.exe", b"MZ")), kinds.UNKNOWN),
        (word(("word/vbaProject.bin", b"x")), kinds.MACRO),
        (packed(("mimetype", kinds.KINDS["odt"].mimetype.encode()), ("Basic/a.xml", b"x")), kinds.MACRO),
        (b"PK\x03\x04 and then nothing", kinds.BROKEN),
        (b"%PDF-1.7 cut off", kinds.BROKEN),
        (picture()[:80], kinds.BROKEN),
        (b"\xff\xd8\xff and no picture", kinds.BROKEN),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", kinds.HEIC),
    ],
)
def test_whatever_is_not_on_the_list_is_refused_with_a_reason(data: bytes, why: str) -> None:
    with pytest.raises(Refused) as refused:
        accept(data)
    assert why in refused.value.message


def test_a_program_that_begins_like_a_picture_leaves_no_byte_behind() -> None:
    kept = accept(picture("JPEG") + b"<?php system($_GET['x']); ?>").data
    assert b"php" not in kept


def test_a_photo_keeps_no_place_no_camera_and_no_comment() -> None:
    sent = photo_with_place()
    kept = accept(sent).data
    assert SECRET_PLACE in sent
    assert SECRET_PLACE not in kept
    assert b"Camera of a citizen" not in kept
    with Image.open(io.BytesIO(kept)) as drawn:
        assert not drawn.getexif()
        assert drawn.info.get("comment") is None


def test_a_photo_taken_sideways_is_kept_upright() -> None:
    with Image.open(io.BytesIO(accept(photo_with_place(orientation=6)).data)) as drawn:
        assert drawn.size == (40, 60)


def test_what_is_see_through_stays_so() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (9, 9), (0, 0, 0, 0)).save(out, "WEBP", lossless=True)
    accepted = accept(out.getvalue())
    with Image.open(io.BytesIO(accepted.data)) as drawn:
        assert drawn.mode == "RGBA"
    assert accepted.kind.code == "png"


def test_a_large_photo_is_made_smaller_and_a_pixel_bomb_refused_before_it_is_decoded() -> None:
    with Image.open(io.BytesIO(accept(picture(size=(5000, 3000))).data)) as drawn:
        assert max(drawn.size) <= pictures.LONGEST_EDGE
    for edges in ((5000, 5000), (20_000, 20_000), (60_000, 60_000)):
        with pytest.raises(Refused, match="尺寸太大"):
            accept(huge_png(*edges))


def test_a_zip_bomb_is_refused_without_unpacking_it() -> None:
    with pytest.raises(Refused, match="展開後太大"):
        accept(word(("word/media/a.bmp", b"\0" * (kinds.MAX_UNPACKED + 1))))
    with pytest.raises(Refused, match="展開後太大"):
        accept(word(*((f"word/{serial}.xml", b"") for serial in range(kinds.MAX_PARTS))))


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"PK\x03\x04", b"%PDF-"]),
)
def test_no_bytes_make_the_judge_fail_in_another_way_than_by_refusing(tail: bytes, head: bytes) -> None:
    with suppress(Refused):
        assert accept(head + tail).kind.code in kinds.KINDS


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("延長線 照片.JPEG", "延長線 照片.jpg"),
        ("C:\\Users\\王\\照片.png.exe", "照片.png.jpg"),
        ("../../etc/passwd", "passwd.jpg"),
        ("invoice\u202egpj.exe", "invoice gpj.jpg"),
        (".jpg", "附件.jpg"),
        ("", "附件.jpg"),
        ("長" * 300, "長" * 96 + ".jpg"),
        ("兩行\r\n名稱.jpg", "兩行 名稱.jpg"),
    ],
)
def test_a_name_has_no_path_nothing_invisible_and_the_true_ending(sent: str, kept: str) -> None:
    assert tidy_name(sent, kinds.KINDS["jpg"]) == kept


def test_stored_names_say_nothing_and_lead_nowhere_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second = store.put(b"one"), store.put(b"one")
    assert first != second
    assert store.path(first).read_bytes() == b"one"
    assert oct(store.path(first).stat().st_mode & 0o777) == "0o600"
    for wrong in ("../secret_key", "", "a" * 31, "A" * 32, first + "/x"):
        with pytest.raises(ValueError, match="not the name"):
            store.path(wrong)
    store.delete(first)
    store.delete(first)
    assert [name for name, _ in store.older_than(datetime.now(UTC) + timedelta(minutes=1))] == [second]
    assert list(store.older_than(datetime.now(UTC) - timedelta(hours=1))) == []


@pytest.fixture
def clamd() -> Iterator[str]:
    """A scanner on loopback that knows one virus and reads the protocol as clamd does."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(20)
        worker = threading.Thread(target=_serve, args=(door,), daemon=True)
        worker.start()
        yield f"tcp://127.0.0.1:{door.getsockname()[1]}"


def _serve(door: socket.socket) -> None:
    while True:
        try:
            line, _ = door.accept()
        except OSError:
            return
        with line, line.makefile("rb") as sent:
            assert sent.read(10) == b"zINSTREAM\0"
            data = b""
            while size := struct.unpack("!L", sent.read(4))[0]:
                data += sent.read(size)
            line.sendall(b"stream: Eicar-Test FOUND\0" if EICAR in data else b"stream: OK\0")


def test_the_scanner_is_given_every_byte_and_its_finding_is_named(clamd: str) -> None:
    assert Clamd(clamd).scan(os.urandom(200_000)) == ""
    assert Clamd(clamd).scan(os.urandom(150_000) + EICAR) == "Eicar-Test"


def test_a_scanner_that_is_not_there_is_no_clean_file(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        gone = f"tcp://127.0.0.1:{door.getsockname()[1]}"
    for address in (gone, f"unix:{tmp_path / 'no.sock'}"):
        with pytest.raises(ScannerDown):
            Clamd(address).scan(b"x")
