"""Failures as the window words them: the sentence and code of the error, and a next step that the window can take."""
from __future__ import annotations

from dataclasses import dataclass

HINTS = {
    "IBS-1104": "Sign in again with the account's user name and password.",
    "IBS-1105": "Sign in with the account's user name and password, or with a set-up code.",
    "IBS-1106": "Close this window and open it again; it then shows the account.",
    "IBS-1201": "Switch “Accept backups” on in the portal, under My details. Everything backed up can be restored.",
    "IBS-1207": "If this disk was copied from another computer, sign in again: this one then gets a vault of its own.",
    "IBS-2202": "Check this computer's date and time. If they are right and your backup provider gave you a "
                "certificate file, choose it below.",
    "IBS-2203": "An address begins with https:// and looks like https://backup.example.com.",
    "IBS-4103": "Choose one under Folders.",
    "IBS-4104": "Choose another folder; one on a removable drive can be added while the drive is connected.",
    "IBS-4105": "Look at the list again; it may have been changed elsewhere.",
    "IBS-9220": "Back up by hand until then; Settings shows what the scheduler says.",
    "IBS-9201": "A backup or another window is at work. Wait for it to end.",
}
"""Hints that would name a command have one for the window instead."""
AT_SIGN_IN = {
    "IBS-2201": "Check the address, and whether this computer is connected. Nothing was sent.",
    "IBS-2204": "Check the address, and whether this network asks for a sign-in of its own.",
}
"""Hints that are different before this computer belongs to an account."""
STEPS = {
    "IBS-1104": ("Sign in", "sign_in"),
    "IBS-1105": ("Sign in", "sign_in"),
    "IBS-4103": ("Choose folders", "folders"),
    "IBS-1108": ("Sign in to restore", "restore"),
}
"""Code → the word of a button and the page that it goes to."""


@dataclass(frozen=True)
class ProblemView:
    """What a card shows; `button` leads to `page`, when the window can take the next step."""

    sentence: str
    hint: str
    code: str
    button: str = ""
    page: str = ""


def describe_problem(sentence: str, hint: str, code: str, *, signing_in: bool = False) -> ProblemView:
    """The problem as a page shows it."""
    if signing_in:
        safe = " Your earlier backups are safe."
        return ProblemView(sentence.replace(safe, ""), AT_SIGN_IN.get(code, HINTS.get(code, hint)), code)
    button, page = STEPS.get(code, ("", ""))
    return ProblemView(sentence, HINTS.get(code, hint), code, button, page)
