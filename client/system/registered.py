"""What schedulers of all systems answer."""
from __future__ import annotations

from typing import NamedTuple


class Registered(NamedTuple):
    """Whether the client is registered with the system's scheduler as it should be, and where, or what is wrong."""

    right: bool
    words: str


class SchedulerTrouble(Exception):
    """The scheduler refused; the text is its own."""
