"""What people type on the command line: sizes, days, counts, passwords."""
from __future__ import annotations

import argparse
import re
import sys
from datetime import date
from decimal import Decimal

from server.services.house.refusals import ValueRefused

SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?(?:([KMGTP]?)(I?)B)?", re.ASCII)
UNITS = "KMGTP"


def size(text: str) -> int:
    """Bytes in 50GB, 1.5 TB or 512MiB: kB, MB … count by 1000, KiB, MiB … by 1024."""
    match = SIZE.fullmatch(text.strip().upper())
    amount, unit, binary = match.groups() if match else ("0", "", "")
    exact = Decimal(amount) * (1024 if binary else 1000) ** (UNITS.index(unit) + 1 if unit else 0)
    if not 1 <= exact < 2**63 or (binary and not unit):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write it like 50GB, 1.5TB or 512MiB")
    return int(exact)


def day(text: str) -> date:
    """A day written 2026-12-31."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2026-12-31") from error


def count(text: str) -> int:
    """A whole number from 1 on."""
    if not (text.isascii() and text.isdigit() and int(text[:10]) > 0 and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def port(text: str) -> int:
    """A TCP port; 0 lets the system choose."""
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 0 to 65535")
    return int(text)


def fingerprint(text: str) -> bytes:
    """A SHA-256 in hexadecimal digits; colons between them are allowed."""
    digits = text.replace(":", "")
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", digits):
        raise argparse.ArgumentTypeError("a certificate's SHA-256 has 64 hexadecimal digits")
    return bytes.fromhex(digits)


def read_password() -> str:
    """The first line of standard input; raises ValueRefused when there is none."""
    try:
        password = sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValueRefused(field="password", reason="it isn't readable text") from error
    if not password:
        raise ValueRefused(field="password", reason="there was none on standard input")
    return password
