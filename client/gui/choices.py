"""Boxes to tick, one of several ways, and lists that drop down; their words wrap where the window is narrow."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk
from typing import Any

from client.gui import theme
from client.gui.control_styles import ready
from client.gui.style_parts import ground_of
from client.gui.theme import px

INDICATOR = 34
"""Logical pixels that box and gap take from the words."""


def _marked(text: str) -> dict[str, Any]:
    """The words with a gap before them, and the place of their Alt key, which "&" marks."""
    place = text.find("&")
    return {"text": " " + text.replace("&", "", 1), **({"underline": place + 1} if place >= 0 else {})}


def _wrap_in(master: tk.Misc, widget: ttk.Checkbutton | ttk.Radiobutton, style: str) -> None:
    """Give the words a style of their own, as ttk wraps those of a box only by its style."""
    own = f"{str(widget).rpartition('.')[2]}{id(widget)}.{style}"
    ttk.Style(widget).configure(own, wraplength=0)
    widget.configure(style=own)

    def arrange(event: tk.Event[tk.Misc]) -> None:
        if event.widget is master and widget.winfo_exists():
            room = event.width - widget.winfo_x() - px(INDICATOR)
            ttk.Style(widget).configure(own, wraplength=max(room, px(80)))

    master.bind("<Configure>", arrange, add="+")


class Tick(ttk.Checkbutton):
    """A check box with its words."""

    def __init__(
        self, master: tk.Misc, text: str, value: bool = False, command: Callable[[], object] | None = None,
        **how: Any,
    ) -> None:
        """`command` is called after each change; "&" marks the Alt key."""
        self.variable = tk.BooleanVar(master, value)
        ready("choice", ground_of(master))
        super().__init__(master, variable=self.variable, command=command or (lambda: None), **_marked(text), **how)
        _wrap_in(master, self, f"{ground_of(master)}.TCheckbutton")

    @property
    def ticked(self) -> bool:
        """Whether it is ticked."""
        return bool(self.variable.get())


class Choice(ttk.Radiobutton):
    """One of several ways; those with the same `variable` belong together."""

    def __init__(
        self, master: tk.Misc, text: str, variable: tk.StringVar, value: str,
        command: Callable[[], object] | None = None,
    ) -> None:
        """`value` is what the variable becomes."""
        ready("choice", ground_of(master))
        super().__init__(master, variable=variable, value=value, command=command or (lambda: None), **_marked(text))
        _wrap_in(master, self, f"{ground_of(master)}.TRadiobutton")


class Select(ttk.Combobox):
    """One of several words, from a list that drops down."""

    def __init__(
        self, master: tk.Misc, words: Sequence[str], value: str = "", command: Callable[[], object] | None = None,
    ) -> None:
        """`command` is called when another word was chosen."""
        ready("field", ground_of(master))
        super().__init__(master, values=list(words), state="readonly", style=f"{ground_of(master)}.TCombobox",
                         font=theme.BODY, width=max(map(len, words), default=8) + 1)
        self.set(value)
        self._command = command
        self.bind("<<ComboboxSelected>>", self._changed)

    def _changed(self, _: object) -> None:
        self.selection_clear()
        if self._command is not None:
            self._command()

    @property
    def value(self) -> str:
        """The word that is chosen."""
        return str(self.get())
