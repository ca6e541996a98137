"""The second step of the first run: the recovery code, which is shown once and has to be kept by the reader."""
from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from client.gui.pages import Page
from client.gui.presenters.first_run import write_sheet
from client.gui.theme import px
from client.gui.widgets import Box, Button, Card, Label, Tick

if TYPE_CHECKING:
    from client.gui.app import Window


class RecoveryCodePage(Page):
    """Copy it, save it, print it; then go on."""

    def __init__(self, window: Window) -> None:
        """See Page."""
        super().__init__(window)
        self.heading("Keep the recovery code", "With it your files can be brought back even if the portal is lost. It "
                     "is shown only now; another one can be made in the portal, under My details.")
        card = Card(self)
        card.pack(fill="x")
        Label(card.body, "Recovery code", "Secondary").pack(fill="x")
        self._code = Label(card.body, str(self._enrolled.get("recovery_code", "")), "Mono")
        self._code.pack(fill="x", pady=(px(4), px(12)))
        for name, key in (("Customer", "customer_number"), ("Account", "account"), ("Vault", "vault")):
            line = Box(card.body)
            line.pack(fill="x", pady=(0, px(2)))
            Label(line, name, "Secondary", wrap=False, width=10).pack(side="left")
            Label(line, str(self._enrolled.get(key, ""))).pack(side="left", fill="x", expand=True)
        buttons = Box(card.body)
        buttons.pack(fill="x", pady=(px(12), 0))
        Button(buttons, "&Copy", self._copy, hint="Puts the whole sheet on the clipboard, ready to be pasted.").pack(
            side="left")
        Button(buttons, "&Save as a text file…", self._save,
               hint="A sheet of plain text that any program prints. Keep it away from this computer.").pack(
            side="left", padx=(px(4), 0))
        last = Card(self)
        last.pack(fill="x", pady=(px(16), 0))
        self._kept = Tick(last.body, "I have &kept it: printed, written down, or saved on another device", False,
                          self._changed)
        self._kept.pack(anchor="w")
        self._next = Button(last.body, "Go &on", lambda: window.show("choose"), "Primary")
        self._next.pack(anchor="w", pady=(px(8), 0))
        self._changed()

    def enter(self) -> None:
        """Nothing is lost by hurrying: the keyboard stands on Copy's card."""
        self._kept.focus_set()

    @property
    def _enrolled(self) -> dict[str, object]:
        return self.window.enrolled

    def _sheet(self) -> str:
        return write_sheet(self._enrolled, str(self._enrolled.get("portal", "")), datetime.now(UTC))

    def _copy(self) -> None:
        self.clipboard_clear()
        self.clipboard_append(self._sheet())
        self.window.status("Copied. Paste it into a message to yourself or a password manager.")

    def _save(self) -> None:
        from tkinter import filedialog

        chosen = filedialog.asksaveasfilename(parent=self, title="Save the recovery sheet", defaultextension=".txt",
                                              initialfile="Recovery sheet.txt", filetypes=[("Text", "*.txt")])
        if not chosen:
            return
        try:
            Path(str(chosen)).write_text(self._sheet(), encoding="utf-8")
        except OSError as error:
            self.window.tell_problem(f"The sheet could not be saved: {error.strerror}.", "Choose another place.")
            return
        self.window.status(f"Saved as {chosen}. Print it, or move it to another device.")

    def _changed(self) -> None:
        self._next.allow(self._kept.ticked)
