"""The words of the page Settings, without a display."""
from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.commands.schedule import as_fields, change
from client.gui.presenters import computer, settings
from client.gui.presenters.settings import LimitForm, ScheduleForm, form_of, judge, judge_limit, words_to_save
from client.schedules.schedule import DAILY, HOURLY, OFF, WEEKLY, read_time
from client.store.settings import Settings

CHECKOUT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
STORE = Settings(Path("/nowhere"))

CLOCKS = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda time: f"{time[0]:02}:{time[1]:02}")
FORMS = st.builds(
    ScheduleForm, plan=st.sampled_from([OFF, DAILY, WEEKLY, HOURLY]), at=CLOCKS,
    days=st.sets(st.integers(0, 6), min_size=1).map(frozenset), every=st.sampled_from(settings.EVERY),
    some_hours=st.booleans(), begins=CLOCKS, ends=CLOCKS, catch_up=st.booleans(), on_battery=st.booleans(),
    on_metered=st.booleans(),
)


def run(words: list[str], before: Settings = STORE) -> Settings:
    """What the command makes of the settings; its words are read by its real parser."""
    from client.cli import make_parser

    return change(before, make_parser().parse_args(words), NOW)


@given(FORMS)
def test_what_is_saved_comes_back_into_the_form_as_it_was(form: ScheduleForm) -> None:
    if not judge(form, NOW).good:
        return
    kept = run(words_to_save(form))
    shown = form_of(as_fields(kept, DUE, ""))
    assert shown.plan == form.plan
    if form.plan in {DAILY, WEEKLY}:
        assert read_time(shown.at) == read_time(form.at)
    if form.plan == WEEKLY:
        assert shown.days == form.days
    if form.plan == HOURLY:
        assert (shown.every, shown.some_hours) == (form.every, form.some_hours)
    if form.plan != OFF:
        assert (shown.catch_up, shown.on_battery, shown.on_metered) == (
            form.catch_up, form.on_battery, form.on_metered)


@given(FORMS)
def test_every_form_is_judged_and_a_good_one_says_what_comes_next(form: ScheduleForm) -> None:
    found = judge(form, NOW, zone=UTC)
    assert found.good == bool(found.preview)
    assert bool(found.upcoming) == found.good


