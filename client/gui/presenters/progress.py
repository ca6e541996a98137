"""The progress of a backup in words: a pure function from a state and an event to the next state."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from client.events import (
    Begun,
    Cancelled,
    Event,
    Failed,
    FileSkipped,
    Finished,
    FolderMissing,
    Interrupted,
    Paused,
    Progress,
    Resumed,
    Started,
)
from client.gui.presenters import words

SMOOTH = 20.0
"""Seconds over which the speed is averaged, so that the time left does not jump."""


@dataclass(frozen=True)
class RunState:
    """What is known of the run that is followed. Times are seconds of a clock that only goes forward."""

    running: bool = False
    opened: bool = False
    paused: bool = False
    wished: str = ""
    files: int = 0
    bytes: int = 0
    stored: int = 0
    current: str = ""
    skipped: int = 0
    before_files: int = 0
    before_bytes: int = 0
    automatic: bool = False
    speed: float = 0.0
    seen: float | None = None
    end: Event | None = None


def after_event(state: RunState, event: Event, at: float) -> RunState:
    """The state after `event`, which was seen at the moment `at`."""
    if isinstance(event, Begun):
        return RunState(running=True, before_files=event.files, before_bytes=event.bytes, automatic=event.automatic)
    if isinstance(event, Started):
        return replace(state, running=True, opened=True, end=None)
    if isinstance(event, Progress):
        return _advance(state, event, at)
    if isinstance(event, Paused):
        return replace(state, paused=True, wished="", speed=0.0, seen=None)
    if isinstance(event, Resumed):
        return replace(state, paused=False, wished="", seen=None)
    if isinstance(event, FileSkipped | FolderMissing):
        return replace(state, skipped=state.skipped + 1)
    if isinstance(event, Finished | Failed | Cancelled | Interrupted):
        return replace(state, running=False, paused=False, wished="", end=event)
    return state


def after_events(state: RunState, events: Sequence[Event], at: float) -> RunState:
    """after_event for each of them."""
    for event in events:
        state = after_event(state, event, at)
    return state


def _advance(state: RunState, event: Progress, at: float) -> RunState:
    speed = state.speed
    if state.seen is not None and at > state.seen:
        now = max(event.bytes - state.bytes, 0) / (at - state.seen)
        share = min((at - state.seen) / SMOOTH, 1.0) if speed else 1.0
        speed += (now - speed) * share
    return replace(state, running=True, files=event.files, bytes=event.bytes, stored=event.stored,
                   current=event.current or state.current, speed=speed, seen=at)


@dataclass(frozen=True)
class ProgressView:
    """What the progress card shows; `share` is None while nobody can know it, as in a first backup."""

    title: str
    current: str
    figures: str
    share: float | None
    pause_word: str
    can_pause: bool
    can_cancel: bool


def share_of(state: RunState) -> float | None:
    """How much of the run is behind it, measured by what the last backup held."""
    if not state.before_bytes and not state.before_files:
        return None
    byte_share = state.bytes / state.before_bytes if state.before_bytes else 0.0
    file_share = state.files / state.before_files if state.before_files else 0.0
    return min(max((byte_share + file_share) / 2, 0.0), 0.99)


def describe_progress(state: RunState) -> ProgressView:
    """The card's words."""
    share = share_of(state)
    figures = [words.count(state.files, "file"), words.size(state.bytes)]
    if state.stored:
        figures.append(f"{words.size(state.stored)} sent")
    if state.speed and not state.paused:
        figures.append(f"{words.size(round(state.speed))}/s")
        if share is not None and state.bytes < state.before_bytes:
            figures.append(words.left((state.before_bytes - state.bytes) / state.speed))
    if state.skipped:
        figures.append(f"{state.skipped:,} skipped")
    return ProgressView(
        title=_title(state, share), current=_current(state),
        figures=" · ".join(figures), share=share, pause_word="Go on" if state.paused else "Pause",
        can_pause=state.running and not state.wished, can_cancel=state.running and state.wished != "cancel",
    )


def _current(state: RunState) -> str:
    if state.paused and not state.wished:
        return "Five minutes after this window is closed it goes on by itself."
    return f"“{words.name_of(state.current)}”" if state.current else ""


def _title(state: RunState, share: float | None) -> str:
    if state.end is not None:
        return "Tidying up…"
    if state.wished == "cancel":
        return "Ending the backup…"
    if state.wished:
        return "Pausing…" if state.wished == "pause" else "Going on…"
    if state.paused:
        return "Paused. Nothing is read or sent until you go on."
    if not state.opened:
        return "Asking the portal…"
    return f"Backing up: {round(share * 100)} %" if share is not None else "Backing up"


def describe_end(event: Event, now: datetime) -> tuple[str, str]:
    """(state, sentence) for the status line when a run has ended."""
    if isinstance(event, Finished):
        stored = f"{words.size(event.stored)} sent" if event.stored else "nothing had changed"
        text = f"Backup completed: {words.count(event.files, 'file')}, {stored}, in {words.took(event.seconds)}."
        return ("warn", f"{text} {event.skipped:,} skipped.") if event.skipped else ("ok", text)
    if isinstance(event, Cancelled):
        return "neutral", "Backup cancelled. What was stored is used by the next one."
    if isinstance(event, Interrupted):
        return "warn", "The backup was interrupted. The next one goes on where it stopped."
    return "error", getattr(event, "sentence", "")
