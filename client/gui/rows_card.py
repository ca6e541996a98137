"""A card of facts: a name and a value on each line, and buttons below them."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence

from client.gui import theme
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Label

Rows = Sequence[tuple[str, str]]
BROKEN = 40
"""A value longer than this and without a space is set in pieces, so that it wraps anywhere."""


class RowsCard(Card):
    """The lines come with `show`; buttons are (word, command, kind, hint)."""

    def __init__(self, master: tk.Misc, title: str, *buttons: tuple[str, Callable[[], object], str, str]) -> None:
        """Empty at first."""
        super().__init__(master, title)
        self._rows: Rows = ()
        self._narrow = False
        self._lines = Box(self.body)
        self._lines.pack(fill="x")
        self._note = Label(self.body, "", "Secondary")
        self.buttons: list[Button] = []
        if buttons:
            line = Box(self.body)
            line.pack(fill="x", pady=(px(10), 0))
            self.buttons = [Button(line, word, command, kind, hint=hint) for word, command, kind, hint in buttons]
            self._place_buttons()

    def show(self, rows: Rows, note: str = "", state: str = "Secondary") -> None:
        """Show these lines, and a sentence below them; nothing is drawn anew when nothing changed."""
        self._note.configure(style=f"Card.{state}.TLabel")
        self._note.say(note)
        if note:
            self._note.pack(fill="x", pady=(px(6), 0), after=self._lines)
        else:
            self._note.pack_forget()
        if list(rows) != list(self._rows):
            self._rows = list(rows)
            self._draw()

    def arrange(self, narrow: bool) -> None:
        """Values beside their names, or below them."""
        if narrow != self._narrow:
            self._narrow = narrow
            self._place_buttons()
            self._draw()

    def _place_buttons(self) -> None:
        """Side by side, or one below the other."""
        for place, button in enumerate(self.buttons):
            button.grid(row=place if self._narrow else 0, column=0 if self._narrow else place, sticky="w",
                        padx=(0, px(4)), pady=(0, px(4) if self._narrow else 0))

    def _draw(self) -> None:
        for child in self._lines.winfo_children():
            child.destroy()
        for number, (name, value) in enumerate(self._rows):
            label = Label(self._lines, name, "Secondary", wrap=self._narrow)
            text = Label(self._lines, breakable(value))
            if self._narrow:
                label.grid(row=2 * number, column=0, sticky="ew", pady=(px(4), 0))
                text.grid(row=2 * number + 1, column=0, sticky="ew")
            else:
                label.grid(row=number, column=0, sticky="nw", padx=(0, px(16)), pady=px(2))
                text.grid(row=number, column=1, sticky="ew", pady=px(2))
        widest = max((theme.measure(name) for name, _ in self._rows), default=0)
        self._lines.columnconfigure(0, weight=1 if self._narrow else 0, minsize=0 if self._narrow else widest)
        self._lines.columnconfigure(1, weight=0 if self._narrow else 1)


def breakable(value: str) -> str:
    """A long value without spaces, such as a fingerprint or a path, with places where its line may break."""
    if len(value) <= BROKEN or " " in value:
        return value
    pieces = [value[place:place + BROKEN - 1] for place in range(0, len(value), BROKEN - 1)]
    return "\n".join(pieces)
