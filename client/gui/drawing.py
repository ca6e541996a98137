"""Small smooth pictures without image files: rounded boxes for the theme, line icons, both drawn for any resolution.

Tk draws lines and circles with steps. Here each pixel gets as much of a colour as the shape covers of it, which
costs a millisecond per picture, and the picture is as sharp at 200 % as at 100 %.
"""
from __future__ import annotations

import functools
import itertools
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Colour = tuple[int, int, int]
Point = tuple[float, float]
Span = tuple[float, float]
LINES = 4
"""Each row of pixels is looked at in so many lines; from left to right the cover is exact."""


def rgb(name: str) -> Colour:
    """The three parts of a colour such as #175cd3."""
    return int(name[1:3], 16), int(name[3:5], 16), int(name[5:7], 16)


def mix(under: Colour, over: Colour, share: float) -> Colour:
    """`over` laid on `under` so that it covers `share` of it."""
    first, second, third = (round(low + (high - low) * share) for low, high in zip(under, over, strict=True))
    return first, second, third


def png(width: int, height: int, rows: Sequence[bytes], *, alpha: bool) -> bytes:
    """A picture from its rows of RGB or RGBA bytes."""
    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 6 if alpha else 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")


@dataclass(frozen=True)
class Box:
    """A rounded box in pixels: `margin` around it, where its `ring` of `ring_width` pixels stands when it has one."""

    margin: int
    radius: int
    border_width: int = 1
    ring_width: int = 0
    centre: int = 24
    centre_high: int = 24

    @property
    def corner(self) -> int:
        """Pixels from the picture's edge to where the box is straight."""
        return self.margin + max(self.radius, self.border_width) + 1


def draw_box(
    box: Box, *, ground: str, fill: str, border: str = "", ring: str = "",
) -> bytes:
    """A PNG of the box on `ground`; its corners stay, its centre may be repeated. No border means one like `fill`."""
    looks = [_blend(share, rgb(ground), rgb(ring or ground), rgb(border or fill), rgb(fill))
             for share in _corner(box)[1]]
    pixels, size = _corner(box)[0], box.corner
    rows = []
    for line in range(size):
        left = [bytes(looks[at]) for at in pixels[line * size:(line + 1) * size]]
        rows.append(b"".join(left) + left[-1] * box.centre + b"".join(reversed(left)))
    width, height = 2 * size + box.centre, 2 * size + box.centre_high
    return png(width, height, [*rows, *[rows[-1]] * box.centre_high, *reversed(rows)], alpha=False)


def _blend(share: tuple[float, float, float], ground: Colour, ring: Colour, border: Colour, fill: Colour) -> Colour:
    return mix(mix(mix(ground, ring, share[0]), border, share[1]), fill, share[2])


@functools.lru_cache(maxsize=64)
def _corner(box: Box) -> tuple[list[int], list[tuple[float, float, float]]]:
    """The upper left corner: for each pixel the number of a look, and the looks as shares of ring, border and fill."""
    looks: dict[tuple[float, float, float], int] = {}
    pixels = []
    middle = box.margin + box.radius
    for row in range(box.corner):
        for column in range(box.corner):
            across, down = max(middle - column - 0.5, 0.0), max(middle - row - 0.5, 0.0)
            away = math.hypot(across, down) if across and down else max(across, down)
            outer, inner = box.radius, box.radius - box.border_width
            ring = _covered(away, outer + box.margin) - _covered(away, outer + box.margin - box.ring_width)
            look = (round(ring, 2), round(_covered(away, outer), 2), round(_covered(away, inner), 2))
            pixels.append(looks.setdefault(look, len(looks)))
    return pixels, list(looks)


def _covered(away: float, radius: float) -> float:
    return min(max(radius - away + 0.5, 0.0), 1.0)


@dataclass(frozen=True)
class Stroke:
    """A line through points, with round ends; coordinates of a picture that is 24 wide and high."""

    points: tuple[Point, ...]
    width: float = 2.0

    def spans(self, y: float) -> Iterator[Span]:
        """Where the height `y` lies inside, from left to right end."""
        reach = self.width / 2
        for start, end in zip(self.points, self.points[1:], strict=False):
            if min(start[1], end[1]) - reach <= y <= max(start[1], end[1]) + reach:
                yield from _capsule(start, end, reach, y)


