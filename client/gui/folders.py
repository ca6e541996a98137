"""Folders: what is protected and in which state, choosing and removing; what is left out, and how much that is."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from client.events import Event
from client.gui.excludes_card import ExcludesCard
from client.gui.pages import Page
from client.gui.presenters.folders import (
    describe_folders,
    describe_missing,
    describe_uncounted,
    removal_question,
)
from client.gui.presenters.problems import describe_problem
from client.gui.question import Question
from client.gui.table import Column, Row, Table
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, EmptyState, ErrorCard
from client.jobs.runner import Answer

if TYPE_CHECKING:
    from client.gui.app import Window


class FoldersPage(Page):
    """The protected folders, then the patterns."""

    def __init__(self, window: Window) -> None:
        """See Page."""
        super().__init__(window)
        self.heading("Folders", "Each of these is backed up with everything in it.",
                     ("&Choose folders…", lambda: window.show("pick"), "Primary", "Add folders, or take some out."))
        self._warning = Box(self)
        self._warning.pack(fill="x")
        self._middle = Box(self)
        self._middle.pack(fill="both", expand=True)
        self._table = Table(self._middle, [
            Column("Folder", "Documents", 4, at_end=True), Column("State", "Not found since 30 Sep at 18:00", 1),
            Column("In the last backup", "1,234 files, 12 GB", 1)], height=3, many=True,
            chosen=lambda keys: self._remove.allow(bool(keys)))
        self._table.tree.bind("<Delete>", lambda _: self._ask_removal())
        self._below = Box(self._middle)
        self._remove = Button(self._below, "Re&move", self._ask_removal,
                              hint="Stop backing up what is marked in the list. Earlier copies are kept.")
        self._remove.pack(side="left")
        self._remove.allow(False)
        self._nothing = Card(self._middle)
        EmptyState(self._nothing.body, "folders", "No folders chosen. Nothing is being backed up.",
                   button="Choose folders…", command=lambda: window.show("pick")).pack(fill="x")
        self._question = Question(self, before=self._middle)
        self._excludes = ExcludesCard(self)
        self._excludes.pack(fill="x", pady=(px(16), 0))

    def enter(self) -> None:
        """Look anew."""
        self._question.close()
        self.ask(["overview", "--json"], self._take)

    def arrange(self, narrow: bool) -> None:
        """Rows in two lines."""
        self._table.arrange(narrow)
        self._excludes.arrange(narrow)

    def update_from(self, events: Sequence[Event]) -> None:
        """When a run has ended, figures and states are new."""
        if self.run_is_over(events):
            self.ask(["overview", "--json"], self._take)

    def _take(self, answer: Answer) -> None:
        if answer.error is not None:
            self._tell(answer)
            return
        found: dict[str, Any] = answer.data
        lines = describe_folders(found, datetime.now(UTC))
        for part in (self._table, self._below, self._nothing):
            part.pack_forget()
        if lines:
            self._table.fill([Row(line.path, (line.name, line.word, line.content), state=line.state)
                              for line in lines], between=(3, 8))
            for line in lines:
                if not line.known:
                    self.ask(["folder", "measure", "--json", line.path], self._measured)
            self._table.pack(fill="both", expand=True)
            self._below.pack(fill="x", pady=(px(4), 0))
        else:
            self._nothing.pack(fill="x")
        self._remove.allow(bool(self._table.selection))
        self._warn(describe_missing(lines))
        self._excludes.show(found["excludes"], bool(lines))

    def _measured(self, answer: Answer) -> None:
        """A folder of which the last backup holds nothing: is there nothing in it, or was it added since?"""
        if not answer.good:
            return
        found = answer.data["folders"][0]
        line = describe_uncounted(found)
        if found["path"] in {row.key for row in self._table.rows}:
            self._table.change(Row(line.path, (line.name, line.word, line.content), state=line.state))

    def _warn(self, text: str) -> None:
        for child in self._warning.winfo_children():
            child.destroy()
        self._warning.configure(height=1)
        if text:
            ErrorCard(self._warning, text, state="warn").pack(fill="x", pady=(0, px(12)))

    def _ask_removal(self) -> None:
        paths = self._table.selection
        if paths:
            question, consequence = removal_question(paths)
            word = "Stop backing it up" if len(paths) == 1 else "Stop backing them up"
            self._question.ask(question, consequence, word, lambda: self._remove_now(paths))

    def _remove_now(self, paths: list[str]) -> None:
        def done(answer: Answer) -> None:
            if answer.error is not None:
                self._tell(answer)
            else:
                self.window.status("Taken off the list. Earlier copies are kept.")
            self.enter()

        self.ask(["folder", "remove", *paths, "--json"], done)

    def _tell(self, answer: Answer) -> None:
        if answer.error is not None:
            found = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
            self.window.tell_problem(found.sentence, found.hint, found.code)
