"""Activity: what every backup, restore and decision did, by day, with what was skipped and what to do about it."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tkinter import filedialog
from typing import TYPE_CHECKING, Any

from client.events import ENDS, Event
from client.gui.pages import Page
from client.gui.presenters.activity import (
    EVERYTHING,
    FILTERS,
    Detail,
    Line,
    describe_job,
    describe_jobs,
    describe_nothing,
)
from client.gui.presenters.problems import describe_problem
from client.gui.table import Column, Row, Table
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, EmptyState, Label, Select, StateMark, tip
from client.jobs.runner import Answer

if TYPE_CHECKING:
    from client.gui.app import Window

JOBS = 400
"""As many as the store keeps."""


class ActivityPage(Page):
    """A list, and the job that is looked at in its place."""

    def __init__(self, window: Window) -> None:
        """See Page."""
        super().__init__(window)
        self._jobs: dict[str, dict[str, Any]] | None = None
        self._wanted, self._narrow = "", False
        self._line = self.heading("Activity", "What every backup, restore and decision did on this computer.")
        self._tools = Box(self._line)
        self._tools.grid(row=0, column=1, sticky="e")
        Label(self._tools, "Show", "Strong", wrap=False).pack(side="left", padx=(0, px(8)))
        self._shown = Select(self._tools, FILTERS, EVERYTHING, self._show)
        self._shown.pack(side="left")
        tip(self._shown, "Problems are jobs that failed, were interrupted, or had to leave files out.")
        self._list = Box(self)
        self._list.pack(fill="both", expand=True)
        self._table = Table(self._list, [
            Column("When", "30 Sep 2026", 0), Column("What", "Schedule", 0),
            Column("Result", "Completed with warnings", 0), Column("Details", "2,148 files, 42 MB sent", 3),
        ], height=9, opened=self._open, chosen=lambda _: self._look.allow(bool(self._chosen)))
        self._empty = Box(self._list)
        foot = Box(self._list)
        foot.pack(side="bottom", fill="x", pady=(px(10), 0))
        self._look = Button(foot, "&Details", lambda: self._open(self._chosen), hint="What it did, file by file.")
        self._look.pack(side="right")
        self._detail: DetailView | None = None

    def enter(self) -> None:
        """Ask for the log, which may be longer by now."""
        self.ask(["log", "--json", "--brief", "--last", str(JOBS)], self._take)

    def arrange(self, narrow: bool) -> None:
        """Two lines a row in a narrow room."""
        self._narrow = narrow
        self._table.arrange(narrow)
        if self._detail is not None:
            self._detail.arrange(narrow)
        self._tools.grid(row=2 if narrow else 0, column=0 if narrow else 1, sticky="w" if narrow else "e",
                         pady=(px(6), 0) if narrow else 0)

    def update_from(self, events: Sequence[Event]) -> None:
        """When a backup has ended, there is one more."""
        if any(isinstance(event, ENDS) for event in events):
            self.after(1000, lambda: self.enter() if self.winfo_exists() else None)

    # --- the list ------------------------------------------------------------------------------------------------

    @property
    def _chosen(self) -> str:
        return next((key for key in self._table.selection if key in (self._jobs or {})), "")

    def _take(self, answer: Answer) -> None:
        if answer.error is not None:
            self._tell(answer)
            return
        self._jobs = {str(job["name"]): job for job in answer.data["jobs"]}
        self._show()

    def _show(self) -> None:
        if self._jobs is None:
            return
        lines = describe_jobs(list(self._jobs.values()), self._shown.value, datetime.now(UTC))
        self._table.pack_forget()
        self._empty.pack_forget()
        if lines:
            self._table.fill([_row(line) for line in lines])
            self._table.pack(fill="both", expand=True)
        else:
            for child in self._empty.winfo_children():
                child.destroy()
            EmptyState(self._empty, "activity", *describe_nothing(self._shown.value)).pack(fill="x")
            self._empty.pack(fill="x")
        self._look.allow(bool(self._chosen))

    # --- one job -------------------------------------------------------------------------------------------------

    def _open(self, name: str) -> None:
        if name in (self._jobs or {}):
            self._wanted = name
            self.ask(["log", "--one", name, "--json"], self._take_one)

    def _take_one(self, answer: Answer) -> None:
        if answer.error is not None:
            self._tell(answer)
            return
        job = answer.data["jobs"][0]
        if self._jobs is None or job["name"] != self._wanted:
            return
        if self._detail is not None:
            self._detail.destroy()
        self._list.pack_forget()
        self._tools.grid_remove()
        detail = describe_job(job, self._jobs[job["name"]], datetime.now(UTC))
        self._detail = DetailView(self, detail, self._close, lambda: self._save(job["name"]))
        self._detail.arrange(self._narrow)
        self._detail.pack(fill="both", expand=True)

    def _close(self) -> None:
        if self._detail is not None:
            self._detail.destroy()
            self._detail = None
        self._list.pack(fill="both", expand=True)
        self._tools.grid()
        self._table.tree.focus_set()

    def _save(self, name: str) -> None:
        file = filedialog.asksaveasfilename(
            parent=self, title="Save a copy", initialdir=str(Path.home()), initialfile=f"Backup log {name}.txt",
            filetypes=[("Text", "*.txt"), ("XML", "*.xml")], defaultextension=".txt")
        if file:
            self.ask(["log", "--one", name, "--save", file, "--json"], lambda answer: self._saved(answer, file))

    def _saved(self, answer: Answer, file: str) -> None:
        if answer.error is not None:
            self._tell(answer)
        else:
            self.window.status(f"Saved to {file}.")

    def _tell(self, answer: Answer) -> None:
        error: Any = answer.error
        problem = describe_problem(error.sentence, error.hint, error.code)
        self.window.tell_problem(problem.sentence, problem.hint, problem.code)


def _row(line: Line) -> Row:
    if not line.name:
        return Row(f"day {line.day}", (line.day,), tag="strong")
    return Row(line.name, (line.time, line.what, line.result, line.detail), state=line.state)


class DetailView(Box):
    """One job: how it ended, what to do, and what happened in it."""

    def __init__(self, page: ActivityPage, detail: Detail, back: Any, save: Any) -> None:
        """`back` and `save` are called by their buttons."""
        super().__init__(page)
        card = Card(self, padding=16)
        card.pack(fill="x")
        body = card.body
        body.columnconfigure(1, weight=1)
        StateMark(body, detail.state, 36).grid(row=0, column=0, rowspan=2, sticky="n", padx=(0, px(14)))
        Label(body, detail.title, "Heading").grid(row=0, column=1, sticky="ew")
        texts = [(detail.result, "Strong"), (detail.facts, "Secondary"), (detail.problem, "Strong"), (detail.hint, ""),
                 (detail.code, "Faint")]
        for row, (text, kind) in enumerate([pair for pair in texts if pair[0]], 1):
            Label(body, text, kind).grid(row=row, column=1, sticky="ew", pady=(px(3), 0))
        if detail.advice:
            Label(self, "What to do", "Heading").pack(fill="x", pady=(px(14), px(4)))
            for text in detail.advice:
                Label(self, text).pack(fill="x", pady=(0, px(4)))
        foot = Box(self)
        foot.pack(side="bottom", fill="x", pady=(px(10), 0))
        button = Button(foot, "&Back", back, hint="To the list.")
        button.pack(side="left")
        Button(foot, "Save a co&py…", save, hint="As text, or as the XML document itself.").pack(
            side="left", padx=(px(8), 0))
        Label(foot, detail.more, "Faint").pack(side="left", fill="x", expand=True, padx=(px(12), 0))
        self._table: Table | None = None
        if detail.rows:
            self._table = Table(self, [Column("Time", "18:00:00", 0), Column("What", "A longer path of a file", 3),
                                       Column("Code", "IBS-4101", 0)], height=5)
            self._table.fill([Row(str(at), (time, what, code), state=state)
                              for at, (state, time, what, code) in enumerate(detail.rows)])
            self._table.pack(fill="both", expand=True, pady=(px(12), 0))
        button.focus_set()

    def arrange(self, narrow: bool) -> None:
        """Two lines a row in a narrow room."""
        if self._table is not None:
            self._table.arrange(narrow)
