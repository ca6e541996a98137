"""Choosing what to back up, in the first run and later: a tree to tick, and how much of the plan it takes."""
from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from client.gui.folder_tree import FolderTree
from client.gui.pages import Page
from client.gui.presenters.first_run import describe_sum, outermost
from client.gui.presenters.problems import describe_problem
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Field, Label, Progress, StateMark
from client.jobs.runner import Answer

if TYPE_CHECKING:
    from client.gui.app import Window


class ChooseFoldersPage(Page):
    """A step of the first run: the suggestions are ticked, and the next step follows."""

    follows = "when"
    word = "Go &on"
    ticks_suggestions = True

    def __init__(self, window: Window) -> None:
        """See Page."""
        super().__init__(window)
        self._quota = int(window.enrolled.get("quota", 0))
        self.heading("Choose what to back up", "Everything in a ticked folder is backed up, with all folders in it.")
        self._tree = FolderTree(self, self._changed, window.status)
        self._tree.pack(fill="both", expand=True)
        line = Box(self)
        line.pack(fill="x", pady=(px(8), px(12)))
        self._path = Field(line, "&Another folder", hint="Type its path, such as a folder on a network drive.")
        self._path.pack(side="left", fill="x", expand=True)
        Button(line, "A&dd", self._add, hint="Tick the folder that you typed.").pack(side="left", anchor="n",
                                                                                    pady=(px(20), 0), padx=(px(4), 0))
        self._path.entry.bind("<Return>", lambda _: self._add())
        card = Card(self, padding=14)
        card.pack(fill="x")
        self._mark = StateMark(card.body, "neutral", 20)
        self._mark.grid(row=0, column=0, padx=(0, px(8)), sticky="n")
        self._sum = Label(card.body, "")
        self._sum.grid(row=0, column=1, sticky="ew")
        self._bar = Progress(card.body)
        self._bar.grid(row=1, column=0, columnspan=2, sticky="ew", pady=(px(8), 0))
        card.body.columnconfigure(1, weight=1)
        last = Box(self)
        last.pack(fill="x", pady=(px(12), 0))
        self._next = Button(last, self.word, self._save, "Primary")
        self._next.pack(side="left")
        self._more(last)
        self._loaded = False

    def _more(self, line: Box) -> None:
        """Further buttons."""

    def enter(self) -> None:
        """Ask what is chosen already, then what to suggest."""
        if not self._loaded:
            self._loaded = True
            self.ask(["folder", "list", "--json"], self._listed)
            if not self._quota:
                self.ask(["status", "--json"], self._take_status)
        self._changed()

    def arrange(self, narrow: bool) -> None:
        """Rows in two lines."""
        self._tree.arrange(narrow)

    def _listed(self, answer: Answer) -> None:
        kept = answer.data["folders"] if answer.good else []
        self._tree.load(kept, self._suggested)

    def _suggested(self, found: list[Mapping[str, Any]]) -> None:
        if self.ticks_suggestions and not self._tree.chosen:
            for item in found:
                self._tree.choose(item["path"])
        self._changed()

    def _take_status(self, answer: Answer) -> None:
        if answer.good:
            self._quota = int(answer.data["quota"])
            self._changed()

    def _changed(self) -> None:
        view = describe_sum(self._tree.sums, 0, self._quota)
        self._mark.show(view.state)
        self._sum.say(view.text)
        self._bar.show(view.share)
        self._next.allow(bool(self._tree.chosen) or not self.ticks_suggestions)

    def _add(self) -> None:
        path = self._path.value.strip()
        there = bool(path) and os.path.isdir(os.path.expanduser(path))
        self._path.complain("" if there else f"{path or 'This'} isn't a folder on this computer.")
        if there:
            self._tree.choose(os.path.abspath(os.path.expanduser(path)))
            self._path.variable.set("")

    def _save(self) -> None:
        folders = outermost(self._tree.chosen)
        command = ["folder", "set", *folders, "--json"]
        self._next.allow(False)
        self.ask(command, self._saved)

    def _saved(self, answer: Answer) -> None:
        self._next.allow(True)
        if answer.error is not None:
            found = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
            self.window.tell_problem(found.sentence, found.hint, found.code)
            return
        self.window.show(self.follows)


class PickFoldersPage(ChooseFoldersPage):
    """The same later, from the page Folders, to which it returns."""

    follows = "folders"
    word = "Sa&ve"
    ticks_suggestions = False

    def _more(self, line: Box) -> None:
        Button(line, "&Back", lambda: self.window.show("folders"), "Quiet",
               hint="Nothing is changed.").pack(side="left", padx=(px(4), 0))

    def enter(self) -> None:
        """What is protected may have changed meanwhile."""
        self._loaded = False
        super().enter()
