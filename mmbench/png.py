"""Whether a file is a picture as `mmbench.features` writes them: a small PNG of plain colours and nothing else, so that nothing can
travel in it that is not seen."""

from __future__ import annotations

import struct
import zlib

LIMIT = 1 << 20  # bytes; the largest so far has 106 kB
SIDE = 2048  # pixels; 6 tiles are 394 across, 5 modalities with labels 1450 down
SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNKS = [b"IHDR", b"IDAT", b"IEND"]
PLAIN = (8, 2, 0, 0, 0)  # 8 bits of red, green and blue; no transparency, not interlaced


def complaint(content: bytes) -> str:
    """What is wrong with these bytes as such a picture, in words that follow its name; "" if nothing is."""
    if len(content) > LIMIT:
        return f"has more than {LIMIT} bytes"
    if not content.startswith(SIGNATURE):
        return "is no PNG file"
    try:
        chunks = _chunks(content)
    except (struct.error, ValueError):
        return "is damaged"
    if [kind for kind, _ in chunks] != CHUNKS:
        return "holds more than a picture"
    (_, head), (_, packed), (_, end) = chunks
    width, height, *form = struct.unpack(">2I5B", head) if len(head) == 13 else (0, 0)
    if tuple(form) != PLAIN or not 0 < width <= SIDE or not 0 < height <= SIDE:
        return f"is no picture of 8 bits a colour and at most {SIDE} pixels a side"
    return "" if _fills(packed, (3 * width + 1) * height) and not end else "is damaged"


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, data) of each, to the last byte; ValueError for a wrong length or sum."""
    found, at = [], len(SIGNATURE)
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        data, at = content[at + 8 : at + 8 + length], at + length + 12
        if struct.unpack_from(">I", content, at - 4)[0] != zlib.crc32(kind + data):
            raise ValueError(kind)
        found.append((kind, data))
    return found


def _fills(packed: bytes, size: int) -> bool:
    """Whether the lines unpack to this many bytes; never unpacks more."""
    unpacker = zlib.decompressobj()
    try:
        lines = unpacker.decompress(packed, size + 1)
    except zlib.error:
        return False
    return len(lines) == size and unpacker.eof and not unpacker.unused_data
