"""Windows itself: the only place that calls kernel32, advapi32, crypt32, shell32, user32, the registry or a program."""
from __future__ import annotations

import sys

if sys.platform == "win32":
    import ctypes
    import msvcrt
    import os
    import subprocess
    import winreg
    from collections.abc import Callable, Sequence
    from ctypes import wintypes

    from client.system.windows.programs import Ran

    OPEN_EXISTING = 3
    INVALID_HANDLE = wintypes.HANDLE(-1).value
    TOKEN_ADJUST_PRIVILEGES, TOKEN_QUERY = 0x20, 0x8
    SE_PRIVILEGE_ENABLED = 0x2
    NOT_ALL_ASSIGNED = 1300
    GET_HIGH_CONTRAST, HIGH_CONTRAST_ON = 0x42, 0x1
    SYSTEM_DPI = 1  # Tk draws in one scale for all screens
    NO_WINDOW, BELOW_NORMAL = 0x08000000, 0x00004000
    PATH_LENGTH = 32_768
    TICKS_A_SECOND = 10_000_000

    class _Blob(ctypes.Structure):
        _fields_ = [("size", wintypes.DWORD), ("data", ctypes.POINTER(ctypes.c_char))]

    class _Luid(ctypes.Structure):
        _fields_ = [("low", wintypes.DWORD), ("high", wintypes.LONG)]

    class _Privileges(ctypes.Structure):
        _fields_ = [("count", wintypes.DWORD), ("luid", _Luid), ("attributes", wintypes.DWORD)]

    class _PowerStatus(ctypes.Structure):
        _fields_ = [("line", ctypes.c_ubyte), ("battery", ctypes.c_ubyte), ("percent", ctypes.c_ubyte),
                    ("saver", ctypes.c_ubyte), ("left", wintypes.DWORD), ("full", wintypes.DWORD)]

    class _HighContrast(ctypes.Structure):
        _fields_ = [("size", wintypes.UINT), ("flags", wintypes.DWORD), ("scheme", wintypes.LPWSTR)]

    def _failure() -> OSError:
        return ctypes.WinError(ctypes.get_last_error())

    def _function(library: str, name: str) -> Callable[..., int]:
        """A function that older versions of Windows don't have; OSError there."""
        try:
            found: Callable[..., int] = getattr(ctypes.WinDLL(library), name)
        except AttributeError as error:
            raise OSError(f"this version of Windows has no {name}") from error
        return found

    def _blob(content: bytes) -> _Blob:
        kept = ctypes.create_string_buffer(content, len(content))
        return _Blob(len(content), ctypes.cast(kept, ctypes.POINTER(ctypes.c_char)))

    class Windows:
        """See client.system.windows.calls.Calls."""

        def __init__(self) -> None:
            self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
            self._advanced = ctypes.WinDLL("advapi32", use_last_error=True)
            self._kernel.CreateFileW.argtypes = [
                wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID, wintypes.DWORD, wintypes.DWORD,
                wintypes.HANDLE,
            ]
            self._kernel.CreateFileW.restype = wintypes.HANDLE
            self._kernel.CloseHandle.argtypes = [wintypes.HANDLE]
            self._kernel.GetCurrentProcess.restype = wintypes.HANDLE
            self._kernel.LocalFree.argtypes = [wintypes.LPVOID]
            self._kernel.LocalFree.restype = wintypes.LPVOID
            self._advanced.OpenProcessToken.argtypes = [
                wintypes.HANDLE, wintypes.DWORD, ctypes.POINTER(wintypes.HANDLE),
            ]
            self._advanced.AdjustTokenPrivileges.argtypes = [
                wintypes.HANDLE, wintypes.BOOL, wintypes.LPVOID, wintypes.DWORD, wintypes.LPVOID, wintypes.LPVOID,
            ]

        def open_file(self, path: str, access: int, share: int, flags: int) -> int:
            handle = self._kernel.CreateFileW(path, access, share, None, OPEN_EXISTING, flags, None)
            if handle is None or handle == INVALID_HANDLE:
                raise _failure()
            try:
                return msvcrt.open_osfhandle(handle, os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT)
            except OSError:
                self._kernel.CloseHandle(handle)
                raise

        def set_attributes(self, path: str, attributes: int) -> None:
            if not self._kernel.SetFileAttributesW(wintypes.LPCWSTR(path), wintypes.DWORD(attributes)):
                raise _failure()

        def volume_of(self, path: str) -> str:
            found = ctypes.create_unicode_buffer(PATH_LENGTH)
            if not self._kernel.GetVolumePathNameW(wintypes.LPCWSTR(path), found, PATH_LENGTH):
                raise _failure()
            return found.value

        def drive_kind(self, root: str) -> int:
            return int(self._kernel.GetDriveTypeW(wintypes.LPCWSTR(root)))

        def is_administrator(self) -> bool:
            return bool(ctypes.WinDLL("shell32").IsUserAnAdmin())

        def enable_privilege(self, name: str) -> bool:
            token = wintypes.HANDLE()
            wanted = TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY
            if not self._advanced.OpenProcessToken(self._kernel.GetCurrentProcess(), wanted, ctypes.byref(token)):
                raise _failure()
            try:
                asked = _Privileges(1, _Luid(), SE_PRIVILEGE_ENABLED)
                place = ctypes.byref(asked, _Privileges.luid.offset)
                if not self._advanced.LookupPrivilegeValueW(None, wintypes.LPCWSTR(name), place):
                    raise _failure()
                if not self._advanced.AdjustTokenPrivileges(token, False, ctypes.byref(asked), 0, None, None):
                    raise _failure()
                return ctypes.get_last_error() != NOT_ALL_ASSIGNED
            finally:
                self._kernel.CloseHandle(token)

        def protect(self, data: bytes, entropy: bytes, flags: int) -> bytes:
            return self._seal("CryptProtectData", data, entropy, flags)

        def unprotect(self, data: bytes, entropy: bytes, flags: int) -> bytes:
            return self._seal("CryptUnprotectData", data, entropy, flags)

        def _seal(self, function: str, data: bytes, entropy: bytes, flags: int) -> bytes:
            call = getattr(ctypes.WinDLL("crypt32", use_last_error=True), function)
            source, secret, result = _blob(data), _blob(entropy), _Blob()
            if not call(ctypes.byref(source), None, ctypes.byref(secret), None, None, wintypes.DWORD(flags),
                        ctypes.byref(result)):
                raise _failure()
            try:
                return ctypes.string_at(result.data, result.size)
            finally:
                self._kernel.LocalFree(result.data)

        def set_execution_state(self, state: int) -> None:
            if not self._kernel.SetThreadExecutionState(wintypes.DWORD(state)):
                raise OSError("the system refused the request to stay awake")

        def power_line(self) -> int:
            status = _PowerStatus()
            if not self._kernel.GetSystemPowerStatus(ctypes.byref(status)):
                raise _failure()
            return int(status.line)

        def awake_seconds(self) -> float:
            ticks = ctypes.c_ulonglong()
            if not self._kernel.QueryUnbiasedInterruptTime(ctypes.byref(ticks)):
                raise _failure()
            return ticks.value / TICKS_A_SECOND

        def high_contrast(self) -> bool:
            state = _HighContrast(ctypes.sizeof(_HighContrast), 0, None)
            user = ctypes.WinDLL("user32", use_last_error=True)
            if not user.SystemParametersInfoW(GET_HIGH_CONTRAST, state.size, ctypes.byref(state), 0):
                raise _failure()
            return bool(state.flags & HIGH_CONTRAST_ON)

        def make_dpi_aware(self) -> None:
            code = int(_function("shcore", "SetProcessDpiAwareness")(SYSTEM_DPI))
            if code < 0:
                raise OSError(f"the system answered {code & 0xFFFFFFFF:#x}")

        def dots_per_inch(self) -> int:
            return int(_function("user32", "GetDpiForSystem")())

        def registry_value(self, place: str, name: str) -> str:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as key:
                return str(winreg.QueryValueEx(key, name)[0])

        def run(self, command: Sequence[str], timeout: float) -> Ran:
            child = self._start(command, subprocess.PIPE)
            try:
                output, complaint = child.communicate(timeout=timeout)
            except subprocess.TimeoutExpired as error:
                child.kill()
                child.communicate()
                raise TimeoutError(f"{command[0]} took longer than {timeout:.0f} s") from error
            return Ran(child.returncode, output, complaint)

        def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
            return self._start(command, subprocess.DEVNULL)

        def _start(self, command: Sequence[str], complaints: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
                creationflags=NO_WINDOW | BELOW_NORMAL,
            )
