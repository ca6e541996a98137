"""A computer and its account: what identifies it, how it is enrolled, what it may know of itself."""
from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from protocol.messages.base import Message, Size, Text


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
    """POST /enrolments: sign this computer in with an account's user name and password."""

    user_name: Text
    password: Annotated[str, Meta(max_length=1024)]
    client_version: Text
    windows_names: bool
    """True when names are UTF-8 with surrogates passed (Windows); False for the raw bytes of Linux names."""
    hardware: HardwareReport


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
