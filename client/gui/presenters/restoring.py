"""A restore in words: where it goes, what is in its way, how far it is, and how it ended."""
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from client.events import Cancelled, Event, Failed, FileSkipped, Finished, Progress
from client.gui.presenters import words

SHOWN_FAILURES = 1000
EXISTS = "IBS-4201"


@dataclass(frozen=True)
class Wish:
    """What is to be restored, of which restore point, where to (None: where it was), and what the portal counted."""

    snapshot: int
    paths: tuple[str, ...]
    target: Path | None
    overwrite: bool = False
    files: int = 0
    bytes: int = 0

    @property
    def command(self) -> list[str]:
        """The words of the command; the paths go to its standard input."""
        where = ["--in-place"] if self.target is None else ["--to", str(self.target)]
        return ["restore", "--snapshot", str(self.snapshot), *where, "--paths-from-stdin",
                *(["--overwrite"] if self.overwrite else [])]


@dataclass(frozen=True)
class Failure:
    """A file that was not restored."""

    path: str
    reason: str
    code: str


@dataclass(frozen=True)
class RestoreState:
    """How far a restore is; `end` is its last word, `failures` the first thousand of `skipped`."""

    wish: Wish
    files: int = 0
    bytes: int = 0
    skipped: int = 0
    failures: tuple[Failure, ...] = field(default=())
    cancelling: bool = False
    end: Event | None = None


def after_event(state: RestoreState, event: Event) -> RestoreState:
    """The state after `event`."""
    if isinstance(event, Progress):
        return replace(state, files=event.files, bytes=event.bytes)
    if isinstance(event, FileSkipped):
        failure = Failure(event.path, event.reason, event.code)
        more = (failure,) if len(state.failures) < SHOWN_FAILURES else ()
        return replace(state, skipped=state.skipped + 1, failures=state.failures + more)
    if isinstance(event, Finished):
        return replace(state, files=event.files, bytes=event.stored, skipped=event.skipped, end=event)
    if isinstance(event, Failed | Cancelled):
        return replace(state, end=event)
    return state


def after_end(state: RestoreState, code: int) -> RestoreState:
    """The state after the process ended with this exit code, which it should have explained before."""
    if state.end is not None:
        return state
    return replace(state, end=Failed(
        "IBS-9207", f"The restore ended without a word (exit code {code}). Files that are there are complete.",
        "Restore again; what is there already is left as it is."))


def describe_target(wish: Wish, plan: Mapping[str, Any] | None) -> tuple[str, str]:
    """(what will happen to files that exist, the words of the choice to replace them, "" when there is none)."""
    if plan is None:
        return "Looking at what is there already…", ""
    existing, newer = int(plan["existing"]), int(plan["newer"])
    if not existing:
        return "None of these files is there yet, so nothing is overwritten.", ""
    files = words.count(int(plan["files"]), "file")
    stay = "It stays as it is" if existing == 1 else "They stay as they are"
    text = f"{existing:,} of {files} {'exists' if existing == 1 else 'exist'} there already. {stay}, unless you choose "
    text += "to replace them." if existing > 1 else "to replace it."
    choice = f"Replace {words.count(existing, 'file')} that {'exists' if existing == 1 else 'exist'} already"
    if newer:
        choice += f"; {newer:,} of them {'was' if newer == 1 else 'were'} changed after this backup"
    return text, choice


def describe_progress(state: RestoreState) -> tuple[str, str, float]:
    """(title, figures, share) of the progress card."""
    wish = state.wish
    done = state.files + state.skipped
    shares = [part / whole for part, whole in ((state.bytes, wish.bytes), (done, wish.files)) if whole]
    share = min(sum(shares) / len(shares), 1.0) if shares else 0.0
    title = "Ending the restore…" if state.cancelling else f"Restoring: {int(share * 100)} %"
    figures = f"{state.files:,} of {words.count(wish.files, 'file')} · {words.size(state.bytes)}"
    if wish.bytes:
        figures += f" of {words.size(wish.bytes)}"
    return title, figures + (f" · {state.skipped:,} not restored" if state.skipped else ""), share


def describe_end(state: RestoreState) -> tuple[str, str, str]:
    """(state, sentence, what to do) when it is over."""
    end, wish = state.end, state.wish
    if isinstance(end, Finished):
        total = end.files + end.skipped
        sentence = f"{end.files:,} of {words.count(total, 'file')} restored and checked."
        if not end.skipped:
            return "ok", sentence, f"{words.size(end.stored)}, each compared with its checksum."
        stayed = sum(failure.code == EXISTS for failure in state.failures)
        if stayed == end.skipped:
            others = ("The other one exists already and was left as it is." if stayed == 1
                      else "The others exist already and were left as they are.")
            return "warn", sentence, others
        return "warn", sentence, "The list says why the others were not. Everything that was restored is complete."
    if isinstance(end, Cancelled):
        done = words.count(state.files, "file")
        return "neutral", "The restore was cancelled.", f"{done} of {wish.files:,} are there, and each is complete."
    if isinstance(end, Failed):
        return "error", end.sentence, f"{end.hint} ({end.code})".strip()
    return "info", "Restoring…", ""


def failure_rows(failures: Sequence[Failure]) -> list[tuple[str, str, str]]:
    """(file, why, code) of each, fit for a table; the reason does not name the file again."""
    rows = []
    for one in failures:
        reason = f"It{one.reason.removeprefix(one.path)}" if one.reason.startswith(one.path) else one.reason
        path = one.path if os.sep != "/" or one.path.startswith("/") else f"/{one.path}"
        rows.append((words.readable(path), words.readable(reason), one.code))
    return rows
