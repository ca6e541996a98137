"""The screen on Windows: its own resolution, its scale, and colours that the user needs stronger."""
from __future__ import annotations

import contextlib

from client.system.windows.calls import Calls, native

USUAL_DPI = 96


def make_dpi_aware(calls: Calls | None = None) -> None:
    """Draw windows of this process at the screen's own resolution; to be called before the first one."""
    with contextlib.suppress(OSError):  # declared already, by the program's manifest
        (calls or native()).make_dpi_aware()


def display_scale(calls: Calls | None = None) -> float:
    """How large the user wants things: 1.0 is 100 %, 2.0 is 200 %."""
    try:
        return max(1.0, (calls or native()).dots_per_inch() / USUAL_DPI)
    except OSError:
        return 1.0


def high_contrast(calls: Calls | None = None) -> bool:
    """Whether the user has switched High Contrast on: then the system's own colours are used and no others."""
    try:
        return (calls or native()).high_contrast()
    except OSError:
        return False
