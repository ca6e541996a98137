"""A technician's visit in one go: sign in, folders, schedule, first backup, test restore. Begun again, it goes on.

Backup and restore run as the commands that everybody else starts, each in a process of its own, so that what is tried
here is what the customer will use.
"""
from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from functools import reduce
from pathlib import Path
from random import Random

from client.api.connection import connect
from client.api.portal import Portal
from client.api.reporting import tell_plan
from client.computer.suggestions import suggest_folders
from client.console import amount, count, moment
from client.enrol import enrol
from client.errors import AlreadyEnrolled, HomeUnusable, NotEnrolled, SchedulerRefused, StoreDamaged
from client.events import Emit, Event, Finished, Notice, PackStored
from client.jobs.children import run_job
from client.restores.trial import try_restore
from client.schedules.registration import register
from client.schedules.schedule import DAILY, Schedule, choose, in_words
from client.store.instance import SETTINGS_LOCK, SETTINGS_PATIENCE, hold
from client.store.settings import Identity, Settings, add_folder, load_identity, load_settings, save_settings
from protocol.messages import EnrolledComputer
from vault.errors import BackupError

SIGN_IN, FOLDERS, SCHEDULE = "sign-in", "folders", "schedule"
UPLOAD, BACKUP, RESTORE = "test-upload", "first-backup", "test-restore"
STEPS = (SIGN_IN, FOLDERS, SCHEDULE, UPLOAD, BACKUP, RESTORE)
"""In this order; the portal's checklist shows the same, but for the schedule, which stands on the hand-over sheet."""
DUSK = time(18)


class CodeMissing(BackupError):
    """This computer isn't signed in yet, and no set-up code was given. Nothing was done."""

    code = "IBS-1107"
    hint = "Make a code in the portal, “Set up a computer”, and give it with --code, in IBS_CODE or when asked for it."


class NothingSuggested(BackupError):
    """None of the usual folders (Desktop, Documents, Pictures, mail) was found, so nothing is protected yet."""

    code = "IBS-4110"
    hint = "Name the folders with --folder DIR and begin the set-up again: it goes on from here."


class SheetUnusable(BackupError):
    """The recovery sheet {file} can't be written: {reason}. Nothing was done."""

    code = "IBS-9208"
    hint = "Name a new file, in a folder that is there, on a disk with space."


@dataclass(frozen=True)
class Plan:
    """What a set-up is told: where, with which code, what to protect (nothing: the usual folders), and how to sign in.

    `sheet` is a file for the recovery code; `ca` the text of the portal's own authority. Without `register` the
    system's scheduler is left alone: something else then has to start the client's tick.
    """

    portal: str
    code: str = ""
    folders: tuple[str, ...] = ()
    ca: str = ""
    sheet: Path | None = None
    register: bool = True


@dataclass(frozen=True)
class SignedIn(Event):
    """The portal knows this computer now. The recovery code is told only here."""

    computer: str
    vault: str
    customer_number: str
    account: str
    plan: str
    valid_until: str
    quota: int
    recovery_code: str


@dataclass(frozen=True)
class StepDone(Event):
    """One step of STEPS is behind us; `told` says in a sentence what it brought."""

    step: str
    told: str


@dataclass(frozen=True)
class Report:
    """What a set-up brought. `recovery_code` is empty when the computer was signed in before; `registered` says whether
    the system's scheduler knows of it."""

    portal: str
    computer: str
    vault: str
    customer_number: str
    account: str
    recovery_code: str
    folders: tuple[str, ...]
    schedule: str
    registered: bool
    snapshot: int
    files: int
    bytes: int
    skipped: int
    restored: tuple[str, ...]


def set_up(home: Path, plan: Plan, emit: Emit, chance: Random) -> Report:
    """Do what is not done yet. Events tell of each step, and of backup and restore while they run.

    Raises CodeMissing, NothingSuggested, SheetUnusable, AlreadyEnrolled for another portal, what the steps themselves
    raise, JobStopped when backup or restore ended without a result, KeyboardInterrupt when somebody stopped it.
    """

    def tell(text: str) -> None:
        emit(Notice(text))

    identity, recovery_code = _sign_in(home, plan, emit)
    settings = _choose_folders(home, plan.folders, emit)
    words, registered = _keep_schedule(home, plan.register, emit)
    finished, skipped = _back_up(home, emit)
    trial = try_restore(load_settings(home, tell), emit, chance)
    emit(StepDone(RESTORE, f"{count(len(trial.files), 'file')} came back, every byte the same."))
    return Report(
        portal=identity.portal, computer=identity.computer, vault=identity.vault,
        customer_number=identity.customer_number, account=identity.account, recovery_code=recovery_code,
        folders=settings.folders, schedule=words, registered=registered, snapshot=finished.snapshot,
        files=finished.files, bytes=finished.bytes, skipped=skipped, restored=trial.files,
    )


# --- signing in --------------------------------------------------------------------------------------------------


