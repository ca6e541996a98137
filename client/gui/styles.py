"""The flat ttk theme on clam, in the portal's colours, and the plain one for readers who asked for high contrast.

A widget's style is named after the ground it stands on (Page, Card, Nav), as its rounded corners show that ground.
"""
from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import Any

from client.gui import theme
from client.gui.drawing import Area, Box, Disc, Shape, Stroke, draw_box, draw_icon
from client.gui.theme import BODY, HEADING, LARGE, MONO, SMALL, STRONG, TITLE, line_height, palette, px

NAME = "ibs"
GROUNDS = ("Page", "Card")
KINDS = ("Primary", "Secondary", "Danger", "Quiet")
TEXTS = {"": BODY, "Small.": SMALL, "Strong.": STRONG, "Heading.": HEADING, "Title.": TITLE, "Large.": LARGE,
         "Mono.": MONO}
RING = 4
"""Logical pixels around a control where its focus ring stands: two of ring, two of gap."""

_pictures: list[tk.PhotoImage] = []
_drawn: set[tuple[str, str]] = set()


def apply(root: tk.Misc) -> None:
    """Make the theme and use it; again after the colours have changed."""
    style = ttk.Style(root)
    _pictures.clear()
    _drawn.clear()
    if palette().plain:
        style.theme_use("vista" if "vista" in style.theme_names() else "default")
        _write_texts(style)
        style.configure("Treeview", rowheight=line_height() + px(12))
        style.configure("Tall.Treeview", rowheight=2 * line_height() + px(16))
        return
    name = NAME
    while name in style.theme_names():
        name += "+"
    style.theme_create(name, parent="clam")
    style.theme_use(name)
    _write_texts(style)
    _draw_cards(style)
    _draw_navigation(style)
    _draw_scrollbars(style)
    _write_tables(style)
    _write_lists(root)


def ready(part: str, ground: str) -> None:
    """Draw what a widget needs when the first of its kind is made: button, field, choice or progress, on a ground."""
    if palette().plain or (part, ground) in _drawn:
        return
    _drawn.add((part, ground))
    draw = {"button": _draw_buttons, "field": _draw_fields, "choice": _draw_choices, "progress": _draw_progress}[part]
    draw(ttk.Style(), ground)


def ground_colour(ground: str) -> str:
    """The colour of a ground: Page, Card or Nav."""
    colours = palette()
    return {"Page": colours.page, "Nav": colours.nav}.get(ground, colours.card)


def _picture(data: bytes) -> tk.PhotoImage:
    made = tk.PhotoImage(data=data)
    _pictures.append(made)
    return made


def _write_texts(style: ttk.Style) -> None:
    colours = palette()
    style.configure(".", font=BODY, background=colours.page, foreground=colours.text, borderwidth=0,
                    focuscolor=colours.accent)
    for ground in (*GROUNDS, "Nav"):
        behind = ground_colour(ground)
        style.configure(f"{ground}.TFrame", background=behind)
        front = colours.nav_text if ground == "Nav" else colours.text
        for prefix, font in TEXTS.items():
            style.configure(f"{ground}.{prefix}TLabel", background=behind, foreground=front, font=font)
        faint = colours.nav_foot if ground == "Nav" else colours.secondary
        style.configure(f"{ground}.Secondary.TLabel", background=behind, foreground=faint, font=BODY)
        style.configure(f"{ground}.Faint.TLabel", background=behind, foreground=faint, font=SMALL)
        for state in ("ok", "warn", "error", "info", "neutral"):
            ink = colours.of_state(state)[0]
            style.configure(f"{ground}.{state.title()}.TLabel", background=behind, foreground=ink, font=STRONG)
            style.configure(f"{ground}.Small{state.title()}.TLabel", background=behind, foreground=ink, font=SMALL)
    style.configure("Nav.Title.TLabel", foreground=colours.nav_selected_text, font=HEADING)
    style.configure("Line.TFrame", background=colours.line)


def _box(radius: float, border: float = 1, *, margin: float = 0, ring: float = 0) -> Box:
    return Box(px(margin), px(radius), max(px(border), 1), px(ring) if ring else 0)


