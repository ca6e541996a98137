"""Home: is everything backed up, back up now, how far is it, and what the last runs did."""
from __future__ import annotations

from typing import TYPE_CHECKING

from client.gui.pages import Page

if TYPE_CHECKING:
    from client.gui.app import Window


class HomePage(Page):
    """The first page."""

    def __init__(self, window: Window) -> None:
        """See Page."""
        super().__init__(window)
        self.heading("Home", "", ("&Back up now", window.runner.start, "Primary", "Back the protected folders up."))
