"""The second and last steps of a restore: where to, how far it is, and what came of it."""
from __future__ import annotations

import json
import tkinter as tk
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from client.events import Event
from client.gui.presenters import words
from client.gui.presenters.restore import new_folder
from client.gui.presenters.restoring import (
    RestoreState,
    Wish,
    after_end,
    after_event,
    describe_end,
    describe_progress,
    describe_target,
    failure_rows,
)
from client.gui.table import Column, Row, Table
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Choice, Label, Progress, StateMark, Tick
from client.jobs.runner import Answer, Child, Runner
from client.system.spawn import open_folder

if TYPE_CHECKING:
    from client.gui.restore import RestorePage

NEW, SAME = "new", "same"


class RestoreJob:
    """A restore that runs or has ended; it outlives the widgets that show it."""

    def __init__(self, runner: Runner, wish: Wish) -> None:
        """Starts it."""
        self.state = RestoreState(wish)
        self._child: Child = runner.follow(wish.command, self._take, self._end, json.dumps(wish.paths) + "\n")

    def _take(self, event: Event) -> None:
        self.state = after_event(self.state, event)

    def _end(self, code: int) -> None:
        self.state = after_end(self.state, code)

    def cancel(self) -> None:
        """Let it end; what is there by then stays."""
        self.state = replace(self.state, cancelling=True)
        self._child.cancel()


_jobs: WeakKeyDictionary[Runner, RestoreJob] = WeakKeyDictionary()


def job_of(runner: Runner) -> RestoreJob | None:
    """The restore of this window, until it was put away."""
    return _jobs.get(runner)


def start_job(runner: Runner, wish: Wish) -> RestoreJob:
    """Restore."""
    _jobs[runner] = RestoreJob(runner, wish)
    return _jobs[runner]


def put_away(runner: Runner) -> None:
    """The reader has seen how it ended."""
    _jobs.pop(runner, None)


class TargetView(Box):
    """To a new folder or to the original place, and whether files that are there are replaced."""

    def __init__(
        self, master: tk.Misc, page: RestorePage, wish: Wish, start: Callable[[Wish], object],
        back: Callable[[], object],
    ) -> None:
        """`start` gets the wish with its place."""
        super().__init__(master)
        self._page, self._wish, self._start, self._turn = page, wish, start, 0
        self._folder = new_folder(Path.home(), datetime.now(UTC))
        self._plan: dict[str, Any] | None = None
        card = Card(self, "Where to?")
        card.pack(fill="x")
        self._place = tk.StringVar(self, NEW)
        Choice(card.body, "To a &new folder", self._place, NEW, self._look).pack(anchor="w")
        line = Box(card.body)
        line.pack(fill="x", padx=(px(26), 0), pady=(0, px(10)))
        line.columnconfigure(0, weight=1)
        self._path = Label(line, "", "Secondary")
        self._path.grid(row=0, column=0, sticky="ew")
        Button(line, "&Other folder…", self._ask_folder, hint="Choose the folder that they go to.").grid(
            row=0, column=1, padx=(px(8), 0))
        Choice(card.body, "To where they &were", self._place, SAME, self._look).pack(anchor="w")
        self._there = Label(card.body, "", "Secondary")
        self._there.pack(fill="x", pady=(px(10), 0))
        self._replace = Tick(card.body, "", False, self._show)
        buttons = Box(self)
        buttons.pack(fill="x", pady=(px(16), 0))
        self._go = Button(buttons, "R&estore", self._begin, "Primary", hint="Start. Nothing else is changed.")
        self._go.pack(side="left")
        Button(buttons, "&Back", back, hint="To the files, whose ticks stay.").pack(side="left", padx=(px(8), 0))
        self._look()
        self._go.focus_set()

    @property
    def _target(self) -> Path | None:
        return self._folder if self._place.get() == NEW else None

    def _ask_folder(self) -> None:
        found = filedialog.askdirectory(parent=self, title="Restore to", initialdir=str(Path.home()))
        if found:
            self._folder = Path(found)
            self._place.set(NEW)
            self._look()

    def _look(self) -> None:
        """Which of the files exist there already?"""
        self._plan, self._turn = None, self._turn + 1
        self._replace.variable.set(False)
        turn, wish = self._turn, self._wish
        command = [*replace(wish, target=self._target).command, "--dry-run", "--json"]

        def take(answer: Answer) -> None:
            if answer.error is not None:
                self._page.tell(answer.error)
            elif turn == self._turn:
                self._plan = answer.data
                self._show()

        self._page.ask(command, take, json.dumps(wish.paths) + "\n")
        self._show()

    def _show(self) -> None:
        self._path.say(words.readable(str(self._folder)))
        text, choice = describe_target(self._wish, self._plan)
        self._there.say(text)
        self._replace.configure(text=choice)
        if choice:
            self._replace.pack(anchor="w", pady=(px(6), 0))
        else:
            self._replace.pack_forget()
        files = 0 if self._plan is None else int(self._plan["files"])
        self._go.configure(text=f"Restore {words.count(files, 'file')}" if files else "Restore")
        self._go.allow(self._plan is not None)

    def _begin(self) -> None:
        if self._plan is not None:
            self._start(replace(
                self._wish, target=self._target, overwrite=self._replace.ticked, files=int(self._plan["files"]),
                bytes=int(self._plan["bytes"]),
            ))


