"""The picture beside the installer's last page: the two sheets of the icon, as a bitmap that makensis takes."""
from __future__ import annotations

import struct

WIDTH, HEIGHT = 164, 314
NAVY, BLUE, WHITE, CHECK = (0x14, 0x21, 0x3D), (0x3B, 0x5B, 0xDB), (0xFF, 0xFF, 0xFF), (0x17, 0x5C, 0xD3)
Colour = tuple[int, int, int]


def draw() -> bytes:
    """A Windows bitmap of 24 bits a pixel."""
    rows = [[_colour(across, down) for across in range(WIDTH)] for down in range(HEIGHT)]
    padding = b"\0" * (-WIDTH * 3 % 4)
    pixels = b"".join(
        b"".join(bytes((blue, green, red)) for red, green, blue in row) + padding for row in reversed(rows))
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    return struct.pack("<2sIHHI", b"BM", 14 + len(head) + len(pixels), 0, 0, 14 + len(head)) + head + pixels


def _colour(across: int, down: int) -> Colour:
    if 66 <= across < 122 and 120 <= down < 192:
        return CHECK if _on_check(across - 94, down - 160) else WHITE
    if 46 <= across < 102 and 108 <= down < 180:
        return BLUE
    return NAVY


def _on_check(across: int, down: int) -> bool:
    """Near one of the two lines of the check mark."""
    falls = abs(down - across - 12) <= 4 and -20 <= across <= -6
    rises = abs(down + across) <= 4 and -7 <= across <= 18
    return falls or rises
