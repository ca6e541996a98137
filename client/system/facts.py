"""What identifies a machine, in the same shape on every system."""
from __future__ import annotations

from dataclasses import dataclass

PLACEHOLDERS = frozenset({
    "0", "default string", "none", "not applicable", "not specified", "system serial number",
    "to be filled by oem", "unknown", "03000200-0400-0500-0006-000700080009",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
})


@dataclass(frozen=True)
class DiskFact:
    """One physical disk; `size` in bytes, 0 when unknown."""

    serial: str
    model: str = ""
    size: int = 0


@dataclass(frozen=True)
class MachineFacts:
    """Stable facts; an empty value was not to be had. MAC addresses and disks are sorted."""

    system: str
    machine_id: str = ""
    board_id: str = ""
    mac_addresses: tuple[str, ...] = ()
    disks: tuple[DiskFact, ...] = ()


def tidy(value: object) -> str:
    """A fact without the control characters, spaces and dots that firmware pads with; "" for a placeholder."""
    text = "".join(sign if sign.isprintable() else " " for sign in str(value or ""))
    text = " ".join(text.split()).strip(" .")[:255]
    return "" if text.lower().replace(".", "") in PLACEHOLDERS else text


def tidy_mac(value: object) -> str:
    """A MAC address as aa:bb:cc:dd:ee:ff; "" when it is none, all zeros or a group's."""
    digits = "".join(sign for sign in str(value or "").lower() if sign in "0123456789abcdef")
    if len(digits) != 12 or digits in {"0" * 12, "f" * 12} or int(digits[:2], 16) & 1:
        return ""
    return ":".join(digits[step:step + 2] for step in range(0, 12, 2))
