"""The page Settings, as a customer uses it: the schedule, the speed, what is sent, the line, help, signing out."""
from __future__ import annotations

import json
import os
import subprocess
import zipfile
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from client.schedules.limits import SpeedLimit
from client.schedules.schedule import DAILY, HOURLY, OFF, WEEKLY
from client.store.settings import load_settings
from server.extensions import db
from server.models import Computer as KnownComputer
from tests.parts.house import Computer, House
from tests.parts.window import Hand
from tests.window.conftest import Open, OpenScreen

SIZES = [(900, 600), (360, 480)]


@pytest.fixture
def computer(house: House, tmp_path: Path) -> Computer:
    """Enrolled, with a folder that is backed up."""
    found = house.computer(house.sell("priya"))
    folder = tmp_path / "Documents"
    folder.mkdir()
    (folder / "letter.txt").write_text("Dear all\n")
    found("folder", "add", str(folder))
    return found


def at_settings(open_window: Open, computer: Computer) -> Hand:
    """The window, on its page Settings, when everything has arrived."""
    hand = open_window(computer)
    hand.click("Settings")
    hand.wait_for("Automatic backup is off.")
    hand.wait_for("Customer number")
    hand.wait_for("MAC address")
    return hand


def computer_in(house: House) -> dict[str, Any]:
    """What the portal was told by the only computer."""
    with house.portal():
        found = db.session.scalars(select(KnownComputer)).one()
        return {"schedule": found.schedule, "longest_gap": found.longest_gap, "folders": found.folders}


def test_a_schedule_is_chosen_with_the_mouse_and_the_portal_knows_it(
    house: House, computer: Computer, open_window: Open,
) -> None:
    hand = at_settings(open_window, computer)
    hand.click("On certain days of the week")
    for day in ("Mon", "Tue", "Wed", "Thu"):
        hand.click(day)
    hand.wait_for("Every Friday at 18:00.")
    hand.fill("Time", "7:3")
    hand.wait_for("Write a time such as 18:00.")
    hand.photograph("settings-wrong-time")
    hand.fill("Time", "7:30")
    hand.wait_for("Every Friday at 07:30.")
    assert hand.sees("Next backup: ")
    hand.click("Not on battery")
    hand.photograph("settings-weekly")
    hand.click("Save")
    hand.wait(lambda: load_settings(computer.home, pytest.fail).schedule.plan == WEEKLY, "the plan on the disk")
    hand.wait_for("Saved. Every Friday at 07:30.")
    plan = load_settings(computer.home, pytest.fail).schedule
    assert (plan.days, f"{plan.at:%H:%M}", plan.catch_up, plan.on_battery) == ((4,), "07:30", True, False)
    known = computer_in(house)
    assert known["schedule"] == "Every Friday at 07:30"
    assert known["longest_gap"] == 7 * 86_400


def test_a_schedule_is_chosen_with_the_keyboard_alone(computer: Computer, open_window: Open) -> None:
    hand = at_settings(open_window, computer)
    hand.press("alt+o")
    hand.wait_for("Every hour.")
    hand.press("alt+b")
    hand.wait_for("Every hour between 08:00 and 18:00.")
    hand.press("alt+m")
    hand.press("alt+e")
    hand.press("alt+v")
    hand.wait_for("Saved. Every hour between 08:00 and 18:00.")
    plan = load_settings(computer.home, pytest.fail).schedule
    assert (plan.plan, plan.catch_up, plan.on_metered) == (HOURLY, False, False)
    hand.press("alt+n")
    hand.wait_for("Nothing is backed up until you press")
    hand.press("alt+u")
    hand.wait_for("Every hour between 08:00 and 18:00.")


def test_what_was_typed_outlives_a_look_at_another_page_and_is_taken_back_by_undo(
    computer: Computer, open_window: Open,
) -> None:
    hand = at_settings(open_window, computer)
    hand.click("Every day")
    hand.fill("Time", "21:15")
    hand.wait_for("Every day at 21:15.")
    hand.click("Home")
    hand.click("Settings")
    hand.rest(1.0)
    assert hand.sees("Every day at 21:15.")
    hand.click("Undo")
    hand.wait_for("Automatic backup is off.")
    assert load_settings(computer.home, pytest.fail).schedule.plan == OFF


def test_a_schedule_that_was_changed_elsewhere_is_shown(computer: Computer, open_window: Open) -> None:
    hand = at_settings(open_window, computer)
    computer("schedule", "set", "daily", "--at", "05:00")
    hand.click("Home")
    hand.click("Settings")
    hand.wait_for("Every day at 05:00.")
    assert load_settings(computer.home, pytest.fail).schedule.plan == DAILY


def test_speed_limits_are_added_refused_and_removed(computer: Computer, open_window: Open) -> None:
    hand = at_settings(open_window, computer)
    hand.fill("KB a second at most", "fast")
    hand.click("Add limit")
    hand.wait_for("Write a number of KB a second, at least 10.")
    hand.fill("KB a second at most", "500")
    hand.click("Add limit")
    hand.wait_for("500 KB/s from 08:00 to 18:00")
    hand.photograph("settings-speed")
    assert load_settings(computer.home, pytest.fail).limits == (
        SpeedLimit(500_000, time(8), time(18)),)
    hand.click("Remove")
    hand.wait_for("No limit: as fast as the line allows.")
    assert load_settings(computer.home, pytest.fail).limits == ()


