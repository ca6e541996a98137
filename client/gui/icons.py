"""The icons: what each looks like as strokes on a field of 24 by 24, and as a picture of Tk in any size and colour."""
from __future__ import annotations

import functools
import math
import tkinter as tk
from collections.abc import Sequence

from client.gui import theme
from client.gui.drawing import Area, Disc, Shape, Stroke, draw_icon


def _arc(x: float, y: float, radius: float, start: float, end: float, width: float = 2.0) -> Stroke:
    """Part of a circle line, in degrees clockwise from three o'clock."""
    steps = max(round(abs(end - start) / 24), 2)
    turns = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
    return Stroke(tuple((x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns), width)


def _closed(*points: tuple[float, float]) -> Stroke:
    return Stroke((*points, points[0]))


ICONS: dict[str, Sequence[Shape]] = {
    "home": (Stroke(((3.5, 11.5), (12, 4), (20.5, 11.5))), Stroke(((6, 10), (6, 20), (18, 20), (18, 10))),
             Stroke(((10, 20), (10, 14.5), (14, 14.5), (14, 20)))),
    "folders": (_closed((3.5, 19), (3.5, 5.5), (9.5, 5.5), (11.5, 8), (20.5, 8), (20.5, 19)),),
    "restore": (_arc(12, 12.5, 8, -150, 150), Stroke(((4.2, 4.5), (4.6, 9), (9, 8.6))),
                Stroke(((12, 8), (12, 13), (15, 14.5)))),
    "activity": (Stroke(((3, 13), (7.5, 13), (10, 5.5), (14, 19), (16.5, 13), (21, 13))),),
    "settings": (Stroke(((3.5, 7), (20.5, 7))), Stroke(((3.5, 17), (20.5, 17))), Disc(9, 7, 2.4), Disc(15, 17, 2.4)),
    "menu": (Stroke(((4, 6.5), (20, 6.5))), Stroke(((4, 12), (20, 12))), Stroke(((4, 17.5), (20, 17.5)))),
    "check": (Stroke(((6.5, 12.5), (10.5, 16.5), (17.8, 8)), 2.2),),
    "warning": (Stroke(((12, 6.5), (12, 13)), 2.2), Disc(12, 17, 1.4)),
    "cross": (Stroke(((7.5, 7.5), (16.5, 16.5)), 2.2), Stroke(((16.5, 7.5), (7.5, 16.5)), 2.2)),
    "info": (Stroke(((12, 11), (12, 17.5)), 2.2), Disc(12, 7, 1.4)),
    "dash": (Stroke(((7, 12), (17, 12)), 2.2),),
    "pause": (Stroke(((9, 7.5), (9, 16.5)), 2.4), Stroke(((15, 7.5), (15, 16.5)), 2.4)),
    "up": (Stroke(((12, 18), (12, 6.5)), 2.2), Stroke(((7, 11.5), (12, 6.5), (17, 11.5)), 2.2)),
    "clock": (Stroke(((12, 6.5), (12, 12.5), (16, 14.5)), 2.2),),
    "time": (Disc(12, 12, 8.5, 2.0), Stroke(((12, 7.5), (12, 12.5), (15, 14)))),
    "plus": (Stroke(((12, 5), (12, 19))), Stroke(((5, 12), (19, 12)))),
    "shield": (Area(((12, 3.5), (19.5, 6.3), (19, 13), (12, 20.8), (5, 13), (4.5, 6.3)), 0.8),),
    "drive": (_closed((3.5, 18.5), (3.5, 13.5), (6.5, 5.5), (17.5, 5.5), (20.5, 13.5), (20.5, 18.5)),
              Stroke(((3.5, 13.5), (20.5, 13.5))), Disc(16.8, 16, 0.9)),
    "mail": (_closed((3.5, 18), (3.5, 6), (20.5, 6), (20.5, 18)), Stroke(((4, 6.8), (12, 13), (20, 6.8)))),
    "picture": (_closed((3.5, 19), (3.5, 5), (20.5, 5), (20.5, 19)), Disc(8.5, 9.5, 1.6),
                Stroke(((4.5, 18), (10, 12.5), (13, 15.5), (16, 12), (20, 16.5)))),
    "document": (_closed((5.5, 20.5), (5.5, 3.5), (13.5, 3.5), (18.5, 8.5), (18.5, 20.5)),
                 Stroke(((9, 12), (15, 12))), Stroke(((9, 16), (15, 16)))),
    "screen": (_closed((3.5, 16), (3.5, 4.5), (20.5, 4.5), (20.5, 16)), Stroke(((8.5, 20), (15.5, 20))),
               Stroke(((12, 16), (12, 20)))),
    "key": (Disc(8, 12, 4, 2.0), Stroke(((12, 12), (20.5, 12), (20.5, 15.5))), Stroke(((16.5, 12), (16.5, 14.8)))),
    "eye": (_arc(12, 16.5, 10, -148, -32), _arc(12, 7.5, 10, 32, 148), Disc(12, 12, 2.6)),
    "filter": (Stroke(((4, 6.5), (20, 6.5))), Stroke(((7, 12), (17, 12))), Stroke(((10, 17.5), (14, 17.5)))),
}
MARKS = {"ok": "check", "warn": "warning", "error": "cross", "info": "up", "neutral": "dash", "pause": "pause",
         "clock": "clock"}
"""State → the sign inside its disc; the signs differ, so that the colour tells nothing alone."""


@functools.lru_cache(maxsize=256)
def icon(name: str, size: int, colour: str) -> tk.PhotoImage:
    """An icon of `size` logical pixels; the same picture for the same wishes."""
    return tk.PhotoImage(data=draw_icon(theme.px(size), [(colour, ICONS[name])]))


@functools.lru_cache(maxsize=64)
def mark(state: str, size: int) -> tk.PhotoImage:
    """The sign of a state (ok, warn, error, info, neutral, pause, clock) in its colours, in a disc."""
    colours = theme.palette()
    ink, ground = colours.of_state(state)
    if colours.plain:
        ink, ground = theme.as_hex(colours.text), theme.as_hex(colours.card)
    return tk.PhotoImage(data=draw_icon(theme.px(size), [(ground, (Disc(12, 12, 11.5),)), (ink, ICONS[MARKS[state]])]))


@functools.lru_cache(maxsize=16)
def box(state: str, size: int) -> tk.PhotoImage:
    """A box to tick in a tree: on, part (something below it is ticked), or off."""
    colours = theme.palette()
    edge, card, accent, white = map(theme.as_hex, (colours.control, colours.card, colours.accent, colours.on_accent))
    outer: Sequence[Shape] = (Area(((5, 5), (19, 5), (19, 19), (5, 19)), 2.5),)
    inner: Sequence[Shape] = (Area(((5.6, 5.6), (18.4, 5.6), (18.4, 18.4), (5.6, 18.4)), 1.8),)
    if state == "off":
        return tk.PhotoImage(data=draw_icon(theme.px(size), [(edge, outer), (card, inner)]))
    sign: Sequence[Shape] = (Stroke(((7.4, 12.4), (10.8, 15.8), (16.8, 8.9)), 2.2),)
    if state == "part":
        sign = (Stroke(((8, 12), (16, 12)), 2.4),)
    return tk.PhotoImage(data=draw_icon(theme.px(size), [(accent, outer), (white, sign)]))


def forget() -> None:
    """Drop every picture; after a change of colours or at the end of a window, as they belong to one Tk."""
    box.cache_clear()
    icon.cache_clear()
    mark.cache_clear()
