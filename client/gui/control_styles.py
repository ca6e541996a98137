"""How controls look: buttons, fields, boxes to tick and progress bars, drawn when the first of a kind is made."""
from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import Any

from client.gui import theme
from client.gui.drawing import Area, Box, Disc, Shape, Stroke, draw_icon
from client.gui.style_parts import RING, box, element, ground_colour, picture
from client.gui.theme import BODY, palette, px

_drawn: set[tuple[str, str]] = set()


def ready(part: str, ground: str) -> None:
    """Draw what a widget needs when the first of its kind is made: button, field, choice or progress, on a ground."""
    if palette().plain or (part, ground) in _drawn:
        return
    _drawn.add((part, ground))
    draw = {"button": _draw_buttons, "field": _draw_fields, "choice": _draw_choices, "progress": _draw_progress}[part]
    draw(ttk.Style(), ground)


def forget_drawn() -> None:
    """Draw everything anew when it is needed: the theme has changed."""
    _drawn.clear()


def _draw_buttons(style: ttk.Style, ground: str) -> None:
    colours, behind = palette(), ground_colour(ground)
    off = {"fill": colours.disabled_ground}
    plain = {"fill": colours.card, "border": colours.control}
    looks = {
        "Primary": (colours.on_accent, {"fill": colours.accent}, {"fill": colours.accent_hover},
                    {"fill": colours.accent_pressed}, off),
        "Secondary": (colours.text, plain, plain | {"fill": colours.hover}, plain | {"fill": colours.pressed}, off),
        "Danger": (colours.error[0], plain | {"border": colours.error[0]},
                   {"fill": colours.error[1], "border": colours.error[0]},
                   {"fill": colours.error[1], "border": colours.error[0]}, off),
        "Quiet": (colours.accent, {"fill": behind}, {"fill": colours.hover}, {"fill": colours.pressed},
                  {"fill": behind}),
    }
    shape = box(6, margin=RING, ring=2)
    for kind, (text, rest, hover, pressed, disabled) in looks.items():
        name = f"{ground}.{kind}.button"
        ringed = {"ring": colours.accent, "ground": behind}
        element(style, name, shape, [
            (("disabled",), disabled | {"ground": behind}),
            (("pressed", "!disabled"), pressed | {"ground": behind}),
            (("focus", "active"), hover | ringed),
            (("focus",), rest | ringed),
            (("active",), hover | {"ground": behind}),
            ((), rest | {"ground": behind}),
        ])
        button = f"{ground}.{kind}.TButton"
        style.layout(button, [(name, {"sticky": "nsew", "children": [
            ("Button.padding", {"sticky": "nsew", "children": [("Button.label", {"sticky": "nsew"})]})]})])
        sides = px(10 if kind == "Quiet" else 14) + px(RING)
        style.configure(button, background=behind, foreground=text, anchor="center", font=BODY,
                        padding=(sides, px(7) + px(RING)), shiftrelief=0)
        style.map(button, foreground=[("disabled", colours.disabled)])


def _draw_fields(style: ttk.Style, ground: str) -> None:
    colours, behind = palette(), ground_colour(ground)
    rest = {"ground": behind, "fill": colours.card, "border": colours.control}
    looks = [
        (("disabled",), rest | {"fill": colours.disabled_ground, "border": colours.line}),
        (("invalid", "focus"), rest | {"border": colours.error[0], "ring": colours.error[0]}),
        (("invalid",), rest | {"border": colours.error[0]}),
        (("focus",), rest | {"border": colours.accent, "ring": colours.accent}),
        ((), rest),
    ]
    element(style, f"{ground}.field", box(6, margin=2, ring=1), looks)
    arrow: list[Shape] = [Stroke(((7, 10), (12, 15), (17, 10)), 2.2)]
    drawn = picture(draw_icon(px(16), [(theme.as_hex(colours.secondary), arrow)]))
    style.element_create(f"{ground}.downarrow", "image", drawn, sticky="e", border=0)
    field: dict[str, Any] = {"padding": (px(9) + px(2), px(7)), "foreground": colours.text, "background": behind,
             "fieldbackground": colours.card, "insertcolor": colours.text, "selectbackground": colours.selected,
             "selectforeground": colours.selected_text, "insertwidth": max(px(1), 1)}
    for widget, label in (("TEntry", "Entry"), ("TCombobox", "Combobox"), ("TSpinbox", "Spinbox")):
        inner: list[Any] = [
            (f"{label}.padding", {"sticky": "nsew", "children": [(f"{label}.textarea", {"sticky": "nsew"})]})]
        if widget == "TCombobox":
            inner = [(f"{ground}.downarrow", {"side": "right", "sticky": ""}), *inner]
        if widget == "TSpinbox":
            inner = [("null", {"side": "right", "sticky": "", "children": [
                ("Spinbox.uparrow", {"side": "top", "sticky": "e"}),
                ("Spinbox.downarrow", {"side": "bottom", "sticky": "e"})]}), *inner]
        style.layout(f"{ground}.{widget}", [(f"{ground}.field", {"sticky": "nsew", "children": inner})])
        style.configure(f"{ground}.{widget}", **field, arrowcolor=colours.secondary, arrowsize=px(11))
        style.map(f"{ground}.{widget}", foreground=[("disabled", colours.disabled)],
                  selectbackground=[("readonly", colours.card)], selectforeground=[("readonly", colours.text)])


