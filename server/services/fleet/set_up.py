"""Setting up a computer at a customer's: what is done, what remains, and what to do about it."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import defer, joinedload

from server.extensions import db
from server.models import Account, Computer, Pack, RestoreReport, Run, SetUpCode, Staff, Subscription
from server.models.runs import COMMITTED
from server.services.people.ownership import sentence_for
from server.words import count, size

DONE, WAITING, TROUBLE = "Done", "Waiting", "Problem"


@dataclass(frozen=True)
class Step:
    """A line of the checklist: its state (DONE, WAITING, TROUBLE), what is so, and what to do if it is not done."""

    title: str
    state: str
    told: str
    action: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a visit is; `computer` is None until the client has signed in."""

    visit: SetUpCode
    account: Account
    computer: Computer | None
    steps: Sequence[Step]
    first_run: Run | None
    restore: RestoreReport | None

    @property
    def is_complete(self) -> bool:
        """Whether nothing remains."""
        return all(step.state == DONE for step in self.steps)


def progress_of(person: Staff, visit: SetUpCode, account: Account, now: datetime) -> Progress:
    """The checklist of a visit as things stand, in words for `person`."""
    computer = db.session.scalars(
        select(Computer).where(Computer.id == visit.computer_id)
        .options(joinedload(Computer.subscription).joinedload(Subscription.plan))).first()
    if computer is None:
        late = now >= visit.expires_at
        first = Step("Client signed in", TROUBLE if late else WAITING,
                     "The set-up code has expired." if late else "Waiting for the client to use the set-up code.",
                     "Make a new code." if late else "Start the client and enter the code.")
        rest = [Step(title, WAITING, "") for title in (
            "Hardware accepted", "Folders chosen", "Test upload", "First backup", "Test restore")]
        return Progress(visit, account, None, [first, *rest], None, None)
    last = _newest_run(computer)
    told = sentence_for(person, last.code, last.sentence) if last else ""
    first_run = db.session.scalars(
        select(Run).where(Run.vault_id == computer.vault_id, Run.state == COMMITTED).order_by(Run.run_no).limit(1)
    ).first()
    restore = db.session.scalars(
        select(RestoreReport).where(RestoreReport.computer_id == computer.id).order_by(RestoreReport.id.desc()).limit(1)
    ).first()
    steps = [
        Step("Client signed in", DONE, f"{computer.name}, client {computer.client_version}."),
        _hardware(computer), _folders(computer, first_run), _upload(computer, last, told),
        _backup(first_run, last, told), _restore(restore),
    ]  # fmt: skip
    return Progress(visit, account, computer, steps, first_run, restore)


def _newest_run(computer: Computer) -> Run | None:
    return db.session.scalars(
        select(Run).where(Run.vault_id == computer.vault_id).order_by(Run.run_no.desc()).limit(1)
        .options(defer(Run.commit))).first()


def _hardware(computer: Computer) -> Step:
    if computer.awaits_approval:
        return Step("Hardware accepted", TROUBLE, "The hardware is not that of the computer known so far.",
                    "Open the computer's page, Hardware, and decide.")
    return Step("Hardware accepted", DONE, "The hardware report is on record.")


def _folders(computer: Computer, first_run: Run | None) -> Step:
    if computer.folders:
        return Step("Folders chosen", DONE, f"{count(len(computer.folders), 'folder')} protected.")
    if first_run is not None:
        return Step("Folders chosen", DONE, "At least one folder is protected.")
    return Step("Folders chosen", WAITING, "No folders chosen yet.", "Choose the customer's folders in the client.")


def _upload(computer: Computer, last: Run | None, told: str) -> Step:
    committed = last is not None and last.state == COMMITTED
    if committed or db.session.scalar(select(Pack.pack_no).where(Pack.vault_id == computer.vault_id).limit(1)):
        return Step("Test upload", DONE, "The storage has confirmed what the client sent.")
    if last is not None and last.code.startswith(("IBS-2", "IBS-3")):
        return Step("Test upload", TROUBLE, told, "Check the connection to the storage, then back up again.")
    return Step("Test upload", WAITING, "Nothing has reached the storage yet.", "Start the first backup in the client.")


def _backup(first_run: Run | None, last: Run | None, told: str) -> Step:
    if first_run is not None:
        return Step("First backup", DONE, f"{count(first_run.files, 'file')}, {size(first_run.bytes)}.")
    if last is not None and last.state not in {"open", COMMITTED}:
        return Step("First backup", TROUBLE, told or "The first backup ended before it was complete.",
                    "Start it again in the client; what was stored is used.")
    return Step("First backup", WAITING, "It is under way." if last else "Not begun.",
                "" if last else "Start the first backup in the client.")


def _restore(restore: RestoreReport | None) -> Step:
    if restore is None:
        return Step("Test restore", WAITING, "No file was restored yet.",
                    "Restore one file in the client, into a new folder.")
    if restore.problems:
        return Step("Test restore", TROUBLE, f"{count(restore.problems, 'file')} did not come back.",
                    "Look at the client's activity log, then restore again.")
    return Step("Test restore", DONE, f"{count(restore.files, 'file')} restored and checked.")
