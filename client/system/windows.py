"""Windows: names with lone surrogates, secrets sealed by DPAPI, the machine's facts from one hidden CIM call."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from client.system.facts import DiskFact, MachineFacts, tidy, tidy_mac

WINDOWS_NAMES = True
ENTROPY = b"Integrated Backup Solution, client secret, 1"
FACTS_TIMEOUT = 60
NO_WINDOW = 0x08000000
BELOW_NORMAL = 0x00004000
LOCAL_MACHINE = 0x4
NO_DIALOGUE = 0x1
SYSTEM_SID, ADMINISTRATORS_SID = "*S-1-5-18", "*S-1-5-32-544"
FACTS_SCRIPT = """
$ErrorActionPreference = 'SilentlyContinue'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
@{
  machine = (Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Cryptography').MachineGuid
  product = (Get-CimInstance Win32_ComputerSystemProduct).UUID
  system = (Get-CimInstance Win32_OperatingSystem | Select-Object Caption, Version)
  disks = @(Get-PhysicalDisk | Select-Object SerialNumber, AdapterSerialNumber, FriendlyName, BusType, Size)
  drives = @(Get-CimInstance Win32_DiskDrive | Select-Object SerialNumber, PNPDeviceID, Model, InterfaceType, Size)
  adapters = @(Get-NetAdapter -Physical | Select-Object PermanentAddress, PnPDeviceID)
} | ConvertTo-Json -Depth 4 -Compress
"""


def default_home() -> Path:
    """%ProgramData%\\IBS, so that the service and the window share it."""
    return Path(os.environ.get("ProgramData") or "C:\\ProgramData") / "IBS"  # noqa: SIM112 (as Windows spells it)


def encode_name(name: str) -> bytes:
    """The bytes of a file name: UTF-8 with lone surrogates passed."""
    return name.encode("utf-8", "surrogatepass")


def decode_name(name: bytes) -> str:
    """A file name as Python's functions take it."""
    return name.decode("utf-8", "surrogatepass")


def protect_secret(secret: bytes) -> bytes:
    """The secret sealed for this computer; the folder's access list protects it from other users."""
    return _call_dpapi("CryptProtectData", secret)


def reveal_secret(protected: bytes) -> bytes:
    """What protect_secret was given; OSError when it was sealed on another computer."""
    return _call_dpapi("CryptUnprotectData", protected)


def _call_dpapi(function: str, data: bytes) -> bytes:
    if sys.platform != "win32":
        raise OSError("DPAPI exists on Windows only")
    import ctypes
    from ctypes import wintypes

    class Blob(ctypes.Structure):
        _fields_ = [("size", wintypes.DWORD), ("data", ctypes.POINTER(ctypes.c_char))]

    def blob(content: bytes) -> Blob:
        return Blob(len(content), ctypes.cast(ctypes.create_string_buffer(content, len(content)),
                                              ctypes.POINTER(ctypes.c_char)))

    source, entropy, result = blob(data), blob(ENTROPY), Blob()
    call = getattr(ctypes.WinDLL("crypt32", use_last_error=True), function)
    call.restype = wintypes.BOOL
    flags = LOCAL_MACHINE | NO_DIALOGUE
    if not call(ctypes.byref(source), None, ctypes.byref(entropy), None, None, flags, ctypes.byref(result)):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        return ctypes.string_at(result.data, result.size)
    finally:
        free = ctypes.WinDLL("kernel32").LocalFree
        free.argtypes = [ctypes.c_void_p]
        free(result.data)


def protect_file(path: Path) -> None:
    """Give a folder, and all that will lie in it, to SYSTEM, the administrators and its maker; files inherit that."""
    if path.is_dir():
        command = access_command(path, os.environ.get("USERNAME", ""))
        subprocess.run(command, check=True, capture_output=True, timeout=FACTS_TIMEOUT, **_hidden())


def access_command(folder: Path, user: str) -> list[str]:
    """The call of icacls that ends inheritance and names who may use `folder`."""
    granted = [SYSTEM_SID, ADMINISTRATORS_SID]
    if user and user.upper() != "SYSTEM" and not user.endswith("$"):
        granted.append(user)
    rights = [part for name in granted for part in ("/grant:r", f"{name}:(OI)(CI)F")]
    return ["icacls", str(folder), "/inheritance:r", *rights, "/Q"]


def proxy_settings() -> bool:
    """True: only the registry knows, and reading it is cheap."""
    return True


def hidden_child(command: list[str]) -> subprocess.Popen[bytes]:
    """Start `command` with a low priority and without a window; its standard output is a pipe."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **_hidden(),
    )


def _hidden() -> dict[str, Any]:
    return {"creationflags": NO_WINDOW | BELOW_NORMAL}


def boot_id() -> str:
    """The number of this start of the system as the registry counts it; "" when it is not kept."""
    if sys.platform != "win32":
        return ""
    import winreg

    place = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return str(winreg.QueryValueEx(key, "BootId")[0])
    except OSError:
        return ""


def machine_facts() -> MachineFacts:
    """Ask the system, which takes a second or two; what it does not tell is left out."""
    child = hidden_child(["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", FACTS_SCRIPT])
    try:
        output, _ = child.communicate(timeout=FACTS_TIMEOUT)
    except subprocess.TimeoutExpired:
        child.kill()
        output, _ = child.communicate()
    return read_facts(output)


def read_facts(output: bytes) -> MachineFacts:
    """The facts in the answer of FACTS_SCRIPT; an unreadable answer gives facts without values."""
    try:
        answer = json.loads(output.decode("utf-8-sig", "replace"))
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return MachineFacts(system="Windows")
    system = _first(answer.get("system"))
    adapters = [found for found in _records(answer.get("adapters")) if not _on_usb(found.get("PnPDeviceID"))]
    return MachineFacts(
        system=tidy(f"{system.get('Caption') or 'Windows'} {system.get('Version') or ''}"),
        machine_id=tidy(answer.get("machine")).lower(),
        board_id=tidy(answer.get("product")).lower(),
        mac_addresses=tuple(sorted({tidy_mac(found.get("PermanentAddress")) for found in adapters} - {""})),
        disks=_disks(_records(answer.get("disks")), _records(answer.get("drives"))),
    )


def _disks(physical: list[dict[str, Any]], drives: list[dict[str, Any]]) -> tuple[DiskFact, ...]:
    """By the storage service where it knows serials; else by the older class, whose serials may be garbled."""
    found = [
        DiskFact(serial, tidy(disk.get("FriendlyName")), _size(disk.get("Size")))
        for disk in physical
        if str(disk.get("BusType")) not in {"USB", "7"}
        and (serial := tidy(disk.get("SerialNumber")) or tidy(disk.get("AdapterSerialNumber")))
    ] or [
        DiskFact(serial, tidy(drive.get("Model")), _size(drive.get("Size")))
        for drive in drives
        if drive.get("InterfaceType") != "USB"
        and (serial := tidy(drive.get("SerialNumber")) or tidy(drive.get("PNPDeviceID")))
    ]
    return tuple(sorted(found, key=lambda disk: (disk.serial, disk.model)))


def _on_usb(device: object) -> bool:
    return str(device or "").upper().startswith("USB\\")


def _size(value: object) -> int:
    return int(value) if str(value).isdigit() and isinstance(value, int | str) else 0


def _records(value: object) -> list[dict[str, Any]]:
    """PowerShell writes a list of one as the one."""
    values = value if isinstance(value, list) else [value]
    return [record for record in values if isinstance(record, dict)]


def _first(value: object) -> dict[str, Any]:
    return next(iter(_records(value)), {})