def _element(style: ttk.Style, name: str, box: Box, looks: list[tuple[tuple[str, ...], dict[str, str]]]) -> None:
    """An element of nine parts: `looks` are (states, colours), the first match counts, the last one without states."""
    drawn: list[Any] = [(*states, _picture(draw_box(box, **colours))) for states, colours in looks]
    style.element_create(name, "image", drawn[-1][-1], *drawn[:-1], border=box.corner, padding=0, sticky="nsew")


def _draw_cards(style: ttk.Style) -> None:
    colours = palette()
    for name, fill, border in (
        ("Card", colours.card, colours.line), ("Error", colours.card, colours.error[0]),
        ("Warn", colours.card, colours.warn[0]),
    ):
        _element(style, f"{name}.box", _box(8), [((), {"ground": colours.page, "fill": fill, "border": border})])
        style.layout(f"{name}.Box.TFrame", [(f"{name}.box", {"sticky": "nsew"})])
        style.configure(f"{name}.Box.TFrame", background=colours.page)
    focus = {"ground": colours.page, "fill": colours.card, "border": colours.accent}
    rest = {"ground": colours.page, "fill": colours.card, "border": colours.line}
    _element(style, "List.box", _box(8, 2), [(("focus",), focus), ((), rest | {"border": colours.line})])
    style.layout("List.Box.TFrame", [("List.box", {"sticky": "nsew"})])
    style.configure("List.Box.TFrame", background=colours.page)


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
    box = _box(6, margin=RING, ring=2)
    for kind, (text, rest, hover, pressed, disabled) in looks.items():
        element = f"{ground}.{kind}.button"
        ringed = {"ring": colours.accent, "ground": behind}
        _element(style, element, box, [
            (("disabled",), disabled | {"ground": behind}),
            (("pressed", "!disabled"), pressed | {"ground": behind}),
            (("focus", "active"), hover | ringed),
            (("focus",), rest | ringed),
            (("active",), hover | {"ground": behind}),
            ((), rest | {"ground": behind}),
        ])
        name = f"{ground}.{kind}.TButton"
        style.layout(name, [(element, {"sticky": "nsew", "children": [
            ("Button.padding", {"sticky": "nsew", "children": [("Button.label", {"sticky": "nsew"})]})]})])
        sides = px(10 if kind == "Quiet" else 14) + px(RING)
        style.configure(name, background=behind, foreground=text, anchor="center", font=BODY,
                        padding=(sides, px(7) + px(RING)), shiftrelief=0)
        style.map(name, foreground=[("disabled", colours.disabled)])


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
    _element(style, f"{ground}.field", _box(6, margin=2, ring=1), looks)
    arrow: list[Shape] = [Stroke(((7, 10), (12, 15), (17, 10)), 2.2)]
    picture = _picture(draw_icon(px(16), [(theme.as_hex(colours.secondary), arrow)]))
    style.element_create(f"{ground}.downarrow", "image", picture, sticky="e", border=0)
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
            return _picture(draw_icon(px(24), layers))

        accent, white = colours.accent, colours.on_accent
        element = f"{ground}.{kind}.indicator"
        style.element_create(
            element, "image", draw(colours.control, colours.card),
            ("disabled", "selected", draw(colours.line, colours.disabled_ground, colours.disabled)),
            ("disabled", draw(colours.line, colours.disabled_ground)),
            ("selected", "focus", draw(accent, accent, white, focus=True)), ("selected", draw(accent, accent, white)),
            ("focus", draw(colours.control, colours.card, focus=True)), sticky="w", border=0)
        widget = f"{ground}.T{kind}button"
        style.layout(widget, [(f"{kind}button.padding", {"sticky": "nsew", "children": [
            (element, {"side": "left", "sticky": ""}), (f"{kind}button.label", {"side": "left", "sticky": "nsew"})]})])
        style.configure(widget, background=behind, foreground=colours.text, font=BODY, padding=(0, px(4)))
        style.map(widget, foreground=[("disabled", colours.disabled)], background=[])


