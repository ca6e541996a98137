"""An implementor sets up a computer at a customer's: code, checklist, sheet."""
from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from flask import Flask

from protocol import messages
from protocol.errors import SetUpCodeUsedUp, TooManyAttempts
from protocol.messages import EnrolComputer, HardwareReport, ProtectedFolder, ScheduleReport, encode
from server.config import Config
from server.extensions import db
from server.models import Account, AuditEvent, Computer
from server.services.fleet import computer_changes, computer_reports, enrolment, set_up_codes
from tests.parts.api_computer import ApiComputer
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import BackedUp, PortalWorld
from tests.parts.queries import MOST, count_queries

CODE = re.compile(r'class="code large">([A-Z0-9]{3}-[A-Z0-9]{4})<')
HARDWARE = HardwareReport(host_name="RECEPTION", system="Windows 11", mac_addresses=("02:00:00:00:00:01",))


@pytest.fixture
def tech(app: Flask, world: PortalWorld) -> PageClient:
    """The browser of the implementor who serves Alice."""
    return browse(app, "tech@example.com")


def begin(tech: PageClient, world: PortalWorld) -> tuple[str, str]:
    """The address of a new visit, and its code."""
    answer = tech.fill(f"/setup/customers/{world.alice.label}", {"account": str(world.owner.id)})
    assert answer.status_code == 303
    found = CODE.search(tech.get(answer.location).text)
    assert found is not None
    return answer.location, found[1]


def enrol(code: str, config: Config, now: datetime | None = None) -> Computer:
    """A computer that signs in with a code."""
    message = EnrolComputer(set_up_code=code, client_version="1.0", windows_names=True, hardware=HARDWARE)
    enrolled = enrolment.enrol(message, "192.0.2.7", config, now or datetime.now(UTC))
    return db.session.get_one(Computer, enrolled.computer)


def states(tech: PageClient, address: str) -> list[str]:
    """The words of the checklist."""
    return re.findall(r'class="state \w+"><svg.*?</svg>(\w+)<', tech.get(f"{address}/checklist").text)


def test_the_checklist_follows_the_computer_until_everything_is_done(
    app: Flask, world: PortalWorld, tech: PageClient, config: Config
) -> None:
    address, code = begin(tech, world)
    assert states(tech, address) == ["Waiting"] * 6
    computer = enrol(code, config)
    assert computer.account_id == world.owner.id
    assert states(tech, address) == ["Done", "Done", "Waiting", "Waiting", "Waiting", "Waiting"]
    folder = ProtectedFolder(path="C:\\Accounts", files=7, bytes=900)
    computer_reports.receive_schedule(computer, ScheduleReport(
        schedule="every day at 18:00", longest_gap=86_400, folders=(folder,)), world.now)
    assert states(tech, address)[2] == "Done"
    number = BackedUp(computer, config).store({(b"C:", b"letter.txt"): b"Dear Bob"}, world.now)
    assert states(tech, address) == ["Done"] * 5 + ["Waiting"]
    computer_reports.receive_restore(computer, messages.RestoreReport(snapshot=number, files=1, bytes=8), world.now)
    last = tech.get(f"{address}/checklist")
    assert (last.status_code, states(tech, address)) == (286, ["Done"] * 6)
    with count_queries() as queries:
        sheet = tech.get(f"{address}/sheet").text
    assert len(queries) <= MOST
    for words in (world.alice.label, "alice.front", "RECEPTION", computer.id, "Gold", "every day at 18:00",
                  "1 protected folder"):
        assert words in sheet
    assert "Accounts" not in sheet
    assert code not in sheet


def test_what_went_wrong_is_told_with_what_to_do(
    app: Flask, world: PortalWorld, tech: PageClient, config: Config
) -> None:
    address, code = begin(tech, world)
    computer = BackedUp(enrol(code, config), config)
    computer.end("failed", world.now, "Can't reach the storage.")
    page = tech.get(address).text
    assert "Can&#39;t reach the storage." in page
    assert "Start it again in the client" in page


def test_a_code_works_once_in_any_spelling_and_for_a_day(
    app: Flask, world: PortalWorld, tech: PageClient, config: Config
) -> None:
    _, code = begin(tech, world)
    enrol(f" {code.lower().replace('-', ' ')} ", config)
    with pytest.raises(SetUpCodeUsedUp):
        enrol(code, config)
    _, second = begin(tech, world)
    with pytest.raises(SetUpCodeUsedUp):
        enrol(second, config, datetime.now(UTC) + timedelta(hours=24))
    with pytest.raises(SetUpCodeUsedUp):
        enrol("KX4-92QM", config)
    assert db.session.query(Computer).count() == 1
    enrolled = db.session.query(AuditEvent).filter_by(action="enrolled a computer").one()
    assert enrolled.actor == "tech@example.com"


