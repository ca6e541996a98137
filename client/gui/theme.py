"""Sizes, fonts and colours of the window, the same for every page; nothing in a view is a literal pixel or colour.

One window lives at a time, and Tk's fonts and styles belong to its process, so what is chosen here is kept here.
"""
from __future__ import annotations

import tkinter as tk
import tkinter.font as tkfont
from typing import Any

from client.gui.palette import COLOURS, Palette, system_palette

BODY, SMALL, STRONG, HEADING, TITLE, LARGE, MONO = (
    "IbsBody", "IbsSmall", "IbsStrong", "IbsHeading", "IbsTitle", "IbsLarge", "IbsMono",
)
"""The names of the fonts: running text, small print, emphasis, a card's heading, a page's, a figure, codes."""
POINTS = {BODY: (10, "normal"), SMALL: (9, "normal"), STRONG: (10, "bold"), HEADING: (11, "bold"),
          TITLE: (15, "bold"), LARGE: (14, "bold"), MONO: (11, "normal")}
STANDARD_DPI = 96.0
DPI_STEP = 4.8
"""Screens tell their size in millimetres, so that 95.9 means 96."""
NARROW = 640
"""In a window below so many logical pixels the sidebar becomes a menu."""
TIGHT = 600
"""Beside the sidebar, a page below so many logical pixels puts buttons below words, and rows into two lines."""
MINIMUM = (360, 480)

_kept: dict[str, float] = {"dpi": STANDARD_DPI}
_palettes: list[Palette] = [COLOURS]


def px(number: float) -> int:
    """So many logical pixels (96 to the inch) in those of this screen."""
    return round(number * _kept["dpi"] / STANDARD_DPI)


def palette() -> Palette:
    """The colours in force."""
    return _palettes[-1]


def prepare(root: tk.Misc, *, contrast: bool = False, dpi: float | None = None) -> None:
    """Take the screen's resolution, choose the colours, make the fonts. Before any widget."""
    told = dpi or float(root.winfo_fpixels("1i"))
    _kept["dpi"] = min(max(round(told / DPI_STEP) * DPI_STEP, 72.0), 480.0)
    root.tk.call("tk", "scaling", _kept["dpi"] / 72)
    _palettes[:] = [system_palette() if contrast else COLOURS]
    default = tkfont.nametofont("TkDefaultFont", root).actual("family")
    fixed = tkfont.nametofont("TkFixedFont", root).actual("family")
    known = set(tkfont.names(root))
    for name, (points, weight) in POINTS.items():
        family = fixed if name == MONO else default
        how: dict[str, Any] = {"family": family, "size": points, "weight": weight}
        if name in known:
            tkfont.nametofont(name, root).configure(**how)
        else:
            root.tk.call("font", "create", name, *(word for key, value in how.items() for word in (f"-{key}", value)))


def measure(text: str, font: str = BODY) -> int:
    """How wide a line of text is, in this screen's pixels."""
    return int(tkfont.nametofont(font).measure(text))


def line_height(font: str = BODY) -> int:
    """How high a line of text is."""
    return int(tkfont.nametofont(font).metrics("linespace"))


def fit(text: str, width: int, font: str = BODY, *, at_end: bool = False) -> str:
    """`text`, with an ellipsis in its middle when it is wider than `width` pixels: both ends of a path tell most.

    `at_end` keeps the beginning instead, as of a sentence.
    """
    if width <= 0 or measure(text, font) <= width:
        return text
    least, most = 0, len(text)
    while least < most:
        kept = (least + most + 1) // 2
        if measure(_shortened(text, kept, at_end), font) <= width:
            least = kept
        else:
            most = kept - 1
    return _shortened(text, least, at_end)


def _shortened(text: str, kept: int, at_end: bool) -> str:
    if at_end:
        return f"{text[:kept]}…"
    head = kept // 3
    return text[:head] + "…" + text[len(text) - (kept - head):] if kept else "…"


def as_hex(colour: str) -> str:
    """Any colour of Tk as #rrggbb."""
    if colour.startswith("#"):
        return colour
    root = tk._default_root  # type: ignore[attr-defined]
    red, green, blue = root.winfo_rgb(colour)
    return f"#{red >> 8:02x}{green >> 8:02x}{blue >> 8:02x}"
