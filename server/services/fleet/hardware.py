"""Hardware reports: is it still the same computer? Enough of its identifiers say so, otherwise a person does.

What a computer is follows from its token; hardware is evidence that a disk was not copied to, or moved into, another
machine. A report that shares at least half of its identifiers with the last accepted one is accepted and recorded.
"""
from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec
from sqlalchemy import delete, select

from protocol.errors import Refusal
from protocol.messages import HardwareReport, encode
from server.extensions import db
from server.models import Computer, Hardware, HardwareIdentifier
from server.services.fleet.health import GONE
from server.services.house import audit
from server.services.house.versions import note_change
from server.words import size

ACCEPTED, WAITING, OTHER = "accepted", "waiting", "other"
MAC, DISK, BOARD, MACHINE = "mac", "disk", "board", "machine"
MAC_DIGITS = 12
TOKEN_HASH_LENGTH = 32
SHORTEST = 4
"""Serial numbers below this length are counters of a cheap device, not its own."""
MEANINGLESS = frozenset({
    "default string", "none", "not applicable", "not available", "not specified", "serial number", "n/a",
    "system serial number", "base board serial number", "to be filled by oem", "unknown", "123456789", "1234567890",
    "0123456789", "03000200-0400-0500-0006-000700080009", "uninitialized", "invalid",
})
REPORT = msgspec.json.Decoder(HardwareReport)

Identifiers = frozenset[tuple[str, str]]
"""Pairs of a kind (mac, disk, board, machine) and a value."""


class NothingToDecide(Refusal):
    """The hardware of {computer} no longer waits for a decision. Nothing was changed."""

    code = "IBS-1330"
    hint = "Look at the history of its hardware: somebody else has decided, or the computer reported again."
    status = 409


class Score(NamedTuple):
    """How many of the identifiers that could be compared are the same."""

    matching: int
    compared: int

    @property
    def is_enough(self) -> bool:
        """At least half of them, or nothing to compare."""
        return 2 * self.matching >= self.compared


def receive(computer: Computer, report: HardwareReport, now: datetime) -> None:
    """Keep a report if it differs from the last one, and say whether it is still the same computer; commits nothing.

    With too few identifiers in common the computer awaits a decision, and its runs are refused until then.
    """
    data = encode(report)
    digest = sha256(data).digest()
    db.session.execute(select(Computer.id).where(Computer.id == computer.id).with_for_update())
    history = reports_of(computer.id)
    if history and history[0].hash == digest:
        return
    reported = identifiers_of(report)
    score = compare(registered(history), reported)
    enough = score.is_enough
    db.session.add(Hardware(
        computer_id=computer.id, received_at=now, report=data, hash=digest, matching=score.matching,
        compared=score.compared, decision=ACCEPTED if enough else WAITING, decided_at=now if enough else None,
    ))
    _keep_identifiers(computer.id, reported)
    if computer.awaits_approval and enough:
        _close_waiting(history, OTHER, "", now)  # it is back in the machine that was known
    computer.awaits_approval = not enough
    if not enough:
        audit.record(computer.name, "reported changed hardware", computer.name, now=now, customer=computer.customer_id,
                     account=computer.account_id, detail=f"{score.matching} of {score.compared} identifiers match")


def accept(computer: Computer, actor: str, now: datetime, *, address: str = "") -> None:
    """A person says that it is the same computer: its new values are the registered ones. Raises NothingToDecide."""
    _decide(computer, ACCEPTED, actor, now)
    audit.record(actor, "accepted changed hardware", computer.name, address=address, now=now,
                 customer=computer.customer_id, account=computer.account_id)
    db.session.commit()


def tell_apart(computer: Computer, actor: str, now: datetime, *, address: str = "") -> None:
    """A person says that it is another computer: it must be enrolled anew and gets a vault of its own.

    The computer that was known is retired; its history and restore points stay. Raises NothingToDecide.
    """
    _decide(computer, OTHER, actor, now)
    computer.token_hash = secrets.token_bytes(TOKEN_HASH_LENGTH)  # the hash of a token that nobody has
    computer.state, computer.paused_until = GONE, None
    computer.state_changed_by, computer.state_changed_at = actor[:255], now
    note_change(computer, actor, now)
    audit.record(actor, "told computers apart", computer.name, address=address, now=now,
                 customer=computer.customer_id, account=computer.account_id,
                 detail="its token was withdrawn, it is retired")
    db.session.commit()


# --- comparing -----------------------------------------------------------------------------------------------------


def compare(known: Identifiers, reported: Identifiers) -> Score:
    """How many identifiers are the same, of as many as the shorter report has.

    What is only plugged in or out (a dock, an external disk) so counts for nothing; what was replaced counts.
    """
    return Score(len(known & reported), min(len(known), len(reported)))


