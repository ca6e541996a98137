"""What identifies a machine, from recordings of real and untidy ones (tests/data/hardware), and how it is told."""
from __future__ import annotations

import dataclasses
import json
import random
import re
import shutil
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.computer import hardware as own
from client.computer.hardware import current_report, is_told, remember_told
from client.store.documents import load_schema
from client.system import linux
from client.system.facts import MachineFacts, tidy, tidy_serial
from client.system.windows import hardware
from client.system.windows.hardware import decode_hexadecimal
from client.system.windows.shadow_copies import create
from tests.client.conftest import Client
from tests.parts.fake_windows import FakeWindows, windows_error

RECORDINGS = Path(__file__).resolve().parents[1] / "data/hardware"


def recordings(system: str) -> list[Any]:
    """The recordings of `system`, named for what they are of."""
    return [pytest.param(json.loads(path.read_text("utf-8")), id=path.stem)
            for path in sorted(RECORDINGS.glob(f"{system}-*.json"))]


def as_recorded(facts: MachineFacts) -> dict[str, Any]:
    """Facts as a recording has them."""
    return json.loads(json.dumps(dataclasses.asdict(facts) | {"disks": [dataclasses.astuple(d) for d in facts.disks]}))


@pytest.mark.parametrize("recording", recordings("windows"))
def test_a_recorded_windows_machine_is_known_by_what_is_its_own(recording: dict[str, Any], tmp_path: Path) -> None:
    windows = FakeWindows(tmp_path, answers={"Win32_ComputerSystemProduct": json.dumps(recording["answer"])})
    facts = hardware.machine_facts(windows)
    assert as_recorded(facts) == recording["facts"], recording["tells"]
    assert len(windows.commands) == 1


@pytest.mark.parametrize("recording", recordings("windows"))
def test_the_order_in_which_windows_lists_things_makes_no_difference(recording: dict[str, Any]) -> None:
    shuffled = {
        key: random.Random(7).sample(value, len(value)) if isinstance(value, list) else value
        for key, value in recording["answer"].items()
    }
    assert hardware.read_facts(shuffled) == hardware.read_facts(recording["answer"])


@pytest.mark.parametrize("recording", recordings("linux"))
def test_a_recorded_linux_machine_is_known_by_what_is_built_in(recording: dict[str, Any], tmp_path: Path) -> None:
    for name, text in recording["files"].items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))
    for name, target in recording["links"].items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    facts = as_recorded(linux.machine_facts(tmp_path))
    assert facts | {"memory": 0} == recording["facts"] | {"memory": 0}, recording["tells"]


@pytest.mark.parametrize("trouble", [TimeoutError("took longer than 60 s"), windows_error(2, "not found")])
def test_a_windows_that_cannot_be_asked_is_still_reported(trouble: OSError, tmp_path: Path) -> None:
    facts = hardware.machine_facts(FakeWindows(tmp_path, answers={"Win32_ComputerSystemProduct": trouble}))
    assert facts == MachineFacts(system="Windows")


@given(st.dictionaries(
    st.sampled_from(["machine", "product", "board", "bios", "system", "memory", "disks", "drives", "adapters"]),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner) | (
        st.dictionaries(st.sampled_from(["UUID", "SerialNumber", "AdapterSerialNumber", "DeviceId", "Index", "Size",
                                         "BusType", "PermanentAddress", "PnPDeviceID", "Caption"]), inner))),
))
def test_no_answer_however_odd_stops_a_report(answer: dict[str, Any]) -> None:
    facts = hardware.read_facts(answer)
    assert facts.system
    assert all(disk.serial and disk.size >= 0 for disk in facts.disks)


def test_a_start_of_the_system_is_told_by_the_registry_or_by_the_clock(tmp_path: Path) -> None:
    place = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters\BootId"
    assert hardware.boot_id(FakeWindows(tmp_path, registry={place: "117"})) == "117"
    first = hardware.boot_id(FakeWindows(tmp_path))
    assert first.startswith("about ")
    assert first == hardware.boot_id(FakeWindows(tmp_path))


