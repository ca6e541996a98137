"""The flat ttk theme on clam, in the portal's colours, and the plain one for readers who asked for high contrast.

A widget's style is named after the ground it stands on (Page, Card, Nav), as its rounded corners show that ground.
"""
from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import Any

from client.gui.control_styles import forget_drawn
from client.gui.drawing import Box
from client.gui.style_parts import box, element, forget_pictures, ground_colour
from client.gui.theme import BODY, HEADING, LARGE, MONO, SMALL, STRONG, TITLE, line_height, palette, px

NAME = "ibs"
GROUNDS = ("Page", "Card")
TEXTS = {"": BODY, "Small.": SMALL, "Strong.": STRONG, "Heading.": HEADING, "Title.": TITLE, "Large.": LARGE,
         "Mono.": MONO}


ROWS = {"Treeview": 1, "Flat.Treeview": 1, "Tree.Treeview": 1, "TallFlat.Treeview": 2, "TallTree.Treeview": 2}
"""Styles of tables and the lines of text that a row of each holds: with and without rows that open, wide and tall."""


def apply(root: tk.Misc) -> None:
    """Make the theme and use it; again after the colours have changed."""
    style = ttk.Style(root)
    forget_pictures()
    forget_drawn()
    if palette().plain:
        style.theme_use("vista" if "vista" in style.theme_names() else "default")
        _write_texts(style)
        for name, height in ROWS.items():
            style.configure(name, rowheight=height * line_height() + px(12))
        style.configure("Nav.TButton", anchor="w")
        style.map("Nav.TButton", font=[("selected", STRONG)])
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


def _write_texts(style: ttk.Style) -> None:
    colours = palette()
    style.configure(".", font=BODY, background=colours.page, foreground=colours.text)
    if not colours.plain:
        style.configure(".", borderwidth=0, focuscolor=colours.accent)
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


def _draw_cards(style: ttk.Style) -> None:
    colours = palette()
    for name, fill, border in (
        ("Card", colours.card, colours.line), ("Error", colours.card, colours.error[0]),
        ("Warn", colours.card, colours.warn[0]),
    ):
        element(style, f"{name}.box", box(8), [((), {"ground": colours.page, "fill": fill, "border": border})])
        style.layout(f"{name}.Box.TFrame", [(f"{name}.box", {"sticky": "nsew"})])
        style.configure(f"{name}.Box.TFrame", background=colours.page)
    focus = {"ground": colours.page, "fill": colours.card, "border": colours.accent}
    rest = {"ground": colours.page, "fill": colours.card, "border": colours.line}
    element(style, "List.box", box(8, 2), [(("focus",), focus), ((), rest | {"border": colours.line})])
    style.layout("List.Box.TFrame", [("List.box", {"sticky": "nsew"})])
    style.configure("List.Box.TFrame", background=colours.page)


def _draw_navigation(style: ttk.Style) -> None:
    colours = palette()
    base = {"ground": colours.nav}
    ring = base | {"border": colours.nav_focus}
    element(style, "Nav.item", Box(0, px(6), max(px(2), 1)), [
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
    slim = Box(px(3), px(3), 1, centre=2, centre_high=2)
    for ground in GROUNDS:
        behind = ground_colour(ground)
        for way, sticky in (("Vertical", "ns"), ("Horizontal", "ew")):
            thumb = f"{ground}.{way}.thumb"
            element(style, thumb, slim, [
                (("pressed",), {"ground": behind, "fill": colours.secondary}),
                (("active",), {"ground": behind, "fill": colours.control}),
                ((), {"ground": behind, "fill": "#b4bccb"}),
            ])
            name = f"{ground}.{way}.TScrollbar"
            layout: list[Any] = [(f"{way}.Scrollbar.trough", {"sticky": sticky, "children": [
                (thumb, {"expand": "1", "sticky": "nsew"})]})]
            style.layout(name, layout)
            style.configure(name, background=behind, troughcolor=behind, bordercolor=behind, lightcolor=behind,
                            darkcolor=behind, borderwidth=0, relief="flat")


def _write_tables(style: ttk.Style) -> None:
    colours = palette()
    flat: list[Any] = [("Treeitem.padding", {"sticky": "nsew", "children": [
        ("Treeitem.image", {"side": "left", "sticky": ""}), ("Treeitem.text", {"side": "left", "sticky": ""})]})]
    for name, lines in ROWS.items():
        height = lines * line_height() + px(10 + 4 * lines)
        style.layout(name, [("Treeview.treearea", {"sticky": "nsew"})])
        if "Flat" in name:
            style.layout(f"{name}.Item", flat)
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