def identifiers_of(report: HardwareReport) -> Identifiers:
    """What identifies a computer in its report, spelt alike; values that many computers share are left out."""
    macs = {(MAC, mac) for text in report.mac_addresses if (mac := _mac(text))}
    disks = {(DISK, serial) for disk in report.disks if (serial := _serial(disk.serial))}
    rest = {(kind, value) for kind, text in ((BOARD, report.board_id), (MACHINE, report.machine_id))
            if (value := _serial(text))}
    return frozenset(macs | disks | rest)


def _mac(text: str) -> str:
    """aa:bb:cc:dd:ee:ff; "" for what is none, all alike, or a group's address."""
    digits = "".join(sign for sign in text.lower() if sign in "0123456789abcdef")
    if len(digits) != MAC_DIGITS or len(set(digits)) == 1 or int(digits[:2], 16) & 1:
        return ""
    return ":".join(digits[step : step + 2] for step in range(0, MAC_DIGITS, 2))


def _serial(text: str) -> str:
    """A serial number in small letters without space around it; "" for what a maker forgot to fill in."""
    value = " ".join(text.lower().split()).strip(" .")[:255]
    signs = set(value) - set(" -.:0")
    if len(value) < SHORTEST or not signs or signs == {"f"} or signs == {"x"} or value.replace(".", "") in MEANINGLESS:
        return ""
    return value


class Line(NamedTuple):
    """One thing that a report tells, as registered and as reported last; `same` is None where nothing is compared."""

    word: str
    registered: tuple[str, ...]
    reported: tuple[str, ...]
    same: bool | None


def side_by_side(history: Sequence[Hardware]) -> list[Line]:
    """The registered values beside those of the last report; of `history`, newest first, which must not be empty."""
    newest = read_report(history[0])
    known = last_accepted(history)
    before = read_report(known) if known else newest
    lines = [Line(word, old, new, _overlap(old, new)) for word, old, new in (
        ("MAC addresses", before.mac_addresses, newest.mac_addresses),
        ("Disk serials", _serials(before), _serials(newest)),
        ("Board", (before.board_id,), (newest.board_id,)),
        ("System identifier", (before.machine_id,), (newest.machine_id,)),
    )]
    return lines + [Line(word, (old,), (new,), None) for word, old, new in (
        ("Name", before.host_name, newest.host_name),
        ("System", before.system, newest.system),
        ("Processor", before.processor, newest.processor),
        ("Memory", size(before.memory) if before.memory else "", size(newest.memory) if newest.memory else ""),
        ("Disks", _disks(before), _disks(newest)),
    )]


def _overlap(before: Sequence[str], now: Sequence[str]) -> bool | None:
    old, new = ({text.lower() for text in values if text} for values in (before, now))
    return bool(old & new) if old and new else None


def _serials(report: HardwareReport) -> tuple[str, ...]:
    return tuple(disk.serial for disk in report.disks)


def _disks(report: HardwareReport) -> str:
    return ", ".join(f"{disk.model or 'disk'}{f' ({size(disk.size)})' if disk.size else ''}" for disk in report.disks)


# --- the history of reports ----------------------------------------------------------------------------------------


def reports_of(computer_id: str) -> list[Hardware]:
    """All reports of a computer, newest first."""
    return list(db.session.scalars(
        select(Hardware).where(Hardware.computer_id == computer_id).order_by(Hardware.id.desc())))


def read_report(hardware: Hardware) -> HardwareReport:
    """A report as it came."""
    return REPORT.decode(hardware.report)


def last_accepted(history: Iterable[Hardware]) -> Hardware | None:
    """The newest accepted report that identifies the computer; of `history`, newest first."""
    return next((row for row in history if row.decision == ACCEPTED and identifiers_of(read_report(row))), None)


def registered(history: Sequence[Hardware]) -> Identifiers:
    """The identifiers by which the computer is known."""
    known = last_accepted(history)
    return identifiers_of(read_report(known)) if known else frozenset()


def _decide(computer: Computer, decision: str, actor: str, now: datetime) -> None:
    db.session.refresh(computer, with_for_update=True)
    if not computer.awaits_approval:
        raise NothingToDecide(computer=computer.name)
    _close_waiting(reports_of(computer.id), decision, actor[:255], now)
    computer.awaits_approval = False


def _close_waiting(history: Iterable[Hardware], decision: str, by: str, now: datetime) -> None:
    """Only the newest report can become the registered one; what waited before it was another computer's, too."""
    newest = True
    for row in history:
        if row.decision == WAITING:
            row.decision = decision if newest else OTHER
            row.decided_by, row.decided_at = by, now
            newest = False


def _keep_identifiers(computer_id: str, identifiers: Identifiers) -> None:
    db.session.execute(delete(HardwareIdentifier).where(HardwareIdentifier.computer_id == computer_id))
    db.session.add_all(
        HardwareIdentifier(computer_id=computer_id, kind=kind, value=value) for kind, value in sorted(identifiers))
