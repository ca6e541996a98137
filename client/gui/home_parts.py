"""The cards of Home: the sentence that counts, a figure with its label, and the progress of a backup."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from client.gui.presenters.home import Fact, StateCard
from client.gui.presenters.progress import ProgressView
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Label, Progress, StateMark, tip

MARK = 50
BACK_UP = "&Back up now"


class StatePanel(Card):
    """Sign, sentence, a line below it, and what can be done: back up, or go to the page where it is put right."""

    def __init__(self, master: tk.Misc, back_up: Callable[[], object], go: Callable[[str], object]) -> None:
        """`go` is called with the name of a page."""
        super().__init__(master, padding=20)
        self._back_up, self._go, self._card = back_up, go, StateCard("neutral", "", "")
        self._mark = StateMark(self.body, "neutral", MARK)
        self._mark.grid(row=0, column=0, rowspan=2, padx=(0, px(18)), sticky="n")
        self._title = Label(self.body, "", "Title")
        self._title.grid(row=0, column=1, sticky="sew")
        self._detail = Label(self.body, "", "Secondary")
        self._detail.grid(row=1, column=1, sticky="new", pady=(px(2), 0))
        self.body.columnconfigure(1, weight=1)
        self._buttons = Box(self.body)
        self._first = Button(self._buttons, BACK_UP, self._press, "Primary")
        self._first.pack(side="left")
        self._second = Button(self._buttons, "", lambda: go(self._card.page))
        self.arrange(False)

    def arrange(self, narrow: bool) -> None:
        """The buttons beside the sentence, or below it."""
        if narrow:
            self._buttons.grid(row=2, column=0, columnspan=3, rowspan=1, sticky="w", padx=0, pady=(px(12), 0))
        else:
            self._buttons.grid(row=0, column=2, columnspan=1, rowspan=2, sticky="", padx=(px(16), 0), pady=0)

    def show(self, card: StateCard, *, running: bool) -> None:
        """Show what the presenter worded; while a backup runs no other is offered."""
        if card.state != self._card.state:
            self._mark.show(card.state)
        self._card = card
        self._title.say(card.title)
        self._detail.say(card.detail)
        leads = bool(card.button) and not card.can_back_up
        word = f"&{card.button}" if leads else BACK_UP
        self._first.configure(text=word.replace("&", ""))
        self._first.allow(leads or (card.can_back_up and not running))
        tip(self._first, "Go to the page where this is put right." if leads
            else "Back the protected folders up now. The window may be closed meanwhile.")
        if card.button and not leads:
            self._second.configure(text=card.button)
            self._second.pack(side="left", padx=(px(4), 0))
        else:
            self._second.pack_forget()

    def _press(self) -> None:
        if self._card.button and not self._card.can_back_up:
            self._go(self._card.page)
        else:
            self._back_up()


class FactCard(Card):
    """A figure and what it counts."""

    def __init__(self, master: tk.Misc) -> None:
        """Empty at first."""
        super().__init__(master, padding=14)
        self._figure = Label(self.body, "–", "Large")
        self._figure.pack(fill="x")
        self._label = Label(self.body, "", "Secondary")
        self._label.pack(fill="x")

    def arrange(self, narrow: bool) -> None:
        """Three of them have to stand side by side on a phone, too."""
        self.configure(padding=px(8 if narrow else 14))

    def show(self, fact: Fact) -> None:
        """Show another one."""
        self._figure.say(fact.figure)
        self._label.say(fact.label)


class ProgressCard(Card):
    """How far the backup is, which file it is at, and what can be done about it."""

    def __init__(self, master: tk.Misc, pause: Callable[[], object], cancel: Callable[[], object]) -> None:
        """`pause` pauses or goes on, `cancel` ends the run."""
        super().__init__(master)
        self._title = Label(self.body, "", "Strong")
        self._current = Label(self.body, "", "Secondary")
        self._bar = Progress(self.body)
        self._figures = Label(self.body, "", "Secondary")
        self._buttons = Box(self.body)
        self._pause = Button(self._buttons, "&Pause", pause,
                             hint="Nothing is read or sent until you go on; the backup keeps its place.")
        self._pause.pack(side="left")
        self._cancel = Button(self._buttons, "&Cancel", cancel,
                              hint="End this backup. What was sent is used by the next one.")
        self._cancel.pack(side="left", padx=(px(4), 0))
        self.body.columnconfigure(0, weight=1)
        for row, part in enumerate((self._title, self._current, self._bar, self._figures)):
            part.grid(row=row, column=0, sticky="ew", pady=(0, px(4)))
        self._bar.grid(pady=(px(4), px(8)))
        self._moving = False
        self.arrange(False)

    def arrange(self, narrow: bool) -> None:
        """The buttons beside the words, or below them."""
        if narrow:
            self._buttons.grid(row=4, column=0, rowspan=1, sticky="w", padx=0, pady=(px(4), 0))
        else:
            self._buttons.grid(row=0, column=1, rowspan=2, sticky="ne", padx=(px(12), 0), pady=0)
        self._bar.grid(columnspan=1 if narrow else 2)
        self._figures.grid(columnspan=1 if narrow else 2)

    def focus(self) -> None:
        """Put the keyboard on its first button."""
        self._pause.focus_set()

    def show(self, view: ProgressView) -> None:
        """Show what the presenter worded."""
        self._title.say(view.title)
        self._current.say(view.current)
        self._figures.say(view.figures)
        self._pause.configure(text=view.pause_word, underline=0)
        self._pause.allow(view.can_pause)
        self._cancel.allow(view.can_cancel)
        self._move(view.share is None)
        if view.share is not None:
            self._bar.show(view.share)

    def _move(self, moving: bool) -> None:
        if moving != self._moving:
            self._moving = moving
            self._bar.configure(mode="indeterminate" if moving else "determinate")
            if moving:
                self._bar.start(40)
            else:
                self._bar.stop()
