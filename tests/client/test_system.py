"""What identifies a machine: Linux from a recorded /sys; the report, once per boot, and what the portal is told."""
from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.api.portal import Portal
from client.computer.hardware import current_report, hardware_hash, read_processor, tell_if_changed
from client.system import boot_id, hidden_child, linux, protect_secret, reveal_secret, windows
from client.system.facts import DiskFact, tidy, tidy_mac
from protocol.errors import PortalUnreachable
from protocol.messages import Done, HardwareReport
from tests.client.talking_portal import HANG_UP, TalkingPortal, message


@given(st.text(st.characters(codec=None), max_size=40).filter(lambda name: "\0" not in name))
def test_f18_every_windows_name_comes_back_also_with_lone_surrogates(name: str) -> None:
    units = name.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    assert windows.decode_name(windows.encode_name(units)) == units


@given(st.binary(max_size=60))
def test_f18_every_linux_name_comes_back_byte_for_byte(name: bytes) -> None:
    assert linux.encode_name(linux.decode_name(name)) == name


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
    ("  WD-123.. ", "WD-123"), ("To Be Filled By O.E.M.", ""), ("a\0b\x07", "a b"), (None, ""),
    ("xy" * 200, "xy" * 127 + "x"),
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