def test_what_is_sent_is_what_the_portal_has(computer: Computer, open_window: Open) -> None:
    hand = at_settings(open_window, computer)
    hand.wait_for("Machine identifier")
    report = json.loads(computer("about", "--json").said)["hardware"]
    for value in (report["host_name"], report["system"], *report["mac_addresses"]):
        assert hand.sees(value)
    hand.click("Copy")
    hand.wait_for("Copied.")
    copied = hand.window.clipboard_get()
    for value in ("priya", report["machine_id"], *report["mac_addresses"], str(computer.home)):
        assert value in copied


def test_the_connection_is_tested_and_a_portal_that_is_away_is_told_of_in_place(
    house: House, computer: Computer, open_window: Open,
) -> None:
    hand = at_settings(open_window, computer)
    hand.click("Test connection")
    hand.wait_for("The portal answers.")
    house.stop_portal()
    hand.click("Test connection")
    hand.wait_for("IBS-2201")
    hand.photograph("settings-portal-away")
    house.start_portal()
    hand.click("Test connection")
    hand.wait_for("The portal answers.")


def type_into_dialog(hand: Hand, text: str) -> subprocess.Popen[bytes]:
    """From a process of its own, a moment from now, as the window is waiting for its dialog then."""
    script = 'sleep 2; xdotool key ctrl+a; xdotool type --delay 4 -- "$1"; sleep 0.5; xdotool key Return'
    return subprocess.Popen(["sh", "-c", script, "sh", text], env=os.environ | {"DISPLAY": hand.screen.display})


def test_a_technical_report_is_saved_without_secrets(computer: Computer, open_window: Open, tmp_path: Path) -> None:
    computer.must_back_up()
    hand = at_settings(open_window, computer)
    target = tmp_path / "for the helper.zip"
    typing = type_into_dialog(hand, str(target))
    hand.click("Save technical report…")
    assert typing.wait(30) == 0
    hand.wait_for("Saved: ")
    with zipfile.ZipFile(target) as report:
        names = report.namelist()
        everything = b"".join(report.read(name) for name in names)
    assert {"about.json", "settings.xml"} <= set(names)
    assert any(name.startswith("activity/") for name in names)
    identity = (computer.home / "identity.xml").read_text()
    token = identity.partition("<token>")[2].partition("</token>")[0]
    assert token.encode() not in everything
    assert b"lease" not in everything


def test_signing_out_is_asked_once_keeps_the_folders_and_leads_to_the_sign_in(
    computer: Computer, open_window: Open,
) -> None:
    hand = at_settings(open_window, computer)
    hand.click("Sign out…")
    hand.wait_for("Sign this computer out?")
    hand.photograph("settings-sign-out")
    hand.press("Escape")
    hand.wait(lambda: not hand.sees("Sign this computer out?"))
    assert (computer.home / "identity.xml").exists()
    hand.click("Sign out…")
    hand.click("Sign out")
    hand.wait_for("Portal address")
    assert not list(computer.home.glob("identity.xml*"))
    assert load_settings(computer.home, pytest.fail).folders


def test_signing_out_while_the_portal_is_away_says_what_to_do_there(computer: Computer, open_window: Open) -> None:
    hand = at_settings(open_window, computer)
    computer.house.stop_portal()
    hand.click("Sign out…")
    hand.click("Sign out")
    hand.wait_for("Portal address")
    hand.wait_for("The portal could not be told")
    hand.wait_for("Ask your backup provider to retire this computer there.")
    assert not list(computer.home.glob("identity.xml*"))


@pytest.mark.parametrize("percent", [100, pytest.param(200, marks=pytest.mark.long)])
def test_no_text_is_cut_off_at_any_size(
    percent: int, computer: Computer, open_window: Open, screens: OpenScreen,
) -> None:
    computer("schedule", "set", "weekly", "--days", "mon,wed,fri", "--not-on-battery", "--limit", "500K@08:00-18:00")
    hand = open_window(computer, on=screens(percent * 96 // 100))
    hand.window.show("settings")
    hand.wait_for("Every Monday, Wednesday and Friday at 18:00.")
    hand.wait_for("Customer number")
    hand.wait_for("MAC address")
    for width, height in SIZES:
        hand.resize(width, height)
        look_down_the_page(hand, f"settings-{width}x{height}-{percent}")
        for plan in ("Every day", "Every few hours", "Never by itself", "On certain days of the week"):
            hand.click(plan)
            hand.rest(0.3)
            assert hand.cut_off() == []


def look_down_the_page(hand: Hand, name: str) -> None:
    """Every part of the page is seen once, and photographed."""
    room = hand.window.scroller
    assert room is not None
    room.to_top()
    places = []
    while not places or room.body.winfo_rooty() != places[-1]:
        places.append(room.body.winfo_rooty())
        assert hand.cut_off() == []
        hand.photograph(f"{name}-{len(places)}")
        room.scroll_pages(1)
        hand.rest(0.2)
    assert 1 < len(places) < 15
