"""A tree of folders with boxes to tick: what most people protect on top, then this computer, opened step by step."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from client.gui.pages import Page
from client.gui.presenters import words
from client.gui.presenters.selection import Chosen, box_of, place_name, toggle
from client.gui.table import Column, Row, Table, waiting_row
from client.jobs.runner import Answer

Fields = Mapping[str, Any]
SUGGESTED, PLACED = "s:", "t:"
"""Before a path in a row's key: a folder may be both a suggestion and a part of the tree."""


class FolderTree(Table):
    """`chosen` are the ticked folders; `changed` is called after each tick, `explain` gets a sentence now and then."""

    def __init__(self, page: Page, changed: Callable[[], object], explain: Callable[[str], object]) -> None:
        """Stands on `page`, which asks for what it shows."""
        super().__init__(page, [Column("Folder", "Documents of somebody", 4), Column("Files", "123,456 files", 1, True),
                                Column("Size", "at least 12.3 GB", 1, True)], height=6, tree=True)
        self._page, self._changed, self._explain = page, changed, explain
        self.chosen: Chosen = frozenset()
        self.measured: dict[str, Fields | None] = {}
        self._queue: list[str] = []
        self._measuring = ""
        self._asked: set[str] = set()
        self._names: dict[str, str] = {}
        self.tree.bind("<Button-1>", self._clicked)
        self.tree.bind("<space>", lambda _: self._tick(self.tree.focus()))
        self.tree.bind("<Return>", lambda _: self._tick(self.tree.focus()))
        self.tree.bind("<Double-1>", lambda _: None)
        self.tree.bind("<<TreeviewOpen>>", self._opened_row)

    # --- content -------------------------------------------------------------------------------------------------

    def load(self, chosen: Sequence[str], done: Callable[[list[Fields]], object]) -> None:
        """Ask what to suggest and where to begin; `done` gets the suggestions, and may tick some."""
        self.chosen = frozenset(chosen)
        self._asked.clear()

        def suggested(answer: Answer) -> None:
            found = answer.data["suggestions"] if answer.good else []
            self._names = {item["path"]: item["title"] for item in found}
            self.fill([self._suggestion(item) for item in found])
            others = [path for path in sorted(self.chosen) if path not in self._names]
            self.add([self._row(SUGGESTED, path, words.readable(path)) for path in others])
            done(found)
            self._page.ask(["folder", "below", "--json"], placed)
            for item in found:
                self.measure(item["path"])

        def placed(answer: Answer) -> None:
            if answer.good:
                self._add_places("", answer.data["places"])

        self._page.ask(["folder", "suggest", "--json"], suggested)

    def choose(self, key: str) -> None:
        """Tick a folder by its path, also one that no row shows yet."""
        self.chosen, _ = toggle(key, self.chosen) if key not in self.chosen else (self.chosen, "")
        if f"{SUGGESTED}{key}" not in self._rows and f"{PLACED}{key}" not in self._rows:
            self.tree.insert("", 0, iid=f"{SUGGESTED}{key}")
            self._rows[f"{SUGGESTED}{key}"] = self._row(SUGGESTED, key, words.readable(key))
        self._repaint()

    def _add_places(self, parent: str, places: Sequence[Fields]) -> None:
        self.add([self._row(PLACED, place["path"], place_name(place), parent=parent,
                            can_open=bool(place["deeper"]))
                  for place in places if f"{PLACED}{place['path']}" not in self._rows])

    def _suggestion(self, item: Fields) -> Row:
        title = f"{item['title']} of {item['person']}" if item.get("person") else str(item["title"])
        return self._row(SUGGESTED, item["path"], title)

    def _row(self, kind: str, path: str, name: str, *, parent: str = "", can_open: bool = False) -> Row:
        return Row(f"{kind}{path}", (name, *self._figures(path)), box=box_of(path, self.chosen), parent=parent,
                   can_open=can_open)

    def _figures(self, path: str) -> tuple[str, str]:
        if path not in self.measured:
            return "", ""
        found = self.measured[path]
        if found is None:
            return "", "counting…"
        if not found.get("found", True):
            return "", "not found"
        least = "" if found.get("complete", True) else "at least "
        return words.count(int(found["files"]), "file"), least + words.size(int(found["bytes"]))

    def _opened_row(self, _: object) -> None:
        key = self.tree.focus()
        waiting = waiting_row(key)
        if not key or not self.tree.exists(waiting) or key in self._asked:
            return
        self._asked.add(key)

        def placed(answer: Answer) -> None:
            if self.tree.exists(waiting):
                self.tree.delete(waiting)
            if answer.good and self.tree.exists(key):
                self._add_places(key, answer.data["places"])

        self._page.ask(["folder", "below", key.removeprefix(PLACED), "--json"], placed)

    # --- ticks ---------------------------------------------------------------------------------------------------

    def _clicked(self, event: tk.Event[tk.Misc]) -> str | None:
        if self.tree.identify_region(event.x, event.y) == "separator":
            return "break"
        if "image" in self.tree.identify_element(event.x, event.y):
            key = self.tree.identify_row(event.y)
            self.tree.focus_set()
            self.tree.selection_set(key)
            self.tree.focus(key)
            return self._tick(key)
        return None

    def _tick(self, key: str) -> str:
        if key in self._rows:
            path = key.removeprefix(SUGGESTED if key.startswith(SUGGESTED) else PLACED)
            self.chosen, sentence = toggle(path, self.chosen)
            self._explain(sentence)
            self._repaint()
        return "break"

    def _repaint(self) -> None:
        for key, row in list(self._rows.items()):
            path = key[2:]
            self.change(Row(key, (row.cells[0], *self._figures(path)), box=box_of(path, self.chosen), parent=row.parent,
                            can_open=row.can_open))
        for path in sorted(self.chosen):
            self.measure(path)
        self._changed()

    # --- sizes ---------------------------------------------------------------------------------------------------

    def measure(self, path: str) -> None:
        """Count what a folder holds, one folder after the other, in the background."""
        if path in self.measured:
            return
        self.measured[path] = None
        self._queue.append(path)
        if not self._measuring:
            self._measure_next()

    def _measure_next(self) -> None:
        self._measuring = self._queue.pop(0) if self._queue else ""
        if self._measuring:
            self._page.ask(["folder", "measure", "--json", self._measuring], self._counted)

    def _counted(self, answer: Answer) -> None:
        path = self._measuring
        found = answer.data["folders"][0] if answer.good else {"files": 0, "bytes": 0, "complete": False}
        self.measured[path] = found
        self._repaint()
        self._measure_next()

    @property
    def sums(self) -> dict[str, Fields | None]:
        """What the ticked folders hold; None for those that are being counted."""
        return {path: self.measured.get(path) for path in self.chosen}
