"""ibs-client tick: for the system's scheduler, every few minutes: start the backup if one is due, and end."""
from __future__ import annotations

import argparse
import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from client.console import complain, say, say_json
from client.errors import HomeBusy
from client.jobs.requests import take_back_up
from client.outcomes import DONE
from client.schedules.tick import NOTHING, Circumstances, Decision, decide, is_time_to_ask
from client.store.agenda import Agenda, change_agenda, load_agenda
from client.store.settings import IDENTITY, Settings, load_settings
from client.system.circumstances import on_battery, on_metered_line
from vault.errors import BackupError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `tick`."""
    parser.add_argument("--json", action="store_true", help="print what was decided as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Decide, and back up when that is what was decided; the exit code is then the backup's."""
    home: Path = arguments.home
    now = datetime.now(UTC)
    requested = take_back_up(home, now)  # also where nothing can come of it: the file would start the next look at once
    if not (home / IDENTITY).exists():
        return _tell(arguments, Decision(False, NOTHING, "This computer isn't enrolled yet."))
    settings = load_settings(home, complain)
    agenda = load_agenda(home, complain)
    if is_time_to_ask(agenda, now):
        agenda = _ask_portal(settings, now)
    if not settings.folders:
        return _tell(arguments, Decision(False, NOTHING, "No folder is protected yet."))
    decision = decide(settings.schedule, agenda, now, Circumstances(on_battery, on_metered_line), requested=requested)
    if decision.start:
        _tell(arguments, decision)
        return _back_up(home, decision)
    _note(home, agenda, decision)
    return _tell(arguments, decision)


def _tell(arguments: argparse.Namespace, decision: Decision) -> int:
    if arguments.json:
        say_json({"start": decision.start, "reason": decision.reason, "words": decision.words})
    elif decision.words:
        say(decision.words)
    return DONE


def _note(home: Path, agenda: Agenda, decision: Decision) -> None:
    """Why a backup waits is written down once, not every few minutes."""
    waiting = "" if decision.reason == NOTHING else decision.reason
    if waiting == agenda.waiting:
        return
    change_agenda(home, lambda agenda: replace(agenda, waiting=waiting))
    if decision.words:
        from client.events import Notice
        from client.store.activity import ActivityLog

        with ActivityLog(home, "schedule") as log:
            log.record(Notice(decision.words))


def _ask_portal(settings: Settings, now: datetime) -> Agenda:
    """What people want in the portal, which hears at once what it missed. Without an answer, what was known before."""
    from client.api.connection import connect
    from client.api.reporting import tell_portal

    home = settings.home
    agenda = change_agenda(home, lambda agenda: replace(agenda, asked=now))
    with contextlib.suppress(BackupError), connect(home, complain) as (_, portal):
        portal.patience = 0.0
        wishes = portal.wishes()
        agenda = change_agenda(home, lambda agenda: replace(
            agenda, accepts=wishes.accepts_backups, wished_by=wishes.backup_asked_by,
            wish=None if wishes.backup_asked_at == agenda.served else wishes.backup_asked_at,
        ))
        tell_portal(home, portal, now, complain)
    return agenda


def _back_up(home: Path, decision: Decision) -> int:
    """The backup's exit code; where another one is at work already, that is no failure of the scheduler's."""
    from client.commands import backup

    try:
        return backup.run(argparse.Namespace(
            home=home, automatic=True, because=decision.words, json=False, events=False,
        ))
    except HomeBusy as error:
        complain(error.explain())
        return DONE
