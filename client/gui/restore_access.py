"""Asks for the account's password where the client is installed for everybody, before files can be looked at."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from typing import TYPE_CHECKING

from client.gui.presenters.problems import describe_problem
from client.gui.theme import px
from client.gui.widgets import Button, Card, Field, Label
from client.jobs.runner import Answer

if TYPE_CHECKING:
    from client.gui.restore import RestorePage

CODE = "IBS-1108"
"""The code of the failure that is answered by this card."""


class AccessCard(Card):
    """User name and password; nothing of them is kept."""

    def __init__(self, master: tk.Misc, page: RestorePage, done: Callable[[], object]) -> None:
        """`done` is called when the portal knows this person."""
        super().__init__(master, "Sign in to restore")
        self._page, self._done = page, done
        Label(self.body, "This computer is backed up for all its users. To see and restore files, sign in with the "
              "account's user name and password. It is good for half a day.", "Secondary").pack(fill="x")
        self._user = Field(self.body, "&User name")
        self._user.pack(fill="x", pady=(px(12), 0))
        self._password = Field(self.body, "&Password", secret=True)
        self._password.pack(fill="x", pady=(px(8), 0))
        self._password.entry.bind("<Return>", lambda _: self._sign_in())
        self._go = Button(self.body, "S&ign in", self._sign_in, "Primary", hint="The password is kept nowhere.")
        self._go.pack(anchor="w", pady=(px(14), 0))
        self._user.entry.focus_set()

    def _sign_in(self) -> None:
        self._user.complain("" if self._user.value else "Enter the user name of the account.")
        self._password.complain("" if self._password.value else "Enter the password.")
        if self._user.value and self._password.value:
            self._go.allow(False)
            self._page.ask(["sign-in", "--user", self._user.value, "--password-stdin", "--json"], self._answered,
                           self._password.value + "\n")

    def _answered(self, answer: Answer) -> None:
        self._go.allow(True)
        self._password.variable.set("")
        if answer.error is None:
            self._done()
            return
        problem = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
        self._password.complain(f"{problem.sentence} {problem.hint} ({problem.code})")
        self._password.entry.focus_set()
