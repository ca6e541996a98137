"""What people decided about their backups, as the activity log tells of it."""
from __future__ import annotations

from client.events import Notice
from client.schedules.schedule import conditions_in_words, in_words
from client.store.activity import ActivityLog
from client.store.settings import Settings


def note_changes(before: Settings, after: Settings) -> None:
    """Write down what became different between two states of the settings; nothing when nothing did."""
    texts = describe_changes(before, after)
    if texts:
        with ActivityLog(after.home, "settings") as log:
            for text in texts:
                log.record(Notice(text))


def describe_changes(before: Settings, after: Settings) -> list[str]:
    """A sentence for each change."""
    texts = [f"Protected from now on: {folder}" for folder in after.folders if folder not in before.folders]
    texts += [
        f"Not protected any more: {folder}. Its earlier copies are kept."
        for folder in before.folders if folder not in after.folders and not _is_inside(folder, after.folders)
    ]
    texts += [f"Left out from now on: {pattern}" for pattern in after.excludes if pattern not in before.excludes]
    texts += [f"Not left out any more: {pattern}" for pattern in before.excludes if pattern not in after.excludes]
    if before.schedule != after.schedule:
        conditions = conditions_in_words(after.schedule)
        texts.append(f"Automatic backup: {in_words(after.schedule)}" + (f"; {conditions}" if conditions else ""))
    if before.limits != after.limits:
        texts.append("The speed limit was changed." if after.limits else "The speed limit was taken away.")
    return texts


def _is_inside(folder: str, others: tuple[str, ...]) -> bool:
    return any(folder.startswith(other.rstrip("/\\") + sign) for other in others for sign in "/\\")
