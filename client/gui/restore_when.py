"""Where a restore begins: a day and a time, or a name to look for."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence

from client.gui.presenters.restore import Point, days_of, times_of
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Field, Label, Select, tip


class WhenPanel(Card):
    """Two lists that drop down, and a field for a name; `point` is the restore point that is chosen."""

    def __init__(
        self, master: tk.Misc, chosen: Callable[[], object], search: Callable[[str], object],
    ) -> None:
        """`chosen` is called when there is another restore point to show, `search` with a name."""
        super().__init__(master, padding=14)
        self._chosen, self._search = chosen, search
        self._points: Sequence[Point] = ()
        self._times: dict[str, Point] = {}
        self._when = Box(self.body)
        self._labels = [Label(self._when, word, "Strong", wrap=False) for word in ("Day", "Time")]
        self._day = Select(self._when, ["30 Sep 2026"], "", self._choose_day)
        self._time = Select(self._when, ["00:00, 100,000 files"], "", chosen)
        tip(self._day, "The days of which there is a restore point.")
        tip(self._time, "The restore points of that day: files as they were at that time.")
        self._field = Field(self.body, "Or &look for a name")
        tip(self._field.entry, "A part of the name of a file or folder. All restore points are searched.")
        self._field.entry.bind("<Return>", lambda _: self._look())
        self._go = Button(self.body, "Search", self._look, hint="Find files and folders by a part of their name.")
        self.arrange(False)

    def arrange(self, narrow: bool) -> None:
        """All of it in one line, or one below the other."""
        for at, (label, select) in enumerate(zip(self._labels, (self._day, self._time), strict=True)):
            row, column = (2 * at, 0) if narrow else (0, at)
            label.grid(row=row, column=column, sticky="w")
            select.grid(row=row + 1, column=column, sticky="w", padx=(0, px(12)), pady=(px(2), px(6) if narrow else 0))
        place = (1, 0) if narrow else (0, 1)
        self.body.columnconfigure(0, weight=1 if narrow else 0)
        self.body.columnconfigure(1, weight=0 if narrow else 1)
        self._when.grid(row=0, column=0, columnspan=2 if narrow else 1, sticky="w")
        self._field.grid(row=place[0], column=place[1], sticky="ew")
        self._go.grid(row=place[0], column=place[1] + 1, sticky="s", padx=(px(6), 0))

    def take(self, points: Sequence[Point]) -> None:
        """Offer these restore points, newest first; what was chosen stays so, if it is still there."""
        kept, self._points = self.point, points
        self._day.configure(values=days_of(points))
        found = next((point for point in points if kept is not None and point.number == kept.number), None)
        if found is None:
            self.choose(points[0])
        else:
            self._offer(found)

    @property
    def point(self) -> Point | None:
        """The restore point that is shown."""
        return self._times.get(self._time.value)

    def find(self, number: int) -> Point | None:
        """The restore point of that number."""
        return next((point for point in self._points if point.number == number), None)

    def choose(self, point: Point) -> None:
        """Show this restore point."""
        self._offer(point)
        self._chosen()

    def _offer(self, point: Point) -> None:
        self._day.set(point.day)
        self._times = times_of(self._points, point.day)
        self._time.configure(values=list(self._times))
        self._time.set(next(text for text, one in self._times.items() if one.number == point.number))

    def _choose_day(self) -> None:
        self.choose(next(iter(times_of(self._points, self._day.value).values())))

    def _look(self) -> None:
        name = self._field.value.strip()
        self._field.complain("" if len(name) > 1 else "Type at least two letters of the name.")
        if len(name) > 1:
            self._search(name)
