"""A table that scrolls: a row's words in columns, or in two lines where the window is narrow; a state has its sign."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tkinter import ttk
from typing import Any, Literal

from client.gui import icons, theme
from client.gui.theme import px
from client.gui.widgets import ground_of

SIGN = 18
PADDING = 26
"""Logical pixels of a cell that are no text."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, the longest word it must hold whole, and how it shares the room that is left.

    What is too long keeps both ends, as of a path, or with `at_end` its beginning only.
    """

    title: str
    longest: str = ""
    share: int = 1
    right: bool = False
    at_end: bool = False


@dataclass(frozen=True)
class Row:
    """A line: `key` is the caller's name for it, `state` the sign before its first cell, `tag` a look (faint, strong).

    `parent` is the key of the row it belongs to, in a tree; `box` is on, part or off for a row that can be ticked.
    """

    key: str
    cells: Sequence[str]
    state: str = ""
    icon: str = ""
    tag: str = ""
    parent: str = ""
    can_open: bool = False
    box: str = ""
    second: str = ""
    """What the second line says in a narrow window, when the other cells in their order don't."""


def waiting_row(key: str) -> str:
    """The key of the row that stands below one that can be opened until its own rows are there."""
    return f"…{key}"


def _anchor(column: Column) -> Literal["e", "w"]:
    return "e" if column.right else "w"


