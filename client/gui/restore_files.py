"""The files of a restore point, of a search, or the versions of one file, in a table; files to walk to have ticks."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence

from client.gui.presenters.restore import Entry
from client.gui.table import Column, Row, Table
from client.gui.widgets import Box

WALK, FOUND, VERSIONS = "walk", "found", "versions"
AT_ONCE = 500
"""So many rows are shown; the last row brings as many more."""
MORE = "more"
COLUMNS = {
    WALK: [Column("Name", "A longer name.txt", 4), Column("Size", "999 bytes", 0, right=True),
           Column("Changed", "30 Sep 2026 18:00", 0)],
    FOUND: [Column("Name", "A longer name.txt", 2), Column("Size", "999 bytes", 0, right=True),
            Column("Last backed up", "30 Sep 2026 18:00", 0), Column("Folder", "/home/alice/Pictures", 3)],
    VERSIONS: [Column("Changed", "30 Sep 2026 18:00", 0), Column("Size", "999 bytes", 0, right=True),
               Column("Backed up", "Backed up 30 Sep at 18:00", 3)],
}


class FilesTable(Box):
    """One table for each way of looking, of which one is seen; entries are named by their place in the list."""

    def __init__(
        self, master: tk.Misc, *, opened: Callable[[Entry], object], toggled: Callable[[Entry], object],
        chosen: Callable[[], object], up: Callable[[], object],
    ) -> None:
        """`opened` gets an entry that was opened, `toggled` one whose box was pressed; `up` is the Backspace key."""
        super().__init__(master)
        self._opened, self._toggled, self._chosen, self._up = opened, toggled, chosen, up
        self._tables: dict[str, Table] = {}
        self._entries: Sequence[Entry] = ()
        self._shown, self._narrow = 0, False
        self._state: Callable[[str], str] = lambda _: ""
        self.mode = WALK

    def arrange(self, narrow: bool) -> None:
        """Two lines a row in a narrow room."""
        self._narrow = narrow
        for table in self._tables.values():
            table.arrange(narrow)

    def show(self, mode: str, entries: Sequence[Entry], state: Callable[[str], str]) -> None:
        """Show these; `state` tells of a path whether it is ticked."""
        self.mode, self._entries, self._state, self._shown = mode, entries, state, 0
        for table in self._tables.values():
            table.pack_forget()
        if mode not in self._tables:
            self._tables[mode] = self._make(mode)
        self.table.pack(fill="both", expand=True)
        self.table.fill([])
        self._show_more()
        if entries:
            self.table.tree.focus("0")
        self.table.tree.yview_moveto(0)

    def show_ticks(self) -> None:
        """The boxes of all rows anew."""
        if self.mode == WALK:
            for at, entry in enumerate(self._entries[: self._shown]):
                self.table.change(self._row(at, entry))

    @property
    def table(self) -> Table:
        """The one that is seen."""
        return self._tables[self.mode]

    @property
    def entries(self) -> Sequence[Entry]:
        """All of the list, shown yet or not."""
        return self._entries

    @property
    def selected(self) -> Entry | None:
        """The entry that is chosen, if one is."""
        keys = [key for key in self.table.selection if key != MORE] if self.mode in self._tables else []
        return self._entries[int(keys[0])] if keys else None

    def _make(self, mode: str) -> Table:
        table = Table(self, COLUMNS[mode], height=8, opened=self._open, chosen=lambda _: self._chosen())
        table.arrange(self._narrow)
        tree = table.tree
        if mode == WALK:
            tree.bind("<Button-1>", self._pressed, add="+")
            tree.bind("<space>", lambda _: self._toggle(tree.focus()))
        tree.bind("<BackSpace>", lambda _: self._up())
        return table

    def _show_more(self) -> None:
        if self._shown:
            self.table.tree.delete(MORE)
        end = min(self._shown + AT_ONCE, len(self._entries))
        rows = [self._row(at, self._entries[at]) for at in range(self._shown, end)]
        self._shown = end
        if end < len(self._entries):
            rows.append(Row(MORE, (f"{len(self._entries) - end:,} more: open this row to see them",), tag="faint"))
        self.table.add(rows)

    def _row(self, at: int, entry: Entry) -> Row:
        folder = entry.kind == "folder"
        cells = [entry.name, entry.size_words, entry.changed, entry.detail]
        if self.mode == WALK:
            return Row(str(at), cells[:3], box=self._state(entry.path), tag="strong" if folder else "")
        if self.mode == VERSIONS:
            return Row(str(at), [entry.name, entry.size_words, entry.changed], icon="document")
        return Row(str(at), cells, icon="folders" if folder else "document")

    def _open(self, key: str) -> None:
        if key == MORE:
            self._show_more()
        else:
            self._opened(self._entries[int(key)])

    def _pressed(self, event: tk.Event[tk.Misc]) -> None:
        """A click on the box; one on the words only chooses the row."""
        tree = self.table.tree
        if "image" in str(tree.identify_element(event.x, event.y)):
            self._toggle(str(tree.identify_row(event.y)))

    def _toggle(self, key: str) -> str:
        if key and key != MORE:
            self._toggled(self._entries[int(key)])
        return "break"