def _sign_in(home: Path, plan: Plan, emit: Emit) -> tuple[Identity, str]:
    """The identity, and the recovery code if it was given now."""
    portal = Portal(plan.portal, ca=plan.ca)
    known = find_identity(home, emit)
    if known is not None:
        if known.portal != portal.address:
            raise AlreadyEnrolled(portal=known.portal, computer=known.computer)
        if plan.sheet is not None:
            tell_missing_sheet(plan.sheet, emit)
        emit(StepDone(SIGN_IN, f"Signed in already: customer {known.customer_number}, account {known.account}."))
        return known, ""
    if not plan.code:
        raise CodeMissing
    with _sheet(plan.sheet) as sheet, contextlib.closing(portal):
        with hold(home):
            answer = enrol(home, portal, code=plan.code, ca=plan.ca, tell=lambda text: emit(Notice(text)))
        emit(SignedIn(
            answer.computer, answer.vault, answer.customer_number, answer.account, answer.plan,
            answer.valid_until.isoformat(), answer.quota, answer.recovery_code,
        ))
        sheet.append(_recovery_sheet(portal.address, answer))
    emit(StepDone(SIGN_IN, (
        f"customer {answer.customer_number}, account {answer.account}, plan {answer.plan} with "
        f"{amount(answer.quota)}, valid until {moment(answer.valid_until)}.")))
    return load_identity(home, lambda text: emit(Notice(text))), answer.recovery_code


def find_identity(home: Path, emit: Emit) -> Identity | None:
    """Who this computer is already, if it is somebody."""
    try:
        return load_identity(home, lambda text: emit(Notice(text)))
    except (NotEnrolled, StoreDamaged):
        return None


def tell_missing_sheet(file: Path, emit: Emit) -> None:
    """The code is told once, at the sign-in, and kept nowhere."""
    emit(Notice(f"The recovery sheet {file} was not written, since this computer was signed in before and its recovery "
                "code is told only then. Its owner makes a new one in the portal, under My details, Recovery sheets."))


@contextlib.contextmanager
def _sheet(file: Path | None) -> Iterator[list[str]]:
    """Takes the text of the recovery sheet, and tries before anything is done whether it can be written."""
    text: list[str] = []
    if file is None:
        yield text
        return
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SheetUnusable(file=file, reason=error.strerror or error) from error
    try:
        with open(handle, "w", encoding="utf-8") as opened:
            yield text
            opened.write("".join(text))
            opened.flush()
            os.fsync(handle)
    except OSError as error:
        raise HomeUnusable(home=file, reason=error.strerror or error) from error
    finally:
        if not text:
            file.unlink(missing_ok=True)


def _recovery_sheet(portal: str, answer: EnrolledComputer) -> str:
    lines = ["Recovery sheet of IBS", ""]
    lines += [f"{name:17}{value}" for name, value in (
        ("Customer number", answer.customer_number), ("Account", answer.account), ("Portal", portal),
        ("Computer", answer.computer), ("Vault", answer.vault), ("Recovery code", answer.recovery_code),
    )]
    lines += ["", "Print this sheet, keep it away from the computer, and delete the file. With the recovery code the",
              "files can be brought back even if the portal is lost; whoever has it and the storage can read them."]
    return "\n".join(lines) + "\n"


# --- folders and schedule ----------------------------------------------------------------------------------------


def _choose_folders(home: Path, folders: tuple[str, ...], emit: Emit) -> Settings:
    """Settings with the folders named, else with those chosen before, else with the usual ones."""

    def tell(text: str) -> None:
        emit(Notice(text))

    with hold(home, SETTINGS_LOCK, SETTINGS_PATIENCE):
        before = load_settings(home, tell)
        wanted = folders or (() if before.folders else tuple(found.path for found in suggest_folders()))
        after = reduce(add_folder, wanted, before)
        if not after.folders:
            raise NothingSuggested
        if after != before:
            save_settings(after)
    emit(StepDone(FOLDERS, f"{count(len(after.folders), 'folder')} protected."))
    return after


def _keep_schedule(home: Path, register_it: bool, emit: Emit) -> tuple[str, bool]:
    """Every day at 18:00 unless something else was chosen before: the plan in words, and whether it is registered."""

    def tell(text: str) -> None:
        emit(Notice(text))

    now = datetime.now(UTC)
    with hold(home, SETTINGS_LOCK, SETTINGS_PATIENCE):
        settings = load_settings(home, tell)
        if settings.schedule.since is None:
            settings = replace(settings, schedule=choose(settings.schedule, Schedule(DAILY, at=DUSK), now))
            save_settings(settings)
    words, registered = in_words(settings.schedule), False
    try:
        if register_it:
            register(home)
            registered = True
    except SchedulerRefused as error:
        tell(error.explain())
    with connect(home, tell) as (_, portal):
        tell_plan(settings, portal, now)
    emit(StepDone(SCHEDULE, f"{words}." if registered else f"{words}, once something starts “ibs-client tick”."))
    return words, registered


# --- first backup ------------------------------------------------------------------------------------------------


def _back_up(home: Path, emit: Emit) -> tuple[Finished, int]:
    """The backup's end, and how many files it skipped. Its first confirmed pack is the test upload."""
    ends: list[Finished] = []
    uploaded = False

    def follow(event: Event) -> None:
        nonlocal uploaded
        emit(event)
        if isinstance(event, Finished):
            ends.append(event)
        if not uploaded and isinstance(event, PackStored | Finished):
            uploaded = True
            emit(StepDone(UPLOAD, "The storage has confirmed what was sent."))

    run_job(home, "backup", emit=follow)
    finished = ends[-1]
    emit(StepDone(BACKUP, f"Snapshot {finished.snapshot}: {count(finished.files, 'file')}, {amount(finished.bytes)}."))
    return finished, finished.skipped
