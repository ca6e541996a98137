"""What this computer knows of itself: version, store, portal, identity, and the hardware report as it is sent."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from client import VERSION
from client.computer import hardware
from client.errors import HomeUnusable, NotEnrolled, StoreDamaged
from client.store.activity import FOLDER
from client.store.documents import Tell
from client.store.settings import load_identity
from client.store.technical_log import NAME as TECHNICAL_LOG


def describe(home: Path, tell: Tell) -> dict[str, Any]:
    """Plain values; those of the identity are empty on a computer that is not enrolled, or whose identity is
    lost, or not for this user's eyes."""
    report = hardware.current_report(home)
    found: dict[str, Any] = {
        "version": VERSION, "home": str(home), "logs": str(home / FOLDER), "technical_log": str(home / TECHNICAL_LOG),
        "portal": "", "computer": "", "vault": "", "account": "", "customer_number": "", "own_authority": False,
        "hardware": msgspec.to_builtins(report),
    }
    try:
        identity = load_identity(home, tell)
    except (NotEnrolled, StoreDamaged, HomeUnusable):
        return found
    return found | {
        "portal": identity.portal, "computer": identity.computer, "vault": identity.vault,
        "account": identity.account, "customer_number": identity.customer_number, "own_authority": bool(identity.ca),
    }
