"""Opening the window: one at a time, on a screen, and a clear sentence where that can't be."""
from __future__ import annotations

import os
import sys
from pathlib import Path

from client.errors import HomeBusy, NoDisplay, WindowOpen
from client.jobs.window_calls import LOCK, RAISE, call
from client.store.instance import hold
from client.system.display import has_display, prepare_display
from vault.errors import BackupError

NO_TK = "this Python has no Tk (on Debian, the package python3-tk)"
NO_SCREEN = "there is no screen (DISPLAY names none)"


def open_window(home: Path) -> int:
    """Open it and stay until it is closed; the exit code. Raises WindowOpen, NoDisplay or HomeUnusable."""
    if not has_display():
        raise NoDisplay(reason=NO_SCREEN)
    try:
        import tkinter
    except ImportError as error:
        raise NoDisplay(reason=NO_TK) from error
    from client.gui.app import Window
    from client.gui.placement import personal_folder

    os.umask(0o077)
    prepare_display()
    personal = personal_folder(home)
    try:
        with hold(personal, LOCK):
            try:
                window = Window(home)
            except tkinter.TclError as error:
                raise NoDisplay(reason=f"{error}".replace("\n", " ")) from error
            try:
                window.mainloop()
            except KeyboardInterrupt:  # the system ends the session
                window.close()
    except HomeBusy as error:
        call(personal, RAISE)
        raise WindowOpen() from error
    return 0


def show_failure(error: BackupError) -> None:
    """Where nobody sees what a command says, as for a program started from a menu: say it in a small window."""
    if sys.stderr is not None or not has_display():
        return
    import tkinter
    from tkinter import messagebox

    try:
        root = tkinter.Tk()
    except tkinter.TclError:
        return
    root.withdraw()
    messagebox.showinfo("Integrated Backup", error.explain(), parent=root)
    root.destroy()
