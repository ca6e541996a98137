"""A disk that is soon full, seen by one thread and its children alone: whatever ends them, it is gone with them."""
from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

NEW_MOUNTS = 0x00020000
"""CLONE_NEWNS of <linux/sched.h>."""


def with_tiny_disk(place: Path, kilobytes: int, work: Callable[[], Result]) -> Result:
    """What `work` returns or raises while a disk of that size lies at `place`; needs root."""

    def apart() -> Result:
        if ctypes.CDLL(None, use_errno=True).unshare(NEW_MOUNTS):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", place], check=True)
        return work()

    place.mkdir()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(apart).result()
