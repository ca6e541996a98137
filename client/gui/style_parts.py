"""What styles are drawn with: the ground a widget stands on, its colour, and elements made of nine parts."""
from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import Any

from client.gui.drawing import Box, draw_box
from client.gui.theme import palette, px

RING = 4
"""Logical pixels around a control where its focus ring stands: two of ring, two of gap."""
_pictures: list[tk.PhotoImage] = []


def ground_of(widget: tk.Misc) -> str:
    """What a widget inside this one stands on: Card, Nav or Page."""
    at: tk.Misc | None = widget
    while at is not None:
        ground = getattr(at, "ground", "")
        if ground:
            return str(ground)
        at = at.master
    return "Page"


def ground_colour(ground: str) -> str:
    """The colour of a ground: Page, Card or Nav."""
    colours = palette()
    return {"Page": colours.page, "Nav": colours.nav}.get(ground, colours.card)


def forget_pictures() -> None:
    """Drop the pictures of the theme before."""
    _pictures.clear()


def picture(data: bytes) -> tk.PhotoImage:
    """A picture that lives as long as the theme."""
    made = tk.PhotoImage(data=data)
    _pictures.append(made)
    return made


def box(radius: float, border: float = 1, *, margin: float = 0, ring: float = 0) -> Box:
    """A rounded box, its sizes in logical pixels."""
    return Box(px(margin), px(radius), max(px(border), 1), px(ring) if ring else 0)


def element(style: ttk.Style, name: str, box: Box, looks: list[tuple[tuple[str, ...], dict[str, str]]]) -> None:
    """An element of nine parts: `looks` are (states, colours), the first match counts, the last one without states."""
    drawn: list[Any] = [(*states, picture(draw_box(box, **colours))) for states, colours in looks]
    style.element_create(name, "image", drawn[-1][-1], *drawn[:-1], border=box.corner, padding=0, sticky="nsew")
