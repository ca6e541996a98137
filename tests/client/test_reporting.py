"""What the portal hears between runs: the plan, the folders as the last snapshot has them, and whom to trust."""
from __future__ import annotations

import os
import ssl
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from client.api.certificates import look_at_certificate
from client.api.portal import Portal
from client.api.reporting import describe_plan, tell_plan
from client.schedules.schedule import DAILY, Schedule
from client.store.agenda import Agenda, KnownFolder, change_agenda, load_agenda
from client.store.settings import Settings
from protocol.errors import PortalUnreachable, PortalUntrusted
from protocol.messages import Done
from tests.client.talking_portal import HANG_UP, TalkingPortal, message
from tests.parts.certificates import make_certificate
from tests.parts.ports import free_port

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ODD = os.fsdecode(b"caf\xe9\n")


def test_the_plan_is_told_with_folders_whatever_their_names(tmp_path: Path) -> None:
    settings = Settings(tmp_path, (f"/home/{ODD}", "/home/alice"), schedule=Schedule(DAILY, time(18)))
    agenda = Agenda(settled=NOW, folders=(KnownFolder("/home/alice", 3, 1_011), KnownFolder("/other", 1, 1)))
    report = describe_plan(settings, agenda, NOW)
    assert (report.schedule, report.longest_gap) == ("Every day at 18:00", 86_400)
    assert [(folder.files, folder.bytes) for folder in report.folders] == [(0, 0), (3, 1_011)]
    assert report.folders[0].path == "/home/caf\\udce9\n"


def test_the_portal_is_told_again_only_of_what_changed(tmp_path: Path) -> None:
    there, gone = tmp_path / "there", tmp_path / "gone"
    there.mkdir()
    settings = Settings(tmp_path, (str(gone), str(there)))
    talking = TalkingPortal(HANG_UP, message(Done()))
    portal = Portal(talking.address, "t", patience=0.0)
    with pytest.raises(PortalUnreachable):
        tell_plan(settings, portal, NOW)
    assert tell_plan(settings, portal, NOW + timedelta(minutes=1))
    assert not tell_plan(settings, portal, NOW + timedelta(minutes=2))
    missing = {folder.path: folder.missing_since for folder in load_agenda(tmp_path).folders}
    assert missing == {str(gone): NOW, str(there): None}
    gone.mkdir()
    assert tell_plan(settings, portal, NOW + timedelta(minutes=3))
    assert not any(folder.missing_since for folder in load_agenda(tmp_path).folders)
    change_agenda(tmp_path, lambda agenda: replace(agenda, wished_by="somebody"))
    assert not tell_plan(settings, portal, NOW + timedelta(minutes=4))
    assert len(talking.requests) == 3
    talking.stop()
    portal.close()


# --- the certificate ---------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's side with a certificate of its own for localhost."""
    file = tmp_path / "server.pem"
    file.write_text(make_certificate().pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_trusted_certificate_is_shown_with_its_fingerprint(tls: ssl.SSLContext) -> None:
    server = TalkingPortal(message(Done()), tls=tls)
    found = look_at_certificate(server.address, make_certificate().trusted)
    server.stop()
    assert found is not None
    assert (found.subject, found.issuer) == ("localhost", "localhost")
    assert found.fingerprint.replace(":", "").lower() == make_certificate().pin.hex()
    assert timedelta(days=29) < found.valid_until - datetime.now(UTC) < timedelta(days=31)


def test_a_certificate_that_nobody_vouches_for_is_refused_in_words(tls: ssl.SSLContext) -> None:
    server = TalkingPortal(message(Done()), tls=tls)
    with pytest.raises(PortalUntrusted, match="self-signed"):
        look_at_certificate(server.address, "")
    server.stop()


def test_a_portal_on_this_computer_shows_none_and_one_that_is_away_is_said() -> None:
    assert look_at_certificate("http://127.0.0.1:9", "") is None
    with pytest.raises(PortalUnreachable):
        look_at_certificate(f"https://127.0.0.1:{free_port()}", "")
