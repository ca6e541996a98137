"""Tk's own window, as it should be: it also lives with widgets that Tk made and tkinter does not know."""
from __future__ import annotations

import tkinter as tk


class Root(tk.Tk):
    """While a file dialog or the list of a combobox has the focus, tkinter would raise KeyError."""

    def focus_get(self) -> tk.Misc | None:
        """The widget that has the focus; None for none, and for one of Tk's own."""
        try:
            return super().focus_get()
        except KeyError:
            return None

    def focus_displayof(self) -> tk.Misc | None:
        """The same on this display; the window itself for a widget of Tk's own."""
        try:
            return super().focus_displayof()
        except KeyError:
            return self