def _draw_navigation(style: ttk.Style) -> None:
    colours = palette()
    base = {"ground": colours.nav}
    ring = base | {"border": colours.nav_focus}
    _element(style, "Nav.item", Box(0, px(6), max(px(2), 1)), [
        (("selected", "focus"), ring | {"fill": colours.nav_selected}),
        (("selected",), base | {"fill": colours.nav_selected}),
        (("focus",), ring | {"fill": colours.nav}),
        (("active",), base | {"fill": colours.nav_hover}),
        ((), base | {"fill": colours.nav}),
    ])
    style.layout("Nav.TButton", [("Nav.item", {"sticky": "nsew", "children": [
        ("Button.padding", {"sticky": "nsew", "children": [("Button.label", {"sticky": "w"})]})]})])
    style.configure("Nav.TButton", background=colours.nav, foreground=colours.nav_text, font=BODY, anchor="w",
                    padding=(px(12), px(9)), shiftrelief=0)
    style.map("Nav.TButton", foreground=[("selected", colours.nav_selected_text)])


def _draw_scrollbars(style: ttk.Style) -> None:
    colours = palette()
    box = Box(px(3), px(3), 1, centre=2, centre_high=2)
    for ground in GROUNDS:
        behind = ground_colour(ground)
        for way, sticky in (("Vertical", "ns"), ("Horizontal", "ew")):
            element = f"{ground}.{way}.thumb"
            _element(style, element, box, [
                (("pressed",), {"ground": behind, "fill": colours.secondary}),
                (("active",), {"ground": behind, "fill": colours.control}),
                ((), {"ground": behind, "fill": "#b4bccb"}),
            ])
            name = f"{ground}.{way}.TScrollbar"
            layout: list[Any] = [(f"{way}.Scrollbar.trough", {"sticky": sticky, "children": [
                (element, {"expand": "1", "sticky": "nsew"})]})]
            style.layout(name, layout)
            style.configure(name, background=behind, troughcolor=behind, bordercolor=behind, lightcolor=behind,
                            darkcolor=behind, borderwidth=0, relief="flat")


def _draw_progress(style: ttk.Style, ground: str) -> None:
    colours, behind = palette(), ground_colour(ground)
    box = Box(0, px(4), 1, centre=px(32), centre_high=1)
    _element(style, f"{ground}.trough", box, [((), {"ground": behind, "fill": colours.line})])
    _element(style, f"{ground}.pbar", box, [((), {"ground": colours.line, "fill": colours.accent})])
    name = f"{ground}.Horizontal.TProgressbar"
    style.layout(name, [(f"{ground}.trough", {"sticky": "ew", "children": [
        (f"{ground}.pbar", {"side": "left", "sticky": "ns"})]})])
    style.configure(name, background=behind, thickness=px(8))


def _write_tables(style: ttk.Style) -> None:
    colours = palette()
    for name, height in (("Treeview", line_height() + px(14)), ("Tall.Treeview", 2 * line_height() + px(18))):
        style.layout(name, [("Treeview.treearea", {"sticky": "nsew"})])
        style.configure(name, background=colours.card, fieldbackground=colours.card, foreground=colours.text,
                        font=BODY, rowheight=height, borderwidth=0, indent=px(18))
        style.map(name, background=[("selected", colours.selected)], foreground=[("selected", colours.selected_text)])
    style.configure("Treeview.Item", padding=(px(6), 0, 0, 0))
    style.configure("Treeview.Cell", padding=(px(8), 0))
    style.configure("Treeview.Heading", background=colours.heading, foreground=colours.secondary, font=SMALL,
                    relief="flat", borderwidth=0, padding=(px(8), px(7)))
    style.map("Treeview.Heading", background=[("active", colours.heading)])


def _write_lists(root: tk.Misc) -> None:
    """The drop-down lists and menus, which are no ttk widgets."""
    colours = palette()
    for widget in ("*TCombobox*Listbox", "*Menu"):
        for option, value in (
            ("background", colours.card), ("foreground", colours.text), ("font", BODY), ("relief", "flat"),
            ("selectBackground", colours.selected), ("selectForeground", colours.selected_text),
            ("activeBackground", colours.selected), ("activeForeground", colours.selected_text), ("borderWidth", 0),
        ):
            root.option_add(f"{widget}.{option}", value, 60)
