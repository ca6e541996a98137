"""What the client asks of Windows: each call of a system library or program, behind one face that tests can replace."""
from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Sequence
from typing import Protocol

from client.system.windows.programs import Ran

__all__ = ["Calls", "Ran", "native"]


class Calls(Protocol):
    """The outside world. Every method raises OSError, with `winerror` set where Windows gives a reason."""

    def open_file(self, path: str, access: int, share: int, flags: int) -> int:
        """CreateFileW of an existing file; a file descriptor."""
        ...

    def set_attributes(self, path: str, attributes: int) -> None:
        """SetFileAttributesW."""
        ...

    def volume_of(self, path: str) -> str:
        """GetVolumePathNameW: where the volume that holds `path` is mounted, such as C:\\."""
        ...

    def drive_kind(self, root: str) -> int:
        """GetDriveTypeW: 2 removable, 3 fixed, 4 network."""
        ...

    def is_administrator(self) -> bool:
        """IsUserAnAdmin: true for an elevated process and for SYSTEM."""
        ...

    def enable_privilege(self, name: str) -> bool:
        """AdjustTokenPrivileges of this process; false when its account doesn't hold the privilege."""
        ...

    def protect(self, data: bytes, entropy: bytes, flags: int) -> bytes:
        """CryptProtectData."""
        ...

    def unprotect(self, data: bytes, entropy: bytes, flags: int) -> bytes:
        """CryptUnprotectData."""
        ...

    def set_execution_state(self, state: int) -> None:
        """SetThreadExecutionState; it holds for the calling thread."""
        ...

    def power_line(self) -> int:
        """GetSystemPowerStatus: 0 on battery, 1 on mains, 255 unknown."""
        ...

    def awake_seconds(self) -> float:
        """QueryUnbiasedInterruptTime: seconds since the start of the system, without those asleep."""
        ...

    def high_contrast(self) -> bool:
        """SystemParametersInfoW(SPI_GETHIGHCONTRAST)."""
        ...

    def make_dpi_aware(self) -> None:
        """SetProcessDpiAwareness: windows of this process are drawn at the screen's own resolution."""
        ...

    def dots_per_inch(self) -> int:
        """GetDpiForSystem; 96 is 100 %."""
        ...

    def registry_value(self, place: str, name: str) -> str:
        """A value below HKEY_LOCAL_MACHINE as text."""
        ...

    def run(self, command: Sequence[str], timeout: float) -> Ran:
        """A program to its end, without a window, with a low priority; TimeoutError after `timeout` seconds."""
        ...

    def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """A program likewise, its standard output a pipe."""
        ...


@functools.lru_cache(maxsize=1)
def native() -> Calls:
    """Windows itself; OSError on any other system."""
    if sys.platform == "win32":
        from client.system.windows.native import Windows

        return Windows()
    raise OSError("this call exists on Windows only")
