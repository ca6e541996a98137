"""Changed hardware: enough of the same identifiers are accepted, otherwise a person decides."""
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from flask import Flask

from protocol.errors import HardwareChanged, TokenRejected
from protocol.messages import ComputerStatus, Disk, Done, HardwareReport
from server.extensions import db
from server.models import AuditEvent, Hardware, HardwareIdentifier
from server.services.fleet import hardware
from server.services.fleet.hardware import Score, compare, identifiers_of
from tests.parts.api_computer import HARDWARE, ApiComputer
from tests.parts.portal_world import PortalWorld

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
KNOWN = HardwareReport(
    host_name="FRONT", system="Windows 11", machine_id="b7f1c2d3e4f5", board_id="PF3X9K2L",
    mac_addresses=("3C:52:82:AA:BB:01", "3c-52-82-aa-bb-02"), disks=(Disk(serial="S4EVNX0R"),),
)


def changed(**changes: Any) -> HardwareReport:
    """The known report, some of it changed."""
    return msgspec.structs.replace(KNOWN, **changes)


def report(desk: ApiComputer, message: HardwareReport) -> None:
    """Tell the portal of the computer's hardware."""
    desk.ask("PUT", "/hardware", Done, message)


@pytest.fixture
def front(desk: ApiComputer) -> ApiComputer:
    """A computer whose hardware is known."""
    report(desk, msgspec.structs.replace(KNOWN, mac_addresses=(*KNOWN.mac_addresses, *HARDWARE.mac_addresses)))
    return desk


def history(desk: ApiComputer) -> list[tuple[str, int, int]]:
    """Decision and score of each report, oldest first."""
    db.session.rollback()
    rows = db.session.query(Hardware).filter_by(computer_id=desk.computer.id).order_by(Hardware.id)
    return [(row.decision, row.matching, row.compared) for row in rows]


# --- what identifies a computer --------------------------------------------------------------------------------


def test_identifiers_are_spelt_alike(app: Flask) -> None:
    assert identifiers_of(KNOWN) == {
        ("mac", "3c:52:82:aa:bb:01"), ("mac", "3c:52:82:aa:bb:02"), ("disk", "s4evnx0r"), ("board", "pf3x9k2l"),
        ("machine", "b7f1c2d3e4f5")}
    assert identifiers_of(changed(board_id=" pf3x9K2L. ", disks=(Disk(serial="S4EVNX0R  "),))) == identifiers_of(KNOWN)


@pytest.mark.parametrize("odd", [
    "To be filled by O.E.M.", "Default string", "0000-0000-0000", "00000000-0000-0000-0000-000000000000", "N/A",
    "ffffffff", "1", "None", "xxxxxxxx", " ", "....",
])
def test_what_a_maker_forgot_to_fill_in_identifies_nobody(odd: str) -> None:
    nameless = HardwareReport(host_name="x", system="y", board_id=odd, machine_id=odd, disks=(Disk(serial=odd),))
    assert identifiers_of(nameless) == frozenset()


@pytest.mark.parametrize("odd", ["", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "3c:52:82"])
def test_odd_addresses_identify_nobody(odd: str) -> None:
    assert identifiers_of(HardwareReport(host_name="x", system="y", mac_addresses=(odd,))) == frozenset()


@pytest.mark.parametrize(("report", "score"), [
    (KNOWN, Score(5, 5)),
    (changed(disks=()), Score(4, 4)),
    (changed(disks=(Disk(serial="NEWDISK1"),)), Score(4, 5)),
    (changed(disks=(Disk(serial="S4EVNX0R"), Disk(serial="USBSTICK"))), Score(5, 5)),
    (changed(board_id="OTHER123", mac_addresses=("aa:bb:cc:00:00:01", "aa:bb:cc:00:00:02")), Score(2, 5)),
    (HardwareReport(host_name="x", system="y"), Score(0, 0)),
])
def test_it_counts_what_can_be_compared(report: HardwareReport, score: Score) -> None:
    assert compare(identifiers_of(KNOWN), identifiers_of(report)) == score


