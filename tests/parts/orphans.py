"""Servers that end with the process that started them, also when a whole test run is interrupted or killed."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def ending_with_us(command: Sequence[str | Path]) -> list[str | Path]:
    """A command that is told to end (SIGTERM) as soon as the thread that started it has ended."""
    return ["setpriv", "--pdeathsig", "TERM", *command]
