"""The screen as the system describes it: real pixels instead of stretched ones, and a wish for high contrast."""
from __future__ import annotations

import os
import sys

__all__ = ["has_display", "prepare_display", "wants_contrast"]

if sys.platform == "win32":
    from client.system.windows.display import high_contrast as wants_contrast
    from client.system.windows.display import make_dpi_aware as prepare_display

    def has_display() -> bool:
        """Whether there is a screen to open a window on."""
        return True

else:

    def prepare_display() -> None:
        """Nothing: X11 never stretches."""

    def wants_contrast() -> bool:
        """Whether the desktop's theme is one of high contrast."""
        return "highcontrast" in os.environ.get("GTK_THEME", "").lower()

    def has_display() -> bool:
        """Whether there is a screen to open a window on."""
        return bool(os.environ.get("DISPLAY")) or sys.platform == "darwin"