def test_a_new_code_ends_the_one_before_and_a_closed_account_all(
    app: Flask, world: PortalWorld, tech: PageClient, config: Config
) -> None:
    (_, first), (_, second) = begin(tech, world), begin(tech, world)
    with pytest.raises(SetUpCodeUsedUp):
        enrol(first, config)
    db.session.get_one(Account, world.owner.id).closed = True
    db.session.commit()
    with pytest.raises(SetUpCodeUsedUp):
        enrol(second, config)


def test_guessing_is_stopped(app: Flask, world: PortalWorld, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_up_codes, "WRONG_ALLOWED", 3)
    for _ in range(3):
        with pytest.raises(SetUpCodeUsedUp):
            enrol("AAA-AAAA", config)
    with pytest.raises(TooManyAttempts):
        enrol("AAA-AAAB", config)
    _, code = set_up_codes.create_code(world.owner, world.now, actor="tech@example.com")
    assert enrol(code, config).name == "RECEPTION"


def test_the_code_is_kept_by_nobody_and_shown_to_its_maker_only(
    app: Flask, world: PortalWorld, tech: PageClient
) -> None:
    address, code = begin(tech, world)
    kept = str(db.session.connection().exec_driver_sql("SELECT * FROM set_up_code").all())
    assert code not in kept
    assert code.replace("-", "") not in kept
    assert '<svg width="' in tech.get(address).text
    assert CODE.search(browse(app, "admin@example.com").get(address).text) is None


def test_a_wish_for_a_backup_lasts_until_one_is_made(app: Flask, desk: ApiComputer, world: PortalWorld) -> None:
    assert desk.ask("GET", "/wishes", messages.Wishes).backup_asked_at is None
    computer = db.session.get_one(Computer, desk.enrolled.computer)
    computer_changes.ask_backup(computer, "admin@example.com", world.now)
    wishes = desk.ask("GET", "/wishes", messages.Wishes)
    assert (wishes.backup_asked_by, wishes.accepts_backups) == ("admin@example.com", True)
    BackedUp(computer, world.config).store({(b"a",): b"b"}, world.now + timedelta(seconds=1))
    assert desk.ask("GET", "/wishes", messages.Wishes).backup_asked_at is None


def test_a_computer_is_late_by_its_own_schedule(app: Flask, desk: ApiComputer, world: PortalWorld) -> None:
    computer = db.session.get_one(Computer, desk.enrolled.computer)
    BackedUp(computer, world.config).store({(b"a",): b"b"}, world.now)
    report = ScheduleReport(schedule="every day at 18:00", longest_gap=86_400,
                            next_run_at=world.now + timedelta(hours=3))
    desk.ask("PUT", "/schedule", messages.Done, report)
    db.session.refresh(computer)
    assert computer.late_at == world.now + timedelta(days=1)
    assert computer.overdue_at == world.now + timedelta(days=1, hours=12)
    assert computer.next_run_at == report.next_run_at


def test_nonsense_in_a_schedule_is_refused(app: Flask, desk: ApiComputer) -> None:
    for report in ({"longest_gap": 5}, {"longest_gap": 10**12}, {"schedule": "x" * 256},
                   {"folders": [{"path": "x" * 5000}]}):
        answer = desk.web.put("/api/v1/schedule", data=msgspec.json.encode(report), headers=desk.headers())
        assert answer.status_code == 400
    assert desk.web.put("/api/v1/schedule", data=encode(ScheduleReport()), headers=desk.headers()).status_code == 200


def test_installers_are_offered_with_their_digest_and_nothing_else_is(
    app: Flask, world: PortalWorld, tech: PageClient, config: Config
) -> None:
    folder = config.data / "downloads"
    folder.mkdir()
    (folder / "ibs-client-1.0.exe").write_bytes(b"MZ program")
    (folder / "notes.txt").write_text("secret")
    (folder / "key.exe").symlink_to(config.data / "keys" / "kek")
    address, _ = begin(tech, world)
    page = tech.get(address).text
    assert "ibs-client-1.0.exe" in page
    assert "notes.txt" not in page
    assert browse(app).get("/downloads/ibs-client-1.0.exe").data == b"MZ program"
    for name in ("notes.txt", "key.exe", "..%2Fkeys%2Fkek", "%2e%2e/keys/kek", "missing.exe"):
        assert browse(app).get(f"/downloads/{name}").status_code == 404
