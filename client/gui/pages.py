"""What a page is, and which pages there are; each is imported when it is first shown."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from tkinter import ttk
from typing import TYPE_CHECKING, Any

from client.events import Begun, Event
from client.gui.theme import px
from client.gui.widgets import Box, Button, Label

if TYPE_CHECKING:
    from client.gui.app import Window


@dataclass(frozen=True)
class PageEntry:
    """A page's place: its word with the Alt key marked, its icon, its module and class."""

    word: str
    icon: str
    module: str
    kind: str
    hint: str
    under: str = ""
    """The page of the sidebar that it belongs to, when it has no place of its own there."""

    @property
    def letter(self) -> str:
        """Its Alt key."""
        return self.word[self.word.find("&") + 1].lower()

    def load(self) -> Callable[[Window], Page]:
        """The page's class."""
        found: Callable[[Window], Page] = getattr(import_module(self.module), self.kind)
        return found


NAVIGATION = {
    "home": PageEntry("&Home", "home", "client.gui.home", "HomePage", "Is everything backed up? Back up now."),
    "folders": PageEntry("&Folders", "folders", "client.gui.folders", "FoldersPage", "What is backed up, and what is "
                         "left out."),
    "restore": PageEntry("&Restore", "restore", "client.gui.restore", "RestorePage", "Bring files back, from any day."),
    "activity": PageEntry("&Activity", "activity", "client.gui.activity", "ActivityPage", "What every backup and "
                          "restore did."),
    "settings": PageEntry("&Settings", "settings", "client.gui.settings", "SettingsPage", "When to back up, and about "
                          "this computer."),
}
"""The pages of the sidebar, in its order."""
FIRST_RUN = {
    "sign_in": PageEntry("Sign in", "key", "client.gui.sign_in", "SignInPage", ""),
    "recovery": PageEntry("Recovery code", "shield", "client.gui.recovery_code", "RecoveryCodePage", ""),
    "choose": PageEntry("Choose folders", "folders", "client.gui.choose_folders", "ChooseFoldersPage", ""),
    "when": PageEntry("When", "time", "client.gui.choose_time", "ChooseTimePage", ""),
}
"""The steps of the first run; while one is shown, the sidebar shows them instead."""
OTHERS = {
    "pick": PageEntry("Choose folders", "folders", "client.gui.choose_folders", "PickFoldersPage", "", "folders"),
}
PAGES = NAVIGATION | FIRST_RUN | OTHERS


class Page(ttk.Frame):
    """Base of every page: a frame in a room that scrolls. Pages own widgets; what they say, a presenter words."""

    ground = "Page"

    def __init__(self, window: Window) -> None:
        """Build the widgets here, below `self`; ask for what takes time in `enter`."""
        super().__init__(window.room, style="Page.TFrame", padding=(px(20), px(20), px(20), px(12)))
        self.window = window
        self.was_running = False

    def enter(self) -> None:
        """The page is shown, now or again."""

    def leave(self) -> None:
        """Another page will be shown; raise nothing, stop timers."""

    def update_from(self, events: Sequence[Event]) -> None:
        """New events of the running backup; also called with none, whenever the page is looked at."""

    def run_is_over(self, events: Sequence[Event]) -> bool:
        """For `update_from`: whether a run has ended since the last call, be it one that began since then, too."""
        was_running, self.was_running = self.was_running, self.window.runner.running
        return not self.was_running and (was_running or any(isinstance(event, Begun) for event in events))

    def arrange(self, narrow: bool) -> None:
        """The room became narrow or wide; called before the page is first shown, too."""

    def ask(self, words: Sequence[str], done: Callable[[Any], None], text: str = "") -> None:
        """Runner.ask, whose answer comes only while this page lives; `text` goes to the command's standard input."""
        self.window.runner.ask(words, lambda answer: done(answer) if self.winfo_exists() else None, text)

    def heading(self, title: str, detail: str = "", *buttons: tuple[str, Callable[[], object], str, str]) -> Box:
        """The page's title at its top, with buttons (word, command, kind, hint) on its right; packed already."""
        line = Box(self)
        line.pack(fill="x", pady=(0, px(12)))
        line.columnconfigure(0, weight=1)
        Label(line, title, "Title").grid(row=0, column=0, sticky="ew")
        for column, (word, command, kind, hint) in enumerate(buttons, 1):
            Button(line, word, command, kind, hint=hint).grid(row=0, column=column, padx=(px(4), 0))
        if detail:
            Label(line, detail, "Secondary").grid(row=1, column=0, columnspan=len(buttons) + 1, sticky="ew")
        return line


def mapped(root: tk.Misc) -> list[tk.Misc]:
    """Every visible widget below `root`, in the order in which it was made."""
    found: list[tk.Misc] = []
    for child in root.winfo_children():
        if child.winfo_ismapped():
            found.append(child)
            found += mapped(child)
    return found
