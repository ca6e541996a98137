"""The kinds of entries on a disk: those that are backed up, and those that a walk has to know all the same."""
from __future__ import annotations

from vault.records import FILE, FOLDER, LINK

__all__ = ["ELSEWHERE", "ELSEWHERE_FOLDER", "FILE", "FOLDER", "JUNCTION", "LINK", "NOTHING", "UNKNOWN_LINK"]

NOTHING = 0
"""Sockets, pipes, devices, aliases of apps: they hold nothing that a backup could bring back."""
ELSEWHERE, ELSEWHERE_FOLDER = -1, -2
"""Files and folders whose content lies in a cloud: to read them would fetch it."""
UNKNOWN_LINK = -3
"""It stands for another entry, and the system does not tell for which."""
JUNCTION = -4
"""A link to a folder, or another volume that is mounted here: only its target tells which."""
