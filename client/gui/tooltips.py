"""Tooltips, by tkinter-tooltip: made when the mouse first rests on a widget; keys find them in the status line."""
from __future__ import annotations

import tkinter as tk
from typing import Any

from client.gui import theme

DELAY = 0.6
WIDTH = 300
TELL = "<<TellTip>>"
_texts: dict[str, str] = {}


def tip(widget: tk.Widget, text: str) -> None:
    """Explain a widget; with the keyboard's focus on it the same text stands in the status line. Again: a new text."""
    known = str(widget) in _texts
    _texts[str(widget)] = text
    if known:
        return
    widget.bind("<Enter>", _make, add="+")
    widget.bind("<FocusIn>", _tell, add="+")
    widget.bind("<FocusOut>", _tell, add="+")
    widget.bind("<Destroy>", lambda event: _texts.pop(str(event.widget), None), add="+")


def text_of(widget: Any) -> str:
    """What `tip` was told for this widget; "" for others."""
    return _texts.get(str(widget), "")


def _make(event: tk.Event[tk.Widget]) -> None:
    """The first <Enter>: the library is imported now, after the first paint, and a window made for this one tip."""
    widget = event.widget
    wide = theme.px(WIDTH) if theme.measure(text_of(widget), theme.SMALL) > theme.px(WIDTH) else theme.measure(
        text_of(widget), theme.SMALL)
    room = widget.winfo_screenwidth() - event.x_root - wide - theme.px(24)
    known = getattr(widget, "_tip", None)
    if known is not None:
        known.x_offset = theme.px(12) + min(room, 0)
        return
    from tktooltip import ToolTip, ToolTipStatus  # type: ignore[import-untyped]

    colours = theme.palette()
    made = ToolTip(
        widget, msg=lambda: text_of(widget), delay=DELAY, follow=False, refresh=3600.0,
        x_offset=theme.px(12) + min(room, 0), y_offset=theme.px(16),
        parent_kwargs={"bg": colours.control, "padx": 1, "pady": 1}, bg=colours.text, fg=colours.card,
        font=theme.SMALL, padx=theme.px(8), pady=theme.px(5), width=theme.px(WIDTH),
    )
    widget._tip = made  # type: ignore[attr-defined]
    widget.bind("<Escape>", lambda _: made.on_leave(), add="+")
    # A tip that still waits for its moment would show itself in a window that is gone.
    widget.bind("<Destroy>", lambda _: setattr(made, "status", ToolTipStatus.OUTSIDE), add="+")
    made.on_enter(event)


def _tell(event: tk.Event[tk.Widget]) -> None:
    event.widget.winfo_toplevel().event_generate(TELL)
