"""The form of the schedule: a plan, its times and conditions, what that means in words, and the next backup."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from client.gui.pages import Page
from client.gui.presenters.problems import describe_problem
from client.gui.presenters.settings import EVERY, ScheduleForm, form_of, judge, schedule_hint, words_to_save
from client.gui.presenters.words import read_moment
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Choice, Field, Label, Select, Tick, tip
from client.jobs.runner import Answer
from client.schedules.schedule import DAILY, DAYS, HOURLY, OFF, WEEKLY

PLANS = ((DAILY, "Every &day"), (WEEKLY, "On certain days of the &week"), (HOURLY, "Every few h&ours"),
         (OFF, "&Never by itself"))
COLUMNS, NARROW_COLUMNS = 7, 4


class ScheduleCard(Card):
    """Stands on the page Settings."""

    def __init__(self, page: Page) -> None:
        """Empty until `show`."""
        super().__init__(page, "Automatic backup")
        self._page = page
        self._saved: ScheduleForm | None = None
        self._due: datetime | None = None
        self._filling = False
        self._plan = tk.StringVar(self, OFF)
        for value, word in PLANS:
            Choice(self.body, word, self._plan, value, self._changed).pack(anchor="w")
        self._details = Box(self.body)
        self._details.pack(fill="x")
        self._make_times()
        self._make_conditions()
        self._words = Label(self.body, "", "Strong")
        self._words.pack(fill="x", pady=(px(10), 0))
        self._next = Label(self.body, "", "Secondary")
        self._next.pack(fill="x")
        self._waits = Label(self.body, "", "Warn")
        line = Box(self.body)
        line.pack(fill="x", pady=(px(10), 0))
        self._save = Button(line, "Sa&ve", self._keep, "Primary", hint="Backups run like this from now on.")
        self._save.pack(side="left")
        self._undo = Button(line, "&Undo", self._forget, "Quiet", hint="Show the schedule as it is now.")
        self._undo.pack(side="left", padx=(px(4), 0))
        for button in (self._save, self._undo):
            button.allow(False)

    # --- its parts -----------------------------------------------------------------------------------------------

    def _make_times(self) -> None:
        self._at = Field(self._details, "&Time", hint="By the clock of this computer, such as 18:00.")
        self._days = Box(self._details)
        self._day_ticks = [Tick(self._days, day[:3], command=self._changed) for day in DAYS]
        self._hours = Box(self._details)
        Label(self._hours, "Every", wrap=False).pack(side="left")
        self._every = Select(self._hours, [str(step) for step in EVERY], "1", self._changed)
        self._every.pack(side="left", padx=px(6))
        Label(self._hours, "hours", wrap=False).pack(side="left")
        self._some_hours = Tick(self._details, "Only &between certain hours", command=self._changed)
        self._between = Box(self._details)
        self._begins, self._ends = Field(self._between, "From"), Field(self._between, "Until")
        for column, field in enumerate((self._begins, self._ends)):
            field.grid(row=0, column=column, sticky="new", padx=(0 if column == 0 else px(12), 0))
            self._between.columnconfigure(column, weight=1, uniform="time")
        for field in (self._at, self._begins, self._ends):
            field.variable.trace_add("write", lambda *_: self.after_idle(self._changed))  # a field forgets first
            field.entry.bind("<Return>", lambda _: self._keep())

    def _make_conditions(self) -> None:
        self._conditions = Box(self.body)
        self._catch_up = Tick(self._conditions, "&Make up for missed backups", True, self._changed)
        self._no_battery = Tick(self._conditions, "Not on batter&y", command=self._changed)
        self._no_metered = Tick(self._conditions, "Not on meter&ed connections", command=self._changed)
        tip(self._catch_up, "When the computer was off or asleep at the time, the backup starts soon after.")
        tip(self._no_battery, "A backup that is due waits until the computer is plugged in.")
        tip(self._no_metered, "Not where data are paid by volume, such as over a telephone.")
        for tick in (self._catch_up, self._no_battery, self._no_metered):
            tick.pack(anchor="w")

    def arrange(self, narrow: bool) -> None:
        """The days in one line, or in two."""
        columns = NARROW_COLUMNS if narrow else COLUMNS
        for number, tick in enumerate(self._day_ticks):
            tick.grid(row=number // columns, column=number % columns, sticky="w", padx=(0, px(8)))

    # --- what it shows -------------------------------------------------------------------------------------------

    def show(self, answer: Mapping[str, Any], waiting: str = "") -> None:
        """Show the schedule as `schedule show --json` told it; what was typed and not saved yet is kept."""
        edited = self._saved is not None and self._form() != self._saved
        self._saved, self._due = form_of(answer), read_moment(answer["next_run_at"])
        hint = schedule_hint(waiting)
        self._waits.say(hint)
        if hint:
            self._waits.pack(fill="x", after=self._next)
        else:
            self._waits.pack_forget()
        if edited:
            self._changed()
        else:
            self._fill(self._saved)

    def _fill(self, form: ScheduleForm) -> None:
        self._filling = True
        self._plan.set(form.plan)
        for field, text in ((self._at, form.at), (self._begins, form.begins), (self._ends, form.ends)):
            field.variable.set(text)
        for number, tick in enumerate(self._day_ticks):
            tick.variable.set(number in form.days)
        self._every.set(str(form.every))
        for tick, value in ((self._some_hours, form.some_hours), (self._catch_up, form.catch_up),
                            (self._no_battery, not form.on_battery), (self._no_metered, not form.on_metered)):
            tick.variable.set(value)
        self._filling = False
        self._changed()

    def _form(self) -> ScheduleForm:
        return ScheduleForm(
            plan=self._plan.get(), at=self._at.value, days=frozenset(
                number for number, tick in enumerate(self._day_ticks) if tick.ticked),
            every=int(self._every.value or 1), some_hours=self._some_hours.ticked, begins=self._begins.value,
            ends=self._ends.value, catch_up=self._catch_up.ticked, on_battery=not self._no_battery.ticked,
            on_metered=not self._no_metered.ticked,
        )

    def _changed(self) -> None:
        """Show what the form means, and only the fields that the plan needs."""
        if self._filling or self._saved is None or not self.winfo_exists():
            return
        form = self._form()
        self._lay_out(form)
        found = judge(form, datetime.now(UTC), saved=self._saved, due=self._due)
        for name, field in (("at", self._at), ("begins", self._begins), ("ends", self._ends)):
            field.complain(found.problems.get(name, ""))
        self._words.say(found.preview or found.problems.get("days", "Something is missing."))
        self._next.say(found.upcoming)
        self._save.allow(found.good and form != self._saved)
        self._undo.allow(form != self._saved)

    def _lay_out(self, form: ScheduleForm) -> None:
        wanted: list[tuple[tk.Widget, bool]] = [
            (self._days, form.plan == WEEKLY), (self._at, form.plan in {DAILY, WEEKLY}),
            (self._hours, form.plan == HOURLY), (self._some_hours, form.plan == HOURLY),
            (self._between, form.plan == HOURLY and form.some_hours),
        ]
        if [bool(widget.winfo_manager()) for widget, _ in wanted] != [shown for _, shown in wanted]:
            for widget, _ in wanted:
                widget.pack_forget()
            for widget, shown in wanted:
                if shown:
                    widget.pack(fill="x", pady=(px(6), 0))
        self._details.configure(height=1)  # an empty frame keeps the height it had
        if form.plan == OFF:
            self._conditions.pack_forget()
        elif not self._conditions.winfo_manager():
            self._conditions.pack(fill="x", pady=(px(8), 0), after=self._details)

    # --- what it does --------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        if self._saved is not None:
            self._fill(self._saved)

    def _keep(self) -> None:
        form = self._form()
        if form == self._saved or not judge(form, datetime.now(UTC)).good:
            return
        self._save.allow(False)
        self._page.ask(words_to_save(form), lambda answer: self._kept(answer, form))

    def _kept(self, answer: Answer, form: ScheduleForm) -> None:
        if answer.error is not None:
            found = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
            self._page.window.tell_problem(found.sentence, found.hint, found.code)
            self._changed()
            return
        self._saved = None
        self.show(answer.data)
        self._page.window.status("Saved. " + answer.data["words"] + ".")
        if form.plan != OFF:
            self._page.ask(["schedule", "install", "--json"], self._registered)

    def _registered(self, answer: Answer) -> None:
        """A plan that nobody starts helps nobody: what the system's scheduler says against it is shown."""
        if answer.error is not None:
            found = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
            self._page.window.tell_problem(found.sentence, found.hint, found.code, state="warn")
