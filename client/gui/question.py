"""A question before something that can't be taken back lightly: what, what it means, and a button named after it."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Label


class Question(Card):
    """Stands in the page, not in a window of its own; Escape and Keep close it, and the focus goes back."""

    def __init__(self, master: tk.Misc, *, before: tk.Widget | None = None) -> None:
        """Hidden until it asks; then above `before`."""
        super().__init__(master, kind="Warn")
        self._before = before
        self._back: tk.Misc | None = None
        self._do: Callable[[], object] = lambda: None
        self._question = Label(self.body, "", "Heading")
        self._question.pack(fill="x")
        self._consequence = Label(self.body, "")
        self._consequence.pack(fill="x", pady=(px(4), px(8)))
        line = Box(self.body)
        line.pack(fill="x")
        self._yes = Button(line, "", self._confirm, "Danger")
        self._yes.pack(side="left")
        self._no = Button(line, "&Keep", self.close)
        self._no.pack(side="left", padx=(px(4), 0))
        for button in (self._yes, self._no):
            button.bind("<Escape>", lambda _: self.close())

    def ask(self, question: str, consequence: str, word: str, do: Callable[[], object], keep: str = "&Keep") -> None:
        """`word` is on the button that does it; the safe one has the focus."""
        self._question.say(question)
        self._consequence.say(consequence)
        self._yes.configure(text=word)
        self._no.configure(text=keep.replace("&", ""), underline=keep.find("&"))
        self._do = do
        self._back = self.focus_get()
        if self._before is not None:
            self.pack(fill="x", pady=(0, px(12)), before=self._before)
        else:
            self.pack(fill="x", pady=(0, px(12)))
        self._no.focus_set()

    def close(self) -> None:
        """Nothing is done."""
        if self.winfo_manager():
            self.pack_forget()
            if self._back is not None and self._back.winfo_exists():
                self._back.focus_set()

    def _confirm(self) -> None:
        self.close()
        self._do()
