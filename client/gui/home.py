"""Home: is everything backed up, back up now, how far is it, and what the last runs did."""
from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from client.events import Event, Failed
from client.gui.home_parts import FactCard, ProgressCard, StatePanel
from client.gui.pages import Page
from client.gui.presenters.home import (
    describe_facts,
    describe_notes,
    describe_runs,
    describe_state,
)
from client.gui.presenters.problems import describe_problem
from client.gui.presenters.progress import RunState, after_events, describe_end, describe_progress
from client.gui.table import Column, Row, Table
from client.gui.theme import px
from client.gui.widgets import Box, Card, EmptyState, ErrorCard, Label
from client.jobs.runner import Answer

if TYPE_CHECKING:
    from client.gui.app import Window

OFFLINE = ("IBS-22", "IBS-90")
"""Codes of a portal that can't be asked now: what this computer knows is shown all the same."""
FOR_EVERYBODY = "IBS-1108"
"""Nothing is wrong: only administrators ask the portal here, and what this computer knows itself is shown."""
OLD = 300.0
"""Seconds after which the portal is asked again while somebody looks."""


class HomePage(Page):
    """The first page."""

    def __init__(self, window: Window) -> None:
        """See Page."""
        super().__init__(window)
        self._overview: dict[str, Any] | None = None
        self._status: dict[str, Any] | None = None
        self._run = RunState()
        self._asked = 0.0
        self._panel = StatePanel(self, self._back_up, window.show)
        self._panel.pack(fill="x", pady=(0, px(16)))
        self._notes = Box(self)
        self._notes.pack(fill="x")
        self._facts = Box(self)
        self._facts.pack(fill="x", pady=(0, px(16)))
        self._cards = [FactCard(self._facts) for _ in range(3)]
        for column, card in enumerate(self._cards):
            self._facts.columnconfigure(column, weight=1, uniform="fact")
            card.grid(row=0, column=column, sticky="nsew", padx=(0 if column == 0 else px(12), 0))
        self._progress = ProgressCard(self, self._pause, self._cancel)
        self._last = Box(self)
        self._last.pack(fill="both", expand=True)
        Label(self._last, "Last backups", "Heading").pack(fill="x", pady=(0, px(6)))
        columns = [Column("When", "Yesterday 18:00", 1), Column("Files", "12,345 files, 42 MB new", 3),
                   Column("Result", "Completed with warnings", 1)]
        self._table = Table(self._last, columns, height=5, opened=lambda _: window.show("activity"))
        self._nothing = Card(self._last)
        EmptyState(self._nothing.body, "time", "Nothing has run yet.",
                   "Each backup will be listed here.").pack(fill="x")

    # --- what it is told -----------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Ask for everything anew."""
        self._show()
        self._ask_again()

    def arrange(self, narrow: bool) -> None:
        """The button below the sentence, rows in two lines."""
        self._panel.arrange(narrow)
        for column, card in enumerate(self._cards):
            card.arrange(narrow)
            card.grid(padx=(0 if column == 0 else px(6 if narrow else 12), 0))
        self._table.arrange(narrow)
        self._progress.arrange(narrow)

    def update_from(self, events: Sequence[Event]) -> None:
        """A run began, went on or ended."""
        self._run = after_events(self._run, events, time.monotonic())
        before = self.was_running
        over = self.run_is_over(events)
        if events or self.was_running != before:
            self._show()
        if over and self._run.end is not None:
            self._tell_end(self._run.end)
        if over or time.monotonic() - self._asked > OLD:
            self._ask_again()

    def _ask_again(self) -> None:
        self._asked = time.monotonic()
        self.ask(["overview", "--json"], self._take_overview)
        self.ask(["status", "--json"], self._take_status)

    def _take_overview(self, answer: Answer) -> None:
        if answer.error is not None:
            self._tell(answer.error)
            return
        self._overview = answer.data
        self._show()

    def _take_status(self, answer: Answer) -> None:
        if answer.error is None:
            self._status = answer.data
            provider = f"\n{self._status['reseller']}" if self._status and self._status["reseller"] else ""
            self.window.connected(f"Connected to portal\n{_host(answer.data['portal'])}{provider}")
        elif answer.error.code == FOR_EVERYBODY:
            self.window.connected("Installed for all users\nof this computer.")
        elif answer.error.code.startswith(OFFLINE):
            self.window.connected("The portal can't be reached now.\nThe next backup tries again.")
        else:
            self._tell(answer.error)
        self._show()

    # --- what is pressed -----------------------------------------------------------------------------------------

    def _back_up(self) -> None:
        self.window.clear_problem()
        self._run = RunState(running=True)
        self.window.runner.start("backup")
        self._show()
        self._progress.focus()

    def _pause(self) -> None:
        wish = "resume" if self._run.paused else "pause"
        (self.window.runner.resume if self._run.paused else self.window.runner.pause)()
        self._wish(wish)

    def _cancel(self) -> None:
        self.window.runner.cancel()
        self._wish("cancel")

    def _wish(self, wish: str) -> None:
        self._run = replace(self._run, wished=wish)
        self._show()

    # --- what is seen --------------------------------------------------------------------------------------------

    def _show(self) -> None:
        now, running = datetime.now(UTC), self.window.runner.running
        card = describe_state(self._overview, self._status, now, running=running)
        self._panel.show(card, running=running)
        self._show_notes(describe_notes(self._status, now))
        for place, fact in zip(self._cards, describe_facts(self._overview, self._status), strict=True):
            place.show(fact)
        if running:
            self._progress.show(describe_progress(self._run))
            self._progress.pack(fill="x", pady=(0, px(16)), before=self._last)
        else:
            self._progress.pack_forget()
        rows = [Row(line.key, (line.when, line.files, line.result), state=line.state,
                    second=f"{line.result} · {line.files}") for line in describe_runs(self._overview, now)]
        self._table.pack_forget()
        self._nothing.pack_forget()
        if rows:
            self._table.fill(rows)
            self._table.pack(fill="both", expand=True)
        elif self._overview is not None:
            self._nothing.pack(fill="x")

    def _show_notes(self, text: str) -> None:
        for child in self._notes.winfo_children():
            child.destroy()
        if text:
            ErrorCard(self._notes, text, state="warn").pack(fill="x", pady=(0, px(16)))
        else:
            self._notes.configure(height=1)

    def _tell_end(self, event: Event) -> None:
        _, sentence = describe_end(event, datetime.now(UTC))
        if isinstance(event, Failed):
            self._tell(event)
        self.window.status(sentence)

    def _tell(self, error: Failed) -> None:
        problem = describe_problem(error.sentence, error.hint, error.code)
        self.window.tell_problem(
            problem.sentence, problem.hint, problem.code, button=problem.button,
            command=lambda: self.window.show(problem.page))


def _host(address: str) -> str:
    return address.partition("//")[2] or address


