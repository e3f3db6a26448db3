"""A picture that is taken over holds what `features.png` writes, and nothing else: no text, no second file, no bomb."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from mmbench import features, png

PIXELS = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
GOOD = features.png(PIXELS)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def made(head: bytes, lines: bytes, *more: bytes) -> bytes:
    return png.SIGNATURE + chunk(b"IHDR", head) + b"".join(more) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def head(width: int = 7, height: int = 5, depth: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    return struct.pack(">2I5B", width, height, depth, colour, 0, 0, interlaced)


LINES = zlib.compress(b"".join(b"\0" + line.tobytes() for line in PIXELS))


@pytest.mark.parametrize("content", [GOOD, made(head(), LINES), features.png(np.zeros((png.SIDE, png.SIDE, 3), np.uint8))])
def test_what_a_run_leaves_is_a_picture(content):
    assert png.complaint(content) == ""


FORM = f"is no picture of 8 bits a colour and at most {png.SIDE} pixels a side"


@pytest.mark.parametrize(("content", "says"), [
    (b"", "is no PNG file"),
    (b"GIF89a" + GOOD, "is no PNG file"),
    (GOOD + b"\0" * png.LIMIT, f"has more than {png.LIMIT} bytes"),
    (png.SIGNATURE, "holds more than a picture"),
    (GOOD[:-1], "is damaged"),
    (GOOD[:40], "is damaged"),
    (GOOD + b"PK", "is damaged"),
    (GOOD + GOOD[-12:], "holds more than a picture"),
    (GOOD.replace(b"IDAT", b"IDAX"), "is damaged"),
    (made(head(), LINES, chunk(b"tEXt", b"Author\0somebody")), "holds more than a picture"),
    (made(head(depth=16), LINES), FORM),
    (made(head(colour=6), LINES), FORM),
    (made(head(interlaced=1), LINES), FORM),
    (made(head(width=0), LINES), FORM),
    (made(head(height=png.SIDE + 1), LINES), FORM),
    (made(head()[:-1], LINES), FORM),
    (made(head(height=4), LINES), "is damaged"),
    (made(head(height=6), LINES), "is damaged"),
    (made(head(), LINES + b"more"), "is damaged"),
    (made(head(), b"no lines"), "is damaged"),
    (made(head(), zlib.compress(bytes(50_000_000))), "is damaged"),
])  # fmt: skip
def test_anything_else_is_named(content, says):
    assert png.complaint(content) == says


def test_a_length_beyond_the_end_is_damage():
    assert png.complaint(png.SIGNATURE + struct.pack(">I4s", 0xFFFFFFFF, b"IHDR") + b"x" * 20) == "is damaged"
