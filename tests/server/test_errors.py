"""What people and computers are told when something fails."""
from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import text

from protocol import errors, messages
from protocol.messages import API, EnrolComputer, encode
from server.app import create_app
from server.config import Config
from server.database import database_address
from server.errors import status_of
from server.extensions import db
from server.models import AuditEvent
from server.services.backup.vault_keys import PortalKeyWrong
from tests.parts.api_computer import HARDWARE, ApiComputer
from tests.parts.pages import browse
from tests.parts.portal_world import PASSWORD, PortalWorld
from tests.parts.ports import free_port
from vault.errors import BackupError, ObjectMissing, StorageRefused, StorageUnreachable, VaultDamaged

ONCE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.BackupsSwitchedOff(), 403), (errors.QuotaReached(), 507), (errors.LeaseLost(), 409),
        (StorageUnreachable(), 503), (StorageRefused(), 502), (ObjectMissing(), 410), (VaultDamaged(), 409),
        (BackupError(), 500),
    ],
)
def test_it_gives_each_kind_of_failure_a_status(error: BackupError, status: int) -> None:
    assert status_of(error) == status


@ONCE
def test_it_gives_a_mistake_of_ours_a_reference_that_the_log_explains(
    desk: ApiComputer, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    desk.open_run()
    db.session.execute(text("DROP TABLE chunk"))
    db.session.commit()
    with caplog.at_level(logging.ERROR, "ibs.portal"), pytest.raises(errors.PortalFailed) as failure:
        desk.lookup([bytes(16)])
    reference = str(failure.value.details["reference"])
    assert len(reference) == 8
    (record,) = (record for record in caplog.records if record.name == "ibs.portal")
    assert reference in record.getMessage()
    assert record.exc_info is not None
    assert "chunk" not in failure.value.explain()  # tables and statements are nobody's business


@ONCE
def test_it_answers_people_with_a_page_and_computers_with_json(app: Flask, world: PortalWorld) -> None:
    web = app.test_client()
    page, problem = web.get("/nowhere/at/all"), web.get(f"{API}/nowhere")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert b"There is no such page." in page.data
    assert (problem.status_code, json.loads(problem.data)["code"]) == (404, "IBS-1301")


@ONCE
def test_people_get_a_page_with_a_reference_even_when_the_database_is_away(
    app: Flask, world: PortalWorld, config: Config
) -> None:
    cookie = browse(app, "admin@example.com").get_cookie("session")
    assert cookie is not None
    nowhere = database_address(f"mysql://ibs:secret@127.0.0.1:{free_port()}/ibs")
    client = create_app(replace(config, database_url=nowhere)).test_client()
    client.set_cookie("session", cookie.value)
    answer = client.get("/overview")
    assert answer.status_code == 500
    assert errors.PortalFailed.code in answer.text
    assert "<h1>Something went wrong</h1>" in answer.text
    assert "secret" not in answer.text


def test_it_says_so_when_the_portals_key_is_the_wrong_one(desk: ApiComputer, config: Config) -> None:
    other = create_app(replace(config, secrets=replace(config.secrets, kek=bytes(32))))
    web = other.test_client()
    response = web.post(f"{API}/runs", data=encode(desk.opening()), headers=desk.headers())
    assert response.status_code == 500
    assert json.loads(response.data)["code"] == PortalKeyWrong.code
    assert desk.open_run().number == 1  # nothing was opened by the failed request


@ONCE
@pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "203.0.113.9")])
def test_it_believes_only_the_proxies_it_was_told_of(
    app: Flask, world: PortalWorld, config: Config, proxies: int, address: str
) -> None:
    request = EnrolComputer(
        user_name="alice.front", password=PASSWORD, client_version="1", windows_names=False, hardware=HARDWARE
    )
    web = create_app(replace(config, proxies=proxies)).test_client()
    response = web.post(
        f"{messages.API}/enrolments", data=encode(request), headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
    )
    assert response.status_code == 200
    (event,) = db.session.query(AuditEvent).filter_by(action="enrolled a computer")
    assert event.address == address


@ONCE
def test_it_takes_no_form_without_its_token_from_a_browser(app: Flask, world: PortalWorld) -> None:
    answer = app.test_client().post("/sign-in", data={"name": "alice.front", "password": PASSWORD})
    assert answer.status_code == 400
    assert answer.mimetype == "text/html"
