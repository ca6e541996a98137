"""The speed limits: those that hold, and a form for another one."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from client.gui.pages import Page
from client.gui.presenters.problems import describe_problem
from client.gui.presenters.settings import LimitForm, judge_limit, limits_in_words, words_of_limits
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Field, Label, Tick
from client.jobs.runner import Answer


class SpeedCard(Card):
    """Stands on the page Settings."""

    def __init__(self, page: Page) -> None:
        """Empty until `show`."""
        super().__init__(page, "Speed")
        self._page = page
        self._answer: Mapping[str, Any] | None = None
        Label(self.body, "A limit keeps the line free for people. Where several hold, the lowest counts.",
              "Secondary").pack(fill="x", pady=(0, px(6)))
        self._list = Box(self.body)
        self._list.pack(fill="x")
        self._list.columnconfigure(0, weight=1)
        self._speed = Field(self.body, "&KB a second at most", hint="500 KB a second are 4 Mbit/s.")
        self._speed.pack(fill="x", pady=(px(8), 0))
        self._some_hours = Tick(self.body, "On&ly between certain hours", True, self._lay_out)
        self._some_hours.pack(anchor="w", pady=(px(4), 0))
        self._between = Box(self.body)
        self._between.pack(fill="x", pady=(px(4), 0))
        self._begins, self._ends = Field(self._between, "From", "08:00"), Field(self._between, "Until", "18:00")
        for column, field in enumerate((self._begins, self._ends)):
            field.grid(row=0, column=column, sticky="new", padx=(0 if column == 0 else px(12), 0))
            self._between.columnconfigure(column, weight=1, uniform="time")
        for field in (self._speed, self._begins, self._ends):
            field.entry.bind("<Return>", lambda _: self._add())
        self._button = Button(self.body, "Add l&imit", self._add, hint="It holds from the next backup on.")
        self._button.pack(anchor="w", pady=(px(8), 0))

    def show(self, answer: Mapping[str, Any]) -> None:
        """Show the limits that `schedule show --json` told of."""
        if self._answer is not None and self._answer["limits"] == answer["limits"]:
            self._answer = answer
            return
        self._answer = answer
        for child in self._list.winfo_children():
            child.destroy()
        said = limits_in_words(answer)
        for row, text in enumerate(said):
            Label(self._list, text, "Strong").grid(row=row, column=0, sticky="ew")
            Button(self._list, "Remove", lambda row=row: self._remove(row), "Quiet",  # type: ignore[misc]
                   hint=f"Take the limit of {text} away.").grid(row=row, column=1)
        if not said:
            Label(self._list, "No limit: as fast as the line allows.").grid(row=0, column=0, sticky="ew")

    def _lay_out(self) -> None:
        if self._some_hours.ticked:
            self._between.pack(fill="x", pady=(px(4), 0), after=self._some_hours)
        else:
            self._between.pack_forget()

    def _form(self) -> LimitForm:
        return LimitForm(self._speed.value, self._some_hours.ticked, self._begins.value, self._ends.value)

    def _add(self) -> None:
        problems = judge_limit(self._form())
        fields = {"speed": self._speed, "begins": self._begins, "ends": self._ends}
        for name, field in fields.items():
            field.complain(problems.get(name, ""))
        if problems:
            fields[next(iter(problems))].entry.focus_set()
        elif self._answer is not None:
            self._ask(words_of_limits(self._answer, add=self._form()), emptied=True)

    def _remove(self, place: int) -> None:
        if self._answer is not None:
            self._ask(words_of_limits(self._answer, without=place), emptied=False)

    def _ask(self, command: Sequence[str], *, emptied: bool) -> None:
        self._button.allow(False)

        def done(answer: Answer) -> None:
            self._button.allow(True)
            if answer.error is not None:
                found = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
                self._page.window.tell_problem(found.sentence, found.hint, found.code)
                return
            if emptied:
                self._speed.variable.set("")
            self.show(answer.data)
            self._page.window.status("Saved. It holds from the next backup on.")

        self._page.ask(command, done)
