"""What the portal hears of this computer between runs: its schedule, its folders, and copies of logs it missed."""
from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from client.api.portal import Portal
from client.schedules.schedule import in_words, longest_gap, next_due
from client.store.activity import is_anything_unsent, send_unsent
from client.store.agenda import Agenda, KnownFolder, change_agenda, load_agenda
from client.store.documents import Tell
from client.store.settings import Settings, load_settings
from protocol.messages import ProtectedFolder, ScheduleReport, encode

MOST_FOLDERS = 1_000


def describe_plan(settings: Settings, agenda: Agenda, now: datetime) -> ScheduleReport:
    """The schedule and the folders as the portal is told them."""
    known = {folder.path: folder for folder in agenda.folders}
    folders = []
    for path in settings.folders[:MOST_FOLDERS]:
        folder = known.get(path, KnownFolder(path))
        folders.append(ProtectedFolder(
            path=path.encode("utf-8", "backslashreplace").decode()[:4096], files=folder.files, bytes=folder.bytes,
            missing_since=folder.missing_since,
        ))
    return ScheduleReport(
        schedule=in_words(settings.schedule)[:255], longest_gap=longest_gap(settings.schedule),
        next_run_at=next_due(settings.schedule, agenda.settled, now), folders=tuple(folders),
    )


def tell_plan(settings: Settings, portal: Portal, now: datetime) -> bool:
    """Report schedule and folders when the portal does not know them as they are; whether it was told.

    Raises what Portal.report_schedule raises.
    """
    agenda = change_agenda(settings.home, lambda agenda: replace(
        agenda, folders=_look_at(settings.folders, agenda.folders, now)))
    report = describe_plan(settings, agenda, now)
    digest = hashlib.blake2b(encode(report), digest_size=16).hexdigest()
    if digest == agenda.told:
        return False
    portal.report_schedule(report)
    change_agenda(settings.home, lambda agenda: replace(agenda, told=digest))
    return True


def tell_portal(home: Path, portal: Portal, now: datetime, tell: Tell) -> None:
    """One try for everything that the portal may have missed; raises what it raises, and HomeBusy."""
    send_unsent(home, portal)
    tell_plan(load_settings(home, tell), portal, now)


def is_anything_untold(home: Path) -> bool:
    """True while copies of logs wait for the portal, or it was told of no schedule yet."""
    return is_anything_unsent(home) or not load_agenda(home).told


def _look_at(
    paths: Sequence[str], known: Sequence[KnownFolder], now: datetime,
) -> tuple[KnownFolder, ...]:
    """The protected folders with what is known of them, and which of them can't be found now."""
    before = {folder.path: folder for folder in known}
    return tuple(
        replace(folder, missing_since=None if os.path.isdir(path) else folder.missing_since or now)
        for path in paths for folder in [before.get(path, KnownFolder(path))]
    )


def note_counts(settings: Settings, counts: Mapping[str, tuple[int, int]], now: datetime) -> None:
    """Remember how many files and bytes each protected folder has in the last snapshot. Raises HomeBusy."""
    def remember(agenda: Agenda) -> Agenda:
        folders = _look_at(settings.folders, agenda.folders, now)
        return replace(agenda, folders=tuple(
            replace(folder, files=counts[folder.path][0], bytes=counts[folder.path][1])
            if folder.path in counts else folder for folder in folders
        ))

    change_agenda(settings.home, remember)
