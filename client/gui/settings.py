"""Settings: when and how fast to back up, which computer this is, the line to the portal, help, and signing out."""
from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING, Any

from client.gui.hardware_card import HardwareCard
from client.gui.pages import Page
from client.gui.presenters.computer import (
    account_rows,
    as_text,
    computer_rows,
    connection_rows,
    hardware_rows,
    help_rows,
)
from client.gui.presenters.problems import describe_problem
from client.gui.question import Question
from client.gui.rows_card import RowsCard
from client.gui.schedule_card import ScheduleCard
from client.gui.speed_card import SpeedCard
from client.gui.theme import px
from client.gui.widgets import Button, Card, Label
from client.jobs.runner import Answer
from client.system.desktop import open_folder

if TYPE_CHECKING:
    from client.gui.app import Window


class SettingsPage(Page):
    """One card below the other; each asks for itself and saves by itself."""

    def __init__(self, window: Window) -> None:
        """See Page."""
        super().__init__(window)
        self._about: dict[str, Any] | None = None
        self._status: dict[str, Any] | None = None
        self.heading("Settings", "When this computer is backed up, and what is known about it.")
        self._schedule = ScheduleCard(self)
        self._speed = SpeedCard(self)
        self._account = RowsCard(self, "About this computer", (
            "&Copy", self._copy, "Secondary", "Copy all of this, and what is sent, to give to whoever helps."))
        self._sent = HardwareCard(self)
        self._line = RowsCard(self, "Connection", (
            "Test connection", self._test, "Secondary", "Ask the portal now, and look at its certificate."))
        self._help = RowsCard(
            self, "Help",
            ("Save technical report…", self._report, "Secondary", "One file for whoever helps, without passwords."),
            ("Open folder", self._open, "Secondary", "The folder with the store, the logs and the technical log."))
        for card in (self._schedule, self._speed, self._account, self._sent, self._line, self._help):
            card.pack(fill="x", pady=(0, px(16)))
        self._leave = Card(self, "Sign out")
        Label(self._leave.body, "Your backups stay safe in the vault, and can be restored from the portal. Nothing of "
              "this computer is backed up until somebody signs in again.", "Secondary").pack(fill="x", pady=(0, px(8)))
        Button(self._leave.body, "Si&gn out…", self._ask_to_leave, "Danger",
               hint="Forget which account this computer belongs to.").pack(anchor="w")
        self._leave.pack(fill="x")
        self._question = Question(self, before=self._leave)

    def enter(self) -> None:
        """Look anew; the hardware takes a second the first time after a start of the system."""
        self._question.close()
        self.ask(["schedule", "show", "--json"], self._take_schedule)
        self.ask(["about", "--json"], self._take_about)
        self.ask(["status", "--json"], self._take_status)
        self._sent.ask(self, lambda: None)

    def arrange(self, narrow: bool) -> None:
        """Values beside their names, or below them."""
        for card in (self._schedule, self._account, self._line, self._help):
            card.arrange(narrow)

    # --- answers -------------------------------------------------------------------------------------------------

    def _tell(self, answer: Answer) -> bool:
        """Whether there is a problem, which is then shown."""
        if answer.error is None:
            return False
        found = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
        self.window.tell_problem(found.sentence, found.hint, found.code)
        return True

    def _take_schedule(self, answer: Answer) -> None:
        if not self._tell(answer):
            self._schedule.show(answer.data, answer.data.get("waiting", ""))
            self._speed.show(answer.data)

    def _take_about(self, answer: Answer) -> None:
        if not self._tell(answer):
            self._about = answer.data
            self._line.show(connection_rows(answer.data, None, datetime.now(UTC)))
            self._help.show(help_rows(answer.data))
            self._show_account()

    def _take_status(self, answer: Answer) -> None:
        self._status = answer.data if answer.good else None
        self._show_account("" if answer.error is None else answer.error.sentence)

    def _show_account(self, problem: str = "") -> None:
        """What the portal says, then what this computer knows by itself."""
        rows = [] if self._status is None else account_rows(self._status, datetime.now(UTC))
        if self._about is not None:
            rows = [*rows, *computer_rows(self._about, self._status)]
        self._account.show(rows, problem, "Warn" if problem else "Secondary")

    # --- buttons -------------------------------------------------------------------------------------------------

    def _copy(self) -> None:
        if self._about is None:
            return
        account = [] if self._status is None else account_rows(self._status, datetime.now(UTC))
        self.clipboard_clear()
        self.clipboard_append(as_text(
            account, computer_rows(self._about, self._status), hardware_rows(self._about), help_rows(self._about)))
        self.window.status("Copied.")

    def _test(self) -> None:
        self._line.buttons[0].allow(False)
        self.window.status("Asking the portal…")
        self.ask(["connection", "--json"], self._tested)

    def _tested(self, answer: Answer) -> None:
        self._line.buttons[0].allow(True)
        if self._about is None:
            return
        self.window.status("")
        found = answer.data if answer.good else None
        rows = connection_rows(self._about, found, datetime.now(UTC))
        if answer.error is None:
            self._line.show(rows, "The portal answers, and its certificate is in order."
                            if found and found.get("certificate") else "The portal answers.", "Ok")
        else:
            problem = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
            self._line.show(rows, f"{problem.sentence} {problem.hint} ({problem.code})", "Error")

    def _report(self) -> None:
        name = f"backup-report-{datetime.now():%Y-%m-%d}.zip"
        target = filedialog.asksaveasfilename(
            parent=self, title="Save technical report", initialdir=str(Path.home()), initialfile=name,
            defaultextension=".zip", filetypes=[("Zip archives", "*.zip")])
        if target:
            self.ask(["report", "--json", "--", target], self._reported)

    def _reported(self, answer: Answer) -> None:
        if not self._tell(answer):
            self.window.status(f"Saved: {answer.data['file']}")

    def _open(self) -> None:
        if not open_folder(self.window.home):
            self.window.status(f"The folder is {self.window.home}.")

    def _ask_to_leave(self) -> None:
        self._question.ask(
            "Sign this computer out?", "From then on nothing of it is backed up. What was backed up stays. Folders and "
            "schedule stay chosen for whoever signs in next.", "Sign out", self._sign_out)
        if self.window.scroller is not None:
            self.after_idle(self.window.scroller.show, self._question)

    def _sign_out(self) -> None:
        self.ask(["sign-out", "--json"], self._signed_out)

    def _signed_out(self, answer: Answer) -> None:
        if not self._tell(answer):
            self.window.show("sign_in")
            self.window.renew()
            if answer.data["untold"]:
                self.window.tell_problem(answer.data["untold"], answer.data["hint"], state="warn")