@dataclass(frozen=True)
class Disc:
    """A filled circle, or a circle line when it has a `width`."""

    x: float
    y: float
    radius: float
    width: float = 0.0

    def spans(self, y: float) -> Iterator[Span]:
        """Where the height `y` lies inside, from left to right end."""
        outer = _chord(self.radius + self.width / 2, y - self.y)
        inner = _chord(self.radius - self.width / 2, y - self.y) if self.width else 0.0
        if inner:
            yield self.x - outer, self.x - inner
            yield self.x + inner, self.x + outer
        elif outer:
            yield self.x - outer, self.x + outer


@dataclass(frozen=True)
class Area:
    """A filled convex polygon with rounded corners."""

    points: tuple[Point, ...]
    round: float = 1.0

    def spans(self, y: float) -> Iterator[Span]:
        """Where the height `y` lies inside, from left to right end."""
        closed = (*self.points, self.points[0])
        edges = list(Stroke(closed, self.round * 2).spans(y))
        if edges:
            yield min(left for left, _ in edges), max(right for _, right in edges)


Shape = Stroke | Disc | Area


def _chord(radius: float, away: float) -> float:
    """Half the width of a circle at a height `away` from its middle; 0 outside."""
    return math.sqrt(radius * radius - away * away) if abs(away) < radius else 0.0


def _capsule(start: Point, end: Point, reach: float, y: float) -> Iterator[Span]:
    """The points no farther than `reach` from a segment, at the height `y`: they are convex, so one span at most."""
    found = [x for place in (start, end) if (half := _chord(reach, y - place[1]))
             for x in (place[0] - half, place[0] + half)]
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length = math.hypot(along_x, along_y)
    if length:
        off_x, off_y = -along_y / length * reach, along_x / length * reach
        corners = ((start[0] + off_x, start[1] + off_y), (end[0] + off_x, end[1] + off_y),
                   (end[0] - off_x, end[1] - off_y), (start[0] - off_x, start[1] - off_y))
        for (left, top), (right, bottom) in zip(corners, (*corners[1:], corners[0]), strict=True):
            if (top > y) != (bottom > y):
                found.append(left + (right - left) * (y - top) / (bottom - top))
    if found:
        yield min(found), max(found)


@functools.lru_cache(maxsize=128)
def _mask(size: int, shapes: tuple[Shape, ...]) -> list[tuple[int, ...]]:
    """How much of each pixel the shapes cover, row by row, from 0 to 255."""
    scale = size / 24
    rows = []
    for row in range(size):
        changes = [0.0] * (size + 2)
        for step in range(LINES):
            y = (row + (step + 0.5) / LINES) / scale
            for left, right in _joined(sorted(span for shape in shapes for span in shape.spans(y))):
                for x, sign in ((left * scale, 1.0), (right * scale, -1.0)):
                    place = min(max(x, 0.0), float(size))
                    whole = int(place)
                    changes[whole] += sign * (1 - place + whole)
                    changes[whole + 1] += sign * (place - whole)
        rows.append(tuple(round(share * 255 / LINES) for share in itertools.accumulate(changes[:size])))
    return rows


def _joined(spans: list[Span]) -> Iterator[Span]:
    """Sorted spans as ones that do not overlap."""
    start, end = math.inf, -math.inf
    for left, right in spans:
        if left > end:
            if end >= start:
                yield start, end
            start, end = left, right
        else:
            end = max(end, right)
    if end >= start:
        yield start, end


class _Looks(dict[tuple[int, ...], bytes]):
    """Coverage by each layer → the pixel, mixed once."""

    def __init__(self, colours: Sequence[Colour]) -> None:
        self._colours = colours

    def __missing__(self, shares: tuple[int, ...]) -> bytes:
        seen: Colour = (0, 0, 0)
        opacity = 0.0
        for colour, share in zip(self._colours, shares, strict=True):
            if share:
                total = share / 255 + opacity * (1 - share / 255)
                seen = mix(seen, colour, share / 255 / total) if opacity else colour
                opacity = total
        made = self[shares] = bytes((*seen, round(opacity * 255)))
        return made


def draw_icon(size: int, layers: Sequence[tuple[str, Sequence[Shape]]]) -> bytes:
    """A PNG of `size` pixels with a clear ground: each layer is a colour and the shapes that it fills."""
    masks = [_mask(size, tuple(shapes)) for _, shapes in layers]
    looks = _Looks([rgb(name) for name, _ in layers])
    rows = [b"".join(map(looks.__getitem__, zip(*lines, strict=True))) for lines in zip(*masks, strict=True)]
    return png(size, size, rows, alpha=True)
