"""What identifies a machine, in the same shape on every system, without what firmware fills in for everybody."""
from __future__ import annotations

import re
from dataclasses import dataclass

PLACEHOLDERS = frozenset({
    "0", "00", "000", "0000", "default", "default string", "empty", "invalid", "n/a", "na", "nil", "no serial",
    "none", "not applicable", "not available", "not provided", "not set", "not specified", "null", "oem", "o e m",
    "serial", "serial number", "serialnumber", "system serial number", "system product name",
    "base board serial number", "chassis serial number", "to be filled by oem", "to be filled by o e m",
    "tobefilledbyoem",
    "unknown", "unspecified", "xxxxxxxx", "0123456789", "01234567", "012345678", "123456789", "1234567890", "1234567",
    "03000200-0400-0500-0006-000700080009", "12345678-1234-5678-90ab-cddeefaabbcc",
})
"""Values that many machines share. Whatever repeats one sign only is one, too."""


@dataclass(frozen=True)
class DiskFact:
    """One physical disk; `size` in bytes, 0 when unknown."""

    serial: str
    model: str = ""
    size: int = 0


@dataclass(frozen=True)
class MachineFacts:
    """Stable facts; an empty value was not to be had. MAC addresses and disks are sorted; `memory` is what is built
    in, in bytes."""

    system: str
    machine_id: str = ""
    board_id: str = ""
    mac_addresses: tuple[str, ...] = ()
    disks: tuple[DiskFact, ...] = ()
    memory: int = 0


def tidy(value: object) -> str:
    """A fact without the control characters, spaces and dots that firmware pads with; "" for a placeholder."""
    text = "".join(sign if sign.isprintable() else " " for sign in str(value or ""))
    text = " ".join(text.split()).strip(" .")[:255]
    plain = text.lower().replace(".", "")
    letters = set(re.sub(r"[-_ :]", "", plain))
    return "" if plain in PLACEHOLDERS or (len(letters) == 1 and len(plain) > 2) else text


def tidy_serial(value: object) -> str:
    """A serial number, tidied; "" for one that only counts from zero, as disks without an identifier have it."""
    text = tidy(value)
    digits = re.sub(r"[-_ ]", "", text)
    counted = len(digits) >= 8 and re.fullmatch(r"0+[0-9a-fA-F]{1,2}", digits)
    return "" if counted or text.lower().lstrip("0x") == "" else text


def tidy_mac(value: object) -> str:
    """A MAC address as aa:bb:cc:dd:ee:ff; "" when it is none, all alike or a group's."""
    digits = "".join(sign for sign in str(value or "").lower() if sign in "0123456789abcdef")
    if len(digits) != 12 or len(set(digits)) == 1 or int(digits[:2], 16) & 1:
        return ""
    return ":".join(digits[step:step + 2] for step in range(0, 12, 2))
