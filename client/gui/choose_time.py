"""The last step of the first run: when to back up from now on; then the first backup starts."""
from __future__ import annotations

import tkinter as tk
from typing import TYPE_CHECKING

from client.gui.pages import Page
from client.gui.presenters.first_run import check_time, schedule_words
from client.gui.presenters.problems import describe_problem
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Choice, Field, Label, Tick
from client.jobs.runner import Answer

if TYPE_CHECKING:
    from client.gui.app import Window

PLANS = (("daily", "Every &day"), ("workdays", "On &workdays"), ("hourly", "Every &hour"),
         ("off", "&Not by itself; I press Back up now"))
PROPOSED = "18:00"


class ChooseTimePage(Page):
    """Every day at 18:00 is proposed."""

    def __init__(self, window: Window) -> None:
        """See Page."""
        super().__init__(window)
        self.heading("When to back up", "Nothing of this program runs in between; the system starts it on time.")
        card = Card(self)
        card.pack(fill="x")
        self._plan = tk.StringVar(self, "daily")
        for value, word in PLANS:
            Choice(card.body, word, self._plan, value, self._changed).pack(anchor="w")
        self._time = Field(card.body, "&Time", PROPOSED, hint="The clock on this computer's wall.")
        self._time.pack(fill="x", pady=(px(8), 0))
        self._missed = Tick(card.body, "&Make up for it when the computer was off at that time", True)
        self._missed.pack(anchor="w", pady=(px(8), 0))
        last = Box(self)
        last.pack(fill="x", pady=(px(16), 0))
        self._button = Button(last, "&Start the first backup", self._save, "Primary",
                              hint="It begins now. The window may be closed meanwhile.")
        self._button.pack(side="left")
        Button(last, "&Back", lambda: window.show("choose"), "Quiet", hint="To the folders.").pack(
            side="left", padx=(px(4), 0))
        Label(self, "All of this can be changed later under Settings.", "Faint").pack(fill="x", pady=(px(8), 0))

    def enter(self) -> None:
        """The proposal only has to be confirmed."""
        self._button.focus_set()

    def _changed(self) -> None:
        timed = self._plan.get() in {"daily", "workdays"}
        self._time.entry.state(["!disabled" if timed else "disabled"])
        self._missed.state(["disabled" if self._plan.get() == "off" else "!disabled"])

    def _save(self) -> None:
        plan = self._plan.get()
        problem = check_time(self._time.value) if plan in {"daily", "workdays"} else ""
        self._time.complain(problem)
        if problem:
            self._time.entry.focus_set()
            return
        self._button.allow(False)
        self.ask(schedule_words(plan, self._time.value, catch_up=self._missed.ticked), self._chosen)

    def _chosen(self, answer: Answer) -> None:
        self._button.allow(True)
        if answer.error is not None:
            found = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
            self.window.tell_problem(found.sentence, found.hint, found.code)
            return
        if self._plan.get() != "off":
            self.window.runner.ask(["schedule", "install", "--json"], self._registered)
        self.window.runner.start("backup")
        self.window.show("home")
        self.window.enrolled = {}

    def _registered(self, answer: Answer) -> None:
        """A computer whose system can't start it is backed up by hand until somebody looks."""
        if answer.error is not None:
            found = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
            self.window.tell_problem(found.sentence, found.hint, found.code, state="warn")
