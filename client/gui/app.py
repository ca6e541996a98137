"""The window: a sidebar, a room for one page at a time, a status line; it polls the runner and lets nothing escape."""
from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from client.gui import icons, styles, theme
from client.gui.keys import Keyboard
from client.gui.pages import FIRST_RUN, NAVIGATION, PAGES, Page
from client.gui.placement import Placement, load_placement, personal_folder, save_placement
from client.gui.root import Root
from client.gui.scroller import Scroller, is_narrow, is_tight
from client.gui.sidebar import PRODUCT, WIDTH, Sidebar, TopBar
from client.gui.theme import px
from client.gui.tooltips import TELL, text_of
from client.gui.widgets import Box, Button, ErrorCard, Label
from client.jobs.runner import Runner
from client.jobs.window_calls import CLOSE, RAISE, is_called
from client.system.display import wants_contrast
from vault.errors import BackupError

QUICK, SLOW = 200, 1000
"""Milliseconds between two polls: while something is under way or looked at, and otherwise."""
IDENTITY = "identity.xml"


class Window(Root):
    """`home` is the store, `runner` does the work, `show` goes to a page; pages find their place in `room`."""

    def __init__(self, home: Path, *, contrast: bool | None = None, dpi: float | None = None) -> None:
        """`contrast` and `dpi` are asked of the system unless they are given."""
        super().__init__(className="Integrated Backup")
        self.withdraw()
        self.title(PRODUCT)
        self.home = home
        self.runner = Runner(home, lambda: self._poll_in(QUICK))
        self.page: Page | None = None
        self.page_name = ""
        self.enrolled: dict[str, Any] = {}
        """What the portal answered to the sign-in of this session; the recovery code is nowhere else."""
        self.room: tk.Misc = self
        self._dpi, self._given_contrast = dpi, contrast
        self._contrast = wants_contrast() if contrast is None else contrast
        self._rooms: dict[str, Scroller] = {}
        self._pages: dict[str, Page] = {}
        self._narrow, self._tight = False, False
        self._personal = personal_folder(home)
        self._dress()
        self._listen()
        self._timer = self.after(QUICK, self._poll)
        self._take_place()
        self.protocol("WM_DELETE_WINDOW", self.close)
        self.show("home" if self.signed_in else "sign_in")
        self.deiconify()

    # --- what pages use ------------------------------------------------------------------------------------------

    @property
    def signed_in(self) -> bool:
        """Whether this computer belongs to an account."""
        return any((self.home / name).exists() for name in (IDENTITY, f"{IDENTITY}.bak"))

    @property
    def scroller(self) -> Scroller | None:
        """The room of the page that is seen."""
        return self._rooms.get(self.page_name)

    @property
    def offers_pages(self) -> bool:
        """False during the first run, whose steps are taken one after the other."""
        return not self._stepping

    @property
    def places(self) -> list[tk.Misc]:
        """Where an Alt key is looked for, in this order."""
        return [*([self.page] if self.page else []), self._problem, self._sidebar, self._top]

    def show(self, name: str) -> None:
        """Go to a page by its name (client.gui.pages.PAGES)."""
        self._close_menu()
        self.clear_problem()
        if name not in self._pages:
            room = Scroller(self._stage)
            self.room = room.body
            try:
                page = PAGES[name].load()(self)
            except BaseException:
                room.destroy()
                raise
            page.pack(fill="both", expand=True)
            page.arrange(self._tight)
            self._rooms[name], self._pages[name] = room, page
        if self.page is not None and self.page_name != name:
            self.page.leave()
            self._rooms[self.page_name].grid_remove()
        if (name in FIRST_RUN) != self._stepping:
            self._offer(name in FIRST_RUN)
        self.page, self.page_name = self._pages[name], name
        self._rooms[name].grid(row=2, column=0, sticky="nsew")
        self._sidebar.mark(PAGES[name].under or name)
        self._top.say(PAGES[name].word.replace("&", ""))
        self.status("")
        self.page.enter()
        self.page.update_from([])

    def renew(self, *names: str) -> None:
        """Let these pages be made anew when they are shown again; by default all but the one that is seen."""
        for name in names or [name for name in self._pages if name != self.page_name]:
            if name in self._pages and name != self.page_name:
                self._rooms.pop(name).destroy()
                self._pages.pop(name)

    def status(self, text: str) -> None:
        """A line at the bottom: what the focus is on, or what was just done."""
        self._status.say(text)

    def connected(self, text: str) -> None:
        """The small print of the sidebar."""
        self._sidebar.say(text)

    def tell_problem(
        self, sentence: str, hint: str = "", code: str = "", *, button: str = "",
        command: Callable[[], object] | None = None, state: str = "error",
    ) -> None:
        """Show what went wrong above the page, until it is closed or another page is shown."""
        self.clear_problem()
        card = ErrorCard(self._problem, sentence, hint, code, button=button, command=command, state=state)
        card.pack(fill="x", padx=px(20), pady=(px(16), 0))
        Button(card.body, "Close", self.clear_problem, "Quiet").grid(row=0, column=2, rowspan=3, sticky="n")
        self._problem.grid(row=1, column=0, sticky="ew")

    def clear_problem(self) -> None:
        """Take the card above the page away."""
        for child in self._problem.winfo_children():
            child.destroy()
        self._problem.grid_remove()

    def close(self) -> None:
        """End the window; what runs goes on."""
        largest = self.state() == "zoomed" if self.tk.call("tk", "windowingsystem") == "win32" else False
        wide, high, left, top = (round(side * 1000 / px(1000)) for side in (
            self.winfo_width(), self.winfo_height(), self.winfo_x(), self.winfo_y()))
        save_placement(self._personal, Placement(wide, high, left, top, largest))
        self.destroy()

    def destroy(self) -> None:
        """As ever; the pictures go with the window they belong to."""
        self.after_cancel(self._timer)
        icons.forget()
        super().destroy()

    def report_callback_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None,
    ) -> None:
        """What nobody expected: a sentence with a reference, and the traceback in the technical log."""
        if isinstance(error, KeyboardInterrupt):  # the system ends the session
            self.close()
            return
        if isinstance(error, BackupError):
            self.tell_problem(error.sentence, error.hint, error.code)
            return
        from client.errors import Unexpected
        from client.store.technical_log import note_unexpected

        found = Unexpected(reference=note_unexpected(self.home, error.with_traceback(trace)))
        self.tell_problem(found.sentence, found.hint, found.code)

    # --- its frame -----------------------------------------------------------------------------------------------

    def _dress(self) -> None:
        """Colours, fonts, and everything around the page."""
        theme.prepare(self, contrast=self._contrast, dpi=self._dpi)
        styles.apply(self)
        self.configure(background=theme.palette().page)
        if self.tk.call("tk", "windowingsystem") == "x11":
            self.configure(cursor="left_ptr")  # a bare X server has a cross
        self._sidebar = Sidebar(self, self.show)
        self._stage = Box(self)
        self._stage.rowconfigure(2, weight=1)
        self._stage.columnconfigure(0, weight=1)
        self._top = TopBar(self._stage, self._toggle_menu)
        self._problem = Box(self._stage)
        self._status = Label(self._stage, "", "Faint")
        self._status.grid(row=3, column=0, sticky="ew", padx=px(20), pady=(px(2), px(6)))
        self._stepping = not self.signed_in
        self._offer(self._stepping)
        self.columnconfigure(1, weight=1)
        self.rowconfigure(0, weight=1)
        self._stage.grid(row=0, column=1, sticky="nsew")

    def _offer(self, steps: bool) -> None:
        self._stepping = steps
        if steps:
            self._sidebar.show_steps()
        else:
            self._sidebar.show_pages(NAVIGATION)

    def _take_place(self) -> None:
        """Where it was closed the last time, but never outside the screen."""
        scale = px(1000) / 1000
        width, height = self.winfo_screenwidth() / scale, self.winfo_screenheight() / scale
        found = load_placement(self._personal).within(int(width), int(height))
        corner = "" if found.left is None or found.top is None else f"+{px(found.left)}+{px(found.top)}"
        self.geometry(f"{px(found.width)}x{px(found.height)}{corner}")
        self.minsize(*(px(side) for side in theme.MINIMUM))
        self._arrange(px(found.width))
        if found.largest and self.tk.call("tk", "windowingsystem") == "win32":
            self.state("zoomed")

    def _arrange(self, width: int) -> None:
        """The sidebar beside the room, or a bar with a menu button above it; pages hear when their room is tight."""
        self._narrow, self._tight = is_narrow(width), is_tight(width - px(WIDTH))
        self._close_menu()
        if self._narrow:
            self._sidebar.grid_forget()
            self._top.grid(row=0, column=0, sticky="ew")
        else:
            self._top.grid_remove()
            self._sidebar.grid(row=0, column=0, sticky="ns")
        for page in self._pages.values():
            page.arrange(self._tight)

    def _toggle_menu(self) -> None:
        if self._sidebar.winfo_manager() == "place":
            self._close_menu()
            return
        top = self._top.winfo_height()
        self._sidebar.place(x=0, y=top, width=px(WIDTH + 20), height=max(self.winfo_height() - top, 1))
        self._sidebar.lift()
        self._sidebar.focus_current()

    def _close_menu(self) -> None:
        if self._narrow and self._sidebar.winfo_manager() == "place":
            self._sidebar.place_forget()
            self._top.button.focus_set()

    def _listen(self) -> None:
        self.bind("<Configure>", self._resized, add="+")
        self.bind("<FocusIn>", self._regained, add="+")
        self.bind("<Escape>", lambda _: self._close_menu(), add="+")
        self.bind(TELL, lambda _: self.status(text_of(self.focus_get())))
        Keyboard(self)

    def _resized(self, event: tk.Event[tk.Misc]) -> None:
        wide = event.width
        if event.widget is self and (is_narrow(wide), is_tight(wide - px(WIDTH))) != (self._narrow, self._tight):
            self._arrange(wide)

    def _regained(self, event: tk.Event[tk.Misc]) -> None:
        """The reader may have switched high contrast on or off meanwhile."""
        if event.widget is self and self._given_contrast is None and wants_contrast() != self._contrast:
            self._contrast = not self._contrast
            self.after_idle(self._dress_anew)

    def _dress_anew(self) -> None:
        name = self.page_name
        for widget in (self._stage, self._sidebar):
            widget.destroy()
        self._rooms.clear()
        self._pages.clear()
        self.page, self.page_name = None, ""
        icons.forget()
        self._dress()
        self._arrange(self.winfo_width())
        self.show(name)

    def _poll(self) -> None:
        if is_called(self._personal, CLOSE):
            self.close()
            return
        try:
            self._come_forward()
            events = self.runner.poll()
            for page in self._pages.values():
                if page is self.page or events:
                    page.update_from(events)
        finally:
            self._poll_in(QUICK if self.runner.busy else SLOW)

    def _poll_in(self, milliseconds: int) -> None:
        self.after_cancel(self._timer)
        self._timer = self.after(milliseconds, self._poll)

    def _come_forward(self) -> None:
        """Somebody opened the window a second time: this one is shown."""
        if is_called(self._personal, RAISE):
            self.deiconify()
            self.lift()
            self.focus_force()