class Table(ttk.Frame):
    """Columns, rows and a scroll bar; Enter or a double click opens a row, a click or the arrow keys choose one."""

    def __init__(
        self, master: tk.Misc, columns: Sequence[Column], *, height: int = 5, many: bool = False, tree: bool = False,
        opened: Callable[[str], object] | None = None, chosen: Callable[[Sequence[str]], object] | None = None,
    ) -> None:
        """`height` in rows; `many` lets several be chosen; `tree` lets rows have rows; keys go to the callbacks."""
        super().__init__(master, style="List.Box.TFrame" if ground_of(master) == "Page" else "Card.TFrame",
                         padding=px(3))
        self.ground = "Card"
        self._columns, self._narrow, self._rows = columns, False, dict[str, Row]()
        self._opened, self._chosen = opened, chosen
        self._widths = [0] * len(columns)
        self._em = theme.measure("W")
        self.tree = ttk.Treeview(self, columns=[str(at) for at in range(1, len(columns))], height=height,
                                 selectmode="extended" if many else "browse", show="tree headings")
        self._bar = ttk.Scrollbar(self, command=self.tree.yview, style="Card.Vertical.TScrollbar")
        self._across = ttk.Scrollbar(self, orient="horizontal", command=self.tree.xview,
                                     style="Card.Horizontal.TScrollbar")
        self.tree.configure(yscrollcommand=self._scrolled, xscrollcommand=self._moved)
        self.tree.grid(row=0, column=0, sticky="nsew")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self._tree, self._indent = tree, px(20) if tree else 0
        self.tree.configure(style=self._style)
        for at, column in enumerate(columns):
            name, anchor = "#0" if at == 0 else str(at), _anchor(column)
            self.tree.heading(name, text=column.title, anchor=anchor)
            self.tree.column(name, anchor=anchor)
        colours = theme.palette()
        self.tree.tag_configure("faint", foreground=colours.secondary)
        self.tree.tag_configure("strong", font=theme.STRONG)
        self._listen(tree)

    @property
    def _style(self) -> str:
        kind = "Tree" if self._tree else "Flat"
        return f"{'Tall' if self._narrow else ''}{kind}.Treeview"

    def _listen(self, tree: bool) -> None:
        if not tree:
            self.tree.bind("<Button-1>", self._keep_flat)
        self.tree.bind("<Configure>", lambda event: self._share_width(event.width))
        self.tree.bind("<FocusIn>", lambda _: self._focused(True))
        self.tree.bind("<FocusOut>", lambda _: self._focused(False))
        self.tree.bind("<<TreeviewSelect>>", lambda _: self._chosen and self._chosen(self.selection))
        self.tree.bind("<Return>", lambda _: self._open())
        self.tree.bind("<Double-1>", lambda event: self._open() if self.tree.identify_row(event.y) else None)

    # --- content -------------------------------------------------------------------------------------------------

    def fill(self, rows: Sequence[Row], *, between: tuple[int, int] | None = None) -> None:
        """Show these rows and no others; what was chosen or open stays so where it is still there.

        `between` lets the table be as high as its rows, within these numbers of rows.
        """
        if between is not None:
            self.tree.configure(height=min(max(len(rows), between[0]), between[1]))
        chosen, top = self.selection, self.tree.yview()[0]
        opened = {key for key in self._rows if self.tree.exists(key) and self.tree.item(key, "open")}
        self.tree.delete(*self.tree.get_children())
        self._rows = {}
        self.add(rows)
        for key in opened & self._rows.keys():
            self.tree.item(key, open=True)
        self.tree.selection_set([key for key in chosen if key in self._rows])
        self.tree.yview_moveto(top)

    def add(self, rows: Sequence[Row]) -> None:
        """Show these rows, too."""
        for row in rows:
            self._rows[row.key] = row
            self.tree.insert(row.parent, "end", iid=row.key, tags=(row.tag,) if row.tag else (), **self._look(row))
            if row.can_open:
                self.tree.insert(row.key, "end", iid=waiting_row(row.key), text="…")

    def change(self, row: Row) -> None:
        """Show other words in the place of the row with that key."""
        self._rows[row.key] = row
        self.tree.item(row.key, tags=(row.tag,) if row.tag else (), **self._look(row))

    def _look(self, row: Row) -> dict[str, Any]:
        cells = [*row.cells, *[""] * (len(self._columns) - len(row.cells))]
        look: dict[str, Any] = {"text": self._first(row, cells)}
        look["values"] = () if self._narrow else [self._fitted(cell, at) for at, cell in enumerate(cells[1:], 1)]
        if row.box:
            look["image"] = icons.box(row.box, SIGN)
        elif row.state:
            look["image"] = icons.mark(row.state, SIGN)
        elif row.icon:
            look["image"] = icons.icon(row.icon, SIGN, theme.as_hex(theme.palette().secondary))
        return look

    def _first(self, row: Row, cells: Sequence[str]) -> str:
        gap = " " if row.state or row.icon or row.box else ""
        if not self._narrow:
            return gap + self._fitted(cells[0], 0)
        room = self.tree.winfo_width() - px(SIGN + 36) - self._indent
        second = row.second or " · ".join(cell for cell in cells[1:] if cell)
        first = f"{gap}{theme.fit(cells[0], room)}"
        return f"{first}\n{gap}{theme.fit(second, room, at_end=True)}" if second else first

    def _fitted(self, text: str, at: int) -> str:
        """`text` as it fits into its column; what is short enough for any letters is not measured."""
        wide = self._widths[at] - px(PADDING) if self._widths else 0
        if at == 0:
            wide -= px(SIGN + 8) + self._indent
        if len(text) * self._em <= wide:
            return text
        return theme.fit(text, wide, at_end=self._columns[at].at_end)

    @property
    def selection(self) -> list[str]:
        """The keys of what is chosen."""
        return [key for key in self.tree.selection() if key in self._rows]

    def choose(self, key: str) -> None:
        """Choose that row and show it."""
        if self.tree.exists(key):
            self.tree.selection_set(key)
            self.tree.focus(key)
            self.tree.see(key)

    @property
    def rows(self) -> list[Row]:
        """What is shown, in the order of its coming."""
        return list(self._rows.values())

    # --- look ----------------------------------------------------------------------------------------------------

    def arrange(self, narrow: bool) -> None:
        """Two lines a row in a narrow window."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        self.tree.configure(style=self._style, show="tree" if narrow else "tree headings",
                            displaycolumns=() if narrow else "#all")
        self._share_width(self.tree.winfo_width())

    def _share_width(self, width: int) -> None:
        if width <= 1:
            return
        if self._narrow:
            self.tree.column("#0", width=width - 1, minwidth=px(80), stretch=True)
            for row in self._rows.values():
                self.tree.item(row.key, text=self._look(row)["text"])
            return
        least = [self._least(at) for at in range(len(self._columns))]
        shares = sum(column.share for column in self._columns) or 1
        left = max(width - sum(least) - 1, 0)
        for at, column in enumerate(self._columns):
            wide = least[at] + left * column.share // shares
            self._widths[at] = wide
            self.tree.column("#0" if at == 0 else str(at), width=wide, minwidth=least[at], stretch=False)
        for row in self._rows.values():
            self.tree.item(row.key, **{key: value for key, value in self._look(row).items() if key != "image"})

    def _least(self, at: int) -> int:
        column = self._columns[at]
        sign = px(SIGN + 14) + self._indent if at == 0 else 0
        return max(theme.measure(column.longest) + sign, theme.measure(column.title, theme.SMALL)) + px(PADDING)

    def _scrolled(self, first: float | str, last: float | str) -> None:
        self._bar.set(first, last)
        if float(first) <= 0 and float(last) >= 1:
            self._bar.grid_remove()
        else:
            self._bar.grid(row=0, column=1, sticky="ns")

    def _moved(self, first: float | str, last: float | str) -> None:
        self._across.set(first, last)
        if float(first) <= 0 and float(last) >= 1:
            self._across.grid_remove()
        else:
            self._across.grid(row=1, column=0, sticky="ew")

    def _keep_flat(self, event: tk.Event[tk.Misc]) -> str | None:
        return "break" if self.tree.identify_region(event.x, event.y) == "separator" else None

    def _focused(self, focused: bool) -> None:
        self.state(["focus" if focused else "!focus"])
        if focused and not self.tree.selection() and (first := self.tree.get_children()):
            self.tree.focus(self.tree.focus() or first[0])

    def _open(self) -> str:
        at = self.tree.focus()
        if self._opened is not None and at in self._rows:
            self._opened(at)
        return "break"
