"""The client's window on a screen of its own, with a hand that clicks and types, and eyes that read and photograph.

The screen is Xvfb; clicks and keys come from outside through the X server, as a person's do. The window lives in the
test's process, so that a test can ask what is shown where; the jobs it starts are processes of their own, as always.
"""
from __future__ import annotations

import contextlib
import gc
import os
import struct
import subprocess
import time
import tkinter as tk
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.gui import app, theme
from client.gui.pages import mapped
from tests.parts.orphans import ending_with_us

PICTURES = "IBS_WINDOW_PICTURES"
"""The environment variable that names a folder in which the pictures are kept."""
WAIT_SECONDS = 30.0
_interpreters: list[Any] = []
WITH_TEXT = {"TButton", "TLabel", "TCheckbutton", "TRadiobutton"}


@dataclass(frozen=True)
class Screen:
    """A running X server without a monitor."""

    number: int
    dpi: int
    memory: Path

    @property
    def display(self) -> str:
        """What DISPLAY is to be."""
        return f":{self.number}"

    def photograph(self, file: Path, area: tuple[int, int, int, int] | None = None) -> None:
        """Write a PNG of `area` (left, top, width, height), by default of everything."""
        data = self.memory.read_bytes()
        head = struct.unpack(">25I", data[:100])
        size, width, height, line, colours = head[0], head[4], head[5], head[12], head[19]
        left, top, wide, high = area or (0, 0, width, height)
        start = size + colours * 12
        rows = []
        for row in range(max(top, 0), min(top + high, height)):
            at = start + row * line + max(left, 0) * 4
            pixels = data[at : at + min(wide, width - max(left, 0)) * 4]
            colour = bytearray(len(pixels) // 4 * 3)
            colour[0::3], colour[1::3], colour[2::3] = pixels[2::4], pixels[1::4], pixels[0::4]
            rows.append(bytes(colour))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_png(len(rows[0]) // 3, rows))

    def is_blank(self) -> bool:
        """Whether nothing has been painted yet."""
        data = self.memory.read_bytes()
        head = struct.unpack(">25I", data[:100])
        return not any(data[head[0] + head[19] * 12 :: 4099])


def _png(width: int, rows: list[bytes]) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 6)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")


@contextlib.contextmanager
def screen(folder: Path, *, dpi: int = 96, width: int = 1100, height: int = 720) -> Iterator[Screen]:
    """A screen of so many logical pixels at a resolution, on a free display."""
    folder.mkdir(parents=True, exist_ok=True)
    size = f"{width * dpi // 96}x{height * dpi // 96}x24"
    read, write = os.pipe()
    with subprocess.Popen(
        ending_with_us(["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-dpi", str(dpi), "-fbdir", str(folder),
                        "-nolisten", "tcp", "-noreset"]),
        pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:
        os.close(write)
        try:
            with os.fdopen(read) as told:
                number = int(told.readline())
            yield Screen(number, dpi, folder / "Xvfb_screen0")
        finally:
            server.terminate()


class Hand:
    """A person at the window. What is looked for is waited for."""

    def __init__(self, window: app.Window, screen: Screen, pictures: Path) -> None:
        """`pictures` is where photographs go unless the environment names a folder."""
        self.window, self.screen = window, screen
        self._pictures = Path(os.environ.get(PICTURES) or pictures)

    # --- time ----------------------------------------------------------------------------------------------------

    def rest(self, seconds: float = 0.1) -> None:
        """Let the window live for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.window.update()
            time.sleep(0.005)

    def wait(self, condition: Callable[[], object], what: str = "", seconds: float = WAIT_SECONDS) -> None:
        """Until it is so; fails with what is seen instead."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"never came: {what or condition}; seen: {self.texts}"
            self.rest(0.05)

    def wait_for(self, text: str, seconds: float = WAIT_SECONDS) -> None:
        """Until the text can be read somewhere."""
        self.wait(lambda: self.sees(text), f"“{text}”", seconds)

    # --- eyes ----------------------------------------------------------------------------------------------------

    @property
    def widgets(self) -> list[tk.Misc]:
        """All that is shown."""
        return mapped(self.window)

    @property
    def texts(self) -> list[str]:
        """What can be read, line by line; rows of tables with their cells."""
        found = []
        for widget in self.widgets:
            if widget.winfo_class() in WITH_TEXT and str(widget.cget("text")):
                found.append(str(widget.cget("text")))
            elif widget.winfo_class() == "Treeview":
                found += [" | ".join([tree_text.strip(), *map(str, values)])
                          for tree_text, values in _rows(widget)]
            elif widget.winfo_class() in {"TEntry", "TCombobox"}:
                found.append("•" * len(widget.get()) if widget.cget("show") else str(widget.get()))
        return found

    def sees(self, text: str) -> bool:
        """Whether it can be read."""
        return any(text in line for line in self.texts)

    def find(self, text: str, kind: str = "") -> Any:
        """The widget that shows exactly this text, first on the page; waits until it is there and can be used."""
        def found() -> list[Any]:
            return [widget for widget in self.widgets
                    if widget.winfo_class() in ({kind} if kind else WITH_TEXT)
                    and str(widget.cget("text")).strip() == text
                    and not (widget.winfo_class() != "TLabel" and widget.instate(["disabled"]))]

        self.wait(found, f"“{text}” to be used")
        return sorted(found(), key=lambda widget: (
            not str(widget).startswith(str(self.window.page)), widget.winfo_class() == "TLabel"))[0]

    def cut_off(self) -> list[str]:
        """Texts that are not shown whole: wider or higher than their place, or outside of what holds them."""
        self.window.update()
        found = []
        edge = self.window.winfo_rootx() + self.window.winfo_width()
        for widget in self.widgets:
            if widget.winfo_class() not in WITH_TEXT or not str(widget.cget("text")):
                continue
            wraps = widget.winfo_class() == "TLabel" and str(widget.cget("wraplength")) not in {"", "0"}
            needed = 0 if wraps and int(str(widget.cget("wraplength"))) <= widget.winfo_width() + 1 else (
                widget.winfo_reqwidth())
            parent = widget.master
            assert parent is not None
            if wraps and widget.winfo_width() < theme.px(60) and len(str(widget.cget("text"))) > 12:
                found.append(f"{widget.cget('text')!r}: squeezed into {widget.winfo_width()}")
            right = widget.winfo_rootx() + widget.winfo_width()
            if (needed > widget.winfo_width() + 1 or widget.winfo_reqheight() > widget.winfo_height() + 1
                    or right > edge + 1 or right > parent.winfo_rootx() + parent.winfo_width() + 1):
                found.append(f"{widget.cget('text')!r}: {needed}x{widget.winfo_reqheight()} in "
                             f"{widget.winfo_width()}x{widget.winfo_height()}")
        return found

    def photograph(self, name: str) -> Path:
        """Keep a picture of the window."""
        self.rest(0.3)
        file = self._pictures / f"{name}.png"
        window = self.window
        self.screen.photograph(file, (window.winfo_rootx(), window.winfo_rooty(), window.winfo_width(),
                                      window.winfo_height()))
        return file

    # --- fingers -------------------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Keys by their names, such as Return, Tab or alt+b."""
        for key in keys:
            self._do("key", "--clearmodifiers", key)
            self.rest()

    def type(self, text: str) -> None:
        """Letters, as fast as they come."""
        self._do("type", "--delay", "4", "--", text)
        self.rest(0.1 + len(text) * 0.006)

    def click(self, target: str | tk.Misc, *, double: bool = False) -> None:
        """The middle of a widget, or of the one that shows this text."""
        widget: Any = self.find(target) if isinstance(target, str) else target
        room = self.window.scroller
        if room is not None and str(widget).startswith(f"{room.body}."):
            room.show(widget)
            self.rest()
        self.click_at(widget.winfo_rootx() + widget.winfo_width() // 2,
                      widget.winfo_rooty() + widget.winfo_height() // 2, double=double)

    def click_at(self, left: int, top: int, *, double: bool = False) -> None:
        """A place on the screen."""
        self._do("mousemove", str(left), str(top))
        self.rest(0.05)
        self._do("click", *(["--repeat", "2", "--delay", "60"] if double else []), "1")
        self.rest()

    def click_row(self, table: Any, text: str, *, part: str = "text", double: bool = False) -> None:
        """A row of a table whose line holds the text; `part` is text, image (the box to tick) or indicator."""
        tree = table.tree
        self.wait(lambda: self._row(tree, text), f"a row with “{text}”")
        key = self._row(tree, text)
        room = self.window.scroller
        if room is not None:
            room.show(table)
        tree.see(key)
        self.rest()
        left, top, wide, high = tree.bbox(key, "#0")
        place = next(x for x in range(left, left + wide)
                     if part in str(tree.identify_element(x, top + high // 2)).lower())
        self.click_at(tree.winfo_rootx() + place + theme.px(4), tree.winfo_rooty() + top + high // 2, double=double)

    def fill(self, label: str, text: str) -> None:
        """Put text into the field below a label, in place of what stands there."""
        entry = self.find(label, "TLabel").focus_instead
        self.click(entry)
        self.press("ctrl+a")
        self.type(text)
        self.wait(lambda: entry.get() == text, f"“{text}” in the field {label}")

    def resize(self, width: int, height: int) -> None:
        """Make the window so many logical pixels wide and high."""
        self.window.geometry(f"{theme.px(width)}x{theme.px(height)}+0+0")
        self.rest(0.4)

    def _row(self, tree: Any, text: str) -> str:
        for key in _keys(tree):
            cells = [str(tree.item(key, "text")), *map(str, tree.item(key, "values"))]
            if any(text in cell for cell in cells):
                return str(key)
        return ""

    def _do(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], check=True, env=os.environ | {"DISPLAY": self.screen.display})


def _keys(tree: Any, parent: str = "") -> Iterator[str]:
    for key in tree.get_children(parent):
        yield key
        if tree.item(key, "open"):
            yield from _keys(tree, key)


def _rows(tree: Any) -> list[tuple[str, list[str]]]:
    return [(str(tree.item(key, "text")), [str(value) for value in tree.item(key, "values") or ()])
            for key in _keys(tree)]


class OneOfMany(app.Window):
    """The window, which is not the only one of its process.

    Tk (8.6.13) may go on pointing at the widget that had a screen’s focus when the whole window goes, and the next one
    that takes the focus then ends the process. With the focus on the window itself nothing is kept.
    """

    def destroy(self) -> None:
        """As ever."""
        self.focus_force()
        super().destroy()


@contextlib.contextmanager
def opened(home: Path, on: Screen, pictures: Path, *, contrast: bool = False) -> Iterator[Hand]:
    """The window of a store, opened on a screen; at its end nothing unexpected may have happened in it.

    Meanwhile no garbage is collected: the portal's threads would do it, too, and Tk's objects may only go in the thread
    that made them. For the same reason the interpreters of closed windows are kept.
    """
    before, collects = os.environ.get("DISPLAY"), gc.isenabled()
    os.environ["DISPLAY"] = on.display
    gc.disable()
    try:
        window = OneOfMany(home, contrast=contrast)
    finally:
        if before is None:
            del os.environ["DISPLAY"]
        else:
            os.environ["DISPLAY"] = before
    hand = Hand(window, on, pictures)
    _interpreters.append(window.tk)
    try:
        window.focus_force()
        hand.rest(0.3)
        yield hand
        log = home / "technical.log"
        assert not log.exists(), log.read_text()
    finally:
        with contextlib.suppress(tk.TclError):
            window.close()
        del window, hand.window
        gc.collect()
        if collects:  # not while another window is open
            gc.enable()
