"""What identifies a machine: Linux from a recorded /sys, Windows from recorded answers of PowerShell."""
from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.hardware import current_report, hardware_hash, read_processor, tell_if_changed
from client.portal import Portal
from client.system import boot_id, hidden_child, linux, protect_secret, reveal_secret, windows
from client.system.facts import DiskFact, tidy, tidy_mac
from protocol.errors import PortalUnreachable
from protocol.messages import Done, HardwareReport
from tests.client.talking_portal import HANG_UP, TalkingPortal, message

LAPTOP = {
    "machine": "8C2F9A52-7A5B-4C4E-9F8E-0A51B3D0E7C1",
    "product": "4C4C4544-0042-3510-8054-B7C04F4E5332",
    "system": {"Caption": "Microsoft Windows 11 Pro", "Version": "10.0.26100"},
    "disks": [
        {"SerialNumber": "0025_38B5_1140_9C2E.", "AdapterSerialNumber": "S4EWNX0R123456",
         "FriendlyName": "SAMSUNG MZVLB512", "BusType": "NVMe", "Size": 512110190592},
        {"SerialNumber": "AA00000000000489", "AdapterSerialNumber": None, "FriendlyName": "SanDisk Ultra",
         "BusType": "USB", "Size": 61530439680},
    ],
    "drives": [{"SerialNumber": "garbled\u0001\u0002", "PNPDeviceID": "SCSI\\DISK&VEN_NVME", "Model": "x", "Size": 1}],
    "adapters": [
        {"PermanentAddress": "8C1645AABB01", "PnPDeviceID": "PCI\\VEN_8086&DEV_15D7"},
        {"PermanentAddress": "00E04C680001", "PnPDeviceID": "USB\\VID_0BDA&PID_8153"},
    ],
}
OLD_PC = {
    "machine": None,
    "product": "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "system": {"Caption": "Microsoft Windows 10 Home", "Version": "10.0.19045"},
    "disks": [],
    "drives": {"SerialNumber": "     ", "PNPDeviceID": "IDE\\DISKST500DM002", "Model": "ST500DM002-1BD142",
               "InterfaceType": "IDE", "Size": "500105249280"},
    "adapters": {"PermanentAddress": "001E8C-112233", "PnPDeviceID": "PCI\\VEN_10EC"},
}


def test_a_recorded_windows_laptop_is_recognised_without_what_hangs_on_usb() -> None:
    facts = windows.read_facts(b"\xef\xbb\xbf" + json.dumps(LAPTOP).encode() + b"\r\n")
    assert facts.system == "Microsoft Windows 11 Pro 10.0.26100"
    assert facts.machine_id == "8c2f9a52-7a5b-4c4e-9f8e-0a51b3d0e7c1"
    assert facts.board_id == "4c4c4544-0042-3510-8054-b7c04f4e5332"
    assert facts.mac_addresses == ("8c:16:45:aa:bb:01",)
    assert facts.disks == (DiskFact("0025_38B5_1140_9C2E", "SAMSUNG MZVLB512", 512110190592),)


def test_a_recorded_old_pc_is_known_by_its_drive_when_its_firmware_says_nothing() -> None:
    facts = windows.read_facts(json.dumps(OLD_PC).encode())
    assert facts.board_id == ""
    assert facts.machine_id == ""
    assert facts.mac_addresses == ("00:1e:8c:11:22:33",)
    assert facts.disks == (DiskFact("IDE\\DISKST500DM002", "ST500DM002-1BD142", 500105249280),)


@pytest.mark.parametrize(
    "answer", [b"", b"Access denied.", b"\xff\xfe", b"[]", b"null", b'{"disks": "x", "system": 3}'],
)
def test_a_windows_that_answers_nonsense_is_still_reported(answer: bytes) -> None:
    facts = windows.read_facts(answer)
    assert facts.system == "Windows"
    assert facts.disks == ()


@given(st.text(st.characters(codec=None), max_size=40).filter(lambda name: "\0" not in name))
def test_f18_every_windows_name_comes_back_also_with_lone_surrogates(name: str) -> None:
    units = name.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    assert windows.decode_name(windows.encode_name(units)) == units


@given(st.binary(max_size=60))
def test_f18_every_linux_name_comes_back_byte_for_byte(name: bytes) -> None:
    assert linux.encode_name(linux.decode_name(name)) == name


def test_the_store_on_windows_belongs_to_the_system_the_administrators_and_its_maker() -> None:
    folder = Path("C:\\ProgramData\\IBS")
    service = windows.access_command(folder, "SYSTEM")
    assert service[:3] == ["icacls", str(folder), "/inheritance:r"]
    assert [part for part in service if part.endswith(":(OI)(CI)F")] == [
        "*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F",
    ]
    assert "alice:(OI)(CI)F" in windows.access_command(folder, "alice")
    assert windows.access_command(folder, "PC-FRONT$") == service