@pytest.mark.parametrize("shared", [
    "", "   ", "0", "0000", "00000000", "FFFFFFFF", "To be filled by O.E.M.", "TO BE FILLED BY O.E.M", "Default string",
    "System Serial Number", "None", "N/A", "xxxxxxxxxxx", "123456789", "...", "00000000-0000-0000-0000-000000000000",
    "0000_0000_0000_0000.", "OEM", "Not Specified", "\x00\x00", "Unknown",
])
def test_what_many_machines_share_is_no_fact(shared: str) -> None:
    assert tidy_serial(shared) == ""


@pytest.mark.parametrize("own", ["0000_0000_0100_0000_E4D2_5C66_1A2B_5201", "5CD0001XYZ", "00000001A2B3", "WD-WCC4N0"])
def test_what_only_looks_like_that_is_kept(own: str) -> None:
    assert tidy_serial(own) == tidy(own) == own


@pytest.mark.parametrize(("serial", "printed"), [
    ("2020202057202d44435741413132333435363738", "WD-WCAA21436587"),
    ("2020202020202020202020205233384831424742", "3RH8B1BG"),
    ("5344454d4f313233342020202020202020202020", "SDEMO1234"),
    ("600508B1001C0123456789ABCDEF0123", "600508B1001C0123456789ABCDEF0123"),
    ("S21PNXAG123456X", "S21PNXAG123456X"),
])
def test_a_serial_number_in_hexadecimal_is_read_as_it_is_printed(serial: str, printed: str) -> None:
    assert decode_hexadecimal(serial) == printed


# --- the report, as people see it ------------------------------------------------------------------------------------


def test_what_is_sent_is_shown_as_it_is_sent(client: Client) -> None:
    sent = json.loads(msgspec.json.encode(current_report(client.home)))
    assert client("hardware", "--json").json == sent | {"told": False}
    remember_told(client.home, current_report(client.home))
    assert client("hardware", "--json").json == sent | {"told": True}
    words = client("hardware").said
    serials = [disk["serial"] for disk in sent["disks"]]
    for value in (sent["host_name"], sent["system"], *sent["mac_addresses"], *serials):
        assert value in words
    assert words.endswith("The portal knows this.\n")


def test_the_report_is_collected_anew_when_somebody_wants_it(client: Client) -> None:
    path = client.home / "hardware.xml"
    path.write_text(re.sub('memory="[0-9]+"', 'memory="1024"', path.read_text()))
    assert client("hardware", "--json").json["memory"] == 1024
    assert client("hardware", "--anew", "--json").json["memory"] > 2**20
    assert client("hardware", "--json").json["memory"] > 2**20


def test_the_report_fits_its_description(client: Client) -> None:
    remember_told(client.home, current_report(client.home))
    load_schema("hardware").validate(str(client.home / "hardware.xml"))


def test_a_record_of_a_shadow_copy_fits_its_description(tmp_path: Path) -> None:
    windows = FakeWindows(tmp_path / "files")
    create("C:\\", tmp_path / "shadow-copy-1.xml", windows)
    load_schema("shadow-copy").validate(str(tmp_path / "shadow-copy-1.xml"))


def test_the_window_that_looks_and_the_backup_that_tells_never_meet(
    tmp_path: Path, known_hardware: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both write the same file; neither fails, and what the portal knows is never forgotten."""
    shutil.copy(known_hardware, tmp_path)
    report = current_report(tmp_path)
    monkeypatch.setattr(own, "_collect", lambda host: report)
    remember_told(tmp_path, report)
    troubles: list[str] = []

    def look() -> None:
        for _ in range(150):
            current_report(tmp_path, anew=True)
            if not is_told(tmp_path, report):
                troubles.append("forgotten")

    looking = threading.Thread(target=look)
    looking.start()
    while looking.is_alive():
        remember_told(tmp_path, report)
    looking.join()
    assert troubles == []
