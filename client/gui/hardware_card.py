"""A card with the facts about this computer that are sent to the portal, and no others."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from client.gui.pages import Page
from client.gui.presenters.computer import hardware_rows
from client.gui.theme import px
from client.gui.widgets import Box, Card, Label
from client.jobs.runner import Answer


class HardwareCard(Card):
    """Asks once, shows name and value line by line."""

    def __init__(self, master: tk.Misc) -> None:
        """Empty until it is asked."""
        super().__init__(master, "What is sent about this computer")
        Label(self.body, "It tells your computers apart, and shows your backup provider when one was exchanged. "
              "Neither file names nor contents are among it.", "Secondary").pack(fill="x", pady=(0, px(8)))
        self._lines = Box(self.body)
        self._lines.pack(fill="x")
        self._asked = False

    def ask(self, page: Page, shown: Callable[[], object]) -> None:
        """Look at the hardware, which takes a second or two the first time; `shown` is called when it is there."""
        self._shown = shown
        if not self._asked:
            self._asked = True
            self._say([("", "Looking…")])
            page.ask(["about", "--json"], self._take)

    def _take(self, answer: Answer) -> None:
        if answer.error is not None:
            self._say([("", f"{answer.error.sentence} ({answer.error.code})")])
            self._asked = False
            return
        self._say(hardware_rows(answer.data))
        self.after_idle(self._shown)

    def _say(self, lines: list[tuple[str, str]]) -> None:
        for child in self._lines.winfo_children():
            child.destroy()
        for row, (name, value) in enumerate(lines):
            Label(self._lines, name, "Secondary", wrap=False).grid(row=row, column=0, sticky="nw", padx=(0, px(12)))
            Label(self._lines, value).grid(row=row, column=1, sticky="ew", pady=(0, px(2)))
        self._lines.columnconfigure(1, weight=1)
