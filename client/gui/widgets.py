"""The parts that pages are made of: cards, texts that wrap, buttons, fields, marks of states, cards for errors."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Any

from client.gui import icons, theme
from client.gui.choices import Choice, Select, Tick
from client.gui.control_styles import ready
from client.gui.style_parts import ground_of
from client.gui.theme import px
from client.gui.tooltips import tip

__all__ = ["Box", "Button", "Card", "Choice", "EmptyState", "ErrorCard", "Field", "Label", "Progress", "Select",
           "StateMark", "Tick", "ground_of", "tip"]

GAP = 16
"""Logical pixels between cards; 8 between the parts of one, 4 between lines that belong together."""


class Card(ttk.Frame):
    """A white box with rounded corners; put the parts into `body`."""

    def __init__(self, master: tk.Misc, title: str = "", *, kind: str = "Card", padding: int = 16) -> None:
        """`kind` is Card, or Warn or Error for one with a border of that colour."""
        super().__init__(master, style=f"{kind}.Box.TFrame", padding=px(padding))
        if theme.palette().plain:
            self.configure(borderwidth=1, relief="solid")
        self.ground = "Card"
        self.body = ttk.Frame(self, style="Card.TFrame")
        self.body.pack(fill="both", expand=True)
        if title:
            Label(self.body, title, "Heading").pack(fill="x", pady=(0, px(8)))


class Box(ttk.Frame):
    """A frame without a look of its own, in the colour of what it stands on."""

    def __init__(self, master: tk.Misc, **how: Any) -> None:
        """`how` as for ttk.Frame."""
        super().__init__(master, style=f"{ground_of(master)}.TFrame", **how)


class Label(ttk.Label):
    """A text that wraps at the width it is given. Kinds: "", Small, Strong, Heading, Title, Large, Mono, Secondary,
    Faint, and Ok, Warn, Error, Info, Neutral (SmallOk …) for words of a state."""

    def __init__(self, master: tk.Misc, text: str = "", kind: str = "", *, wrap: bool = True, **how: Any) -> None:
        """`wrap` False for words that decide the width themselves, such as those beside a control."""
        style = f"{ground_of(master)}.{kind}.TLabel" if kind else f"{ground_of(master)}.TLabel"
        super().__init__(master, text=text, style=style, **how)
        self._wrapped = 0
        if wrap:
            self.configure(width=1)  # asks for no width, takes what there is
            self.bind("<Configure>", self._wrap, add="+")

    def _wrap(self, event: tk.Event[tk.Misc]) -> None:
        if abs(event.width - self._wrapped) > 1 and event.width > 1:
            self._wrapped = event.width
            self.configure(wraplength=event.width)

    def say(self, text: str) -> None:
        """Show another text."""
        if self.cget("text") != text:
            self.configure(text=text)


class Button(ttk.Button):
    """A button with a word; "&Back up now" makes B its Alt key. Enter and the space bar press it."""

    def __init__(
        self, master: tk.Misc, text: str, command: Callable[[], object], kind: str = "Secondary", *, hint: str = "",
        icon: str = "",
    ) -> None:
        """`kind` is Primary, Secondary, Danger or Quiet; `hint` its tooltip. H, F, R, A, S belong to the sidebar."""
        place = text.find("&")
        self._picture: tk.PhotoImage | None = None
        how: dict[str, Any] = {"underline": place} if place >= 0 else {}
        if icon:
            colours = theme.palette()
            ink = {"Primary": colours.on_accent, "Quiet": colours.accent}.get(kind, colours.text)
            self._picture = icons.icon(icon, 16, theme.as_hex(ink))
            how |= {"image": self._picture, "compound": "left"}
        ready("button", ground_of(master))
        super().__init__(master, text=text.replace("&", "", 1), command=command,
                         style=f"{ground_of(master)}.{kind}.TButton", **how)
        self.bind("<Return>", lambda _: self.invoke())
        if hint:
            tip(self, hint)

    def allow(self, allowed: bool) -> None:
        """Whether it can be pressed."""
        self.state(["!disabled" if allowed else "disabled"])


class StateMark(ttk.Label):
    """The sign of a state; always beside its word."""

    def __init__(self, master: tk.Misc, state: str, size: int = 20) -> None:
        """`state` is ok, warn, error, info, neutral, pause or clock; `size` in logical pixels."""
        super().__init__(master, style=f"{ground_of(master)}.TLabel")
        self._size = size
        self.show(state)

    def show(self, state: str) -> None:
        """Show the sign of another state."""
        self.configure(image=icons.mark(state, self._size))


class Field(ttk.Frame):
    """A label, an entry below it, and a line for what is wrong with it."""

    def __init__(self, master: tk.Misc, label: str, value: str = "", *, secret: bool = False, hint: str = "") -> None:
        """`secret` adds Show; `hint` is a line below the entry."""
        super().__init__(master, style=f"{ground_of(master)}.TFrame")
        self.variable = tk.StringVar(self, value)
        place = label.find("&")
        self._label = Label(self, label.replace("&", "", 1), "Strong", wrap=False,
                            **({"underline": place} if place >= 0 else {}))
        ready("field", ground_of(master))
        self._label.grid(row=0, column=0, sticky="w", padx=(px(2), 0))
        self.entry = ttk.Entry(self, textvariable=self.variable, style=f"{ground_of(master)}.TEntry", font=theme.BODY,
                               show="•" if secret else "", width=8)
        self._label.focus_instead = self.entry  # type: ignore[attr-defined]
        self.entry.grid(row=1, column=0, sticky="ew", pady=(px(2), 0))
        self.columnconfigure(0, weight=1)
        if secret:
            self._eye = Button(self, "Show", self._toggle, "Quiet", hint="Show or hide what you type.")
            self._eye.grid(row=1, column=1, padx=(px(4), 0))
        self.variable.trace_add("write", lambda *_: self.complain("") if self.entry.instate(["invalid"]) else None)
        self._hint = hint
        self._note = Label(self, hint, "Faint")
        if hint:
            self._note.grid(row=2, column=0, columnspan=2, sticky="ew", padx=(px(2), 0), pady=(px(2), 0))

    @property
    def value(self) -> str:
        """What stands in it."""
        return self.variable.get()

    def complain(self, problem: str) -> None:
        """Say below it what is wrong; "" when nothing is."""
        self.entry.state(["invalid" if problem else "!invalid"])
        self._note.configure(style=f"{ground_of(self)}.SmallError.TLabel" if problem
                             else f"{ground_of(self)}.Faint.TLabel")
        self._note.say(problem or self._hint)
        if problem or self._hint:
            self._note.grid(row=2, column=0, columnspan=2, sticky="ew", padx=(px(2), 0), pady=(px(2), 0))
        else:
            self._note.grid_remove()

    def _toggle(self) -> None:
        hidden = bool(self.entry.cget("show"))
        self.entry.configure(show="" if hidden else "•")
        self._eye.configure(text="Hide" if hidden else "Show")


class Progress(ttk.Progressbar):
    """A bar from 0 to 1."""

    def __init__(self, master: tk.Misc) -> None:
        """Empty at first."""
        ready("progress", ground_of(master))
        super().__init__(master, style=f"{ground_of(master)}.Horizontal.TProgressbar", maximum=1000)

    def show(self, share: float) -> None:
        """Fill it to `share` of its length."""
        self.configure(value=round(min(max(share, 0.0), 1.0) * 1000))

    def destroy(self) -> None:
        """As ever. A bar that moves by itself is stopped first, or Tk would move it once more when it is gone."""
        self.stop()
        super().destroy()


class EmptyState(ttk.Frame):
    """What stands where a list is empty: a sign, a sentence, and the one thing to do."""

    def __init__(
        self, master: tk.Misc, sign: str, sentence: str, detail: str = "", *, button: str = "",
        command: Callable[[], object] | None = None,
    ) -> None:
        """`sign` is the name of an icon; the button is there when it has a word and a command."""
        super().__init__(master, style=f"{ground_of(master)}.TFrame", padding=(px(8), px(24)))
        ttk.Label(self, image=icons.icon(sign, 40, theme.as_hex(theme.palette().control)),
                  style=f"{ground_of(self)}.TLabel").pack()
        Label(self, sentence, "Strong", anchor="center", justify="center").pack(fill="x", pady=(px(8), 0))
        if detail:
            Label(self, detail, "Secondary", anchor="center", justify="center").pack(fill="x", pady=(px(4), 0))
        if button and command is not None:
            Button(self, button, command, "Primary").pack(pady=(px(12), 0))


class ErrorCard(Card):
    """What went wrong, whether the files are safe, what to do, and the code to look it up by."""

    def __init__(
        self, master: tk.Misc, sentence: str, hint: str = "", code: str = "", *, button: str = "",
        command: Callable[[], object] | None = None, state: str = "error",
    ) -> None:
        """`state` is error or warn; the button is the next step, where the window can take it."""
        super().__init__(master, kind="Warn" if state == "warn" else "Error", padding=14)
        StateMark(self.body, state, 28).grid(row=0, column=0, rowspan=3, sticky="n", padx=(0, px(12)), pady=px(2))
        self.body.columnconfigure(1, weight=1)
        Label(self.body, sentence, "Strong").grid(row=0, column=1, sticky="ew")
        if hint:
            Label(self.body, hint, "").grid(row=1, column=1, sticky="ew", pady=(px(3), 0))
        if code:
            Label(self.body, code, "Faint").grid(row=2, column=1, sticky="ew", pady=(px(3), 0))
        if button and command is not None:
            Button(self.body, button, command).grid(row=3, column=1, columnspan=2, sticky="w", pady=(px(8), 0))