def test_half_is_enough_and_so_is_nothing_to_compare() -> None:
    assert Score(2, 4).is_enough
    assert not Score(2, 5).is_enough
    assert not Score(0, 1).is_enough
    assert Score(0, 0).is_enough


# --- what the portal does ----------------------------------------------------------------------------------------


def test_a_new_disk_is_recorded_and_the_backup_goes_on(front: ApiComputer) -> None:
    report(front, changed(disks=(Disk(serial="NEWDISK1"),)))
    assert history(front) == [("accepted", 0, 0), ("accepted", 1, 1), ("accepted", 4, 5)]
    assert not front.computer.awaits_approval
    front.back_up({b"a": bytes(16)})


def test_the_same_report_is_kept_once(front: ApiComputer) -> None:
    report(front, KNOWN)
    report(front, KNOWN)
    assert len(history(front)) == 3


def test_it_can_be_searched_by_what_was_reported_last(front: ApiComputer) -> None:
    report(front, changed(disks=(Disk(serial="NEWDISK1"),)))
    values = {row.value for row in db.session.query(HardwareIdentifier).filter_by(computer_id=front.computer.id)}
    assert "newdisk1" in values
    assert "s4evnx0r" not in values


CLONE = HardwareReport(
    host_name="CLONE", system="Windows 11", machine_id="b7f1c2d3e4f5", board_id="QQ11WW22",
    mac_addresses=("98:76:54:00:00:01",), disks=(Disk(serial="CLONEDSK"),),
)


def test_another_machine_waits_for_a_person_and_its_runs_are_refused(front: ApiComputer) -> None:
    front.back_up({b"a": bytes(16)})
    report(front, CLONE)
    assert history(front)[-1] == ("waiting", 1, 4)
    with pytest.raises(HardwareChanged) as refused:
        front.open_run()
    assert refused.value.code == "IBS-1204"
    assert "looks like a different computer" in refused.value.sentence
    event = db.session.query(AuditEvent).filter_by(action="reported changed hardware").one()
    assert event.detail == "1 of 4 identifiers match"


def test_a_running_backup_of_another_machine_stops_at_its_next_pack(front: ApiComputer) -> None:
    front.open_run()
    report(front, CLONE)
    with pytest.raises(HardwareChanged):
        front.store_pack([bytes(16)])


def test_back_in_the_machine_that_was_known_it_goes_on_by_itself(front: ApiComputer) -> None:
    report(front, CLONE)
    report(front, KNOWN)
    assert [row[0] for row in history(front)[-2:]] == ["other", "accepted"]
    front.back_up({b"a": bytes(16)})


def test_a_person_accepts_the_new_values(front: ApiComputer, world: PortalWorld) -> None:
    report(front, CLONE)
    hardware.accept(front.computer, "admin@example.com", NOW)
    assert history(front)[-1][0] == "accepted"
    front.back_up({b"a": bytes(16)})
    report(front, msgspec.structs.replace(CLONE, system="Windows 12"))
    assert history(front)[-1] == ("accepted", 4, 4)


def test_a_different_computer_must_be_enrolled_and_the_old_one_keeps_its_restore_points(
    front: ApiComputer, world: PortalWorld
) -> None:
    front.back_up({b"a": bytes(16)})
    report(front, CLONE)
    vault = front.vault.uuid
    hardware.tell_apart(front.computer, "admin@example.com", NOW)
    with pytest.raises(TokenRejected):
        front.ask("GET", "/status", ComputerStatus)
    computer = front.computer
    assert (computer.state, computer.restore_points, computer.awaits_approval) == ("retired", 1, False)
    assert front.vault.uuid == vault
    assert computer.state_changed_by == "admin@example.com"


def test_only_one_person_decides(front: ApiComputer, world: PortalWorld) -> None:
    report(front, CLONE)
    hardware.accept(front.computer, "admin@example.com", NOW)
    with pytest.raises(hardware.NothingToDecide):
        hardware.tell_apart(front.computer, "admin@example.com", NOW)
    assert front.computer.state == "active"
