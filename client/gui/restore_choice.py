"""The first step of a restore: a day, a folder or a name, and ticks for what is wanted back."""
from __future__ import annotations

import json
import os
import tkinter as tk
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from client.gui.presenters import words
from client.gui.presenters.restore import (
    Chosen,
    Entry,
    Point,
    describe_choice,
    first_folder,
    new_folder,
    parent_of,
    read_folder,
    read_found,
    read_versions,
)
from client.gui.presenters.restoring import Wish
from client.gui.restore_files import FOUND, VERSIONS, WALK, FilesTable
from client.gui.restore_when import WhenPanel
from client.gui.theme import px
from client.gui.widgets import Box, Button, Label
from client.jobs.runner import Answer

if TYPE_CHECKING:
    from client.gui.restore import RestorePage

PAUSE = 300
"""Milliseconds after the last tick until it is counted."""


class ChoiceView(Box):
    """Restore points above, what one of them holds below; what is ticked is counted at the foot."""

    def __init__(self, master: tk.Misc, page: RestorePage, restore: Callable[[Wish], object]) -> None:
        """`restore` gets what is wanted, as soon as it is."""
        super().__init__(master)
        self._page, self._restore = page, restore
        self._chosen = Chosen()
        self._folders: dict[str, list[Entry]] = {}
        self._folder, self._first, self._found_name = "", os.sep, ""
        self._plan: dict[str, Any] | None = None
        self._turn, self._timer = 0, ""
        self._when = WhenPanel(self, self._show_point, self._search)
        self._when.pack(fill="x", pady=(0, px(12)))
        line = Box(self)
        line.pack(fill="x", pady=(0, px(6)))
        self._up = Button(line, "&Up", self._go_up, "Quiet", hint="To the folder that holds this one.")
        self._up.pack(side="left")
        self._where = Label(line, "", "Strong")
        self._where.pack(side="left", fill="x", expand=True, padx=(px(8), 0))
        self._make_foot()
        self._files = FilesTable(self, opened=self._open, toggled=self._toggle, chosen=self._show_foot, up=self._go_up)
        self._files.pack(fill="both", expand=True)

    def _make_foot(self) -> None:
        foot = Box(self)
        foot.pack(fill="x", pady=(px(10), 0), side="bottom")
        foot.columnconfigure(0, weight=1)
        self._count = Label(foot, "", "Strong")
        self._count.grid(row=0, column=0, sticky="ew")
        self._buttons = Box(foot)
        self._buttons.grid(row=0, column=1)
        self._versions = Button(self._buttons, "&Versions", self._show_versions, hint="How the chosen file changed, to "
                                "restore it as it was earlier.")
        self._all = Button(self._buttons, "&Tick all", self._tick_all, hint="Tick everything in this folder.")
        self._none = Button(self._buttons, "&Clear", self._clear, hint="Take every tick away.")
        self._start = Button(self._buttons, "R&estore…", self._begin, "Primary", hint="Choose where to, then restore.")
        for button in (self._versions, self._all, self._none, self._start):
            button.pack(side="left", padx=(px(6), 0))

    def arrange(self, narrow: bool) -> None:
        """One below the other in a narrow room."""
        self._when.arrange(narrow)
        self._files.arrange(narrow)
        self._buttons.grid(row=1 if narrow else 0, column=0 if narrow else 1, sticky="w" if narrow else "e",
                           pady=(px(6), 0) if narrow else 0)

    def take_points(self, points: Sequence[Point], folders: Sequence[str]) -> None:
        """Offer the restore points; `folders` are the protected ones."""
        self._first = first_folder(folders)
        self._when.take(points)

    # --- folders -------------------------------------------------------------------------------------------------

    def _show_point(self) -> None:
        self._folders.clear()
        self._chosen.clear()
        self._walk(self._folder or self._first)

    def _walk(self, folder: str) -> None:
        """Show a folder of the restore point; asked for only once."""
        self._folder = folder
        point = self._when.point
        if folder in self._folders:
            self._turn += 1
            self._show_folder()
        elif point is not None:
            self._ask(["list", str(point.number), folder, "--json"], self._take_folder, "Looking into the folder…")

    def _take_folder(self, answer: Answer) -> None:
        if answer.error is not None:
            if self._folder == os.sep:
                self._page.tell(answer.error)
            else:
                self._walk(os.sep)  # this restore point does not hold it
            return
        entries = self._folders[self._folder] = read_folder(answer.data, datetime.now(UTC))
        if self._folder == os.sep and len(entries) == 1 and entries[0].kind == "folder":
            self._walk(entries[0].path)
        else:
            self._show_folder()

    def _show_folder(self) -> None:
        entries = self._folders[self._folder]
        self._show(WALK, entries, words.readable(self._folder))

    def _go_up(self) -> None:
        if self._files.mode != WALK:
            self._walk(self._folder)
        elif self._folder != os.sep:
            self._walk(parent_of(self._folder))

    def _open(self, entry: Entry) -> None:
        if self._files.mode == WALK and entry.kind == "folder":
            self._walk(entry.path)
        elif self._files.mode == WALK:
            self._toggle(entry)
        elif entry.kind == "folder" and (point := self._when.find(entry.snapshot)) is not None:
            self._folder = entry.path
            self._when.choose(point)
        else:
            self._begin()

    # --- names and versions --------------------------------------------------------------------------------------

    def _search(self, name: str) -> None:
        self._found_name = words.readable(name)
        self._ask(["find", name, "--json"], self._take_found, f"Looking for “{self._found_name}”…")

    def _take_found(self, answer: Answer) -> None:
        if answer.error is not None:
            self._page.tell(answer.error)
            return
        found = read_found(answer.data, datetime.now(UTC))
        text = f"{words.count(len(found), 'match', 'matches')} for “{self._found_name}”"
        if answer.data["more"]:
            text += "; type more of the name to see fewer"
        self._show(FOUND, found, text if found else f"No file or folder matches “{self._found_name}”.")

    def _show_versions(self) -> None:
        entry = self._files.selected
        if entry is not None:
            self._ask(["versions", entry.path, "--json"], self._take_versions, "Looking for its versions…")

    def _take_versions(self, answer: Answer) -> None:
        if answer.error is not None:
            self._page.tell(answer.error)
            return
        total = words.count(answer.data["total"], "version")
        self._show(VERSIONS, read_versions(answer.data, datetime.now(UTC)),
                   f"{total} of “{words.name_of(answer.data['path'])}”")

    def _ask(self, command: Sequence[str], take: Callable[[Answer], None], meanwhile: str) -> None:
        """Ask, and drop the answer when something else was asked for in the meantime."""
        self._turn += 1
        turn = self._turn
        self._where.say(meanwhile)
        self._page.ask(command, lambda answer: take(answer) if turn == self._turn else None)

    def _show(self, mode: str, entries: Sequence[Entry], where: str) -> None:
        self._files.show(mode, entries, self._chosen.state)
        self._where.say(where if entries or mode == FOUND else f"{where}: this folder is empty.")
        self._up.configure(text="Up" if mode == WALK else "Back")
        self._show_foot()

    # --- ticks ---------------------------------------------------------------------------------------------------

    def _toggle(self, entry: Entry) -> None:
        known = {folder: [one.path for one in entries] for folder, entries in self._folders.items()}
        if not self._chosen.toggle(entry.path, known):
            self._page.window.status("A folder above this one is ticked as a whole: untick that one.")
        self._ticked()

    def _tick_all(self) -> None:
        for entry in self._files.entries:
            self._chosen.add(entry.path)
        self._ticked()

    def _clear(self) -> None:
        self._chosen.clear()
        self._ticked()

    def _ticked(self) -> None:
        self._plan = None
        self._files.show_ticks()
        self._show_foot()
        if self._timer:
            self.after_cancel(self._timer)
        self._timer = self.after(PAUSE, self._measure)

    def _measure(self) -> None:
        """Let the portal count what the ticks stand for."""
        self._timer = ""
        point, paths = self._when.point, self._chosen.paths
        if point is None or not paths:
            return
        command = ["restore", "--dry-run", "--json", "--snapshot", str(point.number), "--to",
                   str(new_folder(Path.home(), datetime.now(UTC))), "--paths-from-stdin"]

        def take(answer: Answer) -> None:
            if answer.error is None and paths == self._chosen.paths and point == self._when.point:
                self._plan = answer.data
                self._show_foot()

        self._page.ask(command, take, json.dumps(paths) + "\n")

    def _show_foot(self) -> None:
        walking, selected = self._files.mode == WALK, self._files.selected
        self._versions.allow(selected is not None and selected.kind == "file" and self._files.mode != VERSIONS)
        self._all.allow(walking and bool(self._files.entries))
        self._none.allow(walking and bool(self._chosen.paths))
        self._start.allow(bool(self._chosen.paths) if walking else selected is not None)
        if walking:
            self._count.say(describe_choice(self._chosen, self._plan))
        elif selected is None:
            self._count.say("Choose a line.")
        else:
            self._count.say(f"{selected.name}, {selected.size_words}")

    def _begin(self) -> None:
        """On to the second step, with what is ticked, or the line that is chosen."""
        point, selected = self._when.point, self._files.selected
        if self._files.mode == WALK and point is not None and self._chosen.paths:
            self._restore(Wish(point.number, tuple(self._chosen.paths), None))
        elif self._files.mode != WALK and selected is not None:
            self._restore(Wish(selected.snapshot, (selected.path,), None))