class JobView(Box):
    """How far a restore is, and at its end what came of it."""

    def __init__(self, master: tk.Misc, job: RestoreJob, done: Callable[[], object]) -> None:
        """`done` is called when the reader has seen the end."""
        super().__init__(master)
        self._job, self._done, self._shown, self._narrow = job, done, False, False
        self._card = Card(self)
        self._card.pack(fill="x")
        body = self._card.body
        body.columnconfigure(0, weight=1)
        self._title = Label(body, "", "Strong")
        self._title.grid(row=0, column=0, sticky="ew")
        self._bar = Progress(body)
        self._bar.grid(row=1, column=0, columnspan=2, sticky="ew", pady=px(8))
        self._figures = Label(body, "", "Secondary")
        self._figures.grid(row=2, column=0, sticky="ew")
        self._cancel = Button(body, "&Cancel", job.cancel, hint="Stop here. What is restored already stays.")
        self._cancel.grid(row=2, column=1)
        self._table: Table | None = None
        self.show()

    def arrange(self, narrow: bool) -> None:
        """Two lines a row in a narrow room."""
        self._narrow = narrow
        if self._table is not None:
            self._table.arrange(narrow)

    def show(self) -> None:
        """What is known by now."""
        state = self._job.state
        if state.end is not None:
            self._show_end(state)
            return
        title, figures, share = describe_progress(state)
        self._title.say(title)
        self._figures.say(figures)
        self._bar.show(share)
        self._cancel.allow(not state.cancelling)

    def _show_end(self, state: RestoreState) -> None:
        if self._shown:
            return
        self._shown = True
        self._card.destroy()
        mark, sentence, detail = describe_end(state)
        card = Card(self, padding=20)
        card.pack(fill="x")
        StateMark(card.body, mark, 40).grid(row=0, column=0, rowspan=2, sticky="n", padx=(0, px(16)))
        card.body.columnconfigure(1, weight=1)
        Label(card.body, sentence, "Title").grid(row=0, column=1, sticky="ew")
        Label(card.body, detail, "Secondary").grid(row=1, column=1, sticky="ew")
        buttons = Box(card.body)
        buttons.grid(row=2, column=1, sticky="w", pady=(px(12), 0))
        target = state.wish.target
        if target is not None and target.is_dir():
            Button(buttons, "&Open folder", lambda: open_folder(target), "Primary",
                   hint="Show what was restored.").pack(side="left", padx=(0, px(8)))
        back = Button(buttons, "&Back to the files", self._done, hint="Restore something else.")
        back.pack(side="left")
        back.focus_set()
        if target is not None:
            Label(card.body, words.readable(str(target)), "Faint").grid(row=3, column=1, sticky="ew", pady=(px(8), 0))
        if state.failures:
            self._list(state)

    def _list(self, state: RestoreState) -> None:
        kept = len(state.failures)
        title = "Not restored" if kept == state.skipped else f"Not restored: the first {kept:,} of {state.skipped:,}"
        Label(self, title, "Heading").pack(fill="x", pady=(px(16), px(6)))
        self._table = Table(self, [Column("File", "A longer name.txt", 3), Column("Why", "It exists already", 3),
                                   Column("Code", "IBS-4201", 0)], height=7)
        self._table.arrange(self._narrow)
        self._table.fill([Row(str(at), row, state="warn") for at, row in enumerate(failure_rows(state.failures))])
        self._table.pack(fill="both", expand=True)
