"""The first step of the first run: this computer signs in with an account's name and password, or a set-up code."""
from __future__ import annotations

import os
import tkinter as tk
from typing import TYPE_CHECKING

from client.gui.hardware_card import HardwareCard
from client.gui.pages import Page
from client.gui.presenters.first_run import check_sign_in, complete_address, enrol_words
from client.gui.presenters.problems import describe_problem
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Choice, Field, Label
from client.jobs.runner import Answer

if TYPE_CHECKING:
    from client.gui.app import Window

PRESET = "portal.txt"
PASSWORD, CODE = "password", "code"
UNTRUSTED = "IBS-2202"


class SignInPage(Page):
    """Portal address, and who this computer belongs to."""

    def __init__(self, window: Window) -> None:
        """See Page."""
        super().__init__(window)
        self._busy = False
        self._again = window.signed_in
        self._authority = ""
        self.heading("Sign this computer in", "It then belongs to your account, and its backups are encrypted for it.")
        card = Card(self)
        card.pack(fill="x")
        self._address = Field(card.body, "&Portal address", _preset(window), hint="Your backup provider told it to "
                              "you, such as https://backup.example.com.")
        self._address.pack(fill="x", pady=(0, px(12)))
        self._way = tk.StringVar(self, PASSWORD)
        ways = Box(card.body)
        ways.pack(fill="x", pady=(0, px(8)))
        Choice(ways, "&User name and password", self._way, PASSWORD, self._choose).pack(anchor="w")
        Choice(ways, "I have a set-up &code", self._way, CODE, self._choose).pack(anchor="w")
        self._user = Field(card.body, "User &name")
        self._password = Field(card.body, "Pass&word", secret=True,
                               hint="It is sent to the portal once and never kept.")
        self._code = Field(card.body, "Set-up c&ode", hint="Your technician has it, such as KX4-92Q.")
        self._certificate = Label(card.body, "", "Secondary")
        self._last = Box(card.body)
        self._last.pack(fill="x", pady=(px(12), 0))
        self._button = Button(self._last, "Sign &in", self._sign_in, "Primary",
                              hint="Sends name, password and the hardware report to the portal.")
        self._button.pack(side="left")
        Button(self._last, "W&hat is sent", self._show_hardware, "Quiet",
               hint="The facts that tell your computers apart.").pack(side="left", padx=(px(4), 0))
        self._waiting = Label(card.body, "", "Secondary")
        self._waiting.pack(fill="x")
        self._hardware = HardwareCard(self)
        for field in (self._address, self._user, self._password, self._code):
            field.entry.bind("<Return>", lambda _: self._sign_in())
        self._choose()

    def enter(self) -> None:
        """Begin where something is missing."""
        if self._again:
            self.window.tell_problem(
                "This computer has been signed in before.", "Signed in again, it gets a new vault; what was backed up "
                "before stays in the portal and can be restored there.", state="warn")
        empty = self._address if not self._address.value else self._user
        empty.entry.focus_set()

    def _choose(self) -> None:
        by_code = self._way.get() == CODE
        for field in (self._user, self._password, self._code):
            field.pack_forget()
        for field in (self._code,) if by_code else (self._user, self._password):
            field.pack(fill="x", pady=(0, px(8)), before=self._last)

    def _sign_in(self) -> None:
        by_code = self._way.get() == CODE
        fields = {"address": self._address, "user": self._user, "password": self._password, "code": self._code}
        values = {name: field.value for name, field in fields.items()}
        problems = check_sign_in(**values, by_code=by_code)
        for name, field in fields.items():
            field.complain(problems.get(name, ""))
        if problems:
            fields[next(iter(problems))].entry.focus_set()
            return
        if self._busy:
            return
        self._wait(True)
        self.window.clear_problem()
        command = enrol_words(values["address"], values["user"], by_code=by_code, authority=self._authority,
                              again=self._again)
        self.ask(command, self._answered, (values["code"] if by_code else values["password"]) + "\n")

    def _wait(self, busy: bool) -> None:
        self._busy = busy
        self._button.allow(not busy)
        self._waiting.say("Signing in… This takes a few seconds." if busy else "")

    def _answered(self, answer: Answer) -> None:
        self._wait(False)
        if answer.error is None:
            self._password.variable.set("")
            self._code.variable.set("")
            self._again = False
            self.window.enrolled = dict(answer.data) | {"portal": complete_address(self._address.value)}
            self.window.show("recovery")
            return
        found = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code, signing_in=True)
        untrusted = found.code == UNTRUSTED
        self.window.tell_problem(
            found.sentence, found.hint, found.code, button="Choose a certificate file…" if untrusted else "",
            command=self._choose_certificate if untrusted else None)
        (self._code if self._way.get() == CODE else self._password).entry.focus_set()

    def _choose_certificate(self) -> None:
        from tkinter import filedialog

        chosen = filedialog.askopenfilename(
            parent=self, title="The portal's certificate", filetypes=[("Certificates", "*.pem *.crt *.cer"),
                                                                      ("All files", "*")])
        if chosen:
            self._authority = str(chosen)
            self._certificate.say(f"Certificate: {chosen}")
            self._certificate.pack(fill="x", pady=(0, px(4)), before=self._last)
            self.window.clear_problem()

    def _show_hardware(self) -> None:
        if self._hardware.winfo_ismapped():
            self._hardware.pack_forget()
            return
        self._hardware.pack(fill="x", pady=(px(16), 0))
        self._hardware.ask(self, self._reveal_hardware)

    def _reveal_hardware(self) -> None:
        if self.window.scroller is not None:
            self.window.scroller.show(self._hardware)


def _preset(window: Window) -> str:
    """The address that the installer or a technician left for the first run."""
    try:
        kept = (window.home / PRESET).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        kept = ""
    return kept[:255].splitlines()[0] if kept else os.environ.get("IBS_PORTAL", "")
