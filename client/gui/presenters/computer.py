"""About this computer, in words: the account and its plan, what is sent of the hardware, the line to the portal."""
from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from client.gui.presenters import words

Fields = Mapping[str, Any]
Rows = list[tuple[str, str]]
NOT_KNOWN = "Not known"


def account_rows(status: Fields, now: datetime) -> Rows:
    """Customer, plan and validity as the portal tells them."""
    begun, until = words.read_moment(status.get("valid_from")), words.read_moment(status.get("valid_until"))
    quota, used = int(status.get("quota", 0)), int(status.get("used", 0))
    return [
        ("Customer number", str(status.get("customer_number", ""))),
        ("User name", str(status.get("account", ""))),
        ("Backup provider", str(status.get("reseller", "")) or NOT_KNOWN),
        ("Plan", str(status.get("plan", ""))),
        ("Registered", NOT_KNOWN if begun is None else words.full_date(begun)),
        ("Valid until", NOT_KNOWN if until is None else f"{words.full_date(until)} ({days_left(until, now)})"),
        ("Space", f"{words.size(used)} of {words.size(quota)} used"),
    ]


def days_left(until: datetime, now: datetime) -> str:
    """How long a plan still holds."""
    left = words.local(until).date() - words.local(now).date()
    if until <= now:
        return "over"
    return "last day" if left < timedelta(days=1) else f"{words.count(left.days, 'day')} left"


def computer_rows(about: Fields, status: Fields | None = None) -> Rows:
    """Which computer this is for the portal."""
    name = str((status or {}).get("name") or about["hardware"]["host_name"])
    return [("Computer", words.readable(name)), ("Computer ID", about["computer"] or "Not enrolled")]


def hardware_rows(about: Fields) -> Rows:
    """Every value that is sent, and nothing else."""
    report = about["hardware"]
    rows = [
        ("Name", report["host_name"]), ("System", report["system"]), ("Machine identifier", report["machine_id"]),
        ("Board identifier", report["board_id"]), ("Processor", report["processor"]),
        ("Memory", words.size(int(report["memory"])) if report["memory"] else ""),
    ]
    macs, disks = report["mac_addresses"], report["disks"]
    rows += [(f"MAC address {number}" if len(macs) > 1 else "MAC address", mac) for number, mac in enumerate(macs, 1)]
    rows += [(f"Disk {number}" if len(disks) > 1 else "Disk", _disk(disk)) for number, disk in enumerate(disks, 1)]
    if not macs:
        rows.append(("MAC address", ""))
    if not disks:
        rows.append(("Disk", ""))
    return [(label, words.readable(str(value)) or NOT_KNOWN) for label, value in rows]


def _disk(disk: Fields) -> str:
    detail = ", ".join(filter(None, (disk.get("model", ""), words.size(disk["size"]) if disk.get("size") else "")))
    return f"{disk['serial']} ({detail})" if detail else str(disk["serial"])


def connection_rows(about: Fields, found: Fields | None, now: datetime) -> Rows:
    """The portal's address and certificate; `found` is what `connection --json` answered, if it did."""
    rows = [("Portal", about["portal"] or "Not enrolled")]
    if found is None:
        return [*rows, ("Certificate", _trust(about))] if about["portal"] else rows
    certificate = found.get("certificate")
    rows.append(("Answers within", f"{found['milliseconds']} ms"))
    if certificate is None:
        return [*rows, ("Certificate", _trust(about))]
    until = words.read_moment(certificate["valid_until"])
    return [
        *rows, ("Certificate", f"{certificate['subject']}, issued by {certificate['issuer'] or 'itself'}"),
        ("Valid until", NOT_KNOWN if until is None else f"{words.full_date(until)} ({days_left(until, now)})"),
        ("Fingerprint", certificate["fingerprint"]),
    ]


def _trust(about: Fields) -> str:
    if not about["portal"].startswith("https:"):
        return "None is needed, as the portal is on this computer"
    if about["own_authority"]:
        return "Checked against the portal's own authority, given when signing in"
    return "Checked against the authorities that this system trusts"


def help_rows(about: Fields) -> Rows:
    """What somebody who helps will ask for."""
    return [("Version", about["version"]), ("Store", words.readable(about["home"])),
            ("Activity logs", words.readable(about["logs"])),
            ("Technical log", words.readable(about["technical_log"]))]


def as_text(*groups: Rows) -> str:
    """Rows for the clipboard."""
    return "\n".join(f"{label}: {value}" for rows in groups for label, value in rows) + "\n"
