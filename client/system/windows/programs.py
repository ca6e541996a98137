"""How a program of the system ended."""
from __future__ import annotations

from typing import NamedTuple


class Ran(NamedTuple):
    """Its exit code, and what it wrote to its standard output and standard error."""

    code: int
    output: bytes
    complaint: bytes = b""