@pytest.mark.parametrize(("form", "preview", "upcoming"), [
    (ScheduleForm(DAILY, "18:00"), "Every day at 18:00.", "today at 18:00"),
    (ScheduleForm(DAILY, " 8:30 "), "Every day at 08:30.", "tomorrow at 08:30"),
    (ScheduleForm(WEEKLY, "18:00", frozenset({2})), "Every Wednesday at 18:00.", "25 Nov at 18:00"),
    (ScheduleForm(HOURLY, every=4), "Every 4 hours.", "today at 12:00"),
    (ScheduleForm(HOURLY, every=2, some_hours=True), "Every 2 hours between 08:00 and 18:00.", "today at 10:00"),
    (ScheduleForm(OFF), "Automatic backup is off.", "Nothing is backed up until you press"),
])
def test_the_preview_says_the_plan_and_the_next_time(
    form: ScheduleForm, preview: str, upcoming: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("client.gui.presenters.words.local", lambda moment: moment.astimezone(UTC))
    found = judge(form, NOW, zone=UTC)
    assert found.preview == preview
    assert upcoming in found.upcoming


def test_the_next_backup_of_an_unchanged_form_is_the_one_that_the_client_told_of() -> None:
    form = ScheduleForm(DAILY, "18:00")
    assert judge(form, NOW, saved=form, due=NOW - timedelta(hours=1)).upcoming == "Next backup: now."
    changed = judge(replace(form, at="19:00"), NOW, saved=form, due=NOW - timedelta(hours=1))
    assert changed.upcoming != "Next backup: now."


@pytest.mark.parametrize(("form", "field"), [
    (ScheduleForm(DAILY, "25:00"), "at"), (ScheduleForm(DAILY, ""), "at"),
    (ScheduleForm(WEEKLY, "18:00", frozenset()), "days"),
    (ScheduleForm(HOURLY, some_hours=True, begins="8"), "begins"),
    (ScheduleForm(HOURLY, some_hours=True, begins="08:00", ends="08:00"), "ends"),
])
def test_what_is_wrong_is_said_at_its_field(form: ScheduleForm, field: str) -> None:
    found = judge(form, NOW)
    assert list(found.problems) == [field]
    assert not found.good


def test_fields_that_the_plan_does_not_use_may_hold_anything() -> None:
    assert judge(ScheduleForm(OFF, "nonsense", frozenset(), begins="x"), NOW).good
    assert judge(ScheduleForm(HOURLY, "nonsense", frozenset(), begins="x"), NOW).good


def test_limits_are_added_and_removed_among_those_there_are() -> None:
    kept = STORE
    night = LimitForm("90", begins="22:00", ends="06:00")
    for form in (LimitForm("500"), LimitForm(" 4000 ", some_hours=False), night):
        assert judge_limit(form) == {}
        kept = run(settings.words_of_limits(as_fields(kept, None, ""), add=form), kept)
    assert settings.limits_in_words(as_fields(kept, None, "")) == [
        "500 KB/s from 08:00 to 18:00", "4 MB/s, all day", "90 KB/s from 22:00 to 06:00"]
    kept = run(settings.words_of_limits(as_fields(kept, None, ""), without=1), kept)
    assert [limit.rate for limit in kept.limits] == [500_000, 90_000]
    for _ in range(2):
        kept = run(settings.words_of_limits(as_fields(kept, None, ""), without=0), kept)
    assert kept.limits == ()


@pytest.mark.parametrize(("form", "fields"), [
    (LimitForm(""), ["speed"]), (LimitForm("5"), ["speed"]), (LimitForm("1.5"), ["speed"]),
    (LimitForm("500", begins="8h"), ["begins"]), (LimitForm("x", begins="", ends=""), ["speed", "begins", "ends"]),
    (LimitForm("500", some_hours=False, begins="8h"), []),
])
def test_a_wrong_limit_is_said_at_its_field(form: LimitForm, fields: list[str]) -> None:
    assert list(judge_limit(form)) == fields


# --- about this computer -----------------------------------------------------------------------------------------


ABOUT: dict[str, Any] = {
    "version": "0.1.0", "home": "/var/lib/ibs", "logs": "/var/lib/ibs/activity",
    "technical_log": "/var/lib/ibs/technical.log", "portal": "https://backup.example.org", "computer": "6e0d8f1c",
    "vault": "0f3a", "account": "priya.front", "customer_number": "C-000042", "own_authority": False,
    "hardware": {
        "host_name": "PC-FRONT", "system": "Windows 11", "machine_id": "ab12", "board_id": "", "processor": "i5",
        "memory": 2 << 30, "mac_addresses": ["aa:bb:cc:00:11:22", "aa:bb:cc:00:11:23"],
        "disks": [{"serial": "S4EV", "model": "SSD 870", "size": 500_107_862_016},
                  {"serial": "\x1b[31mX", "model": "", "size": 0}],
    },
}
STATUS = {
    "customer_number": "C-000042", "account": "priya.front", "reseller": "Nordlicht", "plan": "Gold",
    "valid_from": "2026-01-01T00:00:00+00:00", "valid_until": "2026-12-03T12:00:00+00:00", "quota": 10_000_000_000,
    "used": 2_500_000_000, "name": "PC-FRONT",
}


def test_the_account_is_told_with_the_days_that_are_left() -> None:
    rows = dict(computer.account_rows(STATUS, NOW))
    assert rows["Customer number"] == "C-000042"
    assert rows["User name"] == "priya.front"
    assert rows["Valid until"] == "3 December 2026 (10 days left)"
    assert rows["Registered"] == "1 January 2026"
    assert rows["Space"] == "2.5 GB of 10 GB used"


@pytest.mark.parametrize(("until", "words"), [
    (NOW + timedelta(days=1), "1 day left"), (NOW + timedelta(minutes=5), "last day"), (NOW, "over"),
    (NOW - timedelta(days=9), "over"),
])
def test_days_left_in_words(until: datetime, words: str) -> None:
    assert computer.days_left(until, NOW) == words


def test_everything_that_is_sent_is_shown_and_nothing_harms_the_window() -> None:
    rows = computer.hardware_rows(ABOUT)
    shown = " ".join(value for _, value in rows)
    for value in ("PC-FRONT", "Windows 11", "ab12", "i5", "aa:bb:cc:00:11:22", "aa:bb:cc:00:11:23", "S4EV", "SSD 870"):
        assert value in shown
    assert ("Board identifier", "Not known") in rows
    assert "\x1b" not in shown
    bare = ABOUT | {"hardware": ABOUT["hardware"] | {"mac_addresses": [], "disks": [], "memory": 0}}
    rows = computer.hardware_rows(bare)
    assert [value for label, value in rows if label in {"MAC address", "Disk", "Memory"}] == ["Not known"] * 3


def test_the_connection_tells_whom_it_trusts_and_what_was_seen() -> None:
    assert ("Certificate", "Checked against the authorities that this system trusts") in computer.connection_rows(
        ABOUT, None, NOW)
    own = computer.connection_rows(ABOUT | {"own_authority": True}, None, NOW)
    assert "own authority" in dict(own)["Certificate"]
    seen = dict(computer.connection_rows(ABOUT, {"milliseconds": 42, "certificate": {
        "subject": "backup.example.org", "issuer": "R11", "valid_until": "2026-12-03T12:00:00+00:00",
        "fingerprint": "AB:CD"}}, NOW))
    assert seen["Certificate"] == "backup.example.org, issued by R11"
    assert seen["Valid until"] == "3 December 2026 (10 days left)"
    assert seen["Fingerprint"] == "AB:CD"
    assert dict(computer.connection_rows(ABOUT | {"portal": ""}, None, NOW)) == {"Portal": "Not enrolled"}


def test_copied_text_names_every_value_on_a_line_of_its_own() -> None:
    text = computer.as_text(computer.account_rows(STATUS, NOW), computer.hardware_rows(ABOUT))
    assert "Customer number: C-000042\n" in text
    assert len(text.splitlines()) == len(computer.account_rows(STATUS, NOW)) + len(computer.hardware_rows(ABOUT))


@pytest.mark.parametrize("name", ["settings", "computer"])
def test_presenters_know_no_display(name: str) -> None:
    tree = ast.parse((CHECKOUT / f"client/gui/presenters/{name}.py").read_text("utf-8"))
    imported = {getattr(node, "module", None) or alias.name for node in ast.walk(tree)
                if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    assert not any("tkinter" in module or module.startswith("client.gui.widgets") for module in imported)
