"""The navigation: a dark column on the left, or behind a menu button where the window is narrow."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Mapping
from tkinter import ttk

from client.gui import icons, theme
from client.gui.pages import FIRST_RUN, NAVIGATION, PageEntry
from client.gui.theme import px
from client.gui.tooltips import tip
from client.gui.widgets import Label

WIDTH = 212
PRODUCT = "Integrated Backup"


class Sidebar(ttk.Frame):
    """The product's name, the pages or the steps of the first run, and whom this computer is connected to."""

    ground = "Nav"

    def __init__(self, master: tk.Misc, show: Callable[[str], None]) -> None:
        """`show` is called with the name of the page that was chosen."""
        super().__init__(master, style="Nav.TFrame", width=px(WIDTH), padding=(px(8), px(16), px(8), px(14)))
        self.pack_propagate(False)
        self._show = show
        head = ttk.Frame(self, style="Nav.TFrame")
        head.pack(fill="x", padx=(px(8), 0), pady=(0, px(14)))
        colours = theme.palette()
        ttk.Label(head, image=icons.icon("shield", 20, theme.as_hex(colours.nav_focus)), style="Nav.TLabel").pack(
            side="left", padx=(0, px(8)))
        Label(head, PRODUCT, "Title", wrap=False).pack(side="left")
        self._middle = ttk.Frame(self, style="Nav.TFrame")
        self._middle.pack(fill="both", expand=True)
        self._foot = Label(self, "", "Faint")
        self._foot.pack(fill="x", padx=px(10))
        self._buttons: dict[str, ttk.Button] = {}
        self._steps: list[str] = []

    def show_pages(self, entries: Mapping[str, PageEntry] = NAVIGATION) -> None:
        """Offer the pages."""
        self._clear()
        colours = theme.palette()
        for name, entry in entries.items():
            at = entry.word.find("&")
            rest, chosen = (icons.icon(entry.icon, 18, theme.as_hex(colour))
                            for colour in (colours.nav_text, colours.nav_selected_text))
            button = ttk.Button(self._middle, text="  " + entry.word.replace("&", "", 1), underline=at + 2,
                                style="Nav.TButton", image=(rest, "selected", chosen), compound="left",  # type: ignore[arg-type]
                                command=lambda name=name: self._show(name))  # type: ignore[misc]
            button.bind("<Return>", lambda _, button=button: button.invoke())  # type: ignore[misc]
            button.pack(fill="x", pady=px(1))
            tip(button, entry.hint)
            self._buttons[name] = button

    def show_steps(self, entries: Mapping[str, PageEntry] = FIRST_RUN) -> None:
        """Show the steps of the first run, which are taken one after the other."""
        self._clear()
        self._steps = list(entries)
        for name, entry in entries.items():
            line = ttk.Button(self._middle, text="  " + entry.word, style="Nav.TButton", compound="left", takefocus=0)
            line.pack(fill="x", pady=px(1))
            self._buttons[name] = line

    def mark(self, name: str) -> None:
        """This page is the one that is seen."""
        colours = theme.palette()
        for other, button in self._buttons.items():
            button.state(["selected" if other == name else "!selected"])
            if self._steps:
                done = name in self._steps and self._steps.index(other) < self._steps.index(name)
                entry = FIRST_RUN[other]
                ink = colours.nav_focus if done else colours.nav_selected_text if other == name else colours.nav_foot
                button.configure(image=icons.icon("check" if done else entry.icon, 18, theme.as_hex(ink)))

    def say(self, text: str) -> None:
        """The small print at the bottom."""
        self._foot.say(text)

    def focus_current(self) -> None:
        """Put the keyboard on the page that is seen, else on the first."""
        chosen = [button for button in self._buttons.values() if button.instate(["selected"])]
        for button in chosen or list(self._buttons.values())[:1]:
            button.focus_set()

    def _clear(self) -> None:
        for child in self._middle.winfo_children():
            child.destroy()
        self._buttons.clear()
        self._steps = []


class TopBar(ttk.Frame):
    """What a narrow window has instead: a menu button and the name of the page."""

    ground = "Nav"

    def __init__(self, master: tk.Misc, toggle: Callable[[], None]) -> None:
        """`toggle` opens and closes the menu."""
        super().__init__(master, style="Nav.TFrame", padding=(px(8), px(6)))
        self.button = ttk.Button(self, text="  Menu", underline=2, style="Nav.TButton", compound="left",
                                 image=icons.icon("menu", 18, theme.as_hex(theme.palette().nav_selected_text)),
                                 command=toggle)
        self.button.bind("<Return>", lambda _: self.button.invoke())
        self.button.pack(side="left")
        tip(self.button, "The other pages.")
        self._title = Label(self, "", "Title", anchor="e")
        self._title.pack(side="left", fill="x", expand=True, padx=(px(8), px(8)))

    def say(self, title: str) -> None:
        """The name of the page."""
        self._title.say(title)


