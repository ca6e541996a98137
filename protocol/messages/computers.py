"""A computer and its account: what identifies it, how it is enrolled, what it may know of itself."""
from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from protocol.messages.base import Message, Number, Size, Text


class Disk(Message, frozen=True, kw_only=True):
    """One physical disk as the system names it."""

    serial: Text
    model: Text = ""
    size: Size = 0


class HardwareReport(Message, frozen=True, kw_only=True):
    """What identifies a computer; evidence only, its identity is the identifier given at enrolment."""

    host_name: Text
    system: Text
    machine_id: Text = ""
    board_id: Text = ""
    processor: Text = ""
    memory: Size = 0
    mac_addresses: tuple[Text, ...] = ()
    disks: tuple[Disk, ...] = ()


class EnrolComputer(Message, frozen=True, kw_only=True):
    """POST /enrolments: sign this computer in with an account's user name and password, or with a set-up code."""

    user_name: Text = ""
    password: Annotated[str, Meta(max_length=1024)] = ""
    set_up_code: Text = ""
    client_version: Text
    windows_names: bool
    """True when names are UTF-8 with surrogates passed (Windows); False for the raw bytes of Linux names."""
    hardware: HardwareReport


class SignIn(Message, frozen=True, kw_only=True):
    """POST /restores/tokens: a person wants to restore on a `computer` whose own token is kept from its users."""

    user_name: Text
    password: Annotated[str, Meta(max_length=1024)]
    computer: Text


class SignedIn(Message, frozen=True, kw_only=True):
    """A token that is good for looking and restoring alone, until `until` or until the password is changed."""

    token: Text
    until: datetime


class EnrolledComputer(Message, frozen=True, kw_only=True):
    """The computer's identity. `token` and `recovery_code` are told only here."""

    computer: Text
    vault: Text
    token: str
    recovery_code: str
    customer_number: Text
    account: Text
    plan: Text
    valid_until: datetime
    quota: Size


class ComputerStatus(Message, frozen=True, kw_only=True):
    """GET /status."""

    computer: Text
    name: Text
    customer_number: Text
    account: Text
    reseller: Text
    plan: Text
    valid_from: datetime
    valid_until: datetime
    quota: Size
    used: Size
    accepts_backups: bool
    accept_changed_by: Text = ""
    accept_changed_at: datetime | None = None
    accept_reason: Text = ""
    snapshots: int = 0
    last_snapshot: int | None = None
    last_finished_at: datetime | None = None


# --- what is expected of it, and what it is asked for -------------------------------------------------------------


class ProtectedFolder(Message, frozen=True, kw_only=True):
    """A folder that this computer protects, and what it knows of it; `missing_since` when it was not found."""

    path: Annotated[str, Meta(max_length=4096)]
    files: Size = 0
    bytes: Size = 0
    missing_since: datetime | None = None


class ScheduleReport(Message, frozen=True, kw_only=True):
    """PUT /schedule: when this computer means to back up, and what. The portal judges by it whether it is late.

    `schedule` says it in words; `longest_gap` are the seconds between two of its times that lie farthest apart, None
    without a schedule.
    """

    schedule: Text = ""
    longest_gap: Annotated[int, Meta(ge=60, le=366 * 86_400)] | None = None
    next_run_at: datetime | None = None
    folders: Annotated[tuple[ProtectedFolder, ...], Meta(max_length=1_000)] = ()


class Wishes(Message, frozen=True, kw_only=True):
    """GET /wishes: what people asked for in the portal. A wish for a backup lasts until one made later is complete."""

    backup_asked_at: datetime | None = None
    backup_asked_by: Text = ""
    accepts_backups: bool = True


class RestoreReport(Message, frozen=True, kw_only=True):
    """POST /restores/report: how a restore on this computer ended; `problems` are entries that did not come back."""

    snapshot: Number
    files: Size
    bytes: Size
    problems: Size = 0
