"""The hardware report: collected once per boot, kept in hardware.xml, told to the portal whenever it changes."""
from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from client.api.portal import Portal
from client.errors import StoreDamaged
from client.store import documents
from client.store.instance import hold
from client.system import boot_id, hidden_child, machine_facts
from client.system.facts import tidy
from protocol.messages import Disk, HardwareReport, encode
from vault.errors import BackupError

NAME = "hardware.xml"
LOCK = "hardware.lock"
"""The window looks at the report while a backup tells the portal of it."""
PATIENCE = 5.0
PROCESSOR_TIMEOUT = 30.0


@dataclass(frozen=True)
class _Kept:
    """What hardware.xml holds: the report, the boot that it was made in, and the hash last told to the portal."""

    report: HardwareReport
    boot: str
    told: str


def hardware_hash(report: HardwareReport) -> bytes:
    """32 bytes that differ when any fact does."""
    return hashlib.blake2b(encode(report), digest_size=32).digest()


def current_report(home: Path, *, anew: bool = False) -> HardwareReport:
    """The report of this computer. After a start of the system, or `anew`, it takes a second or two, else a
    millisecond."""
    kept = _load(home)
    boot = boot_id()
    host = tidy(socket.gethostname())
    if not anew and kept is not None and boot and kept.boot == boot and kept.report.host_name == host:
        return kept.report
    report = _collect(host)
    # A user who may not write the store may look at the report all the same.
    with contextlib.suppress(BackupError), hold(home, LOCK, PATIENCE):
        kept = _load(home)  # another process may have told the portal meanwhile
        _save(home, _Kept(report, boot, "" if kept is None else kept.told))
    return report


def tell_if_changed(home: Path, portal: Portal) -> HardwareReport:
    """The current report, sent when the portal does not know it yet; raises what Portal.send_hardware raises."""
    report = current_report(home)
    if not is_told(home, report):
        portal.send_hardware(report)
        remember_told(home, report)
    return report


def is_told(home: Path, report: HardwareReport) -> bool:
    """Whether the portal knows `report`, as far as this computer knows."""
    kept = _load(home)
    return kept is not None and kept.told == hardware_hash(report).hex()


def remember_told(home: Path, report: HardwareReport) -> None:
    """Note that the portal knows `report`. Raises HomeBusy, HomeUnusable."""
    with hold(home, LOCK, PATIENCE):
        kept = _load(home)
        _save(home, _Kept(report, boot_id() if kept is None else kept.boot, hardware_hash(report).hex()))


def _collect(host: str) -> HardwareReport:
    import psutil  # type: ignore[import-untyped]

    child = start_processor_query()
    facts = machine_facts()
    return HardwareReport(
        host_name=host,
        system=facts.system,
        machine_id=facts.machine_id,
        board_id=facts.board_id,
        processor=read_processor(child) or tidy(platform.processor()),
        memory=facts.memory or psutil.virtual_memory().total,
        mac_addresses=facts.mac_addresses,
        disks=tuple(Disk(serial=disk.serial, model=disk.model, size=disk.size) for disk in facts.disks),
    )


def start_processor_query() -> subprocess.Popen[bytes]:
    """Ask for the processor in a process of its own: it takes a second and would flash a window on Windows."""
    return hidden_child([sys.executable, "-m", "cpuinfo", "--json"])


def read_processor(child: subprocess.Popen[bytes], timeout: float = PROCESSOR_TIMEOUT) -> str:
    """The processor's name from that process; "" when it fails or takes longer than `timeout` seconds."""
    try:
        output, _ = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return ""
    try:
        answer = json.loads(output)
    except ValueError:
        return ""
    if not isinstance(answer, dict):
        return ""
    return tidy(answer.get("brand_raw")) or tidy(answer.get("hardware_raw")) or tidy(answer.get("arch_string_raw"))


def _load(home: Path) -> _Kept | None:
    """What was kept; None when there is nothing or it is damaged, for it can be collected again."""
    try:
        root = documents.read(home / NAME, "hardware", lambda _: None)
        return None if root is None else _read(root)
    except (StoreDamaged, ValueError):
        return None


def _read(root: Element) -> _Kept:
    report = HardwareReport(
        host_name=root.get("host", ""),
        system=root.get("system", ""),
        machine_id=root.get("machine", ""),
        board_id=root.get("board", ""),
        processor=root.get("processor", ""),
        memory=int(root.get("memory", "0")),
        mac_addresses=tuple(adapter.get("mac", "") for adapter in root.iter("adapter")),
        disks=tuple(
            Disk(serial=disk.get("serial", ""), model=disk.get("model", ""), size=int(disk.get("size", "0")))
            for disk in root.iter("disk")
        ),
    )
    return _Kept(report, root.get("boot", ""), root.get("told", ""))


def _save(home: Path, kept: _Kept) -> None:
    report = kept.report
    root = Element("hardware", {
        "boot": kept.boot, "told": kept.told, "host": report.host_name, "system": report.system,
        "machine": report.machine_id, "board": report.board_id, "processor": report.processor,
        "memory": str(report.memory),
    })
    for address in report.mac_addresses:
        SubElement(root, "adapter", mac=address)
    for disk in report.disks:
        SubElement(root, "disk", serial=disk.serial, model=disk.model, size=str(disk.size))
    documents.write(home / NAME, root, keep=False)
