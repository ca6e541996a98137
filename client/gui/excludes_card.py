"""The patterns of what is left out: the list, adding with a count while one types, and removing."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from client.gui.pages import Page
from client.gui.presenters.folders import SAMPLES, check_pattern, describe_left_out
from client.gui.presenters.problems import describe_problem
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Field, Label
from client.jobs.runner import Answer

PAUSE = 500
"""Milliseconds without a key after which what was typed is counted."""


class ExcludesCard(Card):
    """Stands on the page Folders."""

    def __init__(self, page: Page) -> None:
        """Empty until `show`."""
        super().__init__(page, "Left out")
        self._page = page
        self._patterns: list[str] = []
        self._counts: dict[str, dict[str, Any]] = {}
        self._typed = ""
        self._timer = ""
        self._counting = False
        Label(self.body, "Files and folders whose names fit a pattern are not backed up; * stands for any letters. A "
              "pattern with a slash is compared with whole paths.", "Secondary").pack(fill="x", pady=(0, px(8)))
        self._list = Box(self.body)
        self._list.pack(fill="x")
        self._line = Box(self.body)
        self._line.pack(fill="x", pady=(px(8), 0))
        self._line.columnconfigure(0, weight=1)
        self._field = Field(self._line, "Leave out, &too", hint=f"Such as {', '.join(SAMPLES[:4])}")
        self._field.grid(row=0, column=0, sticky="ew")
        self._button = Button(self._line, "&Leave out", self._add, hint="Adds the pattern to the list.")
        self._button.grid(row=0, column=1, sticky="n", pady=(px(20), 0), padx=(px(4), 0))
        self._field.variable.trace_add("write", lambda *_: self._typing())
        self._field.entry.bind("<Return>", lambda _: self._add())
        self._live = Label(self.body, "", "Secondary")
        self._live.pack(fill="x", pady=(px(4), 0))

    def arrange(self, narrow: bool) -> None:
        """The button beside the field, or below it."""
        self._button.grid(row=1 if narrow else 0, column=0 if narrow else 1, sticky="nw" if narrow else "n",
                          pady=(px(4) if narrow else px(20), 0), padx=(0 if narrow else px(4), 0))

    def show(self, patterns: Sequence[str], folders: bool) -> None:
        """Show these patterns; what each leaves out is counted when there are `folders`."""
        self._patterns, self._counts = list(patterns), {}
        self._fill()
        if folders:
            self._count_next()

    def _fill(self) -> None:
        for child in self._list.winfo_children():
            child.destroy()
        self._words: dict[str, Label] = {}
        for row, pattern in enumerate(self._patterns):
            Label(self._list, pattern, "Strong").grid(row=row, column=0, sticky="ew")
            self._words[pattern] = Label(self._list, "", "Secondary")
            self._words[pattern].grid(row=row, column=1, sticky="ew", padx=(px(8), 0))
            Button(self._list, "Back up again", lambda pattern=pattern: self._remove(pattern), "Quiet",  # type: ignore[misc]
                   hint=f"Take {pattern} off this list.").grid(row=row, column=2)
        self._list.columnconfigure(0, weight=1)
        self._list.columnconfigure(1, weight=1)
        if not self._patterns:
            Label(self._list, "Nothing is left out.").grid(row=0, column=0, sticky="ew")

    # --- counts, one after the other ------------------------------------------------------------------------------

    def _count_next(self) -> None:
        """What is being typed comes first."""
        if self._counting:
            return
        waiting = [self._typed, *self._patterns] if self._typed else self._patterns
        pattern = next((one for one in waiting if one not in self._counts), "")
        if not pattern:
            return
        self._counting = True
        self._say(pattern, None)
        self._page.ask(["exclude", "count", "--json", "--", pattern], lambda answer: self._counted(pattern, answer))

    def _counted(self, pattern: str, answer: Answer) -> None:
        self._counting = False
        self._counts[pattern] = answer.data if answer.good else {"files": 0, "bytes": 0}
        self._say(pattern, self._counts[pattern])
        self._count_next()

    def _say(self, pattern: str, found: dict[str, Any] | None) -> None:
        text = describe_left_out(found, [pattern])
        if pattern in self._patterns and self._words[pattern].winfo_exists():
            self._words[pattern].say(text)
        if pattern == self._typed:
            self._live.say(f"“{pattern}” would leave out: {text}")

    def _typing(self) -> None:
        if self._timer:
            self.after_cancel(self._timer)
        self._timer = self.after(PAUSE, self._typed_enough)

    def _typed_enough(self) -> None:
        self._timer = ""
        text = self._field.value.strip()
        self._typed = "" if check_pattern(text, self._patterns) else text
        self._live.say("")
        if self._typed in self._counts:
            self._say(self._typed, self._counts[self._typed])
        self._count_next()

    # --- changes -------------------------------------------------------------------------------------------------

    def _add(self) -> None:
        text = self._field.value.strip()
        problem = check_pattern(text, self._patterns)
        self._field.complain(problem)
        if not problem:
            self._change(["exclude", "add", "--json", "--", text])

    def _remove(self, pattern: str) -> None:
        self._change(["exclude", "remove", "--json", "--", pattern])

    def _change(self, command: list[str]) -> None:
        def done(answer: Answer) -> None:
            if answer.error is not None:
                found = describe_problem(answer.error.sentence, answer.error.hint, answer.error.code)
                self._page.window.tell_problem(found.sentence, found.hint, found.code)
                return
            if command[1] == "add":
                self._field.variable.set("")
            self.show(answer.data["excludes"], True)

        self._page.ask(command, done)
