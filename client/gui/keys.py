"""Keyboard and wheel: Alt letters press what they are marked on, pages turn, the focus is always in sight."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Iterable
from tkinter import ttk
from typing import TYPE_CHECKING, Any

from client.gui.pages import NAVIGATION, mapped
from client.gui.scroller import Scroller, wheel_steps

if TYPE_CHECKING:
    from client.gui.app import Window

SELF_SCROLLING = {"Treeview", "Text", "Listbox"}
PRESSED = {"TButton", "TCheckbutton", "TRadiobutton"}


def press_marked(letter: str, widgets: Iterable[tk.Misc]) -> bool:
    """Press the first enabled button, box or choice whose word marks `letter`, or focus what a label belongs to."""
    for widget in widgets:
        kind = widget.winfo_class()
        if kind not in PRESSED and kind != "TLabel":
            continue
        found: Any = widget
        try:
            place = int(found.cget("underline"))
        except (tk.TclError, ValueError):
            continue
        text = str(found.cget("text"))
        if not 0 <= place < len(text) or text[place].lower() != letter.lower():
            continue
        if isinstance(widget, ttk.Widget) and widget.instate(["disabled"]):
            continue
        if kind == "TLabel":
            getattr(found, "focus_instead", found).focus_set()
        else:
            found.focus_set()
            found.invoke()
        return True
    return False


class Keyboard:
    """What keys and wheel do in every page of a window."""

    def __init__(self, window: Window) -> None:
        """Listens from now on, until the window ends."""
        self._window = window
        window.event_delete("<<LineStart>>", "<Control-a>")  # as X11 has it, which nobody expects in a form
        window.event_add("<<SelectAll>>", "<Control-a>", "<Control-A>")
        window.bind("<F5>", lambda _: window.page.enter() if window.page else None)
        window.bind_all("<Alt-KeyPress>", self._alt)
        for wheel in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
            window.bind_all(wheel, self._wheel)
        window.bind_all("<Prior>", lambda event: self._turn(event, -1))
        window.bind_all("<Next>", lambda event: self._turn(event, 1))
        window.bind_all("<FocusIn>", self._reveal, add="+")
        for change in ("<Configure>", "<Map>", "<Unmap>"):
            window.bind_all(change, self._settle, add="+")

    def _alt(self, event: tk.Event[tk.Misc]) -> str | None:
        window, letter = self._window, event.keysym if len(event.keysym) == 1 else ""
        if not letter or not isinstance(event.widget, tk.Misc):
            return None
        top = event.widget.winfo_toplevel()
        for place in window.places if top is window else [top]:
            if place.winfo_ismapped() and press_marked(letter, mapped(place)):
                return "break"
        for name, entry in NAVIGATION.items():
            if top is window and window.offers_pages and entry.letter == letter.lower():
                window.show(name)
                return "break"
        return None

    def _room(self, widget: Any) -> Scroller | None:
        """The room that scrolls, unless `widget` scrolls itself."""
        own = isinstance(widget, tk.Misc) and widget.winfo_class() in SELF_SCROLLING
        return None if own else self._window.scroller

    def _wheel(self, event: tk.Event[tk.Misc]) -> None:
        if (room := self._room(event.widget)) is not None:
            room.scroll(wheel_steps(event))

    def _turn(self, event: tk.Event[tk.Misc], pages: int) -> None:
        if (room := self._room(event.widget)) is not None:
            room.scroll_pages(pages)

    def _settle(self, event: tk.Event[tk.Misc]) -> None:
        room = self._window.scroller
        if room is not None and str(event.widget).startswith(f"{room.body}"):
            room.arrange_soon()

    def _reveal(self, event: tk.Event[tk.Misc]) -> None:
        """Scrolls to where the focus went, unless the mouse put it there: no button moves while it is pressed."""
        room, widget = self._window.scroller, event.widget
        if room is None or not isinstance(widget, tk.Misc) or not str(widget).startswith(f"{room.body}."):
            return
        if self._window.winfo_containing(*self._window.winfo_pointerxy()) is not widget:
            room.show(widget)