def make_machine(root: Path) -> None:
    """A recorded /sys: a disk, a USB stick, a card reader without a medium, a network card, a bridge."""
    devices = root / "sys/devices"
    for name, bus, removable, serial in (
        ("nvme0n1", "pci/nvme0", "0", "S4EWNX0R123456  "), ("sda", "pci/usb2/2-1", "0", "4C530001"),
        ("sdb", "pci/ata2", "1", "CARD"), ("loop0", None, "0", ""),
    ):
        block = devices / f"block-{name}"
        block.mkdir(parents=True)
        (block / "size").write_text("1000215216\n")
        (block / "removable").write_text(removable)
        if bus is not None:
            device = devices / bus
            device.mkdir(parents=True)
            (device / "serial").write_text(serial)
            (device / "model").write_text("A disk \n")
            (device / name).mkdir()
            (device / name / "size").write_text("1000215216\n")
            (device / name / "removable").write_text(removable)
            (device / name / "device").symlink_to("..")
            block = device / name
        link = root / "sys/block" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(block)
    for name, address, real in (("eth0", "52:54:00:12:34:56", True), ("br0", "52:54:00:99:99:99", False)):
        card = root / "sys/class/net" / name
        card.mkdir(parents=True)
        (card / "address").write_text(address + "\n")
        if real:
            (card / "device").mkdir()
    (root / "sys/class/dmi/id").mkdir(parents=True)
    (root / "sys/class/dmi/id/product_uuid").write_text("4C4C4544-0042\n")
    (root / "etc").mkdir()
    (root / "etc/machine-id").write_text("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    (root / "etc/os-release").write_text('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')


def test_a_recorded_linux_machine_is_known_by_what_is_built_in(tmp_path: Path) -> None:
    make_machine(tmp_path)
    facts = linux.machine_facts(tmp_path)
    assert facts.system == "Debian GNU/Linux 12 (bookworm)"
    assert facts.machine_id == "3d1219c7c4c5404aaa1f6d2a48adfda4"
    assert facts.board_id == "4c4c4544-0042"
    assert facts.mac_addresses == ("52:54:00:12:34:56",)
    assert facts.disks == (DiskFact("S4EWNX0R123456", "A disk", 1000215216 * 512),)


def test_a_machine_that_tells_nothing_is_no_reason_to_fail(tmp_path: Path) -> None:
    facts = linux.machine_facts(tmp_path)
    assert facts.disks == ()
    assert facts.machine_id == ""


@pytest.mark.parametrize(("raw", "clean"), [
    ("  WD-123.. ", "WD-123"), ("To Be Filled By O.E.M.", ""), ("a\0b\x07", "a b"), (None, ""), ("x" * 400, "x" * 255),
])
def test_what_firmware_pads_with_is_taken_off(raw: object, clean: str) -> None:
    assert tidy(raw) == clean


@pytest.mark.parametrize("raw", ["", "00:00:00:00:00:00", "FF-FF-FF-FF-FF-FF", "01:00:5e:00:00:01", "12:34", None])
def test_what_is_no_address_of_one_card_is_left_out(raw: object) -> None:
    assert tidy_mac(raw) == ""


def test_the_report_of_this_machine_is_collected_once_per_boot(tmp_path: Path) -> None:
    report = current_report(tmp_path)
    assert report.host_name
    assert report.system
    assert report.memory > 2**20
    kept = (tmp_path / "hardware.xml").stat()
    assert current_report(tmp_path) == report
    assert (tmp_path / "hardware.xml").stat().st_mtime_ns == kept.st_mtime_ns
    text = (tmp_path / "hardware.xml").read_text()
    (tmp_path / "hardware.xml").write_text(
        text.replace(f'memory="{report.memory}"', 'memory="1"').replace(boot_id(), "another boot")
    )
    assert current_report(tmp_path) == report


def test_a_damaged_report_is_collected_anew(tmp_path: Path) -> None:
    (tmp_path / "hardware.xml").write_text("<hardware memory='many'/>")
    assert current_report(tmp_path).memory > 1


def test_the_portal_is_told_when_the_hardware_changes_and_only_then(tmp_path: Path) -> None:
    server = TalkingPortal(HANG_UP, message(Done()))
    portal = Portal(server.address, "token", patience=0)
    with pytest.raises(PortalUnreachable):
        tell_if_changed(tmp_path, portal)
    report = tell_if_changed(tmp_path, portal)
    tell_if_changed(tmp_path, portal)
    assert [(request.method, request.path) for request in server.requests] == [("PUT", "/api/v1/hardware")] * 2
    text = (tmp_path / "hardware.xml").read_text()
    (tmp_path / "hardware.xml").write_text(text.replace(f'memory="{report.memory}"', 'memory="1024"'))
    tell_if_changed(tmp_path, portal)
    assert len(server.requests) == 3
    portal.close()
    server.stop()


def test_every_fact_counts_in_the_hash() -> None:
    base = HardwareReport(host_name="pc", system="Linux")
    assert len(hardware_hash(base)) == 32
    assert hardware_hash(base) == hardware_hash(HardwareReport(host_name="pc", system="Linux"))
    assert hardware_hash(base) != hardware_hash(HardwareReport(host_name="pc", system="Linux", memory=1))


def test_a_processor_query_that_hangs_or_talks_nonsense_delays_nobody() -> None:
    hanging = hidden_child([sys.executable, "-c", "import time; time.sleep(60)"])
    assert read_processor(hanging, timeout=0.3) == ""
    assert hanging.poll() is not None
    assert read_processor(hidden_child([sys.executable, "-c", "print('[]')"])) == ""
    assert read_processor(hidden_child([sys.executable, "-c", "print('no json')"])) == ""


def test_the_processor_is_asked_with_the_lowest_priority() -> None:
    child = hidden_child([sys.executable, "-c", "import os; print(os.nice(0))"])
    output, _ = child.communicate()
    assert int(output) == min(os.nice(0) + 19, 19)


def test_a_secret_comes_back() -> None:
    assert reveal_secret(protect_secret(b"token")) == b"token"
