"""The screen as the system describes it: real pixels instead of stretched ones, and a wish for high contrast."""
from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import ctypes

    SYSTEM_DPI_AWARE = 1
    SPI_GETHIGHCONTRAST = 0x0042
    HCF_HIGHCONTRASTON = 0x00000001

    class _HighContrast(ctypes.Structure):
        _fields_ = (("cbSize", ctypes.c_uint), ("dwFlags", ctypes.c_uint), ("lpszDefaultScheme", ctypes.c_void_p))

    def prepare_display() -> None:
        """Draw in the screen's own pixels, so that nothing is stretched and blurred. Before the first window."""
        try:
            ctypes.windll.shcore.SetProcessDpiAwareness(SYSTEM_DPI_AWARE)
        except (OSError, AttributeError):
            return

    def wants_contrast() -> bool:
        """Whether the reader switched high contrast on."""
        wish = _HighContrast(ctypes.sizeof(_HighContrast), 0, None)
        try:
            found = ctypes.windll.user32.SystemParametersInfoW(
                SPI_GETHIGHCONTRAST, wish.cbSize, ctypes.byref(wish), 0)
        except (OSError, AttributeError):
            return False
        return bool(found and wish.dwFlags & HCF_HIGHCONTRASTON)

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