def _draw_choices(style: ttk.Style, ground: str) -> None:
    """The indicators of check boxes and radio buttons, 18 pixels with 3 for the ring."""
    colours, behind = palette(), ground_colour(ground)
    tick: list[Shape] = [Stroke(((8.2, 12.3), (11, 15), (16, 9.3)), 2.0)]
    square = [Area(((6, 6), (18, 6), (18, 18), (6, 18)), 2.5)]
    inside = [Area(((6.6, 6.6), (17.4, 6.6), (17.4, 17.4), (6.6, 17.4)), 1.8)]
    shapes: dict[str, tuple[list[Shape], list[Shape], list[Shape], list[Shape]]] = {
        "Check": ([Area(((4, 4), (20, 4), (20, 20), (4, 20)), 3.5)], list(square), list(inside), tick),
        "Radio": ([Disc(12, 12, 11.5)], [Disc(12, 12, 8.5)], [Disc(12, 12, 7.2)], [Disc(12, 12, 3.6)]),
    }
    gap = {"Check": [Area(((5, 5), (19, 5), (19, 19), (5, 19)), 2.8)], "Radio": [Disc(12, 12, 10)]}
    for kind, (ring, outer, inner, sign) in shapes.items():
        halo = [(colours.accent, ring), (behind, gap[kind])]

        def draw(edge: str, fill: str, ink: str = "", *, focus: bool = False, parts: Any = (halo, outer, inner, sign),
                 ) -> tk.PhotoImage:
            halo, outer, inner, sign = parts
            layers = [*(halo if focus else []), (edge, outer), (fill, inner), *([(ink, sign)] if ink else [])]
            return picture(draw_icon(px(24), layers))

        accent, white = colours.accent, colours.on_accent
        indicator = f"{ground}.{kind}.indicator"
        style.element_create(
            indicator, "image", draw(colours.control, colours.card),
            ("disabled", "selected", draw(colours.line, colours.disabled_ground, colours.disabled)),
            ("disabled", draw(colours.line, colours.disabled_ground)),
            ("selected", "focus", draw(accent, accent, white, focus=True)), ("selected", draw(accent, accent, white)),
            ("focus", draw(colours.control, colours.card, focus=True)), sticky="w", border=0)
        widget = f"{ground}.T{kind}button"
        style.layout(widget, [(f"{kind}button.padding", {"sticky": "nsew", "children": [
            (indicator, {"side": "left", "sticky": ""}),
            (f"{kind}button.label", {"side": "left", "sticky": "nsew"})]})])
        style.configure(widget, background=behind, foreground=colours.text, font=BODY, padding=(0, px(4)))
        style.map(widget, foreground=[("disabled", colours.disabled)], background=[])


def _draw_progress(style: ttk.Style, ground: str) -> None:
    colours, behind = palette(), ground_colour(ground)
    flat = Box(0, px(4), 1, centre=px(32), centre_high=1)
    element(style, f"{ground}.trough", flat, [((), {"ground": behind, "fill": colours.line})])
    element(style, f"{ground}.pbar", flat, [((), {"ground": colours.line, "fill": colours.accent})])
    name = f"{ground}.Horizontal.TProgressbar"
    style.layout(name, [(f"{ground}.trough", {"sticky": "ew", "children": [
        (f"{ground}.pbar", {"side": "left", "sticky": "ns"})]})])
    style.configure(name, background=behind, thickness=px(8))
