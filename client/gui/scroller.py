"""A room that scrolls when its content is higher than itself, with wheel, keys and the focus that moves through it."""
from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from client.gui import theme
from client.gui.style_parts import ground_colour
from client.gui.theme import px


class Scroller(ttk.Frame):
    """Put the content into `body`; it is as wide as the room, and at least as high."""

    def __init__(self, master: tk.Misc, ground: str = "Page") -> None:
        """`ground` is what the room looks like: Page or Card."""
        super().__init__(master, style=f"{ground}.TFrame")
        self.ground = ground
        self._canvas = tk.Canvas(self, highlightthickness=0, borderwidth=0, background=ground_colour(ground),
                                 yscrollincrement=px(24), takefocus=0)
        self._bar = ttk.Scrollbar(self, command=self._canvas.yview, style=f"{ground}.Vertical.TScrollbar")
        self._canvas.configure(yscrollcommand=self._bar.set)
        self._canvas.grid(row=0, column=0, sticky="nsew")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self.body = ttk.Frame(self._canvas, style=f"{ground}.TFrame")
        self._item = self._canvas.create_window(0, 0, anchor="nw", window=self.body)
        self._waiting = False
        self._canvas.bind("<Configure>", lambda _: self._arrange())

    def arrange_soon(self) -> None:
        """Something inside changed its size; what all of it needs is seen when Tk has laid it out."""
        if not self._waiting:
            self._waiting = True
            self.after_idle(self._arrange)

    def _arrange(self) -> None:
        self._waiting = False
        width, height = self._canvas.winfo_width(), self._canvas.winfo_height()
        needed = self.body.winfo_reqheight()
        self._canvas.itemconfigure(self._item, width=width, height=max(height, needed))
        self._canvas.configure(scrollregion=(0, 0, width, max(height, needed)))
        if needed > height + 1:
            self._bar.grid(row=0, column=1, sticky="ns")
        else:
            self._bar.grid_remove()
            self._canvas.yview_moveto(0)

    def scroll(self, steps: int) -> None:
        """Move by so many steps of 24 logical pixels; nothing happens when all can be seen."""
        if self.body.winfo_reqheight() > self._canvas.winfo_height() + 1:
            self._canvas.yview_scroll(steps, "units")

    def scroll_pages(self, pages: int) -> None:
        """Move by so many screens."""
        if self.body.winfo_reqheight() > self._canvas.winfo_height() + 1:
            self._canvas.yview_scroll(pages, "pages")

    def show(self, widget: tk.Misc) -> None:
        """Scroll so far that `widget`, which stands inside, can be seen."""
        self.update_idletasks()
        self._arrange()
        top = widget.winfo_rooty() - self.body.winfo_rooty()
        bottom = top + widget.winfo_height()
        height, all_ = self._canvas.winfo_height(), max(self.body.winfo_height(), 1)
        seen = self._canvas.canvasy(0)
        if top - px(8) < seen or bottom - top >= height:
            self._canvas.yview_moveto(max(top - px(8), 0) / all_)
        elif bottom + px(8) > seen + height:
            self._canvas.yview_moveto((bottom + px(8) - height) / all_)

    def to_top(self) -> None:
        """Show the beginning."""
        self._canvas.yview_moveto(0)


def wheel_steps(event: tk.Event[tk.Misc]) -> int:
    """How far one movement of the mouse wheel goes, on Windows and X11 alike."""
    if event.num in (4, 5):
        return -3 if event.num == 4 else 3
    return -3 * (1 if event.delta > 0 else -1) if event.delta else 0


def is_narrow(width: int) -> bool:
    """Whether a window so many pixels wide is a phone's, with a menu instead of the sidebar."""
    return width < px(theme.NARROW)


def is_tight(width: int) -> bool:
    """Whether a page so many pixels wide puts its buttons below its words, and rows of tables into two lines."""
    return width < px(theme.TIGHT)
