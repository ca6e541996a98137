"""The machine's facts on Windows: one question to CIM, and what its answer means on real, untidy machines."""
from __future__ import annotations

import re
import time
from typing import Any

from client.system.facts import DiskFact, MachineFacts, tidy, tidy_mac, tidy_serial
from client.system.windows.calls import Calls, native
from client.system.windows.powershell import ask_powershell, records

TIMEOUT = 60.0
SCRIPT = """\
function Ask([scriptblock] $question) { try { & $question } catch { } }
$ErrorActionPreference = 'SilentlyContinue'
ConvertTo-Json -Depth 4 -Compress @{
  machine = Ask { (Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Cryptography').MachineGuid }
  product = Ask { Get-CimInstance Win32_ComputerSystemProduct |
    Select-Object UUID, Vendor, Name, IdentifyingNumber }
  board = Ask { Get-CimInstance Win32_BaseBoard | Select-Object Manufacturer, Product, SerialNumber }
  bios = Ask { Get-CimInstance Win32_BIOS | Select-Object Manufacturer, SMBIOSBIOSVersion, SerialNumber }
  system = Ask { Get-CimInstance Win32_OperatingSystem | Select-Object Caption, Version }
  memory = Ask { [int64](Get-CimInstance Win32_PhysicalMemory | Measure-Object -Property Capacity -Sum).Sum }
  disks = @(Ask { Get-PhysicalDisk | Select-Object DeviceId, SerialNumber, AdapterSerialNumber, FriendlyName,
    @{n = 'BusType'; e = { [string]$_.BusType }}, Size })
  drives = @(Ask { Get-CimInstance Win32_DiskDrive | Select-Object Index, SerialNumber, PNPDeviceID, Model,
    InterfaceType, MediaType, Size })
  adapters = @(Ask { Get-NetAdapter -Physical |
    Select-Object PermanentAddress, PnPDeviceID, InterfaceDescription })
}
"""
COMING_AND_GOING = frozenset({"USB", "7", "1394", "4", "SD", "12", "iSCSI", "9", "File Backed Virtual", "15",
                              "Spaces", "16"})
"""Bus types (in words, or as older versions number them) of what says nothing about the computer: sticks, cards, disks
elsewhere, mounted images, and pools whose members are listed themselves."""
NVME = frozenset({"NVMe", "17"})
PLUGGED_IN = ("USB\\", "USBSTOR\\", "SWD\\", "ROOT\\", "BTH\\", "BTHENUM\\")
"""Devices of docks, virtual ones, and Bluetooth, which vanishes when it is switched off."""
HEX_SERIAL = re.compile(r"(?:[0-9A-Fa-f]{2}){20}")
NAMESPACE = re.compile(r"\s*_[0-9A-Fa-f]{4,8}$")


def machine_facts(calls: Calls | None = None) -> MachineFacts:
    """Ask the system, which takes a second or two; what it does not tell is left out. Never raises OSError."""
    try:
        answer = ask_powershell(SCRIPT, timeout=TIMEOUT, calls=calls)
    except OSError:
        answer = {}
    return read_facts(answer)


def read_facts(answer: dict[str, Any]) -> MachineFacts:
    """The facts in the answer to SCRIPT; an empty answer gives facts without values."""
    system, product, board = (_first(answer.get(name)) for name in ("system", "product", "board"))
    adapters = [found for found in records(answer.get("adapters")) if not _comes_and_goes(found.get("PnPDeviceID"))]
    return MachineFacts(
        system=tidy(f"{system.get('Caption') or 'Windows'} {system.get('Version') or ''}"),
        machine_id=tidy(answer.get("machine")).lower(),
        board_id=tidy(product.get("UUID")).lower() or _board(board, _first(answer.get("bios"))),
        mac_addresses=tuple(sorted({tidy_mac(found.get("PermanentAddress")) for found in adapters} - {""})),
        disks=_disks(records(answer.get("disks")), records(answer.get("drives"))),
        memory=_size(answer.get("memory")),
    )


def boot_id(calls: Calls | None = None) -> str:
    """The number of this start of the system as the registry counts it; where it is not kept, the start's time in
    steps of ten minutes, which may tell a start where there was none and never misses one."""
    place = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"
    try:
        return (calls or native()).registry_value(place, "BootId")
    except OSError:
        return f"about {round((time.time() - time.monotonic()) / 600)}"


def _board(board: dict[str, Any], bios: dict[str, Any]) -> str:
    """The serial number of the board, or of the whole computer, where its firmware has no identifier."""
    return tidy_serial(board.get("SerialNumber")) or tidy_serial(bios.get("SerialNumber"))


def _disks(physical: list[dict[str, Any]], drives: list[dict[str, Any]]) -> tuple[DiskFact, ...]:
    """By the storage service; each disk that it has no serial for by the older class, whose serials may be garbled."""
    by_number = {str(drive.get("Index")): drive for drive in drives if drive.get("Index") is not None}
    found = {}
    for disk in physical:
        if str(disk.get("BusType")) in COMING_AND_GOING:
            continue
        serial = _serial(disk) or _drive_serial(by_number.get(str(disk.get("DeviceId")), {}))
        if serial:
            found[serial] = DiskFact(serial, tidy(disk.get("FriendlyName")), _size(disk.get("Size")))
    if not physical:  # the storage service does not run, or this Windows is older than it
        for drive in drives:
            removable = "removable" in str(drive.get("MediaType") or "").lower()
            serial = _drive_serial(drive)
            if serial and not removable and drive.get("InterfaceType") != "USB":
                found[serial] = DiskFact(serial, tidy(drive.get("Model")), _size(drive.get("Size")))
    return tuple(sorted(found.values(), key=lambda disk: (disk.serial, disk.model)))


def _serial(disk: dict[str, Any]) -> str:
    """Of an NVMe disk the serial number that is printed on it, which Windows tells as the adapter's, and not the
    identifier of its namespace (four groups of digits), which cheap disks leave at zero."""
    own = tidy_serial(disk.get("SerialNumber"))
    adapter = tidy_serial(NAMESPACE.sub("", tidy(disk.get("AdapterSerialNumber"))))
    return adapter or own if str(disk.get("BusType")) in NVME else own or adapter


def _drive_serial(drive: dict[str, Any]) -> str:
    """What the older class knows of a drive: its serial number unless that is garbled, else the device's own name."""
    raw = str(drive.get("SerialNumber") or "")
    if any(not (" " <= sign <= "~") for sign in raw):
        raw = ""
    return decode_hexadecimal(tidy_serial(raw)) or tidy(drive.get("PNPDeviceID"))


def decode_hexadecimal(serial: str) -> str:
    """A serial number that some drivers give as the 40 hexadecimal digits of its 20 bytes, each two swapped.

    The bytes are padded with spaces on one side, so that the right order is the one without spaces inside.
    """
    if not HEX_SERIAL.fullmatch(serial):
        return serial
    plain = bytes.fromhex(serial)
    swapped = bytes(plain[place ^ 1] for place in range(len(plain)))
    texts = [text.decode("latin-1").strip(" \0") for text in (swapped, plain)]
    readable = [text for text in texts if text.isascii() and text.isprintable()]
    best = min(readable, key=lambda text: text.count(" "), default=serial)
    return tidy_serial(best)


def _comes_and_goes(device: object) -> bool:
    return str(device or "").upper().startswith(PLUGGED_IN)


def _size(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else 0


def _first(value: object) -> dict[str, Any]:
    return next(iter(records(value)), {})
